"""Handing a decision to the log, beside a call that does nothing; and what the log's own thread then needs.

May go in here: timing the log. May not: a running proxy.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from mitmproxy.http import HTTPFlow
from mitmproxy.test import tflow

from addons.decision_log import LogDecisions, Noted, taken_of
from cmp.capture.flow_exchange import MARK
from cmp.decision_log.writer import DecisionLog, LogSettings

_CALLS = 20_000
_MARK = {
    "form": 1,
    "reverse": True,
    "policy": "f" * 64,
    "visitor": {
        "granted": [],
        "refused": ["analytics", "marketing"],
        "decided_at": 1_800_000_000,
        "policy": "f" * 64,
        "shown_with": {"gpc": False, "dnt": None},
    },
    "decision": {
        "action": "edit",
        "category": "necessary",
        "vendor": None,
        "rule": "first-party",
        "reason": "first-party",
        "edits": [
            {
                "edit": "strip-cookie",
                "name": "_ga",
                "category": "analytics",
                "vendor": "google",
                "rule": "cookie:google/_ga",
                "reason": "refused",
            }
        ],
        "reported": [],
    },
    "endpoint": False,
    "enforced": True,
    "tags": [],
    "carries": [],
    "stopped": False,
    "kind": "document",
}


class _Silent:
    """Stands where the log's addon stands, and does nothing."""

    def response(self, flow: HTTPFlow) -> None:
        pass


def run() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        settings = LogSettings(Path(folder), look_seconds=3_600, queue=_CALLS + 1)
        log: DecisionLog[Noted] = DecisionLog(settings, taken_of)
        addon = LogDecisions(log)
        # The thread sleeps meanwhile: this is what a request pays.
        ours, peer = _medians(addon.response), _medians(_Silent().response)
        start = time.process_time()
        log.close()
        needed = time.process_time() - start
        counts = log.counts
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
    yield f"handing over  median {ours:6.2f} us; a call that does nothing {peer:6.2f} us"
    yield f"ratio         {ours / peer:.1f}"
    yield f"its thread    {1e6 * needed / counts.written:.1f} us a decision; {counts.written} in {size} bytes on disk"


def _medians(work: Callable[[HTTPFlow], None]) -> float:
    """Microseconds for one flow, the median of many flows that differ in their path."""
    text, times = json.dumps(_MARK, sort_keys=True, separators=(",", ":")), []
    flow = tflow.tflow(resp=True)
    for number in range(_CALLS):
        flow.metadata.clear()
        flow.metadata[MARK] = text
        flow.request.path = f"/page/{number % 200}"
        start = time.perf_counter_ns()
        work(flow)
        times.append((time.perf_counter_ns() - start) / 1_000)
    return statistics.median(times)
