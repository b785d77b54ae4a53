"""What goes wrong with a database, said so that its operator can mend it.

May go in here: the error, and what the result codes of SQLite and PostgreSQL mean to an operator. May not: catching.
"""

import re
import sqlite3
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, TypeVar


class Reason(StrEnum):
    """Why, for a program to act on. `BUSY` passes by itself; `CLOSED` never does."""

    ADDRESS = "address"
    BUSY = "busy"
    CLOSED = "closed"
    CORRUPT = "corrupt"
    FAILED = "failed"
    FOREIGN = "foreign"
    FULL = "full"
    IN_USE = "in-use"
    LOCKED = "locked"
    MISSING = "missing"
    READ_ONLY = "read-only"
    SCHEMA = "schema"
    SECRET = "secret"  # noqa: S105 - a reason, not a secret
    UNREACHABLE = "unreachable"


class StoreError(Exception):
    """Something was not stored, or could not be read. `str()` names file, fault and next step in one line.

    The message never holds anything of a person, and no password: `file` is the path, or the address without one.
    """

    # What to do about damage, and about what nobody foresaw.
    restore: ClassVar[str] = "keep the file for inspection and restore the last backup"
    look: ClassVar[str] = "look at the system log and the last backup"

    def __init__(self, reason: Reason, file: Path | str, what: str, remedy: str) -> None:
        super().__init__(f"{file}: {what}; {remedy}")
        self.reason, self.file, self.what, self.remedy = reason, str(file), what, remedy


E = TypeVar("E", bound=StoreError)

# The remedy is the `restore` of who raises it.
_RESTORE = ""

# By primary result code (https://www.sqlite.org/rescode.html): the low byte of the extended one.
_SQLITE: dict[int, tuple[Reason, str, str]] = {
    sqlite3.SQLITE_FULL: (Reason.FULL, "the disk is full", "free some space; writing goes on by itself then"),
    sqlite3.SQLITE_READONLY: (
        Reason.READ_ONLY,
        "the file, its folder or the file system is read-only",
        "make both writable for this user; writing goes on by itself then",
    ),
    sqlite3.SQLITE_BUSY: (
        Reason.LOCKED,
        "another program holds a lock on the file",
        "end that program (a backup, a database shell); writing goes on by itself then",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        Reason.MISSING,
        "the file cannot be opened",
        "check that file and folder exist and belong to this user",
    ),
    sqlite3.SQLITE_PERM: (Reason.READ_ONLY, "access to the file is denied", "give this user the file and its folder"),
    sqlite3.SQLITE_CORRUPT: (Reason.CORRUPT, "the database is damaged", _RESTORE),
    sqlite3.SQLITE_NOTADB: (Reason.CORRUPT, "the file is no SQLite database, or its first bytes are damaged", _RESTORE),
    sqlite3.SQLITE_IOERR: (
        Reason.FAILED,
        "reading or writing the file failed",
        "look at the disk, the quota and the system log; writing goes on by itself once the disk does",
    ),
}

_GOES_ON = "writing goes on by itself then"
_REACH = f"start the server or mend the way to it; {_GOES_ON}"

# By SQLSTATE, the longest beginning that is listed (https://www.postgresql.org/docs/current/errcodes-appendix.html).
# "": no answer at all, the connection is gone.
_POSTGRES: dict[str, tuple[Reason, str, str]] = {
    "": (Reason.UNREACHABLE, "the database server cannot be reached", _REACH),
    "08": (Reason.UNREACHABLE, "the connection to the database server failed", _REACH),
    "57P": (Reason.UNREACHABLE, "the database server is stopping or starting", _REACH),
    "28": (Reason.READ_ONLY, "the database server refuses this user", "check user and password in the address"),
    "42501": (Reason.READ_ONLY, "this user may not do that", "grant it the rights that docs/operator.md lists"),
    "3D000": (Reason.MISSING, "there is no such database", "make it (createdb), or name another one"),
    "25006": (
        Reason.READ_ONLY,
        "the database takes no writes (a standby, or read-only)",
        f"name the primary server; {_GOES_ON}",
    ),
    "53": (Reason.FULL, "the database server has run out of disk, memory or connections", f"free some; {_GOES_ON}"),
    "53100": (Reason.FULL, "the database server's disk is full", f"free some space; {_GOES_ON}"),
    "55P03": (Reason.LOCKED, "another session holds a lock", f"end that session; {_GOES_ON}"),
    "40": (Reason.LOCKED, "the database server broke off in favour of another session", "nothing, if it stays rare"),
    "57014": (Reason.LOCKED, "the database server took too long", f"look at its load; {_GOES_ON}"),
    "58": (Reason.FAILED, "the database server's disk failed", "look at that disk and the server's log"),
    "XX001": (Reason.CORRUPT, "the database is damaged", _RESTORE),
    "XX002": (Reason.CORRUPT, "the database is damaged", _RESTORE),
}


# Who is refused a connection gets a message and no SQLSTATE from the driver. In another language than English it stays
# "cannot be reached".
_POSTGRES_REFUSALS = (
    (re.compile(r'database ".*" does not exist'), "3D000"),
    (re.compile(r'role ".*" (does not exist|is not permitted)|authentication failed|no pg_hba.conf entry'), "28"),
    (re.compile(r"too many (clients|connections)|connection slots are reserved"), "53"),
)


def from_sqlite(kind: type[E], file: Path | str, error: Exception) -> E:
    """An error of SQLite as its operator should read it. Raise it `from` the original."""
    # Text that is not UTF-8 can only be damage: everything was written as UTF-8.
    code = sqlite3.SQLITE_CORRUPT if isinstance(error, UnicodeError) else getattr(error, "sqlite_errorcode", 0)
    reason, what, remedy = _SQLITE.get(code & 0xFF, (Reason.FAILED, "the database refused", kind.look))
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return kind(reason, file, f"{what} ({name})", remedy or kind.restore)


def from_postgres(kind: type[E], place: str, error: Exception) -> E:
    """The same for an error of PostgreSQL, or of its driver (an attribute `sqlstate`, None where there was no answer).

    Nothing of the server's own message is told: it can quote a row.
    """
    state = getattr(error, "sqlstate", None) or ""
    if not state:
        state = next((known for refusal, known in _POSTGRES_REFUSALS if refusal.search(str(error))), "")
    beginnings = (state[:length] for length in range(len(state), -1, -1))
    known = next((start for start in beginnings if start in _POSTGRES and (start or not state)), None)
    refused = (Reason.FAILED, "the database refused", kind.look)
    reason, what, remedy = refused if known is None else _POSTGRES[known]
    return kind(reason, place, f"{what} ({state or type(error).__name__})", remedy or kind.restore)


def from_os(kind: type[E], file: Path | str, error: OSError) -> E:
    """The same for an error of the operating system."""
    what = (error.strerror or type(error).__name__).lower()
    reason = Reason.READ_ONLY if isinstance(error, PermissionError) else Reason.FAILED
    return kind(reason, file, what, "check that the folder exists and that this user may write in it")
