"""What a capture is once it is read.

May go in here: the values, and what holds for captures of every form. May not: file formats (`har.py`, `flows.py`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cmp.core.consent import Visitor
from cmp.core.exchange import Exchange, Phase, Unseen

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, as far as findings need it. `size` is the body's length in bytes, None where not recorded."""

    status: int
    media_type: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """The decision that our proxy took live and left in the flow: its JSON form and the policy's fingerprint."""

    policy: str
    decision: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange of a capture.

    `index` counts the file's entries from 0, skipped ones included. `asked` is what the browser asked for and the
    server answered: the input of `decide`. `delivered` is what went over the wire after our edits: the input of
    findings, None where nothing was forwarded. They differ only in flow files that our proxy wrote.
    """

    index: int
    asked: Exchange
    delivered: Exchange | None
    answer: Answer | None = None
    visitor: Visitor | None = None
    recorded: Recorded | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """An entry that could not be read, or is no network traffic, and why."""

    index: int
    why: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something a reader of findings must know of the capture. `code` is stable, `text` for people."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Capture:
    """A capture file: its entries in time order, and what it cannot show.

    `unseen` names what no entry of the whole capture shows though there was traffic that should have had it, such as
    cookies in an export that removes them: findings resting on it are "not assessable", never clean.
    """

    file: str
    sha256: str
    form: str
    creator: str
    entries: tuple[Entry, ...]
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[Note, ...] = ()
    unseen: frozenset[Unseen] = field(default_factory=frozenset)


class CaptureError(Exception):
    """A file that is no capture we can read. Says which file, what is wrong and what to do next, in one line."""

    def __init__(self, file: str, why: str, remedy: str) -> None:
        super().__init__(f"{file}: {why}; {remedy}")
        self.file, self.why, self.remedy = file, why, remedy


def in_time_order(items: Iterable[T], time_of: Callable[[T], float | None]) -> list[T]:
    """Items of a file sorted by time. One without a time stays behind the item that stands before it in the file."""
    timed: list[tuple[float, T]] = []
    last = 0.0
    for item in items:
        time = time_of(item)
        last = last if time is None else time
        timed.append((last, item))
    return [item for _, item in sorted(timed, key=lambda pair: pair[0])]


def unseen_everywhere(exchanges: Sequence[Exchange]) -> frozenset[Unseen]:
    """What none of the exchanges could show. An exchange without an answer has no Set-Cookie to show."""
    answered = [exchange for exchange in exchanges if exchange.phase is Phase.RESPONSE]
    return frozenset(
        part
        for part in Unseen
        if (among := answered if part is Unseen.SET_COOKIES else exchanges)
        and all(part in exchange.unseen for exchange in among)
    )
