"""What goes wrong with the desk's file, said so that its operator can mend it.

May go in here: the error, and what SQLite's result codes mean to an operator. May not: catching (`database.py`).
"""

import sqlite3
from enum import StrEnum
from pathlib import Path


class Reason(StrEnum):
    """Why, for a program to act on. `BUSY` passes by itself; `CLOSED` never does."""

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


class DeskError(Exception):
    """Something was not stored, or could not be read. `str()` names file, fault and next step in one line.

    The message never holds anything of a person.
    """

    def __init__(self, reason: Reason, file: Path | str, what: str, remedy: str) -> None:
        super().__init__(f"{file}: {what}; {remedy}")
        self.reason, self.file, self.what, self.remedy = reason, str(file), what, remedy


_RESTORE = "keep the file for inspection and restore the last backup"

# By primary result code (https://www.sqlite.org/rescode.html): the low byte of the extended one.
_MEANINGS: dict[int, tuple[Reason, str, str]] = {
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


def from_sqlite(file: Path | str, error: Exception) -> DeskError:
    """A database error as its operator should read it. Raise it `from` the original."""
    # Text that is not UTF-8 can only be damage: everything was written as UTF-8.
    code = sqlite3.SQLITE_CORRUPT if isinstance(error, UnicodeError) else getattr(error, "sqlite_errorcode", 0)
    reason, what, remedy = _MEANINGS.get(
        code & 0xFF, (Reason.FAILED, "the database refused", "look at the system log and the last backup")
    )
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return DeskError(reason, file, f"{what} ({name})", remedy)


def from_os(file: Path | str, error: OSError) -> DeskError:
    """The same for an error of the operating system."""
    what = (error.strerror or type(error).__name__).lower()
    reason = Reason.READ_ONLY if isinstance(error, PermissionError) else Reason.FAILED
    return DeskError(reason, file, what, "check that the folder exists and that this user may write in it")
