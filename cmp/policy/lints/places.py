"""Countries and regions that are none, or that meet.

May go in here: lints on places, transfers and host names of the site. May not: what holds in a place (`consent.py`).
"""

from collections.abc import Iterator

from cmp.core.classify import host_suffixes
from cmp.core.regions import GROUPS
from cmp.core.urls import parse_host
from cmp.policy.lints.advice import Found, Level, Lint, Subject, Where

# ISO 3166-1 alpha-2, officially assigned.
_LISTED = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ "
    "CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR "
    "GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO "
    "JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR "
    "MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO "
    "RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV "
    "TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
)
COUNTRIES = frozenset(_LISTED.split())
# Written often, and another country or none.
_MEANT = {"UK": "GB", "EL": "GR", "EN": "GB", "EUR": "EU"}


def _places(subject: Subject) -> Iterator[tuple[Where, str]]:
    document = subject.document
    for n, vendor in enumerate(document.get("vendors", [])):
        if "country" in vendor:
            yield ("vendors", n, "country"), vendor["country"]
    for n, party in enumerate(document.get("parties", [])):
        if "country" in party:
            yield ("parties", n, "country"), party["country"]
    if "country" in document.get("controller", {}):
        yield ("controller", "country"), document["controller"]["country"]
    for n, place in enumerate(document.get("transfers", {}).get("within", [])):
        yield ("transfers", "within", n), place
    for n, region in enumerate(document.get("regions", {}).get("defined", [])):
        for m, place in enumerate(region["places"]):
            yield ("regions", "defined", n, "places", m), place
    if "fixed" in document.get("regions", {}).get("source", {}):
        yield ("regions", "source", "fixed"), document["regions"]["source"]["fixed"]


def _no_country(subject: Subject) -> Iterator[Found]:
    for where, place in _places(subject):
        country = place.partition("-")[0]
        # "ZZ" says that the country is not known; groups are written out.
        if country in COUNTRIES or country == "ZZ" or (place in GROUPS and where[-1] != "fixed"):
            continue
        meant = _MEANT.get(country)
        yield where, f'"{place}" is no country', f'write "{meant}"' if meant else "write an ISO 3166 code such as IE"


def _met(subject: Subject) -> Iterator[Found]:
    seen: dict[str, str] = {}
    for n, region in enumerate((subject.whole["regions"] or {"defined": []})["defined"]):
        for place in region["places"]:
            if place in seen:
                what = f'{place} is in "{seen[place]}" already, whose rules hold there'
                yield ("regions", "defined", n, "places"), what, "leave it in one"
            seen.setdefault(place, region["id"])


def _country_missing(subject: Subject) -> Iterator[Found]:
    transfers = subject.policy.transfers
    if transfers is None:
        return
    for n, vendor in enumerate(subject.document.get("vendors", [])):
        known = subject.policy.vendors[vendor["id"]]
        never = subject.categories[known.category]["never"]
        if known.country == "ZZ" and known.id not in transfers.exempt and not never:
            does = "is refused" if transfers.deny else "is reported"
            what = f'the country of "{known.id}" is not known, so it {does} as one outside'
            yield ("vendors", n), what, 'add "country"'


def _rests_on_nothing(subject: Subject) -> Iterator[Found]:
    if subject.policy.transfers is None:
        return
    for n, id_ in enumerate(subject.document["transfers"].get("except", [])):
        vendor = subject.policy.vendors[id_]
        if vendor.country not in subject.policy.transfers.within and not vendor.transfer_basis:
            what = f'"{id_}" may be outside ({vendor.country}), and nothing says on what the transfer rests'
            yield ("transfers", "except", n), what, 'add "transferBasis" to the vendor'


def _alias_elsewhere(subject: Subject) -> Iterator[Found]:
    for n, vendor in enumerate(subject.document.get("vendors", [])):
        for m, alias in enumerate(vendor.get("aliases", [])):
            if not any(suffix in subject.policy.sites for suffix in host_suffixes(parse_host(alias))):
                what = f'"{alias}" is no host of the site, so it is no alias there'
                yield ("vendors", n, "aliases", m), what, 'write it under "hosts", or add the site'


LINTS: tuple[Lint, ...] = (
    Lint("no-country", Level.WARNING, _no_country, "ISO 3166-1"),
    Lint("regions-meet", Level.WARNING, _met),
    Lint("country-missing", Level.WARNING, _country_missing),
    Lint("transfer-without-basis", Level.WARNING, _rests_on_nothing, "GDPR Art. 44 to 46"),
    Lint("alias-elsewhere", Level.WARNING, _alias_elsewhere),
)
