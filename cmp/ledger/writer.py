"""The one thread that writes, and the queue before it.

May go in here: collecting what waits into one transaction, answering after its commit, going on after a failure. May
not: what a row looks like (`store.py`), the loop of the caller beyond answering it.

Group commit: whatever has queued up while one commit was syncing goes into the next one together. Nobody waits for a
timer, and under load the sync's cost is shared.
"""

import asyncio
import queue
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cmp.ledger import database, store
from cmp.ledger.errors import LedgerError, Reason, from_sqlite
from cmp.ledger.leaves import Chain, Head
from cmp.ledger.record import Record
from cmp.ledger.store import Acknowledgement, Forgetting

# Keeps one transaction, and the wait of its first caller, short.
_LARGEST_BATCH = 512
# How many seconds of counts a crash can lose.
COUNTS_EVERY = 5.0


@dataclass(slots=True)
class Job:
    """A record on its way, or keys to be destroyed, and who waits for the answer: how many keys there were."""

    task: Record | Forgetting
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]
    outcome: Acknowledgement | int | LedgerError | None = None


class Writer:
    """Owns the writing connection and the place of the only writer. Starts on construction. Raises LedgerError."""

    def __init__(self, file: Path, *, queue_limit: int, lock_wait: float) -> None:
        self._file, self._lock_wait = file, lock_wait
        # One place more, so that the end can be queued behind a full queue's last job.
        self._queue: queue.Queue[Job | None] = queue.Queue(queue_limit + 1)
        self._queue_limit = queue_limit
        self._gate = threading.Lock()
        self._closed = False
        self._counts: dict[tuple[str, int], int] = {}
        self._counting = threading.Lock()
        self._counts_stored = time.monotonic()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[tuple[int, int], ...] = ()
        self.commits = 0
        self._place = database.claim(file)
        try:
            database.make_file(file)
            self._connect()
        except BaseException:
            database.give_back(self._place)
            raise
        # Daemon: a server that dies of something else must not hang on this thread.
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------------------------------- from any thread

    def put(self, job: Job) -> None:
        """Queues a job without waiting. Raises LedgerError: closed, or too many are waiting."""
        with self._gate:
            if self._closed:
                raise LedgerError(Reason.CLOSED, str(self._file), "the ledger is closed", "start the server again")
            if self._queue.qsize() >= self._queue_limit:
                raise LedgerError(
                    Reason.BUSY,
                    str(self._file),
                    f"{self._queue_limit} choices are waiting to be stored already",
                    "try again in a moment; if it stays so, the disk is too slow",
                )
            self._queue.put_nowait(job)

    def count(self, event: str, hour: int) -> None:
        with self._counting:
            self._counts[event, hour] = self._counts.get((event, hour), 0) + 1

    def close(self) -> None:
        """Stores and answers what is queued, then ends. Returns when all is on disk; a second call does nothing."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
            self._queue.put_nowait(None)
        self._thread.join()

    # ------------------------------------------------------------------------------------- the writer's thread

    def _run(self) -> None:
        try:
            going = True
            while going:
                jobs, going = self._collect()
                due = not going or time.monotonic() - self._counts_stored >= COUNTS_EVERY
                counts = self._take_counts() if due else {}
                if jobs or counts:
                    self._write(jobs, counts)
                _answer(jobs)
        finally:
            self._disconnect()
            database.give_back(self._place)

    def _collect(self) -> tuple[list[Job], bool]:
        """What is waiting now, and whether to go on afterwards. Waits, but not longer than counts may."""
        jobs: list[Job] = []
        try:
            job = self._queue.get(timeout=COUNTS_EVERY)
            while job is not None:
                # Who was cancelled before its turn is not waiting any more; nothing of it was stored.
                if not job.answer.cancelled():
                    jobs.append(job)
                if len(jobs) >= _LARGEST_BATCH:
                    return jobs, True
                job = self._queue.get_nowait()
        except queue.Empty:
            return jobs, True
        return jobs, False

    def _write(self, jobs: Sequence[Job], counts: dict[tuple[str, int], int]) -> None:
        """One transaction. Each job's outcome is its acknowledgement only if the commit returned."""
        try:
            connection = self._connection or self._connect()
            connection.execute("BEGIN IMMEDIATE")
            # Read anew each time: correct even after a failure, or a file exchanged for a restored one.
            ends = store.heads(connection)
            outcomes = [_carry_out(connection, ends, job.task) for job in jobs]
            store.add_counts(connection, counts)
            if database.identity(self._file) != self._identity:
                raise LedgerError(
                    Reason.MISSING,
                    str(self._file),
                    "the file was exchanged for another one while in use",
                    "nothing, if that was meant: the next choice goes into the new file",
                )
            connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must be told that nothing was stored
            self._disconnect()
            failure = error if isinstance(error, LedgerError) else from_sqlite(self._file, error)
            failure.__cause__ = error if failure is not error else error.__cause__
            for job in jobs:
                job.outcome = failure
            self._return_counts(counts)
            return
        self.commits += 1
        if any(isinstance(job.task, Forgetting) for job in jobs):
            self._empty_log(connection)
        for job, outcome in zip(jobs, outcomes, strict=True):
            job.outcome = outcome

    def _empty_log(self, connection: sqlite3.Connection) -> None:
        """Takes destroyed keys out of the write-ahead log too, as far as nobody is reading it just now.

        They are destroyed either way: if this fails they go when the log is next reused.
        """
        try:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error:
            self._disconnect()

    def _connect(self) -> sqlite3.Connection:
        self._connection = database.open_writer(self._file, self._lock_wait)
        self._identity = database.identity(self._file)
        return self._connection

    def _disconnect(self) -> None:
        """Rolls back what is open. After a failure the next batch starts on a new connection."""
        if self._connection is not None:
            database.shut(self._connection)
            self._connection = None

    def _take_counts(self) -> dict[tuple[str, int], int]:
        self._counts_stored = time.monotonic()
        with self._counting:
            taken, self._counts = self._counts, {}
        return taken

    def _return_counts(self, counts: dict[tuple[str, int], int]) -> None:
        with self._counting:
            for name, n in counts.items():
                self._counts[name] = self._counts.get(name, 0) + n


def _carry_out(
    connection: sqlite3.Connection, ends: dict[Chain, Head], task: Record | Forgetting
) -> Acknowledgement | int:
    if isinstance(task, Forgetting):
        return store.forget(connection, task)
    return store.append(connection, ends, task)


def _answer(jobs: Iterable[Job]) -> None:
    """Wakes every loop once for all its jobs: waking is a system call, and there are many jobs."""
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[Job]] = defaultdict(list)
    for job in jobs:
        by_loop[job.loop].append(job)
    for loop, own in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle, own)
        except RuntimeError:
            # The loop is closed: nobody is left to be told. What was committed is stored all the same.
            continue


def _settle(jobs: Iterable[Job]) -> None:
    for job in jobs:
        if job.answer.done():
            continue
        if isinstance(job.outcome, Acknowledgement | int):
            job.answer.set_result(job.outcome)
        elif job.outcome is not None:
            # An exception collects the traceback of whoever it is raised in: each gets one of its own.
            failure = job.outcome
            own = LedgerError(failure.reason, failure.file, failure.what, failure.remedy)
            own.__cause__ = failure
            job.answer.set_exception(own)
