"""The writing of a log, away from the traffic: a bounded queue, and one thread behind it.

May go in here: taking in decisions, when a round ends, going on after a failure, counting what was lost. May not: what
a row holds (`rows.py`), files (`folder.py`).

The proxy's own thread does no more than append to a queue. When the queue is full, or the disk, decisions are lost for
the log, counted, and the site goes on.
"""

import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from cmp.decision_log.folder import DecisionLogError, Folder, Limits
from cmp.decision_log.naming import visit_key
from cmp.decision_log.round import Round
from cmp.decision_log.rows import Rows, Taken, rows_of

logger = logging.getLogger(__name__)

_HOUR = 3_600
# After so many decisions the thread lets others run: the traffic goes first.
_AT_ONCE = 100
# Seconds after which a failed write is tried again, and after which the count of what waits is put down.
_TRY_EVERY = 5.0
_COUNT_EVERY = 60.0
# Seconds that the end of the proxy waits for the last round.
_PATIENCE = 20.0


class Item(Protocol):
    """What waits in the queue. `size` is about how many bytes it keeps."""

    @property
    def size(self) -> int: ...


T = TypeVar("T", bound=Item)


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How a log is written.

    `round_seconds`: decisions are counted for so long, and at most to the end of the hour, before they are written; the
    longer, the less can be told of one visitor, and the more a crash loses. `queue` and `queue_bytes` bound what
    waits for the thread, which looks every `look_seconds`; `rows` the different rows of a round.
    """

    folder: Path
    limits: Limits = field(default_factory=Limits)
    round_seconds: float = _HOUR
    queue: int = 20_000
    queue_bytes: int = 32 * 1024 * 1024
    rows: int = 20_000
    look_seconds: float = 0.2


@dataclass(frozen=True, slots=True)
class LogCounts:
    """How the log stands: for health and metrics.

    `noted` decisions were handed over; `written` of them are in the log, `waiting` are not yet; lost are those that met
    a full queue, that the disk had no room for, and that could not be read. `failing`: the last write failed.
    """

    noted: int
    written: int
    waiting: int
    lost_queue: int
    lost_disk: int
    lost_unread: int
    segments: int
    failing: bool

    @property
    def lost(self) -> int:
        return self.lost_queue + self.lost_disk + self.lost_unread


@dataclass
class _Tally:
    """Counters of the writer's thread, and what of the losses is in the log already."""

    taken: int = 0
    taken_bytes: int = 0
    written: int = 0
    disk: int = 0
    unread: int = 0
    told: dict[str, int] = field(default_factory=lambda: {"queue": 0, "disk": 0, "unread": 0})


