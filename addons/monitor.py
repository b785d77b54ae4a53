"""The addon that counts, and answers monitors.

May go in here: which hook counts what, what the three pages say. May not: counting (`cmp.live.tally`), the port
(`cmp.live.health_port`).

It stands behind the enforcing addon.
"""

import json
import socket
from collections.abc import Callable, Sequence
from typing import Any

from mitmproxy import http

from cmp.capture.flow_exchange import MARK
from cmp.live.enforcement import Enforcement
from cmp.live.health_port import HealthPort, Page
from cmp.live.tally import Gauge, Tally

# Our note on a flow that was counted.
COUNTED = "consentry.counted"
_TEXT = "text/plain; charset=utf-8"
_METRICS = "text/plain; version=0.0.4; charset=utf-8"

Enforced = Callable[[], Enforcement | None]


class Monitor:
    """`now` gives what is enforced, `consent_up` whether the consent server answers (None: there is none).

    `taken` is the port for monitors, None for none: then it only counts. `more` is shown with the state.
    """

    def __init__(
        self,
        now: Enforced,
        consent_up: Callable[[], bool | None],
        taken: socket.socket | None = None,
        *,
        more: dict[str, Any] | None = None,
        gauges: Sequence[Gauge] = (),
    ) -> None:
        self._now, self._consent_up, self._more = now, consent_up, more or {}
        self.tally = Tally(
            gauges=[Gauge("consent_server_up", "Whether the consent server answers.", self._up), *gauges]
        )
        self._running = False
        pages = {"/healthz": self._health, "/readyz": self._ready, "/metrics": self._metrics}
        self.port = HealthPort(taken, pages) if taken is not None else None

    async def running(self) -> None:
        self._running = True
        if self.port is not None:
            await self.port.start()

    def done(self) -> None:
        self._running = False
        if self.port is not None:
            self.port.close()

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        if flow.response is not None and flow.response.stream is True:
            flow.response.stream = self.tally.stream

    def page_too_long(self, flow: http.HTTPFlow) -> None:
        # It was waited for until now, and goes out as it comes from here on.
        if flow.response is not None and not callable(flow.response.stream):
            flow.response.stream = self.tally.stream

    def response(self, flow: http.HTTPFlow) -> None:
        self._count(flow)

    def error(self, flow: http.HTTPFlow) -> None:
        self._count(flow)

    def _count(self, flow: http.HTTPFlow) -> None:
        mark = flow.metadata.get(MARK)
        if isinstance(mark, str) and COUNTED not in flow.metadata:
            flow.metadata[COUNTED] = True
            self.tally.note(mark)

    def _up(self) -> float:
        up = self._consent_up()
        return float("nan") if up is None else float(up)

    def _health(self) -> Page:
        return 200, _TEXT, "ok\n"

    def _ready(self) -> Page:
        now = self._now()
        ready = self._running and now is not None
        state: dict[str, Any] = {"ready": ready, **self._more}
        if now is not None:
            up = self._consent_up()
            state |= {
                "policy": {"id": now.policy.id, "version": now.policy.version, "fingerprint": now.policy.fingerprint},
                "mode": "enforce" if now.enforces else "observe",
                # The site stays up without it: nothing new can be accepted.
                "consent_server": {None: "none", True: "up", False: "down"}[up],
                "excluded": [glob.text for glob in now.front.excluded],
                "upstreams": sorted(now.front.upstreams),
            }
        return 200 if ready else 503, "application/json", json.dumps(state, sort_keys=True) + "\n"

    def _metrics(self) -> Page:
        now = self._now()
        text = self.tally.text()
        if now is not None:
            labels = (("id", now.policy.id), ("version", now.policy.version), ("fingerprint", now.policy.fingerprint))
            shown = Tally(gauges=[Gauge("policy_info", "The policy in force.", lambda: 1.0, labels)])
            text += "\n".join(line for line in shown.text().splitlines() if "policy_info" in line) + "\n"
        return 200, _METRICS, text
