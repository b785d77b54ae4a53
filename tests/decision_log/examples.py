"""Decisions to log, and logs to read: what the tests of the log share.

May go in here: making and reading. May not: assertions.
"""

import gzip
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cmp.decision_log.folder import segment_files
from cmp.decision_log.rows import Choice, Taken
from cmp.decision_log.writer import DecisionLog, LogCounts, LogSettings
from tests.waiting import wait_for

BLOCKED = Taken(
    decision={
        "action": "block",
        "reason": "refused",
        "rule": "vendor:tracker",
        "category": "analytics",
        "vendor": "tracker",
        "edits": [],
        "reported": [],
    },
    choice=Choice.REFUSED,
    policy="f1" * 32,
    enforced=True,
    kind="image",
    host="px.tracker.test",
    path="/p.gif",
)


def edited(*names: str, edit: str = "strip-cookie", rule: str = "unknown.cookie", **changes: Any) -> Taken:
    """A page of the site from whose request cookies (or what `edit` is about) were taken."""
    edits = [
        {"edit": edit, "name": name, "rule": rule, "reason": "unknown-denied", "category": None, "vendor": None}
        for name in names
    ]
    decision = {**BLOCKED.decision, "action": "edit", "rule": "first-party", "vendor": None, "edits": edits}
    return replace(BLOCKED, decision=decision, kind="document", host="www.shop.test", path="/", **changes)


def unknown(host: str, kind: str = "script") -> Taken:
    decision = {
        **BLOCKED.decision,
        "reason": "unknown-denied",
        "rule": "unknown.host",
        "vendor": None,
        "category": None,
    }
    return replace(BLOCKED, decision=decision, kind=kind, host=host, path="/x")


@dataclass(frozen=True)
class Item:
    """What waits in the queue of a test's log."""

    taken: Taken | None
    size: int = 100


@dataclass
class Clock:
    """Stands still until it is told to go on."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def read_item(item: Item) -> Taken | None:
    return item.taken


@contextmanager
def running_log(folder: Path, clock: Callable[[], float] | None = None, **settings: Any) -> Iterator[DecisionLog[Item]]:
    """A log that is written, closed at the end."""
    log = DecisionLog(
        LogSettings(folder, **{"look_seconds": 0.01, **settings}), read_item, software="test", clock=clock or Clock()
    )
    try:
        yield log
    finally:
        log.close()


def write(folder: Path, *taken: Taken, **settings: Any) -> LogCounts:
    """A whole run of a proxy that decided these."""
    with running_log(folder, **settings) as log:
        for one in taken:
            log.note(Item(one))
    return log.counts


def taken_in(log: DecisionLog[Item]) -> bool:
    """Whether all that got into the queue came to be in the round.

    Only then does the clock that is put on end that round: what comes in later, or into a round that begins later,
    waits for another end. The counts say nothing of it, as what is handed over waits from the first.
    """
    return wait_for(lambda: log._tally.taken == log._noted - log._full - log._missed)


def settled(log: DecisionLog[Item]) -> bool:
    """Whether everything handed over came to be written or lost."""
    return wait_for(lambda: log.counts.waiting == 0)


def text_of(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def lines_of(folder: Path, *types: str) -> list[dict[str, Any]]:
    """The lines of a log, of certain types or all, in the order they stand in."""
    texts = [text_of(path) for path in segment_files(folder).values()]
    forms = [json.loads(line) for text in texts for line in text.splitlines()]
    return [form for form in forms if not types or form["type"] in types]


def rewrite(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Meddle with the lines of a segment."""
    lines = change(text_of(path).splitlines(keepends=True))
    data = b"".join(lines)
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
