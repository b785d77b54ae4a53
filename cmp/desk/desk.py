"""The desk as a server uses it: one file, one thread that reads and writes it, one transaction for each piece of work.

May go in here: opening, closing, carrying out work on the file. May not: what the work is; that is a function of one of
the modules beside this one, whose first argument is a `Books`.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

from cmp.desk import schema
from cmp.desk.errors import DeskError, Reason
from cmp.desk.keying import link_secret, people_secret, person_of
from cmp.desk.link import Link, make_token, read_token
from cmp.store.address import sqlite_file
from cmp.store.errors import from_sqlite
from cmp.store.sqlite import FAILURES, Identity, SqliteFile, empty_log, give_back, shut

P = ParamSpec("P")
T = TypeVar("T")

# Beyond this the write-ahead log is cut back. 16 MB.
_WAL_LIMIT = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Books:
    """An open transaction on the desk's file, and the secret its people are named with."""

    connection: sqlite3.Connection
    secret: bytes

    def person(self, contact: str) -> bytes:
        """The name somebody has in every table, by how they can be reached."""
        return person_of(self.secret, contact)


class Desk:
    """An open desk: the only one on its file.

    `address` is `sqlite:PATH` or a path; a file that does not exist is made, with mode 0600. `form_secret` is that of
    the server's keys file: people's names and opt-out links are made with secrets derived from it. `queue_limit` is how
    many pieces of work may wait, `lock_wait` how many seconds to wait for another program's lock on the file. Opening
    reads and writes the disk: do it before the event loop serves anybody. Raises DeskError.
    """

    def __init__(
        self, address: str | Path, form_secret: bytes, *, queue_limit: int = 4096, lock_wait: float = 2.0
    ) -> None:
        self.file = sqlite_file(address, DeskError, "desk")
        self._store = SqliteFile(self.file, DeskError, "desk", _WAL_LIMIT)
        self._secret, self._links = people_secret(form_secret), link_secret(form_secret)
        self._queue_limit, self._lock_wait = queue_limit, lock_wait
        self._waiting, self._closed, self._gate = 0, False, threading.Lock()
        self._identity: Identity = ()
        self._connection: sqlite3.Connection | None = None
        self._place = self._store.claim()
        try:
            self._store.make(lambda connection: schema.create(connection, self._secret))
            self._connect()
        except BaseException:
            give_back(self._place)
            raise
        self._thread = ThreadPoolExecutor(1, "desk")

    async def do(self, work: Callable[Concatenate[Books, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Carries out a piece of work. When this returns, whatever it changed is on disk.

        Raises DeskError when it is not known to be, and whatever the work itself raises; then nothing was changed.
        Cancelled after its turn has come, it is carried out all the same.
        """
        with self._gate:
            if self._closed:
                raise DeskError(Reason.CLOSED, self.file, "the desk is closed", "start the server again")
            if self._waiting >= self._queue_limit:
                raise DeskError(
                    Reason.BUSY,
                    self.file,
                    f"{self._queue_limit} requests are waiting already",
                    "try again in a moment; if it stays so, the disk is too slow",
                )
            self._waiting += 1
            future = self._thread.submit(self._carry_out, lambda books: work(books, *args, **kwargs))
        # Also for who was cancelled before its turn.
        future.add_done_callback(self._done)
        return await asyncio.wrap_future(future)

    async def wipe(self) -> None:
        """Takes what was deleted out of the write-ahead log too. Raises DeskError."""
        with self._gate:
            if self._closed:
                return
            future = self._thread.submit(self._empty_log)
        await asyncio.wrap_future(future)

    def token(self, link: Link) -> str:
        """The token of an opt-out link."""
        return make_token(self._links, link)

    def link(self, token: str) -> Link | None:
        """What a token of an opt-out link stands for; None for one that is not ours."""
        return read_token(self._links, token)

    def close(self) -> None:
        """Carries out what waits, then closes the file. Blocks until then; twice is once."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
        self._thread.shutdown(wait=True)
        self._disconnect()
        give_back(self._place)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _done(self, _future: object) -> None:
        with self._gate:
            self._waiting -= 1

    # ------------------------------------------------------------------------------------- the desk's thread

    def _carry_out(self, work: Callable[[Books], T]) -> T:
        try:
            connection = self._connection or self._connect()
            connection.execute("BEGIN IMMEDIATE")
            found = work(Books(connection, self._secret))
            self._store.same_as(self._identity)
            connection.execute("COMMIT")
        except BaseException as error:
            # Rolls back what is open; the next piece of work starts on a new connection.
            self._disconnect()
            if isinstance(error, FAILURES):
                raise from_sqlite(DeskError, self.file, error) from error
            raise
        return found

    def _empty_log(self) -> None:
        if self._connection is not None:
            try:
                empty_log(self._connection)
            except sqlite3.Error as error:
                self._disconnect()
                raise from_sqlite(DeskError, self.file, error) from error

    def _connect(self) -> sqlite3.Connection:
        self._connection = self._store.open_writer(
            lambda connection: schema.check(connection, self.file, self._secret), self._lock_wait
        )
        self._identity = self._store.identity()
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            shut(self._connection)
            self._connection = None
