"""Names of query and body members that identify a person, a browser, a device or a click.

May go in here: the table of names, and whether a member's name is in it. May not: taking members out (`cmp.wire`), data
that is told by its value, such as card numbers (`sensitive.py`).

A table by names is a floor and no ceiling: whoever calls an identifier "x" passes. A policy adds the names its vendors
use (`identifiers`).
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from cmp.core.globs import Glob

# How a pattern is read: names are compared in lower case, "-" as "_", and camelCase falls together with that. A pattern
# without "_" is compared with the name without its "_": "userid" is user_id, user-id, userId and USERID; "*" stands for
# any run of characters.
# Left out on purpose, because they name things and not people as often as not: id, name, key, token, code, ref,
# tid, accountid, memberid, profileid (the last three are the publisher's own in real traffic).
IDENTIFIERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        # People, as the service that is called knows them.
        "person": (
            *("uid", "uuid", "useruuid", "userkey", "username", "personid", "suid", "duid", "*_uid", "*_uuid"),
            *("*userid", "*userguid", "*puid", "customerid", "customerkey", "customerno", "contactid", "subscriberid"),
            *("patientid", "respondentid", "participantid", "panelistid", "recipientid", "leadid", "externalid"),
            *("extuid", "extid", "partneruid", "buyeruid", "ppid", "crmid", "oxid", "_kuid", "google_hm", "shguid"),
            *("hashedid", "hashedemail", "loginid", "login"),
        ),
        # Ways to reach a person, in clear or hashed.
        "contact": (
            *("email", "emails", "emailaddress", "emailhash", "emailmd5", "emailsha1", "emailsha256", "useremail"),
            *("customeremail", "mail", "usermail", "mailaddress", "hem", "sha256email", "md5email", "em"),
            *("phone", "phonenumber", "userphone", "telephone", "tel", "mobile", "mobilenumber", "msisdn", "fax"),
            *("firstname", "lastname", "fullname", "surname", "givenname", "familyname", "birthday", "birthdate"),
            *("dob", "dateofbirth", "streetaddress", "ssn"),
        ),
        # Browsers: ids that scripts and servers give them and keep in cookies or storage.
        "browser": (
            *("cid", "*clientid", "*visitorid", "visitoruuid", "visitor", "visid", "vid", "guid", "browserid", "jid"),
            *("anonymousid", "anonid", "distinctid", "*cookieid", "cookie", "fingerprint", "fingerprintid"),
            *("browserfingerprint", "fpid", "machineid", "gacid", "gaclientid", "cookieuid", "tuuid", "muid"),
            *("unifiedid", "uid2", "uid2token", "id5id", "lotamepanoramaid", "liverampid", "rampid", "idl", "tdid"),
            *("pubcid", "sharedid", "criteoid", "eids", "ecid", "mid", "mmid", "mcid", "mboxmcgvid", "s_vi", "b_s_vi"),
            *("amcv*", "_ga", "_ga_*", "_gid", "_gl", "ga_vid", "dcm_gid", "_fbp", "_fbc", "fbp", "fbc", "_ttp", "ttp"),
            *("wt.vtid", "wt.co_f", "elq1pcguid", "bvbrandid", "_pk_id*", "_id", "_hjid", "_mkto_trk", "hubspotutk"),
            *("hsutk", "_clck", "_clsk", "_utma", "__utma", "__utmz"),
            *("utmcc", "__cfduid", "_kx", "__kla_id", "ajs_user_id", "ajs_anonymous_id", "ad_session_id"),
        ),
        # Sessions: they join the requests of one visit.
        "session": (
            *("sid", "*sessionid", "session", "sessid", "sess", "ses", "phpsessid", "aspsessionid*", "cfid", "cftoken"),
            *("visitid", "visitorsession", "mboxsession", "sessionuuid", "ga_sid", "wt.vtvs", "_p", "pvid"),
            *("pageviewid",),
        ),
        # Clicks on advertisements and in mails: each click has its own id, which leads back to who clicked.
        "click": (
            *("gclid", "gclsrc", "gbraid", "wbraid", "dclid", "gac", "_gac", "fbclid", "msclkid", "ttclid", "twclid"),
            *("li_fat_id", "lifatid", "yclid", "ymclid", "ysclid", "rdtcid", "rdt_cid", "sccid", "scclid", "epik"),
            *("igshid", "igsh", "clickid", "irclickid", "awc", "cjevent", "vmcid", "wickedid", "oppref", "s_kwcid"),
            *("ef_id", "obclid", "tblci", "srsltid", "qclid", "zanpid", "ranmid", "ransiteid", "aff_sub*"),
            *("mc_eid", "_hsenc", "_hsmi", "hsctatracking", "mkt_tok", "vero_id", "vero_conv", "oly_anon_id"),
            *("oly_enc_id", "_openstat", "ck_subscriber_id", "bsft_uid", "sg_uid", "dm_i", "trk_contact", "trk_msg"),
            *("ml_subscriber", "ml_subscriber_hash", "wt_mc_id", "rb_clickid", "__s", "_bta_tid", "_bta_c"),
            *("tduid", "cjdata", "sscid", "erid", "_branch_match_id", "bsft_clkid", "nb_klid", "dicbo", "gad_source"),
        ),
        # Addresses in the network.
        "network": (
            *("ip", "ipaddress", "ipaddr", "ipv4", "ipv6", "userip", "clientip", "remoteip", "remoteaddr", "uip"),
            *("xforwardedfor", "macaddress", "macaddr"),
        ),
        # Devices other than phones, and phones by another name than those below.
        "device": (
            *("*deviceid", "deviceuuid", "devid", "did", "hardwareid", "hwid", "serialnumber", "imei", "imsi", "udid"),
        ),
        # Advertising identifiers of phones and television sets (IAB Tech Lab, "Guidelines for Identifier for
        # Advertising (IFA) on OTT platforms", and the names measurement services use).
        "mobile": (
            *("idfa", "idfv", "ifa", "ifv", "gaid", "adid", "aaid", "gpsadid", "oaid", "waid", "afai", "msai", "rida"),
            *("tifa", "lgudid", "vida", "rdid", "androidid", "advertisingid", "advertisingidentifier"),
            *("advertiserid", "devadid", "deviceifa", "deviceadid", "mobileadid", "maid", "googleaid", "gpsaid"),
            *("appleida", "iosifa", "iosidfa", "iosidfv", "fireadid", "idfamd5", "idfasha1", "aaidmd5", "gaidmd5"),
            *("caid", "vaid", "androidadid", "appsflyerid", "adjustid"),
            *("gaidsha1", "androididmd5", "androididsha1", "dpidmd5", "dpidsha1", "didmd5", "didsha1", "openudid"),
        ),
    }
)

# Fields of a request's header that tell one browser or telephone from another, beside those whose name says so like a
# member's ("X-Device-Id"): hints that hold much (Client Hints; those that every browser sends to everybody are left),
# numbers a browser gives itself, dictionaries a server gave it before, and what networks add about the subscriber.
HEADERS = frozenset(
    {
        *("sec-ch-ua-arch", "sec-ch-ua-bitness", "sec-ch-ua-full-version", "sec-ch-ua-full-version-list"),
        *("sec-ch-ua-model", "sec-ch-ua-platform-version", "sec-ch-ua-wow64", "sec-ch-ua-form-factors"),
        *("sec-ch-device-memory", "sec-ch-dpr", "sec-ch-viewport-width", "sec-ch-viewport-height", "sec-ch-width"),
        *("sec-ch-lang", "device-memory", "dpr", "viewport-width", "width", "downlink", "ect", "rtt"),
        *("x-client-data", "sec-browsing-topics", "attribution-reporting-eligible", "attribution-reporting-support"),
        *("available-dictionary", "dictionary-id", "sec-shared-storage-writable", "sec-ad-auction-fetch"),
        *(
            "x-uidh",
            "x-acr",
            "x-vf-acr",
            "x-amobee-1",
            "x-piper-id",
            "x-turkcell-id",
            "x-up-subno",
            "x-up-subscriber-id",
        ),
        *("x-up-calling-line-id", "x-nokia-msisdn", "x-network-info", "x-wap-msisdn", "x-wap-network-client-msisdn"),
        *("x-jphone-uid", "x-em-uid", "x-dcmguid", "x-hts-clid", "x-sub-id"),
    }
)

# "user[email]", "ud[em]", "ep.user_id", "user.id": the last part names the member, the whole tells what it is about.
_PARTS = re.compile(r"[\[\].:/]+")
# Of such a path, these say that an "id", "name" or "hash" at its end is a person's, a browser's or a device's.
_OWNERS = frozenset({"user", "customer", "visitor", "person", "member", "subscriber", "device", "client", "contact"})
_OWNED = frozenset({"id", "key", "name", "hash"})

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
# An Android id, and MD5, SHA-1 and SHA-256 of an identifier; a UUID without its hyphens is as long as an MD5.
_HEX = re.compile(r"[0-9a-f]+")
_HEX_LENGTHS = frozenset({16, 32, 40, 64})


class _Names:
    """Patterns sorted by how they are compared, so that a name is looked up and not compared with each."""

    def __init__(self, patterns: Iterable[str]) -> None:
        texts = tuple(patterns)
        self.exact = frozenset(texts)
        self.globs = tuple(Glob(text) for text in texts if "*" in text and "_" in text)
        self.bare_globs = tuple(Glob(text) for text in texts if "*" in text and "_" not in text)

    def hold(self, name: str) -> bool:
        if name in self.exact or any(glob.matches(name) for glob in self.globs):
            return True
        bare = name.replace("_", "")
        return bare in self.exact or any(glob.matches(bare) for glob in self.bare_globs)


_ALL = _Names(text for group in IDENTIFIERS.values() for text in group)
_MOBILE = _Names(IDENTIFIERS["mobile"])
_CLICK = _Names(IDENTIFIERS["click"])


def identifies(name: str, extra: tuple[Glob, ...] = ()) -> bool:
    """Whether a member called `name` (decoded) identifies somebody, by the table above or by one of `extra`.

    `extra` are a policy's own patterns, compared with the name as it stands and in lower case.
    """
    lower = name.lower()
    if any(glob.matches(name) or glob.matches(lower) for glob in extra):
        return True
    plain = lower.replace("-", "_").strip()
    if _ALL.hold(plain):
        return True
    parts = [part for part in _PARTS.split(plain) if part]
    if len(parts) < 2:
        return False
    return _ALL.hold(parts[-1]) or (parts[-1] in _OWNED and not _OWNERS.isdisjoint(parts[:-1]))


def names_in_header(name: str) -> bool:
    """Whether a field called `name` (lower case) tells who asks. Cookies are looked at one by one."""
    return name in HEADERS or (name != "cookie" and _ALL.hold(name.removeprefix("x-").replace("-", "_")))


def names_click(name: str) -> bool:
    """Whether a member called `name` (decoded) is the number of a click on an advertisement or in a mail."""
    return _CLICK.hold(name.lower().replace("-", "_").strip())


def mobile_identifier(name: str, value: str) -> bool:
    """Whether a member carries the advertising identifier of a phone or television set, in clear or hashed.

    The value must have the form of one: several of the names mean other things elsewhere ("adid" an advertisement), a
    tag may send its placeholder unfilled, and an identifier of zeros alone is what a system gives out where the person
    has switched the identifier off.
    """
    plain = name.lower().replace("-", "_").strip()
    if not (_MOBILE.hold(plain) or _MOBILE.hold(_PARTS.split(plain.rstrip("]"))[-1])):
        return False
    text = value.strip().lower()
    if len(text) > max(_HEX_LENGTHS):
        return False
    if not text.strip("0-"):
        return False
    return bool(_UUID.fullmatch(text) or (len(text) in _HEX_LENGTHS and _HEX.fullmatch(text)))
