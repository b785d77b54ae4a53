"""The one thread that writes, and the queue before it.

May go in here: collecting what waits into one transaction, answering after its commit, going on after a failure. May
not: what a row looks like (`store.py`), the loop of the caller beyond answering it.

Group commit: whatever has queued up while one commit was syncing goes into the next one together. Nobody waits for a
timer, and under load the sync's cost is shared. What one turn of an event loop asks for is handed over as a whole when
the turn ends: handed over one by one, the first would take a commit for itself, and the writer and the loop would take
the interpreter from each other at every row. Each commit carries the tree's new head, signed.
"""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from cmp.ledger.database import FAILURES, Database
from cmp.ledger.errors import LedgerError, Reason
from cmp.ledger.heads import SignedHead, Signs
from cmp.ledger.merging import merge
from cmp.ledger.record import hour_of
from cmp.ledger.store import Acknowledgement, Batch, Forgetting, Task, know_signers

# Keeps one transaction, and the wait of its first caller, short.
_LARGEST_BATCH = 512
# How many seconds of counts a crash can lose.
COUNTS_EVERY = 5.0


@dataclass(slots=True)
class Job:
    """Something on its way into the ledger, and who waits for the answer: a number says how many there were."""

    task: Task
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Any]
    outcome: Acknowledgement | int | LedgerError | None = None


class Writer:
    """Owns the writing connection and, where there is only one, the writer's place. Raises LedgerError."""

    def __init__(
        self, database: Database, *, signer: Signs | None, clock: Callable[[], float], queue_limit: int
    ) -> None:
        self._database, self._clock = database, clock
        # Whose public keys the ledger knows, as far as this process knows.
        self._signer, self._known = signer, False
        self._queue_limit = queue_limit
        # What waits for the writer, and what the loops gather in the turn they are in.
        self._waiting: list[Job] = []
        self._gathered: dict[asyncio.AbstractEventLoop, list[Job]] = {}
        self._gate = threading.Condition()
        self._closed = False
        self._counts: dict[tuple[str, int], int] = {}
        self._counting = threading.Lock()
        self._counts_stored = time.monotonic()
        self._connection: Connection | None = None
        # The hour up to which refusals are in the tree, as far as this process knows.
        self._merged_hour = -1
        self.commits = 0
        self.head: SignedHead | None = None
        database.claim()
        try:
            database.make()
            self._connect()
        except BaseException:
            database.release()
            raise
        # Daemon: a server that dies of something else must not hang on this thread.
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------------------------------- from any thread

    def put(self, job: Job) -> None:
        """Queues a job, on the thread of its loop, without waiting. Raises LedgerError: closed, or too many wait."""
        with self._gate:
            if self._closed:
                raise LedgerError(Reason.CLOSED, self._database.told, "the ledger is closed", "start the server again")
            if len(self._waiting) + sum(map(len, self._gathered.values())) >= self._queue_limit:
                raise LedgerError(
                    Reason.BUSY,
                    self._database.told,
                    f"{self._queue_limit} choices are waiting to be stored already",
                    "try again in a moment; if it stays so, the disk is too slow",
                )
            if (gathered := self._gathered.get(job.loop)) is not None:
                gathered.append(job)
                return
            self._gathered[job.loop] = [job]
        job.loop.call_soon(self._hand_over, job.loop)

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._gate:
            # Nothing where the end came first.
            self._waiting += self._gathered.pop(loop, ())
            self._gate.notify()

    def count(self, event: str, hour: int) -> None:
        with self._counting:
            self._counts[event, hour] = self._counts.get((event, hour), 0) + 1

    def sign_with(self, signer: Signs) -> None:
        self._signer, self._known = signer, False

    def close(self) -> None:
        """Stores and answers what is queued, then ends. Returns when all is on disk; a second call does nothing."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
            for gathered in self._gathered.values():
                self._waiting += gathered
            self._gathered.clear()
            self._gate.notify()
        self._thread.join()

    # ------------------------------------------------------------------------------------- the writer's thread

    def _run(self) -> None:
        try:
            going = True
            while going:
                jobs, going = self._collect()
                due = not going or time.monotonic() - self._counts_stored >= COUNTS_EVERY
                counts = self._take_counts() if due else {}
                if jobs or counts or self._merged_hour != hour_of(self._clock()):
                    self._write(jobs, counts)
                _answer(jobs)
        finally:
            self._disconnect()
            self._database.release()

    def _collect(self) -> tuple[list[Job], bool]:
        """What is waiting now, and whether to go on afterwards. Waits, but not longer than counts may."""
        with self._gate:
            self._gate.wait_for(lambda: self._waiting or self._closed, COUNTS_EVERY)
            jobs, self._waiting = self._waiting[:_LARGEST_BATCH], self._waiting[_LARGEST_BATCH:]
            going = not self._closed or bool(self._waiting)
        # Who was cancelled before its turn is not waiting any more; nothing of it was stored.
        return [job for job in jobs if not job.answer.cancelled()], going

    def _write(self, jobs: Sequence[Job], counts: dict[tuple[str, int], int]) -> None:
        """One transaction. Each job's outcome is its acknowledgement only if the commit returned."""
        try:
            connection = self._connection or self._connect()
            with connection.begin():
                batch = Batch.begin(connection, self._clock())
                merged = merge(batch)
                tasks = [job.task for job in jobs]
                batch.load(tasks)
                outcomes = [batch.carry_out(task) for task in tasks]
                batch.count(counts)
                signer = self._signer
                if signer is not None and not self._known:
                    know_signers(connection, signer.public_bytes())
                head = batch.end(signer)
                self._database.before_commit()
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must be told that nothing was stored
            self._disconnect()
            failure = self._database.error(error)
            failure.__cause__ = error if failure is not error else error.__cause__
            for job in jobs:
                job.outcome = failure
            self._return_counts(counts)
            return
        self.commits += 1
        self.head, self._known = head, self._known or (signer is not None and signer is self._signer)
        self._merged_hour = batch.merged_hour if merged else -1
        if any(isinstance(job.task, Forgetting) for job in jobs):
            self._wipe(connection)
        for job, outcome in zip(jobs, outcomes, strict=True):
            job.outcome = outcome

    def _wipe(self, connection: Connection) -> None:
        """Takes destroyed keys out of logs and dead rows too, as far as nobody is reading these just now.

        They are destroyed either way: if this fails they go when the log is next reused, or the table next vacuumed.
        """
        try:
            self._database.wipe(connection)
        except FAILURES:
            self._disconnect()

    def _connect(self) -> Connection:
        self._connection = self._database.connect()
        return self._connection

    def _disconnect(self) -> None:
        """Rolls back what is open. After a failure the next batch starts on a new connection."""
        if self._connection is not None:
            self._database.shut(self._connection)
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
