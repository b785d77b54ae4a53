"""Connections to the ledger's file, set so that a commit that returned has reached the disk.

May go in here: making the file, opening it, connection settings, the lock that admits one writer. May not: what is in
the tables (`store.py`, `reading.py`).

Why WAL with synchronous=FULL: "Writers sync the WAL on every transaction commit if PRAGMA synchronous is set to FULL"
(https://www.sqlite.org/wal.html, section 2.3; https://www.sqlite.org/pragma.html#pragma_synchronous says the same),
which is one sync a commit, and readers do not stop the writer or the reverse. A rollback journal needs several syncs,
EXTRA to sync the folder after the journal is deleted, and stands still while `verify` reads a million records.

Why one writer: SQLite from 3.7.0 to 3.51.2 can damage a database in WAL mode when two connections write or
checkpoint at the same instant (https://www.sqlite.org/wal.html#walresetbug); the SQLite that comes with Python is
often older than the fix. Only the writer's connection writes or checkpoints: readers open the file read-only.
"""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from cmp.ledger import schema
from cmp.ledger.errors import LedgerError, Reason, from_os, from_sqlite

# What a damaged database raises: Python decodes texts, and error messages that quote them.
FAILURES = (sqlite3.Error, UnicodeError)

_PRIVATE = 0o600
# Beyond this the WAL file is cut back once a checkpoint is through. 64 MB.
_WAL_LIMIT = 64 * 1024 * 1024


def _connect(file: Path, mode: str, lock_wait: float) -> sqlite3.Connection:
    # isolation_level None: no transaction begins behind our back. Used by one thread at a time, not always the same.
    return sqlite3.connect(
        f"file:{quote(str(file))}?{mode}", uri=True, timeout=lock_wait, isolation_level=None, check_same_thread=False
    )


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_file(file: Path) -> None:
    """A new, empty ledger that only its owner can read; a file that exists stays as it is. Raises LedgerError.

    It is made under another name and renamed when it is complete and on disk. So a file of no bytes is never a
    beginning but always damage, and does not quietly become a new ledger. SQLite gives the files it puts beside it
    (`-wal`, `-shm`) the same mode. Call it in the only writer's place.
    """
    if file.exists():
        return
    draft = file.with_name(file.name + "-new")
    try:
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, _PRIVATE))
        with contextlib.closing(_connect(draft, "mode=rw", 0)) as connection:
            schema.create(connection)
        draft.rename(file)
        _sync_folder(file.parent)
    except OSError as error:
        raise from_os(file, error) from error
    except sqlite3.Error as error:
        raise from_sqlite(file, error) from error


def claim(file: Path) -> int:
    """Takes the only writer's place; a file descriptor, and closing it gives the place back. Raises LedgerError.

    The lock is on a file of its own, `FILE-lock`: closing any descriptor of the database itself would drop SQLite's
    own locks (https://www.sqlite.org/howtocorrupt.html, section 2.2). The kernel frees it when the process dies.
    """
    lock = file.with_name(file.name + "-lock")
    try:
        handle = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, _PRIVATE)
    except OSError as error:
        raise from_os(lock, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise LedgerError(
            Reason.IN_USE,
            str(file),
            "another consent server already writes this ledger",
            "end that one, or name another ledger",
        ) from error
    return handle


def give_back(place: int) -> None:
    """Ends a claim."""
    os.close(place)


def open_writer(file: Path, lock_wait: float) -> sqlite3.Connection:
    """A connection that appends. The file must exist. Raises LedgerError.

    `lock_wait` is how many seconds to wait for somebody else's lock.
    """
    connection = None
    try:
        connection = _connect(file, "mode=rw", lock_wait)
        schema.check(connection, file)
        # What is deleted (a person's key) is overwritten with zeros, not only taken off the books.
        connection.execute("PRAGMA secure_delete = ON")
        (journal,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if journal != "wal":
            raise LedgerError(
                Reason.FAILED,
                str(file),
                f"its file system allows no write-ahead log (journal mode {journal})",
                "put the ledger on a local disk, not a network share",
            )
        connection.execute("PRAGMA synchronous = FULL")
        # Only macOS knows these: there a plain fsync leaves the data in the disk's own cache.
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA checkpoint_fullfsync = ON")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT}")
        # A connection to a file that cannot be written opens all the same, read-only. Say so now, not at the first
        # choice of a visitor.
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except (*FAILURES, LedgerError) as error:
        if connection is not None:
            shut(connection)
        if isinstance(error, LedgerError):
            raise
        raise from_sqlite(file, error) from error
    return connection


@contextlib.contextmanager
def reading(file: Path, lock_wait: float = 5.0) -> Iterator[sqlite3.Connection]:
    """A connection that cannot change anything, inside a read transaction: it sees one moment.

    While a server has the ledger open (there is a `-wal`), it is shared with the writer. Otherwise the file is read as
    it lies, which leaves no files beside it and works in an archive nobody may write to; should a server start in the
    meantime, what was read may be mixed, and that is an error. Raises LedgerError, also for what the caller's own
    statements raise.
    """
    if not file.is_file():
        raise LedgerError(Reason.MISSING, str(file), "no such file", "name the file that --ledger names")
    at_rest = _state_at_rest(file)
    try:
        # https://www.sqlite.org/wal.html, section 5: immutable is for a database that nobody changes.
        connection = _connect(file, "mode=ro" if at_rest is None else "mode=ro&immutable=1", lock_wait)
        try:
            schema.check(connection, file)
            connection.execute("BEGIN")
            yield connection
        finally:
            shut(connection)
    except FAILURES as error:
        raise _disturbed(file, at_rest) or from_sqlite(file, error) from error
    if disturbed := _disturbed(file, at_rest):
        raise disturbed


def _state_at_rest(file: Path) -> tuple[int, ...] | None:
    """What changes when somebody writes; None while a server has the ledger open, or was killed having it open."""
    if file.with_name(file.name + "-wal").exists():
        return None
    state = file.stat()
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns


def _disturbed(file: Path, at_rest: tuple[int, ...] | None) -> LedgerError | None:
    if at_rest is None or (file.exists() and _state_at_rest(file) == at_rest):
        return None
    return LedgerError(Reason.BUSY, str(file), "a server opened it while it was being read", "run the command again")


def shut(connection: sqlite3.Connection) -> None:
    """Closes a connection, whatever state it is in."""
    with contextlib.suppress(sqlite3.Error):
        connection.close()


def identity(file: Path) -> tuple[tuple[int, int], ...]:
    """Which files the two names stand for just now (device, inode). Raises LedgerError when one is gone.

    A connection goes on writing to a file that was moved or deleted, and what it writes is lost. Compared before each
    commit.
    """
    try:
        states = [name.stat() for name in (file, file.with_name(file.name + "-wal"))]
    except OSError as error:
        raise LedgerError(
            Reason.MISSING,
            str(file),
            "the file, or the -wal file beside it, was moved or deleted while in use",
            "put both back as they were; writing goes on by itself then",
        ) from error
    return tuple((state.st_dev, state.st_ino) for state in states)
