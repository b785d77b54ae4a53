"""Connections that the proxy is not to make for others, by address and by what a name resolves to."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.connection import Server
from mitmproxy.master import Master
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.test.tflow import tclient_conn

from addons.dialling import Dialled, Dialling
from cmp.core.networks import is_public, read_address
from cmp.live.unreachable import NOT_DIALLED
from cmp.proxy import ProxySettings
from tests.addons.test_enforce import shop_policy
from tests.live import Got, Upstream, reverse, running_proxy, running_upstream, send, send_raw

OPEN = shop_policy(unknown={"host": "allow", "cookie": "allow"})
NAVIGATION = (("Accept", "text/html"), ("Sec-Fetch-Dest", "document"))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream() as found:
        yield found


@pytest.fixture(autouse=True)
def _fresh(upstream: Upstream) -> None:
    upstream.connections = 0


Resolving = Callable[[str], str]


def resolving(answers: Resolving) -> Callable[[Master], None]:
    """Make names resolve to what `answers` says at each asking."""

    def change(_master: Master) -> None:
        loop = asyncio.get_running_loop()
        ask = loop.getaddrinfo

        async def getaddrinfo(host: str, port: int, **more: int) -> object:
            return await ask(answers(host) if host.endswith(".test") else host, port, **more)

        loop.getaddrinfo = getaddrinfo  # type: ignore[assignment]

    return change


def names(host: str) -> str:
    return {"inside.test": "127.0.0.1", "inside6.test": "::1", "router.test": "192.168.0.1"}.get(host, host)


class TestRegularMode:
    @pytest.fixture(scope="class")
    def port(self) -> Iterator[int]:
        with running_proxy(OPEN, ProxySettings("regular"), change=resolving(names)) as proxy:
            yield proxy.port

    @pytest.mark.parametrize(
        "host",
        [
            *("127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"),
            *("inside.test", "inside6.test", "INSIDE.test", "inside.test."),
        ],
    )
    def test_this_machine_is_not_for_browsers(self, port: int, upstream: Upstream, host: str) -> None:
        got = send(port, f"http://{host}:{upstream.port}/", *NAVIGATION)
        assert got.status in (400, 403, 502)
        assert b"ok" not in got.body
        assert upstream.connections == 0

    @pytest.mark.parametrize(
        "host",
        ["10.0.0.1", "router.test", "169.254.169.254", "100.64.0.1", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]"],
    )
    def test_nor_is_its_neighbourhood(self, port: int, host: str) -> None:
        got = send(port, f"http://{host}/", *NAVIGATION)
        assert got.status == 403
        assert b"may not be reached" in got.body

    def test_nor_are_our_own_listeners(self, port: int) -> None:
        assert send(port, f"http://127.0.0.1:{port}/", *NAVIGATION).status in (403, 502)

    def test_a_tunnel_is_no_way_round(self, port: int, upstream: Upstream) -> None:
        got = tunnelled(port, "inside.test", upstream.port)
        assert got.status == 403
        assert upstream.connections == 0


@pytest.mark.parametrize(
    "protocol, port, error",
    [
        pytest.param("tcp", 443, None, id="https"),
        pytest.param("tcp", 53, NOT_DIALLED, id="dns"),
        pytest.param("tcp", 5353, NOT_DIALLED, id="mdns"),
        pytest.param("udp", 443, NOT_DIALLED, id="quic"),
    ],
)
def test_what_would_pass_unseen_gets_no_connection(
    protocol: Literal["tcp", "udp"], port: int, error: str | None
) -> None:
    server = Server(address=("93.184.215.14", port), transport_protocol=protocol)
    data = ServerConnectionHookData(server, tclient_conn())
    asyncio.run(Dialling(Proxyserver(), lambda _server: False, Dialled()).server_connect(data))
    assert server.error == error


def tunnelled(port: int, host: str, to_port: int) -> Got:
    """A request inside a tunnel, as a browser sends it for a WebSocket."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(f"CONNECT {host}:{to_port} HTTP/1.1\r\nHost: {host}:{to_port}\r\n\r\n".encode())
        assert b" 200 " in connection.recv(1024)
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}:{to_port}\r\nConnection: close\r\n\r\n".encode())
        received = b""
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(65_536):
                received += part
    return Got(int(received.split(b" ")[1]), (), received.partition(b"\r\n\r\n")[2])


