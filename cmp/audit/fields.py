"""Names of fields and members, and what they are for: what a person types, what tells who somebody is, log data.

May go in here: the tables, and how a name is compared with them. May not: what follows from it (`detectors/`). What
identifies for the purpose of taking it out of a request stands in `cmp.core.identifiers`; this is about people only.
"""

import re

from cmp.core.kept import kept_by_text

_LAST_NAME = re.compile(r"[^\[\].]+(?=\]?$)")


@kept_by_text(4_096)
def plain_name(name: str) -> str:
    """The name of a field as it is compared: of "user[first_name]" or "user.firstName" the last part, "firstname"."""
    last = _LAST_NAME.search(name)
    return re.sub(r"[^a-z0-9]", "", (last[0] if last else name).lower())


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# ------------------------------------------------------------------------------------------- what a person types

_TYPED = re.compile(
    r"""(?x)
      (?:your|user|contact|customer|billing|shipping|lead|account|work|business)?
      (?: e?mail(?:address|adresse|id)? | confirm(?:ation)?e?mail
        | (?:tele)?phone(?:number|no|nr)? | tel(?:efon|ephone|number)? | mobile(?:phone|number)? | telefonnummer
        | (?:first|last|full|middle|given|family|sur|maiden)name | [fl]name | vorname | nachname
        | street(?:address|1|2)? | address(?:line)?[12] | strasse | postal(?:code|address) | zip(?:code)? | postcode
        | birth(?:day|date) | dateofbirth | dob
      )
    """
)
# These may be anything else as well.
_PERHAPS_TYPED = _names(
    "name yourname username login company companyname organisation organization firm firma employer jobtitle "
    "contactname customername address city message comment"
)


def is_typed(plain: str) -> bool:
    """Whether a field of this plain name holds what a person typed of themselves, whatever stands beside it."""
    return len(plain) <= 40 and _TYPED.fullmatch(plain) is not None


def may_be_typed(plain: str) -> bool:
    """Whether it does in a form that has a field which surely does."""
    return plain in _PERHAPS_TYPED


# ------------------------------------------------------------------------------------------- who somebody is

MAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}")
_DIGEST = re.compile(r"(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64})")
_HASHED_MAIL = _names(
    "em udem hem he email mail emailaddress emailhash emailhashed mailhash emailmd5 emailsha1 emailsha256 hashedemail "
    "md5email sha1email sha256email useremail"
)
# Not memberid and accountid: in real traffic they are the site's own at its advertisers.
_USER = _names(
    "userid customerid subscriberid externalid personid employeeid patientid studentid crmid loginid username"
)
# What Mixpanel's script, and those written after it, draw for a browser where nobody has signed in.
_DRAWN = re.compile(r"[0-9a-f]{13,16}-[0-9a-f]{13,16}-[0-9a-f]{6,8}-[0-9a-f]{5,8}-[0-9a-f]{13,16}")
_PERSON = _names("firstname lastname fullname givenname familyname surname vorname nachname")


def who(plain: str, value: str) -> str:
    """What a member tells of who somebody is: "mail address", "user", "name", or "" for nothing."""
    if MAIL.fullmatch(value) or (plain in _HASHED_MAIL and _DIGEST.fullmatch(value)):
        return "mail address"
    if plain in _USER and len(value) >= 3 and any(char.isdigit() for char in value) and not _DRAWN.fullmatch(value):
        return "user"
    return "name" if plain in _PERSON and value[:1].isalpha() else ""


# ------------------------------------------------------------------------------------------- log data

# Beside the name, what the value has to look like: "u" and "ref" may be anything.
_URL = re.compile(r"(?:https?:)?//[^/\s]+.*|/[^\s]*|www\.[^\s]+", re.DOTALL)
_SIZE = re.compile(r"[0-9]{2,5}(?:\s*[x,*]\s*[0-9]{2,5}.*)?")
_ZONE = re.compile(r"[+-]?[0-9]{1,5}(?:\.[0-9]+)?|[+-]?[0-9]{2}:?[0-9]{2}|(?:UTC|GMT|[A-Z][A-Za-z]+/)[\w/+:-]*")
_LOG_DATA = (
    ("page", _names("dl url u page pageurl pagelocation location loc href documenturl siteurl purl pu"), _URL),
    ("referrer", _names("dr ref referrer referer rf rl urlref documentreferrer pagereferrer"), _URL),
    (
        "screen",
        _names("sr vp screen res resolution screenresolution viewport sw sh screenwidth screenheight"),
        _SIZE,
    ),
    ("time zone", _names("tz timezone tzo tzoffset timezoneoffset utcoffset"), _ZONE),
)


def log_data(plain: str, value: str) -> str:
    """Which log data a member holds: "page", "referrer", "screen", "time zone", or "" for none."""
    return next((kind for kind, names, form in _LOG_DATA if plain in names and form.fullmatch(value)), "")
