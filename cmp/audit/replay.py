"""A capture decided again: the same function that enforces live, over what was recorded.

May go in here: who the visitor of an entry was, and the decisions. May not: judging what was delivered (`evidence.py`,
`detectors/`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cmp.capture.capture import Capture, Entry, Note
from cmp.core.classify import Party
from cmp.core.consent import Visitor, supposed_visitor
from cmp.core.decide import decide, party_of
from cmp.core.decision import Action, Decision
from cmp.core.exchange import Kind, Unseen
from cmp.core.forms import decision_form
from cmp.core.policy import Policy


@dataclass(frozen=True, slots=True)
class Step:
    """One entry, the visitor it is taken to come from, and the decision on what was asked."""

    entry: Entry
    visitor: Visitor
    decision: Decision


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
    """Decide every entry of a capture.

    With a `choice` ("none", "refuse", "accept", or categories) every visitor is supposed to have made it. Without, an
    entry of our own proxy has the visitor recorded in it, and everybody else made no choice. Raises ValueError for a
    choice that the policy does not offer.
    """
    supposed_visitor(policy, choice or "none")
    steps = tuple(_step(policy, entry, choice) for entry in capture.entries)
    return Replay(policy, capture, choice, steps, _live(policy, steps))


def _step(policy: Policy, entry: Entry, choice: str | None) -> Step:
    if choice is None and entry.visitor is not None:
        visitor = entry.visitor
    else:
        visitor = supposed_visitor(policy, choice or "none", entry.asked.signals)
    return Step(entry, visitor, decide(policy, visitor, entry.asked))


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
