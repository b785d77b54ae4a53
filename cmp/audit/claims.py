"""What a request tells its receiver about the visitor's consent.

May go in here: finding the consent strings in a request, and what each claims. May not: whether the claim is true
(`detectors/consent_signal_overclaim.py`).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from cmp.audit.platforms import PURPOSES
from cmp.audit.said import Said
from cmp.audit.strings.consent_mode import read_gcd, read_gcs
from cmp.audit.strings.gpp import OptOuts, read_gpp_string, read_us_privacy
from cmp.audit.strings.tcf import read_tc_string

_STORAGE = {"analytics_storage": "analytics"}


@dataclass(frozen=True, slots=True)
class Claim:
    """One string in one request. `granted` are the words of `platforms.WORDS` it says are permitted, `says` how."""

    signal: str
    granted: frozenset[str]
    says: tuple[str, ...]


def claims_of(said: Said) -> Iterator[Claim]:
    """Every consent string in the query or the body of a request that claims anything."""
    for name, value in said.members:
        read = _READERS.get(name.lower())
        if read is not None and (told := read(value)):
            yield Claim(name.lower(), frozenset(told.values()), tuple(sorted(told)))


def has_string(said: Said) -> bool:
    """Whether the request tells its receiver of the choice at all: a consent string with something in it."""
    return any(name.lower() in _READERS and value for name, value in said.members)


# What is claimed to be permitted, each with the word it falls under.
_Told = Mapping[str, str]


def _consent_mode(signals: Mapping[str, bool]) -> _Told:
    return {name: _STORAGE.get(name, "advertising") for name, granted in signals.items() if granted}


def _tc_string(text: str) -> _Told:
    string = read_tc_string(text)
    purposes = string.purposes if string is not None else ()
    return {f"purpose {number}": PURPOSES[number] for number in purposes if number in PURPOSES}


def _opt_outs(told: OptOuts | None) -> _Told:
    return {f"{name} not opted out": "advertising" for name, out in (told.said if told else {}).items() if not out}


def _gpp(text: str) -> _Told:
    string = read_gpp_string(text)
    if string is None:
        return {}
    told = dict(_tc_string(string.tc_string or ""))
    for section in string.opt_outs.values():
        told |= _opt_outs(section)
    return told


_READERS: Mapping[str, Callable[[str], _Told]] = {
    "gcs": lambda text: _consent_mode(read_gcs(text)),
    "gcd": lambda text: _consent_mode(read_gcd(text)),
    "gdpr_consent": _tc_string,
    "gdprconsent": _tc_string,
    "tcf_consent": _tc_string,
    "tc_string": _tc_string,
    "us_privacy": lambda text: _opt_outs(read_us_privacy(text)),
    "usprivacy": lambda text: _opt_outs(read_us_privacy(text)),
    "ccpa": lambda text: _opt_outs(read_us_privacy(text)),
    "gpp": _gpp,
}
