"""Reading records back, while servers write or when none does.

May go in here: records as values, in the order of the tree; one person's history and what holds of it. May not: judging
whether they are whole (`verify.py`), counting (`statistics.py`), proving (`proving.py`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from cmp.ledger import schema, sealing
from cmp.ledger.database import database_of
from cmp.ledger.heads import Head
from cmp.ledger.leaves import Part, content_of
from cmp.ledger.record import GRANTING, Kind, hour_of
from cmp.ledger.tree import Frontier

_PERSON = re.compile(r"[0-9a-f]{32}")
# Rows fetched at a time: what is read may be larger than memory.
_FETCHED = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored record. `index` is its number in the tree, from 0; None while a refusal waits for its hour to end.

    `hour` is Unix seconds. `payload` is what `leaves.payload` wrote; None where there is none, and where the key was
    destroyed.
    """

    part: Part
    index: int | None
    kind: str
    hour: int
    leaf: bytes
    payload: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds of somebody's last choice: made when, until when (Unix seconds, None: nobody can say), and what."""

    granted: frozenset[str]
    refused: frozenset[str]
    since: float
    until: float | None


def _entries(connection: Connection, part: Part, person: bytes | None) -> Iterator[Entry]:
    leaf, owner = schema.leaf.c, schema.owner.c
    query = (
        select(leaf.idx, leaf.kind, leaf.hour, leaf.body, leaf.sealed, schema.person.c.visitor, schema.person.c.key)
        .select_from(
            schema.leaf.outerjoin(schema.owner, owner.idx == leaf.idx).outerjoin(
                schema.person, schema.person.c.visitor == owner.visitor
            )
        )
        .where(leaf.part == part.value)
        .order_by(leaf.idx)
    )
    if person is not None:
        query = query.where(owner.visitor == person)
    rows = connection.execute(query, execution_options={"yield_per": _FETCHED})
    for index, kind, hour, body, sealed, visitor, key in rows:
        opened = None if key is None else sealing.unseal(bytes(key), bytes(visitor), bytes(sealed))
        yield Entry(part, index, kind, hour, bytes(body), opened)


def _waiting(connection: Connection) -> Iterator[Entry]:
    pending = schema.pending.c
    for row in connection.execute(select(schema.pending).order_by(pending.hour, pending.hash)):
        for _ in range(row.n):
            yield Entry(Part.UNLINKABLE, None, row.kind, row.hour, bytes(row.body), None)


def entries(address: str | Path, part: Part) -> Iterator[Entry]:
    """All records of a part as they are at the first step, in the order of the tree. Raises LedgerError."""
    with database_of(address).reading() as connection:
        yield from _entries(connection, part, None)
        if part is Part.UNLINKABLE:
            yield from _waiting(connection)


def history_in(connection: Connection, person: str) -> list[Entry]:
    """The records of one person, oldest first; empty for an id that is unknown or was erased."""
    return list(_entries(connection, Part.PERSONAL, bytes.fromhex(person))) if is_person(person) else []


def history(address: str | Path, person: str) -> list[Entry]:
    """The same from an address. Raises LedgerError."""
    with database_of(address).reading() as connection:
        return history_in(connection, person)


def standing_of(entries: Sequence[Entry], at: float) -> Standing | None:
    """What holds at a moment (Unix seconds) of somebody's records, oldest first; None where nothing does."""
    last = next((entry.payload for entry in reversed(entries) if entry.payload is not None), None)
    if last is None or last["kind"] not in GRANTING | {Kind.REFUSED}:
        return None
    # Records of format 1 say nothing of an end.
    until = last.get("until", 0) / 1000
    if until and at >= until:
        return None
    return Standing(frozenset(last["granted"]), frozenset(last["refused"]), last["at"] / 1000, until or None)


def is_person(text: str) -> bool:
    """Whether it has the form of a person's id."""
    return _PERSON.fullmatch(text) is not None


def head_in(connection: Connection) -> Head:
    """How large the tree is, and its root. Raises ValueError where what is kept of it cannot be."""
    row = connection.execute(select(schema.state)).one()
    frontier = Frontier.of(row.size, bytes(row.peaks))
    query = select(schema.leaf.c.hour).order_by(schema.leaf.c.idx.desc()).limit(1)
    return Head(bytes(row.ledger).hex(), frontier.size, frontier.root, hour_of(connection.scalar(query) or 0))


def head_of(address: str | Path) -> Head:
    """The same from an address. Raises LedgerError."""
    with database_of(address).reading() as connection:
        return head_in(connection)


def leaf_text(entry: Entry) -> Mapping[str, Any]:
    """What a record says, for people: its leaf, and the payload where it can be read."""
    return {**content_of(entry.leaf), **({"payload": dict(entry.payload)} if entry.payload is not None else {})}
