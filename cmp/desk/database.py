"""Connections to the desk's file, set so that a commit that returned has reached the disk.

May go in here: making the file, opening it, connection settings, the lock that admits one process. May not: what is in
the tables, threads (`desk.py`).

WAL with synchronous=FULL: "Writers sync the WAL on every transaction commit if PRAGMA synchronous is set to FULL"
(https://www.sqlite.org/wal.html, section 2.3). One connection in one process reads and writes: SQLite 3.7.0 to 3.51.2
can damage a database when two connections write at the same instant (https://www.sqlite.org/wal.html#walresetbug).
"""

import contextlib
import fcntl
import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

from cmp.desk import schema
from cmp.desk.errors import DeskError, Reason, from_os, from_sqlite

# What a damaged database raises: Python decodes texts, and error messages that quote them.
FAILURES = (sqlite3.Error, UnicodeError)

_PRIVATE = 0o600
# Beyond this the WAL file is cut back once a checkpoint is through. 16 MB.
_WAL_LIMIT = 16 * 1024 * 1024


def desk_file(address: str | Path) -> Path:
    """The absolute path of a desk's file, from `sqlite:PATH` or a path. Raises DeskError for any other address."""
    text = str(address)
    scheme, colon, path = text.partition(":")
    if isinstance(address, str) and colon and scheme.isalnum():
        if scheme.lower() != "sqlite":
            # Not the address itself: one of another database may hold a password.
            raise DeskError(Reason.FOREIGN, f"{scheme}:...", "no desk of this kind is known", "write sqlite:PATH")
        text = path
    if not text or text == ":memory:" or "\0" in text or text.startswith("//"):
        raise DeskError(Reason.MISSING, repr(text), "names no file", "write sqlite:PATH or a path")
    return Path(text).absolute()


def claim(file: Path) -> int:
    """Takes the only process's place; closing the descriptor gives it back. Raises DeskError.

    The lock is on a file of its own: closing any descriptor of the database itself would drop SQLite's own locks
    (https://www.sqlite.org/howtocorrupt.html, section 2.2). The kernel frees it when the process dies.
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
        raise DeskError(
            Reason.IN_USE, file, "another server already has this desk open", "end that one, or name another desk"
        ) from error
    return handle


def give_back(place: int) -> None:
    """Ends a claim."""
    os.close(place)


def make_file(file: Path, secret: bytes) -> None:
    """A new, empty desk that only its owner can read; a file that exists stays as it is. Raises DeskError.

    Made under another name and renamed when it is complete and on disk: a file of no bytes is damage, not a beginning.
    """
    if file.exists():
        return
    draft = file.with_name(file.name + "-new")
    try:
        draft.unlink(missing_ok=True)
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, _PRIVATE))
        with contextlib.closing(_connect(draft, 0)) as connection:
            schema.create(connection, secret)
        draft.rename(file)
        folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise from_os(file, error) from error
    except sqlite3.Error as error:
        raise from_sqlite(file, error) from error


def open_desk(file: Path, secret: bytes, lock_wait: float) -> sqlite3.Connection:
    """The one connection. The file must exist. `lock_wait` is seconds to wait for a lock. Raises DeskError."""
    connection = None
    try:
        connection = _connect(file, lock_wait)
        schema.check(connection, file, secret)
        # What is purged is overwritten with zeros, not only taken off the books.
        connection.execute("PRAGMA secure_delete = ON")
        (journal,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if journal != "wal":
            raise DeskError(
                Reason.FAILED,
                file,
                f"its file system allows no write-ahead log (journal mode {journal})",
                "put the desk on a local disk, not a network share",
            )
        connection.execute("PRAGMA synchronous = FULL")
        # Only macOS knows these: there a plain fsync leaves the data in the disk's own cache.
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA checkpoint_fullfsync = ON")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT}")
        # A file that cannot be written opens all the same, read-only. Say so now, not at the first request.
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except (*FAILURES, DeskError) as error:
        if connection is not None:
            shut(connection)
        if isinstance(error, DeskError):
            raise
        raise from_sqlite(file, error) from error
    return connection


def shut(connection: sqlite3.Connection) -> None:
    """Closes a connection, whatever state it is in."""
    with contextlib.suppress(sqlite3.Error):
        connection.close()


def empty_log(connection: sqlite3.Connection) -> None:
    """Moves everything out of the write-ahead log and cuts it to nothing, so that it holds nothing deleted."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def identity(file: Path) -> tuple[tuple[int, int], ...]:
    """Which files the two names stand for just now (device, inode). Raises DeskError when one is gone.

    A connection goes on writing to a file that was moved or deleted, and what it writes is lost.
    """
    try:
        states = [name.stat() for name in (file, file.with_name(file.name + "-wal"))]
    except OSError as error:
        raise DeskError(
            Reason.MISSING,
            file,
            "the file, or the -wal file beside it, was moved or deleted while in use",
            "put both back as they were; writing goes on by itself then",
        ) from error
    return tuple((state.st_dev, state.st_ino) for state in states)


def _connect(file: Path, lock_wait: float) -> sqlite3.Connection:
    # isolation_level None: no transaction begins behind our back. Used by one thread at a time, not always the same.
    return sqlite3.connect(
        f"file:{quote(str(file))}?mode=rw", uri=True, timeout=lock_wait, isolation_level=None, check_same_thread=False
    )
