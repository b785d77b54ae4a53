"""What is kept of a capture once it was replayed and its findings are known: what reports say of it.

May go in here: the value, and making it. It holds no exchange, so that an audit of many captures needs no more memory
than their reports, and it goes from one process to another. May not: layout (`report_*.py`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from cmp.audit.charts import Mark
from cmp.audit.choices import Chosen
from cmp.audit.clocks import Clock
from cmp.audit.contacts import Contact, contacts_of
from cmp.audit.decision_log import Comparable, comparable
from cmp.audit.finding import Finding, without_values
from cmp.audit.replay import Live, Replay
from cmp.capture.capture import Capture, Gap, Note
from cmp.core.exchange import Kind, Unseen


@dataclass(frozen=True, slots=True)
class Account:
    """A capture audited. Most fields are those of `Capture` and `Replay`, entries and skipped ones as numbers.

    `recorded` counts the entries whose visitor our own proxy recorded; `sources` is where else choices are known from.
    `page` is the first page visited without the values of its query, "" for none, `page_time` when (None: not
    recorded). `start` is the time of the first request that has one; `marks` are those requests, for a picture.
    `records` are hashes of the ledger's leaves that were evidence, by their place.
    """

    file: str
    sha256: str
    form: str
    creator: str
    entries: int
    skipped: Mapping[str, int]
    unseen: frozenset[Unseen | Gap]
    notes: tuple[Note, ...]
    actions: Mapping[str, int]
    live: Live
    clock: Clock | None
    chosen: tuple[Chosen, ...]
    recorded: int
    sources: tuple[str, ...]
    page: str
    page_time: float | None
    start: float | None
    marks: tuple[Mark, ...]
    contacts: tuple[Contact, ...]
    findings: tuple[Finding, ...]
    comparable: Comparable | None = None
    records: Mapping[int, str] = field(default_factory=dict)

    @property
    def assessable(self) -> bool:
        """Whether cookies can be judged at all: something was recorded, and cookies were not left out of it."""
        return bool(self.entries) and not {Unseen.COOKIES, Unseen.SET_COOKIES} <= self.unseen


def account_of(done: Replay, findings: Sequence[Finding], *, with_log: bool = False) -> Account:
    """What is kept of a replay. `with_log`: also what a decision log is held against."""
    capture: Capture = done.capture
    asked = [step.entry.asked for step in done.steps]
    page = next((exchange for exchange in asked if exchange.kind is Kind.DOCUMENT), None)
    timed = [step for step in done.steps if Unseen.TIME not in step.entry.asked.unseen]
    start = min((step.entry.asked.time for step in timed), default=None)
    return Account(
        file=capture.file,
        sha256=capture.sha256,
        form=capture.form,
        creator=capture.creator,
        entries=len(capture.entries),
        skipped=dict(sorted(Counter(skipped.why for skipped in capture.skipped).items())),
        unseen=capture.unseen,
        notes=done.notes,
        actions=done.actions,
        live=done.live,
        clock=done.clock,
        # What tells the state is a function, and of no use to a report.
        chosen=tuple(replace(chosen, visitor=None) for chosen in done.chosen),
        recorded=sum(step.entry.visitor is not None for step in done.steps),
        sources=tuple(dict.fromkeys(step.source for step in done.steps if step.source)),
        page="" if page is None else without_values(page.url),
        page_time=None if page is None or Unseen.TIME in page.unseen else page.time,
        start=start,
        marks=tuple(
            Mark(
                step.entry.asked.time - (start or 0.0), step.decision.ruling.category or "unknown", step.decision.action
            )
            for step in timed
        ),
        contacts=tuple(contacts_of(done)),
        findings=tuple(findings),
        comparable=comparable(done) if with_log else None,
        records=done.records,
    )