class DecisionLog(Generic[T]):
    """One log that is written. Starts on construction. Raises DecisionLogError where another proxy writes there.

    `read` makes of a queued item what is logged, None for one that cannot be read; it runs on the writer's thread.
    """

    def __init__(
        self,
        settings: LogSettings,
        read: Callable[[T], Taken | None],
        *,
        software: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._read, self._clock = settings, read, clock
        self._queue: deque[T] = deque()
        # Each counted by one thread alone: `noted`, `full` and `missed` by the proxy's, the tally by the writer's.
        self._noted = self._noted_bytes = self._full = self._missed = 0
        self._tally = _Tally()
        self._folder = Folder(settings.folder, settings.limits, self._hour, software)
        self._failing = False
        self._next_try = self._next_count = self._counted = 0.0
        self._round = self._new_round()
        self._visits: list[dict[str, Any]] = []
        self._ending = threading.Event()
        try:
            self._folder.claim()
        except OSError as error:
            self._fail(error)
        # Daemon: a proxy that dies of something else must not hang on this thread.
        self._thread = threading.Thread(target=self._run, name="decision-log", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------------------------------- from the proxy's thread

    def note(self, item: T) -> None:
        """Hand a decision over, without waiting for anything."""
        self._noted += 1
        tally = self._tally
        if (
            self._noted - self._full - self._missed - tally.taken > self._settings.queue
            or self._noted_bytes - tally.taken_bytes > self._settings.queue_bytes
        ):
            self._full += 1
            return
        self._noted_bytes += item.size
        self._queue.append(item)

    def miss(self) -> None:
        """Count a decision that could not even be handed over, as one that cannot be read."""
        self._noted += 1
        self._missed += 1

    @property
    def counts(self) -> LogCounts:
        """From any thread. The figures may be some decisions apart from each other."""
        tally = self._tally
        unread = tally.unread + self._missed
        lost = self._full + tally.disk + unread
        return LogCounts(
            noted=self._noted,
            written=tally.written,
            waiting=max(self._noted - tally.written - lost, 0),
            lost_queue=self._full,
            lost_disk=tally.disk,
            lost_unread=unread,
            segments=self._folder.segments,
            failing=self._failing,
        )

    def close(self) -> None:
        """Write what waits, seal the log and end. A second call does nothing."""
        self._ending.set()
        self._thread.join(_PATIENCE)

    # ------------------------------------------------------------------------------------- the writer's thread

    def _run(self) -> None:
        ended = False
        try:
            self._attempt(self._begin)
            while not self._ending.wait(self._settings.look_seconds):
                self._take_in()
                self._write_what_is_due()
            self._take_in()
            self._attempt(self._end)
            ended = True
        finally:
            if not ended:
                # A fault of ours must not look like a quiet site.
                self._failing = True
                logger.error("the decision log has stopped; the site keeps running, and nothing more is logged")
            self._folder.release()

    def _attempt(self, step: Callable[[], None]) -> None:
        try:
            step()
        except (OSError, DecisionLogError) as error:
            self._fail(error)

    def _begin(self) -> None:
        """Open the log at once: that nothing was decided is said by a log too."""
        self._append([])

    def _take_in(self) -> None:
        done = 0
        while self._queue:
            item = self._queue.popleft()
            if self._round.full:
                self._write_what_is_due()
            self._count(item)
            self._tally.taken += 1
            self._tally.taken_bytes += item.size
            done += 1
            if done % _AT_ONCE == 0:
                time.sleep(0)

    def _count(self, item: T) -> None:
        try:
            taken = self._read(item)
            rows = rows_of(taken, visit_key(taken.visit) if taken.visit else self._key) if taken is not None else None
        except (ValueError, KeyError, TypeError, AttributeError):
            taken = rows = None
        if taken is None or rows is None:
            self._tally.unread += 1
        elif taken.visit:
            self._count_visit(taken, rows)
        elif not self._round.add(rows):
            self._tally.disk += 1

    def _count_visit(self, taken: Taken, rows: Rows) -> None:
        """Somebody who asked to be linked: one line for each exchange, with its time."""
        if len(self._visits) >= self._settings.rows:
            self._tally.disk += 1
            return
        for row in (rows.own, *rows.inside):
            form = {"type": "visit", "visit": taken.visit, "at": round(taken.at * 1000), **row.form()}
            self._visits.append(form)

    def _write_what_is_due(self) -> None:
        if not self._failing or self._clock() >= self._next_try:
            self._attempt(self._write)

    def _write(self) -> None:
        now = self._clock()
        over = now - self._began >= self._settings.round_seconds or self._hour() != self._round.hour
        if self._visits:
            self._write_visits()
        if self._round.full or over or self._folder.is_due(now):
            self._write_round()
        elif self._round.decisions != self._counted and now >= self._next_count:
            self._write_count()
        if self._folder.is_due(now):
            self._folder.close_segment("rotated")

    def _end(self) -> None:
        if self._visits:
            self._write_visits()
        self._write_round()
        self._folder.close_segment("stopped")

    def _write_visits(self) -> None:
        self._append(self._visits)
        self._tally.written += sum(form["where"] == "wire" for form in self._visits)
        self._visits = []

    def _write_round(self) -> None:
        forms = [*self._round.forms(), *self._gaps()]
        if forms:
            self._append(forms)
        # From here on it is written, whatever becomes of the list of heads.
        self._tally.written += self._round.decisions
        for form in forms:
            if form["type"] == "gap":
                self._tally.told[form["why"]] += form["decisions"]
        self._round = self._new_round()
        if forms:
            self._folder.note_head()

    def _gaps(self) -> list[dict[str, Any]]:
        lost = {"queue": self._full, "disk": self._tally.disk, "unread": self._tally.unread + self._missed}
        told = self._tally.told
        return [
            {"type": "gap", "hour": self._round.hour, "why": why, "decisions": count - told[why]}
            for why, count in lost.items()
            if count > told[why]
        ]

    def _write_count(self) -> None:
        """Say how many wait, and nothing of them: after a crash it is known how much is missing at least."""
        self._append([{"type": "waiting", "decisions": self._round.decisions}])
        self._counted, self._next_count = self._round.decisions, self._clock() + _COUNT_EVERY

    def _append(self, forms: list[dict[str, Any]]) -> None:
        self._folder.append(forms, self._clock())
        if self._failing:
            self._failing = False
            lost = self._tally.disk
            logger.warning("the decision log is written again; %d decisions were lost for want of room", lost)

    def _fail(self, error: OSError | DecisionLogError) -> None:
        self._next_try = self._clock() + _TRY_EVERY
        if not self._failing:
            self._failing = True
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            logger.error(
                "%s: the decision log cannot be written (%s); the site keeps running, what is lost is counted",
                self._settings.folder,
                why,
            )

    def _new_round(self) -> Round:
        # A key of its own for each round: what one person alone asks for shows as another place in every round.
        self._key = secrets.token_bytes(32)
        self._began = self._clock()
        self._counted, self._next_count = 0, self._began + _COUNT_EVERY
        return Round(self._hour(), self._key, self._settings.rows)

    def _hour(self) -> int:
        return int(self._clock() // _HOUR) * _HOUR
