"""An SQLite file that one process writes, set so that a commit that returned has reached the disk.

May go in here: making the file, connections and their settings, the lock that admits one process, noticing that the
file was exchanged. May not: what is in its tables.

Why WAL with synchronous=FULL: "Writers sync the WAL on every transaction commit if PRAGMA synchronous is set to FULL"
(https://www.sqlite.org/wal.html, section 2.3; https://www.sqlite.org/pragma.html#pragma_synchronous says the same),
which is one sync a commit, and readers do not stop the writer or the reverse. A rollback journal needs several syncs,
EXTRA to sync the folder after the journal is deleted, and stands still while somebody reads a million records.

Why one process: SQLite from 3.7.0 to 3.51.2 can damage a database in WAL mode when two connections write or checkpoint
at the same instant (https://www.sqlite.org/wal.html#walresetbug); the SQLite that comes with Python is often older than
the fix. Only the one writing connection writes or checkpoints: readers open the file read-only.
"""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from cmp.store.errors import Reason, StoreError, from_os, from_sqlite

# What a damaged database raises: Python decodes texts, and error messages that quote them.
FAILURES = (sqlite3.Error, UnicodeError)

_PRIVATE = 0o600

Identity = tuple[tuple[int, int], ...]
AtRest = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """A file of somebody's: its errors are of `kind`, and call it by `noun` ("ledger").

    Beyond `wal_limit` bytes the write-ahead log is cut back once a checkpoint is through.
    """

    path: Path
    kind: type[StoreError]
    noun: str
    wal_limit: int

    # --------------------------------------------------------------------------------- the only writer

    def claim(self) -> int:
        """Takes the only writer's place; a file descriptor, and closing it gives the place back. Raises `kind`.

        The lock is on a file of its own, `FILE-lock`: closing any descriptor of the database itself would drop SQLite's
        own locks (https://www.sqlite.org/howtocorrupt.html, section 2.2). The kernel frees it when the process dies.
        """
        lock = self.path.with_name(self.path.name + "-lock")
        try:
            handle = os.open(lock, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, _PRIVATE)
        except OSError as error:
            raise from_os(self.kind, lock, error) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            raise self.kind(
                Reason.IN_USE,
                self.path,
                f"another consent server already writes this {self.noun}",
                f"end that one, or name another {self.noun}",
            ) from error
        return handle

    def make(self, fill: Callable[[sqlite3.Connection], None]) -> None:
        """A new file that only its owner can read, with what `fill` puts in; one that exists stays as it is.

        It is made under another name and renamed when it is complete and on disk. So a file of no bytes is never a
        beginning but always damage, and does not quietly become a new one. SQLite gives the files it puts beside it
        (`-wal`, `-shm`) the same mode. Call it in the only writer's place. Raises `kind`.
        """
        if self.path.exists():
            return
        draft = self.path.with_name(self.path.name + "-new")
        try:
            draft.unlink(missing_ok=True)
            os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, _PRIVATE))
            with contextlib.closing(_connect(draft, "mode=rw", 0)) as connection:
                fill(connection)
            draft.rename(self.path)
            _sync_folder(self.path.parent)
        except OSError as error:
            raise from_os(self.kind, self.path, error) from error
        except sqlite3.Error as error:
            raise from_sqlite(self.kind, self.path, error) from error

    def open_writer(self, check: Callable[[sqlite3.Connection], None], lock_wait: float) -> sqlite3.Connection:
        """A connection that writes. The file must exist, and pass `check`. Raises `kind`.

        `lock_wait` is how many seconds to wait for somebody else's lock.
        """
        connection = None
        try:
            connection = _connect(self.path, "mode=rw", lock_wait)
            check(connection)
            # What is deleted is overwritten with zeros, not only taken off the books.
            connection.execute("PRAGMA secure_delete = ON")
            (journal,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            if journal != "wal":
                raise self.kind(
                    Reason.FAILED,
                    self.path,
                    f"its file system allows no write-ahead log (journal mode {journal})",
                    f"put the {self.noun} on a local disk, not a network share",
                )
            connection.execute("PRAGMA synchronous = FULL")
            # Only macOS knows these: there a plain fsync leaves the data in the disk's own cache.
            connection.execute("PRAGMA fullfsync = ON")
            connection.execute("PRAGMA checkpoint_fullfsync = ON")
            connection.execute(f"PRAGMA journal_size_limit = {self.wal_limit}")
            # A file that cannot be written opens all the same, read-only. Say so now, not at the first thing to store.
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except BaseException as error:
            if connection is not None:
                shut(connection)
            if isinstance(error, FAILURES):
                raise from_sqlite(self.kind, self.path, error) from error
            raise
        return connection

    def identity(self) -> Identity:
        """Which files the two names stand for just now (device, inode). Raises `kind` when one is gone.

        A connection goes on writing to a file that was moved or deleted, and what it writes is lost. Compared before
        each commit.
        """
        try:
            states = [name.stat() for name in (self.path, self._beside("-wal"))]
        except OSError as error:
            raise self.kind(
                Reason.MISSING,
                self.path,
                "the file, or the -wal file beside it, was moved or deleted while in use",
                "put both back as they were; writing goes on by itself then",
            ) from error
        return tuple((state.st_dev, state.st_ino) for state in states)

    def same_as(self, identity: Identity) -> None:
        """Raises `kind` unless the names still stand for the files they stood for then."""
        if self.identity() != identity:
            raise self.kind(
                Reason.MISSING,
                self.path,
                "the file was exchanged for another one while in use",
                "nothing, if that was meant: what comes next goes into the new file",
            )

    # --------------------------------------------------------------------------------- readers

    def at_rest(self) -> AtRest | None:
        """What changes when somebody writes; None while a server has the file open, or was killed having it open."""
        if self._beside("-wal").exists():
            return None
        state = self.path.stat()
        return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns

    def open_reader(self, at_rest: AtRest | None, lock_wait: float) -> sqlite3.Connection:
        """A connection that cannot change anything.

        A file at rest is read as it lies, which leaves no files beside it and works in an archive nobody may write to
        (https://www.sqlite.org/wal.html, section 5). Ask `disturbed` afterwards. Raises sqlite3.Error.
        """
        return _connect(self.path, "mode=ro" if at_rest is None else "mode=ro&immutable=1", lock_wait)

    def disturbed(self, at_rest: AtRest | None) -> StoreError | None:
        """An error where a server took up a file that was being read as it lay: what was read may be mixed."""
        if at_rest is None or (self.path.exists() and self.at_rest() == at_rest):
            return None
        return self.kind(Reason.BUSY, self.path, "a server opened it while it was being read", "run the command again")

    def _beside(self, ending: str) -> Path:
        return self.path.with_name(self.path.name + ending)


def give_back(place: int) -> None:
    """Ends a claim."""
    os.close(place)


def shut(connection: sqlite3.Connection) -> None:
    """Closes a connection, whatever state it is in."""
    with contextlib.suppress(sqlite3.Error):
        connection.close()


def empty_log(connection: sqlite3.Connection) -> None:
    """Moves everything out of the write-ahead log and cuts it to nothing, so that it holds nothing deleted."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


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
