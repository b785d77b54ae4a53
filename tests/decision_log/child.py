"""A process that writes a log, to be killed or to run out of room: `child.py FOLDER kill|room`.

May go in here: writing and telling how it stands, one JSON object a line. May not: assertions.
"""

import json
import logging
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path

from cmp.decision_log.writer import DecisionLog
from tests.decision_log.examples import BLOCKED, Clock, Item, running_log, taken_in
from tests.waiting import wait_for


def tell(log: DecisionLog[Item], **more: object) -> None:
    counts = log.counts
    said = {"noted": counts.noted, "written": counts.written, "lost": counts.lost, "failing": counts.failing}
    sys.stdout.write(json.dumps({**said, **more}) + "\n")
    sys.stdout.flush()


def until_killed(folder: Path) -> None:
    """Logs without end. Time flies, but not while a slow disk is waited for: rounds end, and what waits is counted."""
    clock = Clock()
    with running_log(folder, clock, round_seconds=600) as log:
        number = 0
        while True:
            for _ in range(50):
                number += 1
                log.note(Item(replace(BLOCKED, path=f"/{number % 40}")))
            taken_in(log)
            clock.now += 10
            tell(log)


def without_room(folder: Path) -> None:
    """Files may not grow any more for a while (EFBIG, which meets the writer where ENOSPC does)."""
    clock = Clock()
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("cmp.decision_log").addHandler(handler)
    logging.getLogger("cmp.decision_log").setLevel(logging.INFO)
    with running_log(folder, clock, round_seconds=60, rows=50) as log:
        log.note(Item(BLOCKED))
        wait_for((folder / "heads.json").exists)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, resource.RLIM_INFINITY))
        for number in range(500):
            log.note(Item(replace(BLOCKED, path=f"/{number}")))
        # Written because the round is full, not because it is over: one that ended too early would have room.
        wait_for(lambda: log.counts.failing)
        clock.now += 61
        wait_for(lambda: log.counts.lost > 0)
        tell(log, said=list(said))
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        while log.counts.waiting:
            clock.now += 61
            time.sleep(0.02)
        tell(log, said=list(said))


if __name__ == "__main__":
    {"kill": until_killed, "room": without_room}[sys.argv[2]](Path(sys.argv[1]))
