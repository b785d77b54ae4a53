"""The ledger as the consent server uses it.

May go in here: the few calls a server needs, for asyncio. May not: how they are carried out (`writer.py`,
`reading.py`, `statistics.py`).
"""

import asyncio
import re
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cmp.ledger.address import ledger_file
from cmp.ledger.leaves import Head
from cmp.ledger.reading import Entry, heads_of, history, is_person, persons_before
from cmp.ledger.record import Record, hour_of
from cmp.ledger.statistics import Statistics, statistics_of
from cmp.ledger.store import Acknowledgement, Forgetting
from cmp.ledger.writer import Job, Writer

# Keys destroyed in one transaction.
_FORGOTTEN_AT_ONCE = 200
_EVENT = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")


class Ledger:
    """An open ledger: the only writer of its file.

    `address` is `sqlite:PATH` or a path; a file that does not exist is made, with mode 0600. `queue_limit` is how many
    records may wait to be stored, `lock_wait` how many seconds to wait for another program's lock on the file.
    Opening reads and writes the disk: do it before the event loop serves anybody. Raises LedgerError.
    """

    def __init__(self, address: str | Path, *, queue_limit: int = 4096, lock_wait: float = 2.0) -> None:
        self.file = ledger_file(address)
        self._writer = Writer(self.file, queue_limit=queue_limit, lock_wait=lock_wait)

    async def append(self, record: Record) -> Acknowledgement:
        """Stores a record. When this returns, it is on disk.

        Raises LedgerError when it is not known to be: the person must not be told that the choice was taken. Cancelled
        after its turn has come, the record is stored all the same.
        """
        stored: Acknowledgement = await self._do(record)
        return stored

    async def erase(self, person: str) -> bool:
        """Destroys the key of the person with this id: nobody can read their records any more, and both chains verify.

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
        persons = await asyncio.to_thread(persons_before, self.file, hour)
        forgotten = 0
        for start in range(0, len(persons), _FORGOTTEN_AT_ONCE):
            batch = tuple(persons[start : start + _FORGOTTEN_AT_ONCE])
            forgotten += await self._do(Forgetting(batch, unless_since=hour))
        return forgotten

    async def _do(self, task: Record | Forgetting) -> Any:
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
        return await asyncio.to_thread(statistics_of, self.file)

    async def history(self, person: str) -> list[Entry]:
        """All records of the person with this id, oldest first; none for an unknown id. Raises LedgerError."""
        return await asyncio.to_thread(history, self.file, person)

    async def heads(self) -> list[Head]:
        """Where both chains end now; kept elsewhere, they show later what is missing. Raises LedgerError."""
        return await asyncio.to_thread(heads_of, self.file)

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
