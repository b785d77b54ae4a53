"""Privacy signals a browser sends, read exactly as their specifications say.

May go in here: reading a signal's header into a value. May not: what a signal denies (the policy says that, see
`consent.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signals:
    """What the request said of the person's preference.

    `gpc` is true when Global Privacy Control was on. `dnt` is True for `DNT: 1`, False for `DNT: 0` (which grants
    nothing), None when the person stated no preference.
    """

    gpc: bool = False
    dnt: bool | None = None

    @property
    def tokens(self) -> tuple[str, ...]:
        """The signals that ask for less tracking, by name, in a fixed order."""
        return (("gpc",) if self.gpc else ()) + (("dnt",) if self.dnt else ())


NO_SIGNALS = Signals()


def read_signals(gpc: Sequence[str], dnt: Sequence[str]) -> Signals:
    """What the field lines of `Sec-GPC` and of `DNT` say. Most requests have neither."""
    return Signals(gpc=read_gpc(gpc), dnt=read_dnt(dnt)) if gpc or dnt else NO_SIGNALS


def read_gpc(values: Iterable[str]) -> bool:
    """Whether the `Sec-GPC` field lines given mean an opt-out.

    Global Privacy Control, section 3.2: only the value "1" counts and any other is ignored; of several header fields
    one that is exactly "1" is enough. A list joined with commas by an intermediary is the same several fields
    (RFC 9110, section 5.3).
    """
    return any(part.strip(" \t") == "1" for value in values for part in value.split(","))


def read_dnt(values: Iterable[str]) -> bool | None:
    """What the `DNT` field lines say: True for "1", False for "0", None for nothing usable.

    Tracking Preference Expression, section 5.2: `DNT-field-value = ("0" / "1") *DNT-extension`, at most one field.
    The extension is ignored; where a sender breaks the rule and several differ, the wish not to be tracked holds.
    A comma cannot stand in an extension: it joins several fields (RFC 9110, section 5.3).
    """
    found = {part.strip(" \t")[:1] for value in values for part in value.split(",")}
    if "1" in found:
        return True
    return False if "0" in found else None
