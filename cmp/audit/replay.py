"""A capture decided again: the same function that enforces live, over what was recorded.

May go in here: who the visitor of an entry was, and the decisions. May not: judging what was delivered (`evidence.py`,
`detectors/`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from cmp.audit.platforms import Stored, stored_choice
from cmp.capture.capture import Capture, Entry, Note
from cmp.capture.carrying import Carrying
from cmp.core.classify import Party
from cmp.core.consent import Visitor, supposed_visitor
from cmp.core.decide import decide, party_of
from cmp.core.decision import Action, Decision
from cmp.core.exchange import Exchange, Kind, Unseen
from cmp.core.forms import decision_form
from cmp.core.policy import Policy


@dataclass(frozen=True, slots=True)
class Step:
    """One entry, the visitor it is taken to come from, and the decision on what was asked.

    `platform` names whose stored choice the visitor's is, "" where it is none of a consent platform.
    """

    entry: Entry
    visitor: Visitor
    decision: Decision
    platform: str = ""


@dataclass(frozen=True, slots=True)
class Live:
    """How the decisions our proxy took live compare with replay: how many, how many differ, the first that does."""

    compared: int = 0
    differ: int = 0
    first: int | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """A capture replayed. `choice` is None where recorded visitors count, and others are supposed not to choose."""

    policy: Policy
    capture: Capture
    choice: str | None
    steps: tuple[Step, ...]
    live: Live

    @property
    def actions(self) -> Mapping[str, int]:
        """How many entries are allowed, edited and blocked; every action is there."""
        counts = Counter(step.decision.action for step in self.steps)
        return {action.value: counts[action] for action in Action}

    @property
    def notes(self) -> tuple[Note, ...]:
        """What a reader must know: the notes of the capture, then those of the replay."""
        return (*self.capture.notes, *_notes(self))


def replay(policy: Policy, capture: Capture, choice: str | None = None) -> Replay:
    """Decide every entry of a capture, in time order.

    With a `choice` ("none", "refuse", "accept", or categories) every visitor is supposed to have made it. Without, an
    entry of our own proxy has the visitor recorded in it; else the cookie of a known consent platform says what the
    visitor of its site chose; and everybody else made no choice. Raises ValueError for a choice that the policy does
    not offer.
    """
    supposed_visitor(policy, choice or "none")
    steps = tuple(_steps(policy, capture.entries, choice))
    return Replay(policy, capture, choice, steps, _live(policy, steps))


def _steps(policy: Policy, entries: Iterable[Entry], choice: str | None) -> Iterator[Step]:
    """The entries one after the other: what a request carries depends on cookies seen before, and what a visitor may
    use on events. A capture without visitors is taken for the visit of one person."""
    carrying = Carrying(policy)
    events: frozenset[str] = frozenset()
    stored: dict[str, Stored] = {}
    for entry in (_with_what_it_carries(carrying, entry) for entry in entries):
        recorded, platform = entry.visitor, ""
        if choice is None and recorded is None:
            _remember(stored, entry)
        if choice is None and recorded is not None:
            visitor = recorded
        elif choice is None and (kept := stored.get(entry.asked.page_site)) is not None:
            visitor, platform = replace(kept.visitor(policy), events=events), kept.platform
        else:
            visitor = supposed_visitor(policy, choice or "none", entry.asked.signals)
            # A supposed choice changes neither where the visitor is nor what was done before.
            place, known = (recorded.place, recorded.events) if recorded is not None else ("", frozenset())
            visitor = replace(visitor, place=place, events=known | events)
        decision = decide(policy, visitor, entry.asked)
        if not decision.blocked:
            events |= frozenset(decision.events)
        yield Step(entry, visitor, decision, platform)


def _remember(stored: dict[str, Stored], entry: Entry) -> None:
    """Keep what a consent platform's cookie says, by the site that keeps it: its pages carry it, their third parties
    do not."""
    asked = entry.asked
    if asked.page_site and asked.host_site == asked.page_site and (found := stored_choice(asked.cookies)) is not None:
        stored[asked.page_site] = found


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
    if Unseen.KIND in done.capture.unseen:
        yield Note("kind-unseen", "nothing tells a page from a hidden frame, so a tracker's frame may pass for a page")
    pages = [step.entry.asked for step in done.steps if step.entry.asked.kind is Kind.DOCUMENT]
    foreign = [page for page in pages if party_of(done.policy, page) is Party.THIRD]
    if foreign:
        sites = ", ".join(list(dict.fromkeys(page.host_site for page in foreign))[:3])
        text = f"{len(foreign)} of {len(pages)} pages are not on a site this policy is about ({sites})"
        yield Note("other-site", text)
