"""A decision log read beside recordings, or alone: whether it is whole, what it counts, and whether they agree.

May go in here: what the log says as figures. May not: the chain (`cmp.decision_log.verify`), findings (`detectors/`),
how a report looks.

The log counts what everybody had decided for them; a recording holds some of it, one by one. So each decision of a
recording, taken again, must be among those counted; that the log has more is what is to be expected.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cmp.audit.replay import Replay, Step
from cmp.core.exchange import Phase
from cmp.core.forms import decision_form
from cmp.decision_log.chain import canonical
from cmp.decision_log.naming import visit_key
from cmp.decision_log.rows import Taken, choice_of, rows_of
from cmp.decision_log.verify import Checked, check

# What a decision is compared by. Which mode it was taken in and where it went, names of cookies: one of the two cannot
# show them.
_COMPARED = ("choice", "policy", "action", "reason", "rule", "category", "vendor", "kind")
# So many different rules and unknown sites are told apart.
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Counted:
    """What one rule did: how often, and to requests or to things inside pages (`where`)."""

    where: str
    action: str
    reason: str
    rule: str
    category: str | None
    vendor: str | None
    count: int = 0


@dataclass(frozen=True, slots=True)
class Agreement:
    """How recordings and log compare: decisions compared, and those that the log lacks."""

    compared: int
    lacking: int


@dataclass(frozen=True, slots=True)
class Contacted:
    """A vendor that answered in a capture which our proxy did not record: how often, first in which entry and host."""

    capture: str
    vendor: str
    host: str
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Review:
    """A log that was read. `lost` counts decisions that are missing at least; `agreement` is None without a recording
    that could be compared. `contacted` are vendors in captures of browsers that were read beside it."""

    checked: Checked
    counted: tuple[Counted, ...]
    unknown: tuple[tuple[str | None, int], ...]
    visits: Mapping[str, int]
    lost: int
    agreement: Agreement | None
    contacted: tuple[Contacted, ...] = ()

    @property
    def lacks(self) -> tuple[str, ...]:
        """What the log says of itself that it lacks."""
        return tuple(fault.what for fault in self.checked.faults if not fault.broken)

    @property
    def actions(self) -> Mapping[str, int]:
        """How many requests were allowed, edited and blocked; those of audit visits too."""
        found = Counter[str]()
        for one in self.counted:
            if one.where == "wire":
                found[one.action] += one.count
        return {action: found[action] for action in ("allow", "edit", "block")}


@dataclass
class _Reading:
    """Takes in the lines of a log."""

    counted: Counter[Counted] = field(default_factory=Counter)
    unknown: Counter[str | None] = field(default_factory=Counter)
    visits: Counter[str] = field(default_factory=Counter)
    decisions: Counter[bytes] = field(default_factory=Counter)
    linked: Counter[bytes] = field(default_factory=Counter)

    def take(self, form: Mapping[str, Any]) -> None:
        if form["type"] == "decided":
            self._count(form, int(form["n"]))
            if form["where"] == "wire":
                self.decisions[_compared(form)] += int(form["n"])
        elif form["type"] == "visit":
            self._count(form, 1)
            if form["where"] == "wire":
                self.visits[form["visit"]] += 1
                self.linked[_compared(form, linked=True)] += 1
        elif form["type"] == "unknown-site" and (form["site"] in self.unknown or len(self.unknown) < _REMEMBERED):
            self.unknown[form["site"]] += int(form["n"])

    def _count(self, form: Mapping[str, Any], count: int) -> None:
        key = Counted(*(form[name] for name in ("where", "action", "reason", "rule", "category", "vendor")))
        if key in self.counted or len(self.counted) < _REMEMBERED:
            self.counted[key] += count


def review(folder: Path, recordings: Iterable["Comparable"] = ()) -> Review:
    """Read a log, and hold recordings against it. Raises DecisionLogError where the folder holds no log."""
    reading, recordings = _Reading(), tuple(recordings)
    checked = check(folder, reading.take)
    counted = sorted(reading.counted.items(), key=lambda item: (-item[1], repr(item[0])))
    unknown = sorted(reading.unknown.items(), key=lambda item: (-item[1], item[0] or ""))
    return Review(
        checked=checked,
        counted=tuple(replace(key, count=count) for key, count in counted),
        unknown=tuple(unknown),
        visits=dict(sorted(reading.visits.items())),
        lost=sum(fault.decisions or 0 for fault in checked.faults),
        agreement=_agreement(reading, recordings),
        contacted=tuple(one for recording in recordings for one in recording.contacted),
    )


def _contacted(done: Replay) -> Iterator[Contacted]:
    groups: dict[str, list[Step]] = {}
    for step in done.steps:
        entry, vendor = step.entry, step.decision.ruling.vendor
        answered = entry.delivered is not None and entry.delivered.phase is Phase.RESPONSE
        if vendor is not None and answered and entry.recorded is None:
            groups.setdefault(vendor, []).append(step)
    for vendor, steps in groups.items():
        entry = steps[0].entry
        yield Contacted(done.capture.file, vendor, entry.asked.url.host, entry.index, len(steps))


def _compared(form: Mapping[str, Any], *, linked: bool = False) -> bytes:
    changes = sorted({(one["edit"], one["rule"], one["reason"]) for one in form.get("changes", ())})
    more = {"visit": form["visit"], "place": form["place"]} if linked else {}
    return canonical({**{name: form[name] for name in _COMPARED}, "changes": changes, **more})


@dataclass(frozen=True, slots=True)
class Comparable:
    """The decisions of a recording that a log must have: those taken for anybody, and those of audit visits; of a
    browser's own capture the vendors that were contacted."""

    asked: Counter[bytes]
    linked: Counter[bytes]
    contacted: tuple[Contacted, ...] = ()


def comparable(done: Replay) -> Comparable:
    """What of a recording can be held against a log: what our own proxy decided under the same policy."""
    found = Comparable(Counter(), Counter(), tuple(_contacted(done)))
    for step in done.steps:
        recorded = step.entry.recorded
        if recorded is None or recorded.policy != done.policy.fingerprint or step.visitor != step.entry.visitor:
            continue
        among = found.linked if recorded.visit else found.asked
        among[_of_step(done, step, recorded.visit)] += 1
    return found


def _agreement(reading: _Reading, recordings: Iterable[Comparable]) -> Agreement | None:
    asked: Counter[bytes] = Counter()
    linked: Counter[bytes] = Counter()
    for recording in recordings:
        asked.update(recording.asked)
        linked.update(recording.linked)
    compared = asked.total() + linked.total()
    if not compared:
        return None
    lacking = (asked - reading.decisions).total() + (linked - reading.linked).total()
    return Agreement(compared, lacking)


def _of_step(done: Replay, step: Step, visit: str) -> bytes:
    asked = step.entry.asked
    taken = Taken(
        decision=decision_form(step.decision),
        choice=choice_of(step.visitor),
        policy=done.policy.fingerprint,
        enforced=True,
        kind=asked.kind.value,
        host=asked.url.host,
        path=asked.url.path,
        visit=visit,
    )
    form = {**rows_of(taken, visit_key(visit)).own.form(), "visit": visit}
    return _compared(form, linked=bool(visit))
