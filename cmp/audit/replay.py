"""A capture decided again: the same function that enforces live, over what was recorded.

May go in here: who the visitor of an entry was, and the decisions. May not: judging what was delivered (`evidence.py`,
`detectors/`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Protocol

from cmp.audit.choices import EVENT, NOTHING_KNOWN, Choices, Chosen, Event
from cmp.audit.clocks import Clock, clock_of
from cmp.capture.capture import Capture, Entry, Note
from cmp.capture.carrying import Carrying
from cmp.core.classify import Party
from cmp.core.consent import Visitor, supposed_visitor
from cmp.core.decide import decide, party_of
from cmp.core.decision import Action, Decision
from cmp.core.exchange import Exchange, Kind, Unseen
from cmp.core.forms import decision_form
from cmp.core.policy import Policy
from cmp.core.signals import Signals


@dataclass(frozen=True, slots=True)
class Step:
    """One entry, the visitor it is taken to come from, and the decision on what was asked.

    `source` tells where the choice is known from ("event", "ledger", the name of a consent platform), "" where it was
    recorded, is supposed, or there is none. `rival` is the visitor of the other state that the request may have been
    made in, or that began before its answer had come; None where there is no doubt.
    """

    entry: Entry
    visitor: Visitor
    decision: Decision
    source: str = ""
    rival: Visitor | None = None


@dataclass(frozen=True, slots=True)
class Live:
    """How the decisions our proxy took live compare with replay: how many, how many differ, the first that does."""

    compared: int = 0
    differ: int = 0
    first: int | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """A capture replayed. `choice` is None where recorded visitors count, and others are supposed not to choose.

    `chosen` are the choices that something tells of, in the order of time; `clock` is that of the recording machine,
    None where nothing tells how far it is from others; `told` is what must be known of the ledger's
    records, `records` the leaves that were evidence.
    """

    policy: Policy
    capture: Capture
    choice: str | None
    steps: tuple[Step, ...]
    live: Live
    chosen: tuple[Chosen, ...] = field(default=(), compare=False)
    clock: Clock | None = None
    told: tuple[Note, ...] = ()
    records: Mapping[int, str] = field(default_factory=dict)

    @property
    def actions(self) -> Mapping[str, int]:
        """How many entries are allowed, edited and blocked; every action is there."""
        counts = Counter(step.decision.action for step in self.steps)
        return {action.value: counts[action] for action in Action}

    @property
    def notes(self) -> tuple[Note, ...]:
        """What a reader must know: the notes of the capture, then those of the replay."""
        return (*self.capture.notes, *self.told, *_notes(self))


@dataclass(frozen=True, slots=True)
class Said:
    """What a ledger says of a visitor: choices, what must be known of them, and the hashes of the leaves they are from
    by their place in the ledger."""

    chosen: Sequence[Chosen] = ()
    notes: tuple[Note, ...] = ()
    used: Mapping[int, str] = field(default_factory=dict)


class Ledger(Protocol):
    """Consent records, asked for those of a capture's visitor."""

    def within(self, capture: Capture, clock: Clock | None) -> "Said": ...


def replay(
    policy: Policy,
    capture: Capture,
    choice: str | None = None,
    *,
    events: Sequence[Event] = (),
    records: Ledger | None = None,
) -> Replay:
    """Decide every entry of a capture, in time order.

    With a `choice` ("none", "refuse", "accept", or categories) every visitor is supposed to have made it. Without,
    `events` and the ledger's `records` say what was chosen when; where they say nothing, an entry of our own proxy has
    the visitor recorded in it; else the cookie of a known consent platform says what the visitor of its site chose; and
    everybody else made no choice. Raises ValueError for a choice that the policy does not offer.
    """
    supposed_visitor(policy, choice or "none")
    clock = clock_of(capture.entries)
    said = Said() if records is None or choice is not None else records.within(capture, clock)
    choices = None if choice is not None else Choices(policy, capture.entries, events, said.chosen)
    steps = tuple(_steps(policy, capture.entries, choice, choices))
    chosen = () if choices is None else choices.all
    return Replay(policy, capture, choice, steps, _live(policy, steps), chosen, clock, said.notes, said.used)


