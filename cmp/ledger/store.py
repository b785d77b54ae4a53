"""Rows: adding records, keys and counts to an open transaction, and where the chains end.

May go in here: SQL that writes, and finds what to write about. May not: beginning and ending transactions, threads
(`writer.py`).
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cmp.ledger import leaves, sealing
from cmp.ledger.leaves import Chain, Head
from cmp.ledger.record import Kind, Record

_LAST = {
    chain: f"SELECT seq, chain_hash FROM {chain} ORDER BY seq DESC LIMIT 1"  # noqa: S608 - an enumeration's value
    for chain in Chain
}


# A key is looked at again when its turn comes: the person may have been back since it was chosen.
_FORGET = (
    "DELETE FROM visitor_key WHERE visitor = ?1 AND (?2 IS NULL OR NOT EXISTS"
    " (SELECT 1 FROM owner o JOIN personal p ON p.seq = o.seq WHERE o.visitor = ?1 AND p.hour >= ?2))"
)
_LAST_SEEN_BEFORE = (
    "SELECT k.visitor FROM visitor_key k LEFT JOIN owner o ON o.visitor = k.visitor"
    " LEFT JOIN personal p ON p.seq = o.seq GROUP BY k.visitor HAVING coalesce(max(p.hour), 0) < ?"
)


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Whose keys are to be destroyed: all of them, or (`unless_since`, an hour) who has no record from then on."""

    persons: tuple[bytes, ...]
    unless_since: int | None = None


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What the caller of a stored record learns.

    `person` is the random id of who consented, `seq` counts from 1, `leaf_hash` is what a proof will be about. All
    three are None for a record that must not be linked to anybody: there is nothing to keep or to log.
    """

    person: str | None = None
    seq: int | None = None
    leaf_hash: bytes | None = None


def heads(connection: sqlite3.Connection) -> dict[Chain, Head]:
    """Where both chains end."""
    found = {}
    for chain in Chain:
        last = connection.execute(_LAST[chain]).fetchone()
        found[chain] = Head(chain, *last) if last else Head(chain, 0, leaves.origin(chain))
    return found


def append(connection: sqlite3.Connection, ends: dict[Chain, Head], record: Record) -> Acknowledgement:
    """Adds one record behind `ends`, which it moves on."""
    owner = _owner(connection, record)
    if owner is None:
        _insert(connection, ends, Chain.UNLINKABLE, record, leaves.unlinkable_leaf(record))
        return Acknowledgement()
    person, key = owner
    sealed = sealing.seal(key, person, leaves.payload(record, person.hex()))
    head = _insert(connection, ends, Chain.PERSONAL, record, leaf := leaves.personal_leaf(record, sealed), sealed)
    connection.execute("INSERT INTO owner VALUES (?, ?)", (head.size, person))
    return Acknowledgement(person.hex(), head.size, leaves.leaf_hash(leaf))


def forget(connection: sqlite3.Connection, forgetting: "Forgetting") -> int:
    """Destroys keys; how many there were. The trigger `forget_owner` takes the links to the records along."""
    return sum(connection.execute(_FORGET, (person, forgetting.unless_since)).rowcount for person in forgetting.persons)


def last_seen_before(connection: sqlite3.Connection, hour: int) -> Iterable[bytes]:
    """Everybody with a key whose last record is of an earlier hour, or who has none."""
    return [row[0] for row in connection.execute(_LAST_SEEN_BEFORE, (hour,))]


def _owner(connection: sqlite3.Connection, record: Record) -> tuple[bytes, bytes] | None:
    """Id and key of the person a record belongs to; None for a record that belongs to nobody.

    An id that is not known (erased, or of another ledger) opens nothing and is not taken up again: a consent then
    gets a new one, a withdrawal is kept as one of nobody. Neither fails: taking back must always work.
    """
    if record.person:
        person = bytes.fromhex(record.person)
        found = connection.execute("SELECT key FROM visitor_key WHERE visitor = ?", (person,)).fetchone()
        if found:
            return person, found[0]
    if record.kind is not Kind.GIVEN:
        return None
    person, key = sealing.new_id(), sealing.new_key()
    connection.execute("INSERT INTO visitor_key VALUES (?, ?)", (person, key))
    return person, key


def _insert(
    connection: sqlite3.Connection, ends: dict[Chain, Head], chain: Chain, record: Record, leaf: bytes, *rest: bytes
) -> Head:
    hashed = leaves.leaf_hash(leaf)
    head = leaves.follow(ends[chain], hashed)
    row = (head.size, record.kind.value, record.hour, leaf, hashed, head.hash, *rest)
    places = ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {chain} VALUES ({places})", row)  # noqa: S608 - an enumeration's value
    ends[chain] = head
    return head


def add_counts(connection: sqlite3.Connection, counts: Mapping[tuple[str, int], int]) -> None:
    """Adds to the counters, by event and hour."""
    connection.executemany(
        "INSERT INTO counter VALUES (?, ?, ?) ON CONFLICT (event, hour) DO UPDATE SET n = n + excluded.n",
        [(event, hour, n) for (event, hour), n in counts.items()],
    )
