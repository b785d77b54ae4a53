"""The tables of a desk, and which version of them a file holds.

May go in here: table definitions, creating them, telling versions apart. May not: connections and their settings
(`cmp.store.sqlite`), rows (`opt_outs.py`, `requests.py` and the like).

People stand in every table under a keyed hash (`keying.py`). How they are written is in `address` alone, once for each
client, so that deleting that row leaves an opt-out which still holds and no longer says whose it is. Nothing is ever
updated; from the tables in `_KEPT` nothing is deleted either. Times are Unix seconds, days ISO dates.
"""

import hashlib
import hmac
import sqlite3
from pathlib import Path

from cmp.desk.errors import DeskError, Reason

VERSION = 1
# "CDsk", in the header of the file: tells a desk from any other SQLite database.
APPLICATION_ID = 0x4344736B

_KEPT = ("opt_out", "entered", "disclosure", "access", "purge")
_FORGOTTEN = ("source", "request", "request_event", "consent", "address")

_TABLES = (
    "CREATE TABLE desk_schema (version INTEGER NOT NULL, secret BLOB NOT NULL)",
    "CREATE TABLE address (client TEXT, person BLOB, text TEXT NOT NULL, PRIMARY KEY (client, person)) WITHOUT ROWID",
    "CREATE TABLE source (id INTEGER PRIMARY KEY, client TEXT NOT NULL, person BLOB NOT NULL, source TEXT NOT NULL,"
    " at INTEGER NOT NULL)",
    "CREATE INDEX source_person ON source (person, client)",
    "CREATE TABLE opt_out (id INTEGER PRIMARY KEY AUTOINCREMENT, list TEXT NOT NULL, client TEXT NOT NULL,"
    " person BLOB NOT NULL, change TEXT NOT NULL CHECK (change IN ('out', 'in')), source TEXT NOT NULL,"
    " at INTEGER NOT NULL, due TEXT NOT NULL)",
    "CREATE INDEX opt_out_person ON opt_out (list, client, person, id)",
    "CREATE TABLE entered (id INTEGER PRIMARY KEY, list TEXT NOT NULL, client TEXT NOT NULL, upto INTEGER NOT NULL,"
    " at INTEGER NOT NULL, who TEXT NOT NULL)",
    "CREATE TABLE request (reference TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL,"
    " purpose TEXT NOT NULL, person BLOB NOT NULL, contact TEXT NOT NULL, text TEXT NOT NULL, opened INTEGER NOT NULL,"
    " day TEXT NOT NULL, due TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX request_person ON request (person, day)",
    "CREATE TABLE request_event (id INTEGER PRIMARY KEY AUTOINCREMENT, reference TEXT NOT NULL, state TEXT NOT NULL,"
    " client TEXT NOT NULL, identified INTEGER NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL)",
    "CREATE INDEX request_event_reference ON request_event (reference, id)",
    "CREATE TABLE consent (id INTEGER PRIMARY KEY AUTOINCREMENT, client TEXT NOT NULL, person BLOB NOT NULL,"
    " purpose TEXT NOT NULL, given INTEGER NOT NULL CHECK (given IN (0, 1)), source TEXT NOT NULL, who TEXT NOT NULL,"
    " at INTEGER NOT NULL)",
    "CREATE INDEX consent_person ON consent (person, client, purpose, id)",
    "CREATE TABLE disclosure (id INTEGER PRIMARY KEY AUTOINCREMENT, client TEXT NOT NULL, authority TEXT NOT NULL,"
    " ground TEXT NOT NULL, what TEXT NOT NULL, disclosed TEXT NOT NULL, who TEXT NOT NULL, at INTEGER NOT NULL)",
    "CREATE TABLE access (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, who TEXT NOT NULL,"
    " role TEXT NOT NULL, what TEXT NOT NULL, client TEXT NOT NULL, outcome TEXT NOT NULL)",
    "CREATE TABLE purge (id INTEGER PRIMARY KEY AUTOINCREMENT, client TEXT NOT NULL, rows INTEGER NOT NULL,"
    " who TEXT NOT NULL, at INTEGER NOT NULL)",
    *(
        f"CREATE TRIGGER {table}_update BEFORE UPDATE ON {table}"
        f" BEGIN SELECT RAISE(ABORT, 'entries are only ever appended'); END"
        for table in (*_KEPT, *_FORGOTTEN)
    ),
    *(
        f"CREATE TRIGGER {table}_delete BEFORE DELETE ON {table}"
        f" BEGIN SELECT RAISE(ABORT, 'entries are only ever appended'); END"
        for table in _KEPT
    ),
)


def create(connection: sqlite3.Connection, secret: bytes) -> None:
    """Makes the tables in one transaction. The file must be empty."""
    connection.execute("BEGIN IMMEDIATE")
    for statement in _TABLES:
        connection.execute(statement)
    connection.execute("INSERT INTO desk_schema VALUES (?, ?)", (VERSION, _mark(secret)))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("COMMIT")


def check(connection: sqlite3.Connection, file: Path, secret: bytes) -> None:
    """Raises DeskError unless the file is a desk of this version, made with this secret."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
        raise DeskError(Reason.CORRUPT, file, "is empty, which a desk never is", "restore it from a backup")
    if application != APPLICATION_ID:
        raise DeskError(
            Reason.FOREIGN, file, "is a database, but no desk", "name another path; a new desk is made where no file is"
        )
    found = connection.execute("SELECT version, secret FROM desk_schema").fetchall()
    if len(found) != 1 or found[0][0] != VERSION:
        told = ", ".join(str(row[0]) for row in found) or "none"
        raise DeskError(
            Reason.SCHEMA,
            file,
            f"has schema version {told}, this program knows version {VERSION}",
            "use the version of consentry that wrote it, or a newer one",
        )
    if not hmac.compare_digest(bytes(found[0][1]), _mark(secret)):
        raise DeskError(
            Reason.SECRET,
            file,
            "was made with another keys file, so no opt-out in it would be found again",
            "name the keys file it was made with, or another desk",
        )
    defined = {text for (text,) in connection.execute("SELECT sql FROM sqlite_master")}
    if not defined.issuperset(_TABLES):
        raise DeskError(
            Reason.CORRUPT,
            file,
            "its tables are not defined as a desk's are",
            "keep the file for inspection and restore the last backup",
        )


def _mark(secret: bytes) -> bytes:
    """Tells secrets apart without telling one."""
    return hmac.new(secret, b"consentry desk file", hashlib.sha256).digest()
