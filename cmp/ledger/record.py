"""One choice of one person, with everything known of it at that moment.

May go in here: the value and the check of its form. May not: what is kept of it (`leaves.py`), where (`store.py`).
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from cmp.core.signals import NO_SIGNALS, Signals

SECONDS_PER_HOUR = 3600


class Kind(StrEnum):
    """What happened. The last four are no choices and come from the ledger's own calls.

    A later choice of the same person that leaves something granted is `CHANGED`, also when it takes a part back.
    """

    GIVEN = "given"
    CHANGED = "changed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    ERASED = "erased"
    DISCLOSED = "disclosed"
    POLICY = "policy"


GRANTING = frozenset({Kind.GIVEN, Kind.CHANGED})
"""Kinds that leave something granted."""


class Surface(StrEnum):
    """Where the person was asked."""

    BANNER = "banner"
    PREFERENCES = "preferences"
    EMBED = "embed"


class Source(StrEnum):
    """How the answer came in: from the script, or from the form that works without one."""

    JSON = "json"
    FORM = "form"


# Closed forms: what a visitor's browser sends cannot slip into the ledger through one of these fields.
_FORMS = {
    "policy": (re.compile(r"[0-9a-f]{64}"), "64 hexadecimal digits"),
    "policy_version": (re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,64}"), "1 to 64 printable characters"),
    "notice": (re.compile(r"[A-Za-z0-9._-]{1,64}"), "1 to 64 letters, digits, dots, dashes or underscores"),
    "language": (re.compile(r"([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4})?"), 'a language tag such as "de" or "pt-BR"'),
}
_PERSON = re.compile(r"([0-9a-f]{32})?")
_ID = r"[a-z0-9]+(?:-[a-z0-9]+)*"
_NAME = re.compile(rf"(?:vendor:)?{_ID}")
_CHOICES = GRANTING | {Kind.REFUSED, Kind.WITHDRAWN}
_LATEST = 2**36


@dataclass(frozen=True, slots=True)
class Record:
    """A choice to be stored. Raises ValueError, naming the field, for one that cannot be true.

    `at` is Unix seconds. `granted` and `refused` hold category ids, or "vendor:ID", as `cmp.core.consent.Visitor` does;
    the caller takes them from the policy, never from a request unchecked. `policy` is the fingerprint decided under,
    `notice` the version of the texts that were shown, `buttons` the ways to answer it offered, as they stood. `person`
    is the random id that an earlier consent was acknowledged with, "" where there is none. From `until` (Unix seconds,
    0: nobody can say) the grants no longer hold. A refusal with `receipt` is kept like a consent, with an id and a key,
    because the person asked for something to show.
    """

    kind: Kind
    at: float
    policy: str
    policy_version: str
    notice: str
    surface: Surface
    source: Source
    language: str = ""
    granted: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    signals: Signals = NO_SIGNALS
    person: str = ""
    buttons: tuple[str, ...] = ()
    until: float = 0
    receipt: bool = False

    def __post_init__(self) -> None:
        _check_forms(self.policy, self.policy_version, self.notice, self.language)
        if not _PERSON.fullmatch(self.person):
            raise ValueError("person: must be 32 hexadecimal digits, or nothing")
        if self.kind not in _CHOICES:
            raise ValueError("kind: must be that of a choice")
        for field, time in (("at", self.at), ("until", self.until)):
            if not 0 <= time < _LATEST:
                raise ValueError(f"{field}: must be Unix seconds")
        if len(self.buttons) > 16 or not _plain(self.buttons, 64):
            raise ValueError("buttons: must be up to 16 plain names")
        for field, names in (("granted", self.granted), ("refused", self.refused)):
            if not _plain(names, 256):
                raise ValueError(f'{field}: must hold ids of categories, or "vendor:ID"')
        if self.granted & self.refused:
            raise ValueError("granted: names what is also refused")
        if (self.kind in GRANTING) != bool(self.granted):
            raise ValueError("granted: must name something for what was given, and nothing for any other kind")
        if self.kind not in GRANTING and not self.refused:
            raise ValueError("refused: must name what was refused or withdrawn")
        if self.receipt and self.kind is not Kind.REFUSED:
            raise ValueError("receipt: only a refusal needs to ask for one, every other record with an id can have it")
        if self.kind is Kind.REFUSED and self.person:
            raise ValueError("person: a refusal belongs to nobody; who had consented before withdraws")

    @property
    def hour(self) -> int:
        """The moment rounded down to the hour, Unix seconds."""
        return hour_of(self.at)


# Nearly all records of a policy say the same in these fields. Remembered is what was found right, never a person.
@lru_cache(maxsize=256)
def _check_forms(*values: str) -> None:
    for value, (field, (form, told)) in zip(values, _FORMS.items(), strict=True):
        if not form.fullmatch(value):
            raise ValueError(f"{field}: must be {told}")


@lru_cache(maxsize=1024)
def _plain(names: frozenset[str] | tuple[str, ...], longest: int) -> bool:
    return all(len(name) <= longest and _NAME.fullmatch(name) for name in names)


def hour_of(at: float) -> int:
    """Unix seconds rounded down to the full hour."""
    return int(at) // SECONDS_PER_HOUR * SECONDS_PER_HOUR


def hour_after(at: float) -> int:
    """Unix seconds rounded up to the full hour, a part of a second aside; 0 stays 0."""
    return -(-int(at) // SECONDS_PER_HOUR) * SECONDS_PER_HOUR
