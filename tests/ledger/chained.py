"""Ledgers as versions before there were trees wrote them: two chains in a file of SQLite.

May go in here: the tables, hashes and leaves of format 1, as they were. May not: anything that new ledgers have.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cmp.ledger import sealing
from cmp.ledger.record import Kind, Record

_TABLES = (
    "CREATE TABLE ledger_schema (version INTEGER NOT NULL)",
    "CREATE TABLE personal (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, hour INTEGER NOT NULL, leaf BLOB NOT NULL,"
    " leaf_hash BLOB NOT NULL, chain_hash BLOB NOT NULL, payload BLOB NOT NULL)",
    "CREATE TABLE unlinkable (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, hour INTEGER NOT NULL, leaf BLOB NOT NULL,"
    " leaf_hash BLOB NOT NULL, chain_hash BLOB NOT NULL)",
    "CREATE TABLE visitor_key (visitor BLOB PRIMARY KEY, key BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE owner (seq INTEGER PRIMARY KEY, visitor BLOB NOT NULL)",
    "CREATE INDEX owner_visitor ON owner (visitor)",
    "CREATE TABLE counter (event TEXT, hour INTEGER, n INTEGER NOT NULL, PRIMARY KEY (event, hour)) WITHOUT ROWID",
    "CREATE TRIGGER forget_owner AFTER DELETE ON visitor_key BEGIN DELETE FROM owner WHERE visitor = old.visitor; END",
    *(
        f"CREATE TRIGGER {table}_{verb} BEFORE {verb} ON {table}"
        f" BEGIN SELECT RAISE(ABORT, 'records are only ever appended'); END"
        for table in ("personal", "unlinkable")
        for verb in ("update", "delete")
    ),
)


def _canonical(value: dict[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def chained(file: Path, records: Iterable[Record], counts: Iterable[tuple[str, int, int]] = ()) -> list[str]:
    """A file with these records, closed; the ids of those who consented, in order."""
    connection = sqlite3.connect(file, isolation_level=None)
    for statement in _TABLES:
        connection.execute(statement)
    connection.execute("INSERT INTO ledger_schema VALUES (1)")
    connection.execute("PRAGMA application_id = 0x434C6467")
    connection.execute("PRAGMA journal_mode = WAL")
    ends = {
        name: (0, hashlib.sha256(f"consentry ledger 1 {name}".encode()).digest()) for name in ("personal", "unlinkable")
    }
    persons: list[str] = []
    for record in records:
        if record.kind is Kind.GIVEN or record.person:
            visitor, sealed = _seal(connection, record)
            leaf = {"payload": hashlib.sha256(sealed).hexdigest()}
            seq = _append(connection, ends, "personal", record, leaf, sealed)
            connection.execute("INSERT INTO owner VALUES (?, ?)", (seq, visitor))
            if not record.person:
                persons.append(visitor.hex())
        else:
            shown = {"policy_version": record.policy_version, "notice": record.notice, "surface": record.surface}
            _append(connection, ends, "unlinkable", record, {**shown, "refused": sorted(record.refused)})
    connection.executemany("INSERT INTO counter VALUES (?, ?, ?)", counts)
    connection.close()
    file.chmod(0o600)
    return persons


def _seal(connection: sqlite3.Connection, record: Record) -> tuple[bytes, bytes]:
    if record.person:
        visitor = bytes.fromhex(record.person)
        (key,) = connection.execute("SELECT key FROM visitor_key WHERE visitor = ?", (visitor,)).fetchone()
    else:
        visitor, key = sealing.new_id(), sealing.new_key()
        connection.execute("INSERT INTO visitor_key VALUES (?, ?)", (visitor, key))
    payload = {
        "format": 1,
        "person": visitor.hex(),
        "kind": record.kind,
        "at": round(record.at * 1000),
        "policy": record.policy,
        "policy_version": record.policy_version,
        "notice": record.notice,
        "surface": record.surface,
        "source": record.source,
        "language": record.language,
        "granted": sorted(record.granted),
        "refused": sorted(record.refused),
        "gpc": record.signals.gpc,
        "dnt": record.signals.dnt,
    }
    return visitor, sealing.seal(key, visitor, _canonical(payload))


def _append(
    connection: sqlite3.Connection,
    ends: dict[str, tuple[int, bytes]],
    chain: str,
    record: Record,
    rest: dict[str, Any],
    *sealed: bytes,
) -> int:
    leaf = _canonical({"format": 1, "kind": record.kind, "hour": record.hour, "policy": record.policy, **rest})
    hashed = hashlib.sha256(b"\x00" + leaf).digest()
    seq, last = ends[chain][0] + 1, hashlib.sha256(b"\x02" + ends[chain][1] + hashed).digest()
    ends[chain] = seq, last
    row = (seq, record.kind.value, record.hour, leaf, hashed, last, *sealed)
    connection.execute(f"INSERT INTO {chain} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608 - test data
    return seq
