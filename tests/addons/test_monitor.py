"""What monitors are told of a running proxy, and what they cannot do to it."""

import asyncio
import json
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from addons.enforce import Enforce
from addons.monitor import Monitor
from cmp.core.globs import Glob
from cmp.decision_log.writer import LogSettings
from cmp.live.arrival import Front
from cmp.live.enforcement import ConsentServer, Enforcement, Mode
from cmp.proxy import ProxyError, ProxySettings, build_master
from cmp.seal.keys import make_keys
from cmp.seal.site import ConsentSite
from tests.addons.test_enforce import SITE, from_upstream, shop_policy
from tests.live import Got, Proxy, Upstream, reverse, running_proxy, running_upstream, send, send_raw, wait_for

COLLECT = "/g/collect?tid=1&v=2"
VISITOR = "secret-visitor-7f3a"


@dataclass
class Watched:
    proxy: Proxy
    health: int
    upstream: Upstream

    def ask(self, path: str) -> Got:
        return send(self.health, path, ("Host", "localhost"))

    def numbers(self) -> dict[str, float]:
        lines = self.ask("/metrics").body.decode().splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}

    def visit(self, path: str, *fields: tuple[str, str]) -> Got:
        return send(self.proxy.port, path, ("Host", SITE), *fields)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("monitor")
    keys = make_keys(folder / "keys.json")
    # Nothing listens there.
    consent = ConsentServer(ConsentSite(f"http://{SITE}"), keys.public, "127.0.0.1", 9)
    front = Front(excluded=(Glob("/plain/*"),))
    enforcement = Enforcement(shop_policy(sites=["shop.test"]), Mode.ENFORCE, consent, front=front)
    with running_upstream(from_upstream) as upstream:
        settings = replace(reverse(upstream), health=("127.0.0.1", 0), decision_log=LogSettings(folder / "log"))
        with running_proxy(enforcement, settings) as proxy:
            monitor = proxy.master.addons.get("monitor")
            assert isinstance(monitor, Monitor)
            assert monitor.port is not None
            yield Watched(proxy, monitor.port.address[1], upstream)


def test_it_lives(watched: Watched) -> None:
    got = watched.ask("/healthz")
    assert (got.status, got.body) == (200, b"ok\n")


def test_it_is_ready_and_says_under_what(watched: Watched) -> None:
    addon = watched.proxy.master.addons.get("enforce")
    assert isinstance(addon, Enforce)
    assert addon.enforcement is not None
    assert wait_for(lambda: addon.health is not None and not addon.health.up)
    got = watched.ask("/readyz")
    state = json.loads(got.body)
    assert got.status == 200
    assert state["policy"]["fingerprint"] == addon.enforcement.policy.fingerprint
    assert (state["ready"], state["mode"], state["proxy_mode"]) == (True, "enforce", "reverse")
    assert (state["consent_server"], state["excluded"]) == ("down", ["/plain/*"])


def test_before_it_runs_it_is_not_ready() -> None:
    monitor = Monitor(lambda: Enforcement(shop_policy()), lambda: None)
    assert monitor._ready()[0] == 503


def test_what_was_decided_is_counted(watched: Watched) -> None:
    before = watched.numbers()
    watched.visit("/a", ("Cookie", f"_track={VISITOR}; session=1"))
    watched.visit(COLLECT)
    watched.visit(COLLECT)
    after = watched.numbers()
    grown = {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
    blocked = {name: count for name, count in grown.items() if 'action="block"' in name}
    assert list(blocked.values()) == [2]
    assert grown['consentry_blocked_total{category="analytics",vendor="tracker"}'] == 2
    assert grown['consentry_cookies_stripped_total{direction="request"}'] == 1
    assert grown['consentry_cookies_stripped_total{direction="answer"}'] == 2
    assert grown["consentry_streamed_bytes_total"] == len(b"from upstream")


def test_a_fault_in_deciding_is_counted(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    addon = watched.proxy.master.addons.get("enforce")
    before = watched.numbers()["consentry_held_to_fallback_total"]
    with monkeypatch.context() as broken:
        broken.setattr(addon, "_decide_request", lambda _flow: 1 / 0)
        watched.visit("/a")
    assert watched.numbers()["consentry_held_to_fallback_total"] == before + 1


def test_gauges_are_there(watched: Watched) -> None:
    # Taken to be up until it was asked once.
    assert wait_for(lambda: watched.numbers()["consentry_consent_server_up"] == 0)
    numbers = watched.numbers()
    for name in ("consent_server_up", "open_websockets", "recording_lost", "decision_log_lost"):
        assert numbers[f"consentry_{name}"] == 0
    assert any(
        re.match(r'consentry_policy_info\{id="shop",version="1",fingerprint="[0-9a-f]{64}"\}', n) for n in numbers
    )


def test_nothing_of_a_visitor_is_told(watched: Watched) -> None:
    watched.visit(f"/{VISITOR}?{VISITOR}", ("Cookie", f"{VISITOR}={VISITOR}"), ("User-Agent", VISITOR))
    text = b"".join(watched.ask(path).body for path in ("/healthz", "/readyz", "/metrics"))
    assert VISITOR.encode() not in text
    assert b"127.0.0.1" not in text


@pytest.mark.parametrize("path, status", [("/", 404), ("/metrics/../../etc/passwd", 404), ("/healthz?x=1", 200)])
def test_there_are_three_pages(watched: Watched, path: str, status: int) -> None:
    assert watched.ask(path).status == status


def test_it_is_only_read(watched: Watched) -> None:
    assert send(watched.health, "/healthz", ("Host", "localhost"), method="POST", body=b"x").status == 405


@pytest.mark.parametrize(
    "host, status", [("127.0.0.1", 200), ("localhost:9100", 200), ("evil.test", 421), ("127.0.0.1.evil.test", 421)]
)
def test_a_page_of_another_name_that_leads_here_reads_nothing(watched: Watched, host: str, status: int) -> None:
    assert send(watched.health, "/metrics", ("Host", host)).status == status


@pytest.mark.parametrize("data", [b"\0" * 20_000 + b"\r\n\r\n", b"GET", b"x\r\n\r\n"], ids=["long", "cut", "odd"])
def test_odd_askers_end_nothing(watched: Watched, data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", watched.health), timeout=60) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
    assert watched.ask("/healthz").status == 200


def test_many_silent_askers_keep_nobody_from_the_site(watched: Watched) -> None:
    silent = [socket.create_connection(("127.0.0.1", watched.health), timeout=60) for _ in range(40)]
    try:
        assert watched.visit("/a").status == 200
    finally:
        for connection in silent:
            connection.close()
    assert wait_for(lambda: send_raw(watched.health, b"GET /healthz HTTP/1.0\r\n\r\n").status == 200)


def test_a_taken_port_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = ProxySettings("regular", health=("127.0.0.1", taken.getsockname()[1]))

        async def build() -> None:
            build_master(settings, Enforcement(shop_policy()))

        with pytest.raises(ProxyError, match="cannot answer monitors on"):
            asyncio.run(build())
