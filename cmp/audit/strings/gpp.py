"""The string of the Global Privacy Platform, and the four letters that came before it.

May go in here: which sections a string has, what the US sections say of sale, sharing and targeted advertising, and
their GPC subsection; `us_privacy`. May not: the TC string inside (`tcf.py`).

Sources: IAB Tech Lab, "Global Privacy Platform", "Consent String Specification" and the section pages for usnat, usca,
usva, usco, usut and usct; "CCPA Compliance Framework", "U.S. Privacy String".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cmp.audit.strings.bits import Bits, BitsError

# The header's type, and the version of it that there is.
_HEADER = (3, 1)
_TCF_EU = 2
_US_PRIVACY = 6
# Where in its section each opt-out stands, in bits from the front; two bits each: 0 does not apply, 1 opted out, 2 not.
_OPT_OUTS: Mapping[int, Mapping[str, int]] = {
    7: {"sale": 18, "sharing": 20, "targeted-advertising": 22},  # usnat
    8: {"sale": 12, "sharing": 14},  # usca
    9: {"sale": 12, "targeted-advertising": 14},  # usva
    10: {"sale": 12, "targeted-advertising": 14},  # usco
    11: {"sale": 14, "targeted-advertising": 16},  # usut
    12: {"sale": 12, "targeted-advertising": 14},  # usct
}
_OPTED_OUT, _NOT_OPTED_OUT = 1, 2
_GPC_SUBSECTION = 1
_US_STRING = re.compile(r"1[YNyn-]{3}")


@dataclass(frozen=True, slots=True)
class OptOuts:
    """What a US section says: the opt-outs that apply, each true where the person opted out, and its GPC, if told."""

    said: Mapping[str, bool] = field(default_factory=dict)
    gpc: bool | None = None

    @property
    def denies_opting_out(self) -> bool:
        """Whether it says of anything that the person did not opt out of it."""
        return not all(self.said.values())


@dataclass(frozen=True, slots=True)
class GppString:
    """The sections of a string by their number, as written, and those of the US that are decoded here."""

    sections: Mapping[int, str]
    opt_outs: Mapping[int, OptOuts]

    @property
    def tc_string(self) -> str | None:
        """The TC string for the European Union, if there is one."""
        return self.sections.get(_TCF_EU)


def read_gpp_string(text: str) -> GppString | None:
    """The string decoded; None for what is none. Sections whose form is not known here stay as written."""
    header, *sections = text.split("~")
    try:
        numbers = _section_numbers(Bits(header))
        if len(numbers) != len(sections):
            return None
        named = dict(zip(numbers, sections, strict=True))
        opt_outs = {number: _opt_outs(number, section) for number, section in named.items() if number in _OPT_OUTS}
    except BitsError:
        return None
    told = read_us_privacy(named.get(_US_PRIVACY, ""))
    return GppString(named, {**opt_outs, _US_PRIVACY: told} if told is not None else opt_outs)


def read_us_privacy(text: str) -> OptOuts | None:
    """The four letters of `us_privacy`: version, notice given, opted out of sale, agreement; None for anything else."""
    if not _US_STRING.fullmatch(text):
        return None
    sale = text[2].upper()
    return OptOuts({} if sale == "-" else {"sale": sale == "Y"})


def _section_numbers(bits: Bits) -> list[int]:
    if (bits.number(6), bits.number(6)) != _HEADER:
        raise BitsError("no header of a GPP string")
    found: list[int] = []
    last = 0
    for _ in range(bits.number(12)):
        ranged = bits.flag()
        start = last + bits.fibonacci()
        last = start + bits.fibonacci() if ranged else start
        # No section has a number anywhere near this.
        if last > 1_000:
            raise BitsError("no number of a section")
        found.extend(range(start, last + 1))
    return found


def _opt_outs(number: int, section: str) -> OptOuts:
    core, *others = section.split(".")
    said: dict[str, bool] = {}
    for name, place in _OPT_OUTS[number].items():
        bits = Bits(core)
        bits.number(place)
        answer = bits.number(2)
        if answer in (_OPTED_OUT, _NOT_OPTED_OUT):
            said[name] = answer == _OPTED_OUT
    gpc = None
    for other in others:
        bits = Bits(other)
        if bits.number(2) == _GPC_SUBSECTION:
            gpc = bits.flag()
    return OptOuts(said, gpc)
