"""Where a visitor is, and what holds there.

May go in here: places, regions and the choice between them. May not: how a place is learnt (a header, a setting: that
is looked up at the edge) and what a category is.

A place is an ISO 3166 code: a country ("DE") or a subdivision ("US-CA"); "" where nobody knows.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

# The European Economic Area (Agreement of 1992): the 27 members of the Union, Iceland, Liechtenstein, Norway.
EU = frozenset(
    {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"}
    | {"IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"}
)
EEA = EU | {"IS", "LI", "NO"}
# Officially assigned codes of ISO 3166-1 alpha-2.
_CODES = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW "
    "BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI "
    "FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN "
    "IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME "
    "MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF "
    "PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV "
    "SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE "
    "YT ZA ZM ZW"
)
COUNTRIES = frozenset(_CODES.split())
GROUPS: Mapping[str, frozenset[str]] = {"EU": EU, "EEA": EEA}


@dataclass(frozen=True, slots=True)
class Region:
    """A group of places with rules of its own: defaults by category, and seconds until a visitor is asked again."""

    id: str
    places: frozenset[str]
    defaults: Mapping[str, bool] = field(default_factory=dict)
    ask_again: int | None = None


@dataclass(frozen=True, slots=True)
class Regions:
    """The regions of a policy, and where a visitor's place is taken from.

    `header` is the name of a request header that the operator's own edge sets (lower case), `fixed` a place that is
    true of everybody; both "" where there is no source, so that no place is ever known.
    """

    defined: tuple[Region, ...] = ()
    header: str = ""
    fixed: str = ""

    def possible(self, place: str) -> tuple[Region | None, ...]:
        """The regions a visitor may be in, None standing for "in none of them".

        An unknown place may be in any. A country without its subdivision may be in any region of that country.
        """
        if not self.defined:
            return (None,)
        if not place:
            return (*self.defined, None)
        country, _, subdivision = place.partition("-")
        if subdivision:
            named = [region for region in self.defined if place in region.places]
            whole = [region for region in self.defined if country in region.places]
            return tuple((named or whole)[:1]) or (None,)
        all_of_it = next((region for region in self.defined if country in region.places), None)
        inside = [r for r in self.defined if any(p.startswith(f"{country}-") for p in r.places)]
        return (*inside, all_of_it)

    def default(self, place: str, category: str, otherwise: bool) -> bool | None:
        """What holds for a category before any choice: None where no region says anything of it, else the strictest
        of what may hold. `otherwise` is the policy's own default, for where no region has one."""
        said = [r.defaults.get(category) if r is not None else None for r in self.possible(place)]
        if all(found is None for found in said):
            return None
        return all(otherwise if found is None else found for found in said)

    def ask_again(self, place: str, otherwise: int, choose: Callable[[Iterable[int]], int]) -> int:
        """Seconds a choice holds. `choose` is `min` for what was granted and `max` for what was refused: where the
        place is not known, permission ends at the earliest and a refusal at the latest."""
        if not self.defined:
            return otherwise
        return choose((r.ask_again if r is not None else None) or otherwise for r in self.possible(place))


NO_REGIONS = Regions()


def read_place(text: str) -> str:
    """A place as a header or a person writes it, "" for anything that is no ISO 3166 code.

    Edges write "XX" or "ZZ" for an unknown place, "T1" for Tor, "EU" or "AP" where they know the continent alone.
    """
    place = text.strip().upper().replace("_", "-")
    country, _, subdivision = place.partition("-")
    if country not in COUNTRIES or (
        subdivision and not (len(subdivision) <= 3 and subdivision.isascii() and subdivision.isalnum())
    ):
        return ""
    return place


def expand(places: Iterable[str]) -> frozenset[str]:
    """Places with the groups "EU" and "EEA" written out."""
    return frozenset(found for place in places for found in GROUPS.get(place, (place,)))