def test_a_name_with_another_address_a_moment_later_gets_no_byte(upstream: Upstream) -> None:
    asked: list[str] = []

    def rebinding(host: str) -> str:
        asked.append(host)
        return "93.184.215.14" if len(asked) == 1 else "127.0.0.1"

    with running_proxy(OPEN, ProxySettings("regular"), change=resolving(rebinding)) as proxy:
        got = send(proxy.port, f"http://rebinding.test:{upstream.port}/", *NAVIGATION)
    assert len(asked) == 2
    assert (got.status, upstream.arrived) == (502, [])


@pytest.mark.parametrize("host", ["127.0.0.1", "inside.test"])
def test_the_operator_may_allow_it(upstream: Upstream, host: str) -> None:
    settings = ProxySettings("regular", allow_private=True)
    with running_proxy(OPEN, settings, change=resolving(names)) as proxy:
        assert send(proxy.port, f"http://{host}:{upstream.port}/", *NAVIGATION).body == b"ok"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "inside.test", "[::1]"])
def test_our_own_listeners_stay_shut_then(upstream: Upstream, host: str) -> None:
    settings = ProxySettings("regular", allow_private=True, own=lambda: [("127.0.0.1", upstream.port)])
    with running_proxy(OPEN, settings, change=resolving(names)) as proxy:
        assert send(proxy.port, f"http://{host}:{upstream.port}/", *NAVIGATION).status == 403
        assert send(proxy.port, f"http://{host}:{proxy.port}/", *NAVIGATION).status in (403, 502)
    assert upstream.connections == 0


def test_a_fault_in_looking_makes_no_connection(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dialling, "_may_be", lambda *_: 1 / 0)
    with running_proxy(OPEN, ProxySettings("regular", allow_private=True)) as proxy:
        assert send(proxy.port, f"http://127.0.0.1:{upstream.port}/", *NAVIGATION).status == 403
    assert upstream.connections == 0


class TestReverseMode:
    def test_the_site_may_be_anywhere(self, upstream: Upstream) -> None:
        with running_proxy(shop_policy(), reverse(upstream)) as proxy:
            assert send(proxy.port, "/", ("Host", "www.shop.test")).body == b"ok"

    @pytest.mark.parametrize("line", ["GET http://127.0.0.1:{0}/ HTTP/1.1", "CONNECT 127.0.0.1:{0} HTTP/1.1"])
    def test_nobody_leads_it_elsewhere(self, upstream: Upstream, line: str) -> None:
        with running_upstream() as other, running_proxy(shop_policy(), reverse(upstream)) as proxy:
            head = line.format(other.port)
            send_raw(proxy.port, f"{head}\r\nHost: www.shop.test\r\nConnection: close\r\n\r\n".encode())
            assert other.connections == 0

    def test_the_relay_reaches_no_neighbour(self, upstream: Upstream) -> None:
        policy = shop_policy(
            categories={
                "necessary": {"basis": "necessary", "title": {"en": "Necessary"}},
                "analytics": {"basis": "consent", "title": {"en": "Analytics"}, "treatment": "reduce"},
            },
            sites=["shop.test"],
        )
        with running_proxy(policy, reverse(upstream), change=resolving(lambda _: "127.0.0.1")) as proxy:
            target = "/.consent/relay/tracker/tracker.test/p.gif"
            got = send(proxy.port, target, ("Host", "www.shop.test"), ("Sec-Fetch-Dest", "image"))
        assert got.status == 403
        assert b"may not be reached" in got.body


@pytest.mark.parametrize(
    "text, public",
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("64:ff9b::5db8:d70e", True),
        ("2002:5db8:d70e::1", False),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("0.0.0.0", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("::", False),
    ],
)
def test_a_public_address(text: str, public: bool) -> None:
    address = read_address(text)
    assert address is not None
    assert is_public(address) is public
