"""The TC string of the Transparency and Consent Framework, versions 2.0 to 2.3.

May go in here: decoding the core segment. May not: other segments, which say nothing about consent to purposes.

Source: IAB Tech Lab, "Transparency and Consent String with Global Vendor & CMP List Formats", "The core string".
"""

from dataclasses import dataclass

from cmp.audit.strings.bits import Bits, BitsError

_VERSION = 2
_DECISECONDS = 10
# So many ranges fit in no string that a request could carry.
_MOST_IDS = 65_535


@dataclass(frozen=True, slots=True)
class TcString:
    """What a TC string says. Times are Unix seconds; purposes and vendors are the framework's numbers.

    `purposes` and `vendors` are those consented to, `interest` the purposes for which legitimate interest is claimed.
    """

    created: float
    updated: float
    platform: int
    language: str
    policy_version: int
    purposes: frozenset[int]
    interest: frozenset[int]
    vendors: frozenset[int]


def read_tc_string(text: str) -> TcString | None:
    """The string decoded; None for what is none: damaged, of another version, a macro nobody filled in."""
    try:
        return _core(Bits(text.partition(".")[0]))
    except BitsError:
        return None


def _core(bits: Bits) -> TcString | None:
    if bits.number(6) != _VERSION:
        return None
    created, updated = bits.number(36) / _DECISECONDS, bits.number(36) / _DECISECONDS
    platform, _version, _screen = bits.number(12), bits.number(12), bits.number(6)
    language, _list, policy_version = bits.letters(2), bits.number(12), bits.number(6)
    _service_specific, _texts, _features = bits.flag(), bits.flag(), bits.flags(12)
    purposes, interest = bits.flags(24), bits.flags(24)
    _one, _country = bits.flag(), bits.letters(2)
    return TcString(created, updated, platform, language, policy_version, purposes, interest, _vendors(bits))


def _vendors(bits: Bits) -> frozenset[int]:
    most = bits.number(16)
    if not bits.flag():
        return bits.flags(most)
    found: set[int] = set()
    for _ in range(bits.number(12)):
        ranged = bits.flag()
        start = bits.number(16)
        end = bits.number(16) if ranged else start
        if len(found) + end - start > _MOST_IDS:
            raise BitsError("more vendors than numbers for them")
        found.update(range(start, end + 1))
    return frozenset(found)
