"""What a capture is once it is read.

May go in here: the values, and what holds for captures of every form. May not: file formats (`har.py`, `flows.py`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from cmp.core.consent import Visitor
from cmp.core.exchange import Exchange, Phase, Unseen

T = TypeVar("T")

# So much of a request's body is kept, in bytes.
BODY_LIMIT = 65_536


class Gap(StrEnum):
    """What a capture may lack besides the parts of an exchange: bodies of requests, what was really forwarded, and in
    a summary of a visit the details: addresses, header fields and answers of most requests."""

    BODIES = "bodies"
    DELIVERED = "delivered"
    DETAILS = "details"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, as far as findings need it. `size` is the body's length in bytes, None where not recorded.

    `location` is where it redirects to, as written, "" for nowhere. `tracking` is the tracking status it states (W3C
    Tracking Preference Expression, section 6): the first character of `Tk`, or of "tracking" in the status resource
    below `/.well-known/dnt/`; "" for none. `clock` is what the server's clock said when it answered (`Date` and `Age`),
    Unix seconds, None where it does not say. `etag` is the name its body has in the cache, as written (RFC 9110,
    section 8.8.3).
    """

    status: int
    media_type: str = ""
    size: int | None = None
    location: str = ""
    tracking: str = ""
    clock: float | None = None
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The decision that our proxy took live and left in the flow: its JSON form and the policy's fingerprint.

    `tags` are what was, or would have been, stopped inside the page itself: "url", "kind" and the ruling.
    `visit` is the id of the audit visit that the exchange belongs to, "" for none. `enforced`: the decision was carried
    out, not only observed.
    """

    policy: str
    decision: Mapping[str, Any]
    tags: tuple[Mapping[str, Any], ...] = ()
    visit: str = ""
    enforced: bool = True


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange of a capture.

    `index` counts the file's entries from 0, skipped ones included. `asked` is what the browser asked for and the
    server answered: the input of `decide`. `delivered` is what went over the wire after our edits: the input of
    findings, None where nothing was forwarded. They differ only in flow files that our proxy wrote.

    `body` is the delivered request's, at most BODY_LIMIT bytes of it, without its content coding; empty where there is
    none and where the source does not show it; `body_missing` tells that there must have been one. `body_type` is its
    Content-Type as written. Of a WebSocket the body is what was sent through it, a line for each message. `ended` is
    when the last of the answer had come, Unix seconds, None where nobody can tell. `validator` is the name of a cached
    copy that the request asked about (If-None-Match), as written.
    """

    index: int
    asked: Exchange
    delivered: Exchange | None
    answer: Answer | None = None
    visitor: Visitor | None = None
    recorded: Recorded | None = None
    body: bytes = b""
    body_type: str = ""
    body_missing: bool = False
    ended: float | None = None
    validator: str = ""


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
    cookies in an export that removes them: findings resting on it are "not assessable", never clean. The bodies of
    requests are among it as soon as one request must have had one and no request shows any.
    """

    file: str
    sha256: str
    form: str
    creator: str
    entries: tuple[Entry, ...]
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[Note, ...] = ()
    unseen: frozenset[Unseen | Gap] = field(default_factory=frozenset)


class CaptureError(Exception):
    """A file that is no capture we can read. Says which file, what is wrong and what to do next, in one line."""

    def __init__(self, file: str, why: str, remedy: str) -> None:
        super().__init__(f"{file}: {why}; {remedy}")
        self.file, self.why, self.remedy = file, why, remedy

    def __reduce__(self) -> tuple[type["CaptureError"], tuple[str, str, str]]:
        # So that one found by another process can be handed on.
        return type(self), (self.file, self.why, self.remedy)


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


def bodies_unseen(entries: Iterable[Entry]) -> frozenset[Gap]:
    """The gap where no body is shown, though some request must have had one."""
    found = [entry for entry in entries if entry.body or entry.body_missing]
    return frozenset({Gap.BODIES}) if found and not any(entry.body for entry in found) else frozenset()
