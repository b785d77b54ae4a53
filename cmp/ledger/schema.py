"""The tables of a ledger, and which version of them a file holds.

May go in here: table definitions, creating them, telling versions apart. May not: connections and their settings
(`database.py`), rows (`store.py`, `reading.py`).

The file is guarded against mistakes of ours by triggers; against others by the chains. `visitor_key` and `owner` are
outside the chains, because they must be erasable. `visitor_key` is ordered by its random ids, so its order tells
nothing about time.
"""

import sqlite3
from pathlib import Path

from cmp.ledger.errors import LedgerError, Reason

VERSION = 1
# "CLdg", in the header of the file: tells a ledger from any other SQLite database (and `file` can show it).
APPLICATION_ID = 0x434C6467

# Columns `kind` and `hour` repeat what the leaf says, for counting; `verify` compares them.
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
    # A trigger works on every connection; ON DELETE CASCADE only on those that switched foreign keys on.
    "CREATE TRIGGER forget_owner AFTER DELETE ON visitor_key BEGIN DELETE FROM owner WHERE visitor = old.visitor; END",
    *(
        f"CREATE TRIGGER {table}_{verb} BEFORE {verb} ON {table}"
        f" BEGIN SELECT RAISE(ABORT, 'records are only ever appended'); END"
        for table in ("personal", "unlinkable")
        for verb in ("update", "delete")
    ),
)


def create(connection: sqlite3.Connection) -> None:
    """Makes the tables in one transaction. The file must be empty."""
    connection.execute("BEGIN IMMEDIATE")
    for statement in _TABLES:
        connection.execute(statement)
    connection.execute("INSERT INTO ledger_schema VALUES (?)", (VERSION,))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("COMMIT")


def check(connection: sqlite3.Connection, file: Path) -> None:
    """Raises LedgerError unless the file is a ledger of this version."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
        raise LedgerError(
            Reason.CORRUPT,
            str(file),
            "is empty, which a ledger never is",
            "restore it from a backup; if it never was a ledger, delete it, and a new one is made",
        )
    if application != APPLICATION_ID:
        raise LedgerError(
            Reason.FOREIGN,
            str(file),
            "is a database, but no ledger",
            "name another path; a new ledger is made where no file is",
        )
    found = connection.execute("SELECT version FROM ledger_schema").fetchall()
    if found != [(VERSION,)]:
        told = ", ".join(str(row[0]) for row in found) or "none"
        raise LedgerError(
            Reason.SCHEMA,
            str(file),
            f"has schema version {told}, this program knows version {VERSION}",
            "use the version of consentry that wrote it, or a newer one",
        )
    # A definition altered by one byte can make the same rows mean something else. An index added by hand does no harm.
    defined = {text for (text,) in connection.execute("SELECT sql FROM sqlite_master")}
    if not defined.issuperset(_TABLES):
        raise LedgerError(
            Reason.CORRUPT,
            str(file),
            "its tables are not defined as a ledger's are",
            "keep the file for inspection and restore the last backup that `consentry ledger verify` passes",
        )
