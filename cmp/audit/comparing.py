"""What would change on the wire if one policy replaced another: the same traffic decided under both.

May go in here: replaying captures twice, and the differences as data. May not: layout (`cmp.commands.diff`), what
changed between two documents (`cmp.policy.changes`).

A difference is counted where somebody would notice it: a request that passes here and not there, a cookie or a header
that is changed here and not there. That another rule or reason leads to the same is none.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from cmp.audit.finding import without_values
from cmp.audit.replay import Step, replay
from cmp.capture.capture import Capture
from cmp.core.consent import supposed_visitor
from cmp.core.decision import Decision, Edit, EditKind
from cmp.core.lifetimes import in_words
from cmp.core.policy import Policy

# So many examples stand with each difference.
_EXAMPLES = 3

PASSES, STOPPED = "passes", "stopped"
REDUCED = "passes without identifiers"
KEPT = "kept"

# What is changed, as people read it, and what becomes of it. An event that is remembered (MARK_EVENT) is left out: it
# is a cookie of ours and nothing of the traffic.
SUBJECTS = {
    EditKind.STRIP_COOKIE: ("cookie sent", "taken out"),
    EditKind.STRIP_SET_COOKIE: ("cookie set", "dropped"),
    EditKind.CAP_SET_COOKIE: ("cookie set", "lives at most {lifetime}"),
    EditKind.SESSION_SET_COOKIE: ("cookie set", "ends with the session"),
    EditKind.SECURE_SET_COOKIE: ("cookie over HTTPS only", "Secure added"),
    EditKind.STRIP_QUERY: ("query", "taken out"),
    EditKind.TRIM_REFERRER: ("header", "Referer cut ({name})"),
    EditKind.STRIP_HEADER: ("header", "taken out"),
    EditKind.SHORTEN_ADDRESS: ("header", "shortened"),
    EditKind.REDUCE_BODY: ("body", "without identifiers"),
    EditKind.ADD_SIGNAL: ("signal", "said for the visitor"),
    EditKind.STRIP_ANSWER_HEADER: ("answer's header", "taken out"),
    EditKind.STRIP_FROM_ANSWER_HEADER: ("answer's header", "without {target}"),
}


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One difference. `party` is the company behind the host under one of the policies, the new one first, else its
    registrable domain; `category` that of the ruling, "" where nothing is known. `subject` is what changes ("request",
    "cookie sent", ...), `name` which of it ("" for the request itself), `old` and `new` what becomes of it."""

    party: str
    category: str
    subject: str
    name: str
    old: str
    new: str


@dataclass(slots=True)
class Seen:
    """How often a change was seen, and the first addresses, without values of their query."""

    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`requests` are all that were decided, `changed` those with any difference."""

    requests: int
    changed: int
    actions: tuple[Counter[str], Counter[str]]
    changes: tuple[tuple[Change, Seen], ...]

    @property
    def by_party(self) -> dict[tuple[str, str], list[tuple[Change, Seen]]]:
        """The changes by party and category, in order."""
        found: dict[tuple[str, str], list[tuple[Change, Seen]]] = {}
        for change, seen in self.changes:
            found.setdefault((change.party, change.category), []).append((change, seen))
        return found


def compare(old: Policy, new: Policy, captures: Sequence[Capture], choice: str | None) -> Comparison:
    """Every request of the captures under both policies. For `choice` see `replay`; it must be one both offer.

    Raises ValueError as `replay` does.
    """
    for policy in (old, new):
        supposed_visitor(policy, choice or "none")
    found: dict[Change, Seen] = {}
    actions: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    requests = changed = 0
    for capture in captures:
        pair = (replay(old, capture, choice).steps, replay(new, capture, choice).steps)
        for before, after in zip(*pair, strict=True):
            requests += 1
            for counted, step in zip(actions, (before, after), strict=True):
                counted[step.decision.action.value] += 1
            changes = list(_changes(old, new, before, after))
            changed += bool(changes)
            for change in changes:
                seen = found.setdefault(change, Seen())
                seen.count += 1
                example = without_values(after.entry.asked.url)
                if example not in seen.examples and len(seen.examples) < _EXAMPLES:
                    seen.examples.append(example)
    return Comparison(requests, changed, actions, tuple(sorted(found.items(), key=_order)))


def _order(item: tuple[Change, Seen]) -> tuple[bool, int, Change]:
    """Requests before what is in them, the commonest first."""
    change, seen = item
    return (change.subject != "request", -seen.count, change)


def _changes(old: Policy, new: Policy, before: Step, after: Step) -> Iterator[Change]:
    party, category = _whose(old, new, before, after)
    then, now = _request(before.decision), _request(after.decision)
    if then != now:
        yield Change(party, category, "request", "", then, now)
    if STOPPED in (then, now):
        # What a request would carry that is never made is no difference of its own.
        return
    edits = (_edits(before.decision), _edits(after.decision))
    for subject, name in sorted({*edits[0], *edits[1]}):
        one, other = (each.get((subject, name), KEPT) for each in edits)
        if one != other:
            yield Change(party, category, subject, name, one, other)


def _whose(old: Policy, new: Policy, before: Step, after: Step) -> tuple[str, str]:
    rulings = ((new, after.decision.ruling), (old, before.decision.ruling))
    party = next(
        (policy.vendors[ruling.vendor].company for policy, ruling in rulings if ruling.vendor is not None),
        after.entry.asked.host_site,
    )
    return party, next((ruling.category for _, ruling in rulings if ruling.category is not None), "")


def _request(decision: Decision) -> str:
    if decision.blocked:
        return STOPPED
    return REDUCED if decision.ruling.reduced else PASSES


def _edits(decision: Decision) -> dict[tuple[str, str], str]:
    """What becomes of each thing that is changed. Of several changes to one thing all count."""
    found: dict[tuple[str, str], list[str]] = {}
    for edit in _visible(decision.edits):
        subject, done = SUBJECTS[edit.kind]
        text = done.format(name=edit.name, target=edit.target, lifetime=in_words(edit.max_age or 0))
        name = "referer" if edit.kind is EditKind.TRIM_REFERRER else edit.name
        done_to = found.setdefault((subject, name), [])
        if text not in done_to:
            done_to.append(text)
    return {key: ", ".join(sorted(texts)) for key, texts in found.items()}


def _visible(edits: Iterable[Edit]) -> Iterator[Edit]:
    return (edit for edit in edits if edit.kind in SUBJECTS)
