"""Reading records back, while the server writes or when it does not.

May go in here: records as values, in the order they were stored; one person's history. May not: judging whether they
are whole (`verify.py`), counting (`statistics.py`).
"""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cmp.ledger import database, sealing, store
from cmp.ledger.address import ledger_file
from cmp.ledger.leaves import Chain, Head

_SELECT = {
    Chain.PERSONAL: "SELECT p.seq, p.kind, p.hour, p.leaf, p.payload, k.visitor, k.key FROM personal p"
    " LEFT JOIN owner o ON o.seq = p.seq LEFT JOIN visitor_key k ON k.visitor = o.visitor {where} ORDER BY p.seq",
    Chain.UNLINKABLE: "SELECT seq, kind, hour, leaf, NULL, NULL, NULL FROM unlinkable ORDER BY seq",
}
_PERSON = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored record. `seq` counts from 1 within its chain, `hour` is Unix seconds.

    `payload` is what `leaves.payload` wrote; None in the unlinkable chain, and where the key was destroyed.
    """

    chain: Chain
    seq: int
    kind: str
    hour: int
    leaf: bytes
    payload: Mapping[str, Any] | None


def _entries(connection: sqlite3.Connection, chain: Chain, person: bytes | None) -> Iterator[Entry]:
    where = "" if person is None else "WHERE o.visitor = ?"
    rows = connection.execute(_SELECT[chain].format(where=where), () if person is None else (person,))
    for seq, kind, hour, leaf, sealed, visitor, key in rows:
        opened = None if key is None else sealing.unseal(key, visitor, sealed)
        yield Entry(chain, seq, kind, hour, leaf, opened)


def entries(address: str | Path, chain: Chain) -> Iterator[Entry]:
    """All records of a chain as they are at the first step, oldest first. Raises LedgerError."""
    with database.reading(ledger_file(address)) as connection:
        yield from _entries(connection, chain, None)


def history(address: str | Path, person: str) -> list[Entry]:
    """The records of one person, oldest first; empty for an id that is unknown or was erased. Raises LedgerError."""
    if not is_person(person):
        return []
    with database.reading(ledger_file(address)) as connection:
        return list(_entries(connection, Chain.PERSONAL, bytes.fromhex(person)))


def is_person(text: str) -> bool:
    """Whether it has the form of a person's id."""
    return _PERSON.fullmatch(text) is not None


def persons_before(address: str | Path, hour: int) -> list[bytes]:
    """Ids of everybody whose key is there and whose last record is of an earlier hour. Raises LedgerError."""
    with database.reading(ledger_file(address)) as connection:
        return list(store.last_seen_before(connection, hour))


def heads_of(address: str | Path) -> list[Head]:
    """Where both chains end. Raises LedgerError."""
    with database.reading(ledger_file(address)) as connection:
        return list(store.heads(connection).values())
