"""Records of a ledger as evidence of what the visitor of a capture chose.

May go in here: which records are of that visitor, and what they say as choices on the capture's clock. May not: putting
them in order with anything else (`choices.py`), keeping or checking a ledger (`cmp.ledger`).

A consent's record has an id, and the consent cookie names it; so the capture itself says which records are of its
visitor. A refusal's record has none and cannot be said to be anybody's: it is counted, and never taken for evidence.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cmp.audit.choices import LEDGER, Chosen
from cmp.audit.clocks import Clock
from cmp.audit.named import records_named
from cmp.audit.replay import Said
from cmp.capture.capture import Capture, Note
from cmp.core.consent import Visitor
from cmp.core.exchange import Unseen
from cmp.core.signals import Signals
from cmp.ledger import sealing
from cmp.ledger.contents import Contents, LeafFound
from cmp.ledger.leaves import content_of
from cmp.ledger.opening import contents_of
from cmp.ledger.record import SECONDS_PER_HOUR

# How far a record's time and a capture's may be off once the difference of their clocks is taken out, and where nobody
# could measure that: seconds.
_MEASURED, _UNMEASURED = 1.0, 5.0


@dataclass(frozen=True, slots=True)
class Read:
    """A record that can be read: its place in the ledger, its leaf's hash, what it says, and when (Unix seconds)."""

    index: int
    hash: str
    at: float
    said: str
    visitor: Visitor


@dataclass(frozen=True)
class Records:
    """A ledger, or an export of one, asked for the records of each capture's visitor. `persons` are ids the auditor
    names, for captures that do not show the consent cookie."""

    source: str
    persons: frozenset[str] = frozenset()

    def within(self, capture: Capture, clock: Clock | None) -> Said:
        """The choices of the capture's visitor, and what a reader must know of them. Raises LedgerError."""
        times = [one.asked.time for one in capture.entries if Unseen.TIME not in one.asked.unseen]
        if not times:
            text = "the capture has no times, so that no record can be placed in it"
            return Said(notes=(Note("ledger-untimed", text),))
        named = self.persons | records_named(capture)
        behind, margin = (0.0, _UNMEASURED) if clock is None else (clock.behind, _MEASURED + clock.spread)
        with contents_of(self.source) as contents:
            found, nobodys = _records(contents, named, min(times) + behind, max(times) + behind)
        notes = []
        if not found:
            why = "no consent cookie in the capture names a record" if not named else "it holds none of the visitor's"
            notes.append(Note("ledger-silent", f"the ledger says nothing of this visitor: {why}"))
        if nobodys:
            text = f"{nobodys} records of the capture's hours have no id: refusals, of this visitor or of others"
            notes.append(Note("ledger-unlinkable", text))
        if found and clock is None:
            text = f"no server's clock is known: the ledger's times are taken to be within {_UNMEASURED:g} s"
            notes.append(Note("ledger-clock", text))
        chosen = [_chosen(read, read.at - behind, margin) for read in found]
        return Said(chosen, tuple(notes), {read.index: read.hash for read in found})


def digest_of(used: Mapping[int, str]) -> str:
    """SHA-256 over the hashes of leaves, in the order of their places."""
    return hashlib.sha256("".join(f"{index}:{used[index]}\n" for index in sorted(used)).encode("ascii")).hexdigest()


def hashes_at(source: str, places: Iterable[int]) -> dict[int, str]:
    """The hashes of leaves as they stand in a ledger now. Raises LedgerError."""
    wanted = set(places)
    with contents_of(source) as contents:
        return {leaf.number: _hash(leaf) for leaf in contents.leaves() if leaf.number in wanted}


def _records(contents: Contents, persons: frozenset[str], start: float, end: float) -> tuple[list[Read], int]:
    """The records of these persons in order of time, and how many of the hours of a capture are nobody's."""
    found: list[Read] = []
    nobodys = 0
    for leaf in contents.leaves():
        content = content_of(leaf.body) if isinstance(leaf.body, bytes) else {}
        if isinstance(leaf.visitor, bytes):
            if leaf.visitor.hex() in persons and (read := _read(leaf)) is not None:
                found.append(read)
        elif "refused" in content and isinstance(hour := content.get("hour"), int):
            nobodys += start - SECONDS_PER_HOUR < hour <= end
    return sorted(found, key=lambda read: (read.at, read.index)), nobodys


def _read(leaf: LeafFound) -> Read | None:
    """What a record says, None for one whose key was destroyed or that is damaged."""
    if not (isinstance(leaf.key, bytes) and isinstance(leaf.visitor, bytes) and isinstance(leaf.sealed, bytes)):
        return None
    payload = sealing.unseal(leaf.key, leaf.visitor, leaf.sealed)
    if payload is None or not isinstance(at := payload.get("at"), int):
        return None
    granted, refused = (frozenset(map(str, payload.get(name, ()))) for name in ("granted", "refused"))
    said = ",".join(sorted(granted)) or str(payload.get("kind", ""))
    return Read(leaf.number, _hash(leaf), at / 1000, said, _visitor(payload, at / 1000, granted, refused))


def _visitor(payload: Mapping[str, Any], at: float, granted: frozenset[str], refused: frozenset[str]) -> Visitor:
    shown = Signals(gpc=payload.get("gpc") is True, dnt=payload.get("dnt") if payload.get("dnt") is not None else None)
    return Visitor(granted, refused, at, str(payload.get("policy", "")), shown)


def _hash(leaf: LeafFound) -> str:
    return leaf.hash.hex() if isinstance(leaf.hash, bytes) else ""


def _chosen(read: Read, at: float, margin: float) -> Chosen:
    return Chosen(at - margin, at + margin, read.said, LEDGER, lambda _: read.visitor)
