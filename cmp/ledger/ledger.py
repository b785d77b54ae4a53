"""The ledger as the consent server uses it.

May go in here: the few calls a server needs, for asyncio. May not: how they are carried out (`writer.py`,
`reading.py`, `proving.py`, `statistics.py`).
"""

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cmp.ledger import leaves, proving, reading, store
from cmp.ledger.database import database_of
from cmp.ledger.evidence import Evidence, evidence_in
from cmp.ledger.heads import Head, SignedHead, Signs
from cmp.ledger.proving import InclusionProof
from cmp.ledger.reading import Entry, Standing, is_person
from cmp.ledger.record import Record, hour_of
from cmp.ledger.statistics import Statistics, statistics_in
from cmp.ledger.store import Acknowledgement, Expiring, Forgetting, Noting, Task
from cmp.ledger.writer import Job, Writer

# Keys destroyed, or expiries noted, in one transaction.
_AT_ONCE = 200
_EVENT = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
# What operators write about a disclosure.
_LONGEST_TEXT = 1000


class Ledger:
    """An open ledger: for SQLite the only writer of its file, for PostgreSQL one of any number.

    `address` is `sqlite:PATH`, a path or `postgresql://...`; a ledger that does not exist is made (a file with mode
    0600), one of an earlier version is brought to this one. `signer` signs the head of the tree with every commit.
    `clock` gives Unix seconds. `queue_limit` is how many records may wait to be stored, `lock_wait` how many seconds to
    wait for another program's lock. Opening reads and writes the disk: do it before the event loop serves anybody.
    Raises LedgerError.
    """

    def __init__(
        self,
        address: str | Path,
        *,
        signer: Signs | None = None,
        clock: Callable[[], float] = time.time,
        queue_limit: int = 4096,
        lock_wait: float = 2.0,
    ) -> None:
        self._database = database_of(address, lock_wait)
        self._clock = clock
        self._writer = Writer(self._database, signer=signer, clock=clock, queue_limit=queue_limit)

    @property
    def file(self) -> Path | None:
        """The file it lies in; None for a ledger on a database server."""
        return self._database.file

    @property
    def told(self) -> str:
        """Where it lies, for people: never a password."""
        return self._database.told

    def sign_with(self, signer: Signs) -> None:
        """From the next commit on heads are signed with these keys."""
        self._writer.sign_with(signer)

    async def append(self, record: Record) -> Acknowledgement:
        """Stores a record. When this returns, it is on disk.

        Raises LedgerError when it is not known to be: the person must not be told that the choice was taken. Cancelled
        after its turn has come, the record is stored all the same.
        """
        stored: Acknowledgement = await self._do(record)
        return stored

    async def erase(self, person: str) -> bool:
        """Destroys the key of the person with this id: nobody can read their records any more, and the tree verifies.

        False for an id that is unknown, or was erased before. When this returns, it is on disk. Raises LedgerError.
        """
        if not is_person(person):
            return False
        erased: int = await self._do(Forgetting((bytes.fromhex(person),)))
        return erased > 0

    async def forget_before(self, time: float) -> int:
        """Destroys the keys of everybody whose last record is older than `time` (Unix seconds); how many.

        A record counts as old when its whole hour has passed by then. Few at a time, so that choices wait for none of
        it long. Raises LedgerError; what was destroyed until then stays destroyed.
        """
        hour = hour_of(time)
        persons = await asyncio.to_thread(self._read, store.last_seen_before, hour)
        forgotten = 0
        for start in range(0, len(persons), _AT_ONCE):
            forgotten += await self._do(Forgetting(tuple(persons[start : start + _AT_ONCE]), unless_since=hour))
        return forgotten

    async def expire(self, time: float) -> int:
        """Notes for everybody whose grants have run out by `time` (Unix seconds) that they have; how many.

        Until this is called they count as none all the same (`standing`). Raises LedgerError.
        """
        expired = 0
        while found := await self._do(Expiring(time, _AT_ONCE)):
            expired += found
        return expired

    async def serve_policy(self, policy: str, id_: str, version: str) -> bool:
        """Notes that the policy with this fingerprint is served from now on; whether that was news.

        Raises LedgerError.
        """
        body = leaves.policy_leaf(hour_of(self._clock()), policy, id_, version)
        noted: int = await self._do(Noting(body, unless_last=True))
        return noted > 0

    async def disclose(self, *, recipient: str, ground: str, what: str, day: str) -> None:
        """Notes that data was disclosed on `day` ("2026-10-07"). The texts are for good: none may name a person.

        Raises LedgerError, and ValueError for a text of more than 1,000 characters.
        """
        for name, told in (("recipient", recipient), ("ground", ground), ("what", what), ("day", day)):
            if not told or len(told) > _LONGEST_TEXT or any("\ud800" <= letter <= "\udfff" for letter in told):
                raise ValueError(f"{name}: must be a text of up to {_LONGEST_TEXT} characters")
        await self._do(Noting(leaves.disclosed_leaf(hour_of(self._clock()), recipient, ground, what, day)))

    async def _do(self, task: Task) -> Any:
        loop = asyncio.get_running_loop()
        job = Job(task, loop, loop.create_future())
        self._writer.put(job)
        return await job.answer

    def count(self, event: str, at: float) -> None:
        """Counts something that happened to somebody who did not choose, such as "notice.shown": by hour, and no more.

        `at` is Unix seconds. Kept in memory and written every few seconds (`writer.COUNTS_EVERY`) and on close; a
        crash loses what was not written. Raises ValueError for an event that is not a plain name.
        """
        if len(event) > 64 or not _EVENT.fullmatch(event):
            raise ValueError("event: must be a lower-case name such as notice.shown")
        self._writer.count(event, hour_of(at))

    async def statistics(self) -> Statistics:
        """How many choices of which kind, and how much was counted, by day. Raises LedgerError."""
        return await asyncio.to_thread(self._read, statistics_in)

    async def history(self, person: str) -> list[Entry]:
        """All records of the person with this id, oldest first; none for an unknown id. Raises LedgerError."""
        return await asyncio.to_thread(self._read, reading.history_in, person)

    async def evidence(self, person: str) -> list[Evidence]:
        """The same with what proves them, for receipts. Raises LedgerError."""
        return await asyncio.to_thread(self._read, evidence_in, person)

    async def standing(self, person: str, at: float) -> Standing | None:
        """What of this person's last choice holds at a moment (Unix seconds); None where nothing does.

        That is: an id that is unknown or erased, a withdrawal, grants that have run out. Raises LedgerError.
        """
        return reading.standing_of(await self.history(person), at)

    async def prove(self, index: int) -> InclusionProof:
        """The proof that leaf `index` is in the tree, with the newest signed head that covers it.

        For receipts: the index comes with the acknowledgement. Raises LedgerError, and ValueError for a leaf that is
        not there or that no signed head covers.
        """
        return await asyncio.to_thread(self._read, proving.prove_inclusion, index)

    async def head(self) -> Head:
        """How large the tree is, and its root; kept elsewhere, it shows later what is missing. Raises LedgerError."""
        return await asyncio.to_thread(self._read, reading.head_in)

    @property
    def signed_head(self) -> SignedHead | None:
        """The head signed with this process's last commit."""
        return self._writer.head

    def _read(self, work: Callable[..., Any], *rest: object) -> Any:
        with self._database.reading() as connection:
            return work(connection, *rest)

    @property
    def commits(self) -> int:
        """How many transactions were committed since opening."""
        return self._writer.commits

    def close(self) -> None:
        """Stores and answers what waits, writes the counts, closes the file. Blocks until then; twice is once."""
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
