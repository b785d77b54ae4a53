"""What the visitor of a capture had chosen at each of its moments, from all that tells of a choice, in one order.

May go in here: what the auditor says (`Event`), records of the ledger, cookies of consent platforms, put in order with
the exchanges of a capture. May not: reading a ledger (`consent_records.py`) or cookies (`platforms.py`), deciding.

Where a choice falls into the time a request was under way, or its own moment is known only roughly, nobody can tell
whether the request came before it or after: a race. Then both states are handed on.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cmp.audit.platforms import Stored, stored_choice
from cmp.capture.capture import Entry
from cmp.core.consent import NO_CHOICE, Visitor, supposed_visitor
from cmp.core.exchange import Unseen
from cmp.core.policy import Policy
from cmp.core.signals import Signals

# What an event may be called, and the choice it stands for; anything else is a list of categories.
EVENT, LEDGER = "event", "ledger"
WORDS = {"accept": "accept", "refuse": "refuse", "withdraw": "refuse", "none": "none", "gpc": ""}


@dataclass(frozen=True, slots=True)
class Event:
    """What the auditor says happened: `at` is seconds after the first request of a capture, or with `absolute` Unix
    seconds by the clock of the machine that recorded. `said` is one of WORDS, or categories joined with commas."""

    at: float
    said: str
    absolute: bool = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """One choice that something tells of, made between `earliest` and `latest` (Unix seconds, the capture's clock).

    `source` is "event", "ledger", or a consent platform's name; `site` whose choice it is, "" for every site's. `seen`
    is the place in the capture from which on it certainly holds, `unseen` that up to which it certainly did not (None:
    times alone tell). `visitor` gives the state, asked with the signals shown at that moment; None: a signal alone,
    Global Privacy Control, is switched on.
    """

    earliest: float
    latest: float
    said: str
    source: str
    visitor: Callable[[Signals], Visitor] | None
    site: str = ""
    seen: int | None = None
    unseen: int | None = None

    def holds(self, moment: "Moment") -> bool | None:
        """Whether it was made before this moment began; None where nobody can tell, or while it lasted."""
        if moment.start >= self.latest or (self.seen is not None and moment.at >= self.seen):
            return True
        before = moment.end < self.earliest or (self.unseen is not None and moment.at <= self.unseen)
        return False if before else None


@dataclass(frozen=True, slots=True)
class Moment:
    """When an exchange took place: its place in the capture, and Unix seconds."""

    at: int
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class State:
    """What was chosen when an exchange began. `source` as in `Chosen`, "" where nothing was; `rival` is the other state
    it may have been in, or came into while it lasted, None where there is no doubt. `gpc`: the browser said so."""

    visitor: Visitor | None
    source: str = ""
    rival: Visitor | None = None
    gpc: bool = False


NOTHING_KNOWN = State(None)


def read_event(text: str) -> Event:
    """`TIME=CHOICE`: seconds after the first request ("12.5"), or a moment in ISO 8601. Raises ValueError, saying what
    is wrong."""
    time, equals, said = text.partition("=")
    time, said = time.strip(), said.strip()
    if not equals or not said:
        raise ValueError(f"{text!r}: write SECONDS=accept, refuse, withdraw, gpc or categories, such as 12.5=refuse")
    if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", time):
        return Event(float(time), said)
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        raise ValueError(f"{time!r} is no time: write seconds after the first request, or ISO 8601") from None
    return Event((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp(), said, absolute=True)


def check_events(policy: Policy, events: Iterable[Event]) -> None:
    """Raises ValueError for an event that names no choice the policy offers."""
    for event in events:
        supposed_visitor(policy, WORDS.get(event.said, event.said) or "none")


class Choices:
    """The choices of one capture, asked for one entry after the other, in the order of the capture.

    What the auditor says and what the ledger holds counts more than a consent platform's cookie: that one counts until
    the first of them.
    """

    def __init__(
        self, policy: Policy, entries: Sequence[Entry], events: Iterable[Event] = (), records: Iterable[Chosen] = ()
    ) -> None:
        self._policy = policy
        self._moments = tuple(_moments(entries))
        told = [*(_of_event(policy, event, self._moments) for event in events), *records]
        told.sort(key=lambda one: one.earliest)
        self._told = tuple(one for one in told if one.visitor is not None)
        self._signalled = tuple(one for one in told if one.visitor is None)
        self._stored: Mapping[str, Sequence[Chosen]] = _stored(policy, entries, self._moments)
        self._shown: dict[Chosen, Signals] = {}
        self._last: Signals | None = None

    @property
    def all(self) -> tuple[Chosen, ...]:
        """Every choice, in the order of time; those from before the capture first."""
        kept = (one for site in self._stored.values() for one in site)
        return tuple(sorted((*self._told, *self._signalled, *kept), key=lambda one: (one.earliest, one.latest)))

    def state(self, at: int, entry: Entry) -> State:
        """What was chosen for the entry at this place of the capture. To be asked in order."""
        if not (self._told or self._signalled or self._stored):
            return NOTHING_KNOWN
        moment, site = self._moments[at], entry.asked.page_site
        gpc = any(one.holds(moment) for one in self._signalled)
        signals = replace(entry.asked.signals, gpc=True) if gpc else entry.asked.signals
        state = self._of(self._told, moment, signals)
        if state.visitor is None:
            kept = self._of(self._stored.get(site, ()), moment, signals)
            # A choice that is told of may have been made while this lasted, whatever was stored before.
            state = replace(kept, rival=state.rival or kept.rival)
        self._last = signals
        return replace(state, gpc=gpc)

    def _of(self, ordered: Sequence[Chosen], moment: Moment, signals: Signals) -> State:
        now: Chosen | None = None
        then: Chosen | None = None
        for one in ordered:
            holds = one.holds(moment)
            if holds:
                now = one
            elif holds is None:
                then = one
        return State(
            None if now is None else self._visitor(now, signals),
            "" if now is None else now.source,
            None if then is None else self._visitor(then, signals),
        )

    def _visitor(self, chosen: Chosen, signals: Signals) -> Visitor:
        # The signals shown at the moment of the choice: those of the exchange before the first that it holds for.
        shown = self._shown.setdefault(chosen, signals if self._last is None else self._last)
        return chosen.visitor(shown) if chosen.visitor is not None else NO_CHOICE


def _moments(entries: Iterable[Entry]) -> Iterator[Moment]:
    """One without a time is where the entry before it is."""
    last = 0.0
    for at, entry in enumerate(entries):
        if Unseen.TIME not in entry.asked.unseen:
            last = entry.asked.time
        yield Moment(at, last, max(last, entry.ended or last))


def _of_event(policy: Policy, event: Event, moments: Sequence[Moment]) -> Chosen:
    start = next((moment.start for moment in moments if moment.start), 0.0)
    at = event.at if event.absolute else start + event.at
    choice = WORDS.get(event.said, event.said)
    if not choice:
        return Chosen(at, at, event.said, EVENT, None)
    return Chosen(at, at, event.said, EVENT, lambda shown: _supposed(policy, choice, shown, at))


def _supposed(policy: Policy, choice: str, shown: Signals, at: float) -> Visitor:
    visitor = supposed_visitor(policy, choice, shown)
    return replace(visitor, decided_at=at) if visitor.decided else visitor


def _stored(policy: Policy, entries: Iterable[Entry], moments: Sequence[Moment]) -> Mapping[str, Sequence[Chosen]]:
    """What consent platforms' cookies say, by the site that keeps them: its pages carry them, their third parties do
    not. A choice was made between the last request to the site without it and the first with it, unless the cookie says
    when."""
    found: dict[str, list[Chosen]] = {}
    last: dict[str, tuple[int, Stored | None]] = {}
    for moment, entry in zip(moments, entries, strict=True):
        asked = entry.asked
        if not asked.page_site or asked.host_site != asked.page_site or Unseen.COOKIES in asked.unseen:
            continue
        before = last.get(asked.page_site)
        kept = stored_choice(asked.cookies) if asked.cookies else None
        if kept is None and before is not None:
            # A part of the site may not get the cookie; that it is gone does not undo what was chosen.
            last[asked.page_site] = (moment.at, before[1])
            continue
        if kept is not None and (before is None or before[1] is None or not _same(before[1], kept)):
            without = None if before is None else moments[before[0]]
            found.setdefault(asked.page_site, []).append(
                _kept(asked.page_site, kept, kept.visitor(policy), moment, without)
            )
        last[asked.page_site] = (moment.at, kept)
    return found


def _same(one: Stored, other: Stored) -> bool:
    return (one.granted, one.refused) == (other.granted, other.refused)


def _kept(site: str, kept: Stored, visitor: Visitor, seen: Moment, without: Moment | None) -> Chosen:
    """What a cookie says that was `seen` first at one moment, `without` being the last that did not have it."""

    def state(_shown: Signals) -> Visitor:
        return visitor

    said = ",".join(sorted(kept.granted)) or "refuse"
    if without is None:
        # The browser had it when it came.
        return Chosen(-math.inf, -math.inf, said, kept.platform, state, site, seen.at)
    if kept.at is not None and without.start <= kept.at <= seen.start:
        return Chosen(kept.at, kept.at, said, kept.platform, state, site, seen.at)
    return Chosen(without.start, seen.start, said, kept.platform, state, site, seen.at, without.at)