def _steps(policy: Policy, entries: Iterable[Entry], choice: str | None, choices: Choices | None) -> Iterator[Step]:
    """The entries one after the other: what a request carries depends on cookies seen before, and what a visitor may
    use on events. A capture without visitors is taken for the visit of one person."""
    carrying = Carrying(policy)
    supposed = lru_cache(_SUPPOSED)(partial(_supposed, policy, choice or "none"))
    events: frozenset[str] = frozenset()
    for at, carried in enumerate(_with_what_it_carries(carrying, entry) for entry in entries):
        state = NOTHING_KNOWN if choices is None else choices.state(at, carried)
        entry = _with_gpc(carried) if state.gpc else carried
        if choice is None and entry.visitor is not None and state.source != EVENT:
            # What our proxy recorded is known better than anything that could be read elsewhere.
            state, visitor = NOTHING_KNOWN, entry.visitor
        elif state.visitor is not None:
            visitor = replace(state.visitor, events=events)
        else:
            place, known = (
                ("", events) if entry.visitor is None else (entry.visitor.place, entry.visitor.events | events)
            )
            visitor = supposed(entry.asked.signals, place, known)
        decision = decide(policy, visitor, entry.asked)
        if not decision.blocked:
            events |= frozenset(decision.events)
        rival = None if state.rival is None else replace(state.rival, place=visitor.place, events=visitor.events)
        yield Step(entry, visitor, decision, state.source, rival)


# Visitors that are told apart at a time: they differ in signals, place and events.
_SUPPOSED = 256


def _supposed(policy: Policy, choice: str, signals: Signals, place: str, events: frozenset[str]) -> Visitor:
    """A supposed choice changes neither where the visitor is nor what was done before."""
    return replace(supposed_visitor(policy, choice, signals), place=place, events=events)


def _with_gpc(entry: Entry) -> Entry:
    """The entry as of a browser that sends Global Privacy Control."""
    asked = _signalling(entry.asked)
    delivered = entry.delivered
    if delivered is not None:
        delivered = asked if delivered is entry.asked else _signalling(delivered)
    return replace(entry, asked=asked, delivered=delivered)


def _signalling(exchange: Exchange) -> Exchange:
    return replace(exchange, signals=replace(exchange.signals, gpc=True))


def _with_what_it_carries(carrying: Carrying, entry: Entry) -> Entry:
    """The entry with what its requests carry, besides what our own proxy noted in it.

    A body that the capture does not show carries nothing here: `cap.incomplete` tells that it is missing.
    """
    if not carrying.active:
        return entry
    asked = _carrying(carrying, entry, entry.asked)
    delivered = entry.delivered
    if delivered is not None:
        delivered = asked if delivered is entry.asked else _carrying(carrying, entry, delivered)
    carrying.learn(entry.asked)
    return replace(entry, asked=asked, delivered=delivered)


def _carrying(carrying: Carrying, entry: Entry, exchange: Exchange) -> Exchange:
    found = exchange.carries | carrying.of(exchange, entry.body, entry.body_type)
    return replace(exchange, carries=found)


def _live(policy: Policy, steps: tuple[Step, ...]) -> Live:
    """Only decisions for the same visitor under the same policy can be compared."""
    compared, differing = 0, []
    for step in steps:
        recorded = step.entry.recorded
        if recorded is None or recorded.policy != policy.fingerprint or step.visitor != step.entry.visitor:
            continue
        compared += 1
        if decision_form(step.decision) != recorded.decision:
            differing.append(step.entry.index)
    return Live(compared, len(differing), min(differing, default=None))


def _notes(done: Replay) -> Iterator[Note]:
    live = done.live
    if live.differ:
        text = f"{live.differ} of {live.compared} live decisions differ from replay, first entry {live.first}"
        yield Note("live-differs", text)
    if done.clock is not None and done.clock.noticed:
        way = "behind" if done.clock.behind > 0 else "ahead of"
        servers = f"{done.clock.hosts} server{'s' * (done.clock.hosts != 1)}"
        yield Note(
            "clock-skew", f"the recording machine's clock is {abs(done.clock.behind):g} s {way} that of {servers}"
        )
    if races := sum(step.rival is not None for step in done.steps):
        text = f"{races} requests were under way, or nearly, when a choice was made: what they break counts less"
        yield Note("race", text)
    if Unseen.KIND in done.capture.unseen:
        yield Note("kind-unseen", "nothing tells a page from a hidden frame, so a tracker's frame may pass for a page")
    pages = [step.entry.asked for step in done.steps if step.entry.asked.kind is Kind.DOCUMENT]
    foreign = [page for page in pages if party_of(done.policy, page) is Party.THIRD]
    if foreign:
        sites = ", ".join(list(dict.fromkeys(page.host_site for page in foreign))[:3])
        text = f"{len(foreign)} of {len(pages)} pages are not on a site this policy is about ({sites})"
        yield Note("other-site", text)
