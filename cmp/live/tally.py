"""Numbers of what the proxy did, for a monitor: counted by what the policy names, never by who it was.

May go in here: counting, and the text form of Prometheus (exposition format 0.0.4). May not: serving it
(`health_port.py`), decisions.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from cmp.capture.flow_exchange import Mark, mark_of_text
from cmp.core.kept import kept_by_text

Labels = tuple[tuple[str, str], ...]
_STRIPPED = {"strip-cookie": "request", "strip-set-cookie": "answer"}


@dataclass(frozen=True, slots=True)
class Gauge:
    """A number that is read when somebody asks for it."""

    name: str
    help: str
    read: Callable[[], float]
    labels: Labels = ()


@dataclass
class Tally:
    """Counters since the start. `gauges` may be added to by whoever has something to show."""

    decided: Counter[Labels] = field(default_factory=Counter)
    blocked: Counter[Labels] = field(default_factory=Counter)
    stripped: Counter[Labels] = field(default_factory=Counter)
    held: int = 0
    streamed: int = 0
    reloads: int = 0
    gauges: list[Gauge] = field(default_factory=list)

    def note(self, mark: str) -> None:
        """Count one exchange by the mark it has when it is over."""
        found = _counted(mark)
        if found is None:
            return
        self.decided[found.decided] += 1
        if found.blocked is not None:
            self.blocked[found.blocked] += 1
        for labels, count in found.stripped:
            self.stripped[labels] += count
        self.held += found.held

    def stream(self, part: bytes) -> bytes:
        """For a body that passes: counts it and gives it back."""
        self.streamed += len(part)
        return part

    def text(self) -> str:
        """All numbers in the text form."""
        return "".join(line + "\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield from _counter("requests", "Exchanges by what was decided.", self.decided)
        yield from _counter("blocked", "Requests kept from being forwarded.", self.blocked)
        yield from _counter("cookies_stripped", "Cookies taken out.", self.stripped)
        yield from _counter("held_to_fallback", "Exchanges on which deciding failed.", {(): self.held})
        yield from _counter("streamed_bytes", "Bytes of answers passed on without being kept.", {(): self.streamed})
        yield from _counter("policy_reloads", "Policies taken over while running.", {(): self.reloads})
        for gauge in self.gauges:
            yield f"# HELP consentry_{gauge.name} {gauge.help}"
            yield f"# TYPE consentry_{gauge.name} gauge"
            yield f"consentry_{gauge.name}{_braces(gauge.labels)} {gauge.read():g}"


@dataclass(frozen=True, slots=True)
class _Counted:
    decided: Labels
    blocked: Labels | None
    stripped: tuple[tuple[Labels, int], ...]
    held: int


# Most exchanges of a site have one of a few marks; only what is new is read. A longer one is read each time: it names
# what the client sent, and few of those would fill the memory.
@kept_by_text(4_096, longest=2_048)
def _counted(text: str) -> _Counted | None:
    mark = mark_of_text(text)
    if mark is None:
        return None
    decision = mark.decision
    action = "stop" if mark.stopped else str(decision.get("action", ""))
    reason = str(decision.get("reason", ""))
    decided = (("action", action), ("reason", reason), ("enforced", "1" if mark.enforced else "0"))
    whose = (("category", str(decision.get("category") or "")), ("vendor", str(decision.get("vendor") or "")))
    return _Counted(decided, whose if mark.blocked else None, tuple(_stripped(mark)), int(reason == "fallback"))


def _stripped(mark: Mark) -> Iterator[tuple[Labels, int]]:
    if mark.enforced and not mark.blocked:
        found = Counter(_STRIPPED.get(edit["edit"], "") for edit in mark.decision.get("edits", ()))
        yield from (((("direction", direction),), count) for direction, count in found.items() if direction)


def _counter(name: str, text: str, counts: "Counter[Labels] | dict[Labels, int]") -> Iterator[str]:
    yield f"# HELP consentry_{name}_total {text}"
    yield f"# TYPE consentry_{name}_total counter"
    for labels, count in sorted(counts.items()):
        yield f"consentry_{name}_total{_braces(labels)} {count}"


def _braces(labels: Labels) -> str:
    # A label's value is escaped as a JSON text is, for what a policy can name.
    pairs = ",".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels)
    return f"{{{pairs}}}" if labels else ""
