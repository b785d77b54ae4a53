"""One run decided three times: live, from its flow file, and from the HAR written of that.

May go in here: collecting, replaying, and the canonical form of decisions. May not: traffic, assertions.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mitmproxy import http

from cmp.audit.replay import replay
from cmp.capture.capture import Capture
from cmp.capture.flow_exchange import read_mark
from cmp.capture.har import read_har
from cmp.capture.har_writing import write_har
from cmp.capture.reading import read_capture
from cmp.core.forms import decision_form
from cmp.core.policy import Policy

# When a request came, which is what tells it from all others of a run, and the decision on it.
Decided = tuple[float, dict[str, Any]]


def canonical(decided: Iterable[Decided]) -> bytes:
    """One line for each request, in the order they came in."""
    lines = (json.dumps(one, sort_keys=True, separators=(",", ":")) for one in sorted(decided, key=lambda one: one[0]))
    return "\n".join(lines).encode("ascii")


@dataclass
class Witness:
    """An addon that stands at the end of a Master and notes what was decided, when an exchange is over."""

    decided: dict[str, Decided] = field(default_factory=dict)

    def response(self, flow: http.HTTPFlow) -> None:
        mark = read_mark(flow)
        if mark is not None:
            self.decided[flow.id] = (flow.request.timestamp_start, dict(mark.decision))

    def error(self, flow: http.HTTPFlow) -> None:
        self.response(flow)


def replayed(policy: Policy, capture: Capture) -> list[Decided]:
    """The decisions of a replay."""
    done = replay(policy, capture)
    return [(step.entry.asked.time, decision_form(step.decision)) for step in done.steps]


def recorded(capture: Capture) -> list[Decided]:
    """The decisions that the proxy left in the file."""
    return [
        (entry.asked.time, dict(entry.recorded.decision)) for entry in capture.entries if entry.recorded is not None
    ]


@dataclass(frozen=True)
class Captures:
    """One recording as it is, as a HAR of ours, and as a HAR that any tool could have written."""

    flows: Capture
    har: Capture
    plain: Capture

    @classmethod
    def of(cls, record: Path) -> "Captures":
        data = record.read_bytes()
        return cls(
            read_capture(record),
            read_har(write_har(data), "run.har"),
            read_har(write_har(data, plain=True), "plain.har"),
        )
