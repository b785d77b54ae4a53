"""Pass-through of 1 kB answers with enforcement on, beside bare mitmdump in front of the same origin.

May go in here: what is measured of the two proxies. May not: the processes at both ends (`loopback.py`).

The proxies are asked in turn, round after round, and the median of the rounds counts: whatever else the machine does
falls on both. The ratio of processor time says the same where other work takes turns with the proxies.
"""

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks import loopback
from cmp import resources

_ROUNDS = 5
_SECONDS = 3.0
_CONNECTIONS = 16
_RATE = 200.0


@dataclass
class Measured:
    """Requests a second and processor microseconds a request, by round; milliseconds to the first byte of each."""

    port: int
    pid: int = 0
    client: str = "client"
    speeds: list[float] = field(default_factory=list)
    work: list[float] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)

    def go_round(self) -> None:
        before = loopback.cpu_seconds(self.pid)
        speed = loopback.requests_a_second(self.port, seconds=_SECONDS, connections=_CONNECTIONS, client=self.client)
        after = loopback.cpu_seconds(self.pid)
        self.speeds.append(speed)
        if before is not None and after is not None:
            self.work.append((after - before) * 1e6 / (speed * _SECONDS))
        if self.client != "client":
            return
        self.delays += loopback.first_bytes(self.port, seconds=_SECONDS, connections=_CONNECTIONS, rate=_RATE)

    @property
    def p50(self) -> float:
        return statistics.median(self.delays)

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.delays, n=100)[98]


def run() -> Iterator[str]:
    with loopback.origin() as origin, mitmdump(origin) as bare, consentry(origin) as ours:
        alone = Measured(origin)
        for _ in range(_ROUNDS):
            for one in (alone, bare, ours):
                one.go_round()
    for name, one in (("origin alone", alone), ("mitmdump", bare), ("consentry proxy", ours)):
        yield (
            f"{name:15} {statistics.median(one.speeds):7.0f} requests/s; "
            f"first byte at {_RATE:.0f} requests/s: p50 {one.p50:6.2f} ms, p99 {one.p99:6.2f} ms"
        )
    ratio = statistics.median(mine / other for mine, other in zip(ours.speeds, bare.speeds, strict=True))
    yield f"ratio           {ratio:7.2f} of mitmdump's requests a second (aim 1.6)"
    if ours.work and bare.work:
        ratio = statistics.median(other / mine for mine, other in zip(ours.work, bare.work, strict=True))
        yield f"                {ratio:7.2f} of mitmdump's requests for the same processor time"
    yield f"added           p50 {ours.p50 - alone.p50:6.2f} ms (aim 5), p99 {ours.p99 - alone.p99:6.2f} ms (aim 20)"


@contextmanager
def mitmdump(origin: int) -> Iterator[Measured]:
    port = loopback.free_port()
    start = "from mitmproxy.tools.main import mitmdump; mitmdump()"
    options = ["--mode", f"reverse:http://127.0.0.1:{origin}", "--listen-host", "127.0.0.1", "-p", str(port)]
    with loopback.process(["-c", start, "-q", *options]) as running:
        loopback.wait_for(port)
        yield Measured(port, running.pid)


@contextmanager
def consentry(origin: int) -> Iterator[Measured]:
    port = loopback.free_port()
    policy = resources.policies() / "default.json"
    options = ["--mode", f"reverse:http://127.0.0.1:{origin}", "--policy", str(policy), "--port", str(port)]
    with loopback.process(["-m", "cmp.cli", "proxy", *options]) as running:
        loopback.wait_for(port)
        yield Measured(port, running.pid)
