"""HTTP/2 where it is safe, and the modes in which traffic is led to the proxy that was meant for an address."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path

import h2.config  # type: ignore[import-untyped]
import h2.connection  # type: ignore[import-untyped]
import h2.events  # type: ignore[import-untyped]
import mitmproxy.platform
import pytest
from mitmproxy.addons.block import Block
from mitmproxy.addons.core import Core
from mitmproxy.addons.next_layer import NextLayer
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.proxy.mode_servers import WireGuardServerInstance

from addons.connect_to import Route
from addons.enforce import Enforce
from cmp.live.enforcement import Enforcement
from cmp.proxy import ProxySettings, http2_is_safe
from tests.addons.test_enforce import SET_COOKIES, SITE, TRACKER, from_upstream, shop_policy
from tests.addons.tls_front import tls_front
from tests.live import Upstream, reverse, running_proxy, running_upstream, send, send_raw

SAFE = http2_is_safe()
needs_http2 = pytest.mark.skipif(not SAFE, reason="this mitmproxy has no safe HTTP/2")
Fields = Sequence[tuple[str, str]]


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream(from_upstream) as found:
        yield found


@pytest.fixture(autouse=True)
def _fresh(upstream: Upstream) -> None:
    upstream.arrived.clear()


@contextlib.contextmanager
def browsing(port: int, host: str, *protocols: str, tunnel: bool) -> Iterator[ssl.SSLSocket]:
    """A TLS connection for a host: through a tunnel, or to a proxy that stands for it."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        if tunnel:
            connection.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
            assert b" 200 " in connection.recv(1024)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(list(protocols))
        with context.wrap_socket(connection, server_hostname=host) as secured:
            yield secured


def ask_h2(connection: ssl.SSLSocket, *requests: tuple[Fields, bytes]) -> list[tuple[dict[str, list[str]], bytes]]:
    """Requests at once on one HTTP/2 connection, and the answers in their order: fields by name, and body."""
    speaking = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
    speaking.initiate_connection()
    streams = []
    for fields, body in requests:
        streams.append(stream := speaking.get_next_available_stream_id())
        speaking.send_headers(stream, fields, end_stream=not body)
        for at in range(0, len(body), 16_384):
            speaking.send_data(stream, body[at : at + 16_384], end_stream=at + 16_384 >= len(body))
    connection.sendall(speaking.data_to_send())
    heads: dict[int, dict[str, list[str]]] = {}
    bodies: dict[int, bytes] = dict.fromkeys(streams, b"")
    left = set(streams)
    while left:
        received = connection.recv(65_536)
        assert received, "the connection ended early"
        for event in speaking.receive_data(received):
            if isinstance(event, h2.events.ResponseReceived):
                fields_by_name: dict[str, list[str]] = {}
                for name, value in event.headers or ():
                    fields_by_name.setdefault(str(name), []).append(str(value))
                heads[event.stream_id or 0] = fields_by_name
            elif isinstance(event, h2.events.DataReceived):
                bodies[event.stream_id or 0] += event.data or b""
            elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
                left.discard(event.stream_id or 0)
        connection.sendall(speaking.data_to_send())
    return [(heads.get(stream, {}), bodies[stream]) for stream in streams]


def request(host: str, path: str, *fields: tuple[str, str], method: str = "GET") -> Fields:
    return [(":method", method), (":authority", host), (":scheme", "https"), (":path", path), *fields]


@pytest.fixture(scope="module")
def certificates(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    with tls_front(upstream.port, tmp_path_factory.mktemp("tls"), SITE, TRACKER) as front:
        yield front.authority, front.port


@pytest.fixture(scope="class")
def browser_proxy(certificates: tuple[Path, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    authority, port = certificates
    settings = ProxySettings(
        "regular",
        routes=(Route("", 0, "127.0.0.1", port),),
        upstream_ca=authority,
        confdir=tmp_path_factory.mktemp("authority"),
    )
    with running_proxy(shop_policy(sites=["shop.test"]), settings) as proxy:
        yield proxy.port


class TestHttp2:
    def test_http2_is_spoken_where_it_is_safe_and_only_there(self, browser_proxy: int) -> None:
        with browsing(browser_proxy, SITE, "h2", "http/1.1", tunnel=True) as connection:
            assert connection.selected_alpn_protocol() == ("h2" if SAFE else "http/1.1")

    def test_nobody_speaks_http2_to_a_proxy_for_which_it_is_not_safe(self, browser_proxy: int) -> None:
        if SAFE:
            pytest.skip("this mitmproxy has a safe HTTP/2")
        with browsing(browser_proxy, SITE, "http/1.1", tunnel=True) as connection:
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
            assert not connection.recv(1024).startswith(b"\0\0")

    @needs_http2
    def test_requests_are_decided_each_for_itself(self, browser_proxy: int, upstream: Upstream) -> None:
        page = request(SITE, "/", ("accept", "text/html"), ("sec-fetch-dest", "document"))
        collecting = request(SITE, "/g/collect?v=2&tid=1", ("sec-fetch-dest", "empty"), ("referer", f"https://{SITE}/"))
        with browsing(browser_proxy, SITE, "h2", tunnel=True) as connection:
            (site, body), (blocked, _) = ask_h2(connection, (page, b""), (collecting, b""))
        assert (site[":status"], body) == (["200"], b"from upstream")
        assert site["set-cookie"] != [value for _, value in SET_COOKIES]
        assert blocked["x-consentry"] == ["blocked"]
        assert [found.target for found in upstream.arrived] == ["/"]

    @needs_http2
    def test_a_request_for_another_host_has_the_wrong_connection(self, browser_proxy: int, upstream: Upstream) -> None:
        image = request(TRACKER, "/p.gif", ("sec-fetch-dest", "image"), ("referer", f"https://{SITE}/"))
        with browsing(browser_proxy, SITE, "h2", tunnel=True) as connection:
            ((head, _),) = ask_h2(connection, (image, b""))
        assert head[":status"] == ["421"]
        assert upstream.arrived == []

    @needs_http2
    def test_cookies_in_several_fields_are_filtered_each(self, browser_proxy: int, upstream: Upstream) -> None:
        cookies = [("cookie", pair) for pair in ("session=1", "_track=2", "basket=3")]
        with browsing(browser_proxy, SITE, "h2", tunnel=True) as connection:
            ask_h2(connection, (request(SITE, "/", ("accept", "text/html"), *cookies), b""))
        assert upstream.arrived[0].values("cookie") == ["session=1; basket=3"]

    @needs_http2
    @pytest.mark.parametrize("size", [10, 60_000])
    def test_no_byte_of_a_beacon_escapes(self, browser_proxy: int, upstream: Upstream, size: int) -> None:
        beacon = request(TRACKER, "/b", ("referer", f"https://{SITE}/"), method="POST")
        with browsing(browser_proxy, TRACKER, "h2", tunnel=True) as connection:
            ask_h2(connection, (beacon, b"x" * size))
        assert upstream.arrived == []

    @needs_http2
    def test_a_body_where_none_is_expected_is_not_kept_without_end(
        self, browser_proxy: int, upstream: Upstream
    ) -> None:
        beacon = request(TRACKER, "/b", ("referer", f"https://{SITE}/"))
        with browsing(browser_proxy, TRACKER, "h2", tunnel=True) as connection:
            ((head, _),) = ask_h2(connection, (beacon, b"x" * 60_000))
        assert head.get("x-consentry") == ["blocked"]
        assert upstream.arrived == []


@needs_http2
def test_http2_in_front_of_a_site_as_well(upstream: Upstream, tmp_path: Path) -> None:
    settings = ProxySettings(reverse(upstream).mode, confdir=tmp_path)
    with running_proxy(shop_policy(), settings) as proxy, browsing(proxy.port, SITE, "h2", tunnel=False) as connection:
        fields = [("cookie", "session=1; _track=2"), ("accept", "text/plain")]
        ((head, body),) = ask_h2(connection, (request(SITE, "/x", *fields), b""))
    assert (head[":status"], body) == (["200"], b"from upstream")
    assert upstream.arrived[0].values("cookie") == ["session=1"]
    assert upstream.arrived[0].values("x-forwarded-proto") == ["https"]


def test_a_host_that_is_passed_through_is_neither_read_nor_decided_on(
    certificates: tuple[Path, int], upstream: Upstream, tmp_path: Path
) -> None:
    authority, port = certificates
    routes = (Route("", 0, "127.0.0.1", port),)
    settings = ProxySettings("regular", routes=routes, confdir=tmp_path, pass_through=("*.tracker.test",))
    with running_proxy(shop_policy(sites=["shop.test"]), settings) as proxy:
        trusting = ssl.create_default_context(cafile=str(authority))
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=60) as connection:
            connection.sendall(f"CONNECT {TRACKER}:443 HTTP/1.1\r\nHost: {TRACKER}:443\r\n\r\n".encode())
            assert b" 200 " in connection.recv(1024)
            # The certificate is the server's own.
            with trusting.wrap_socket(connection, server_hostname=TRACKER) as secured:
                secured.sendall(f"GET /x HTTP/1.1\r\nHost: {TRACKER}\r\n\r\n".encode())
                assert b" 200 " in secured.recv(1024)
        with browsing(proxy.port, SITE, "http/1.1", tunnel=True) as connection:
            assert connection.getpeercert(binary_form=True)
    assert upstream.arrived[0].host == TRACKER


@pytest.mark.parametrize(
    "modes, shut",
    [
        pytest.param(["reverse:http://127.0.0.1:9"], False, id="a-site"),
        pytest.param(["regular"], True, id="a-browsers-proxy"),
        pytest.param(["reverse:http://127.0.0.1:9", "regular@8081"], True, id="both"),
    ],
)
def test_under_mitmdump_a_site_is_for_everybody_and_a_browsers_proxy_is_not(modes: list[str], shut: bool) -> None:
    async def configured() -> bool:
        master = Master(Options())
        master.addons.add(Core(), Proxyserver(), NextLayer(), Block(), Enforce(Enforcement(shop_policy())))
        master.options.update(mode=modes)
        return bool(master.options.block_global)

    assert asyncio.run(configured()) is shut


class TestTransparentMode:
    """Connections that a firewall leads to us; here without one, the address they were meant for given in its place."""

    @pytest.fixture(scope="class")
    def port(self, upstream: Upstream) -> Iterator[int]:
        settings = ProxySettings("transparent", routes=(Route("", 0, "127.0.0.1", upstream.port),))
        meant_for = mitmproxy.platform.original_addr
        mitmproxy.platform.original_addr = lambda _socket: ("203.0.113.5", 80)
        try:
            with running_proxy(shop_policy(), settings) as proxy:
                yield proxy.port
        finally:
            mitmproxy.platform.original_addr = meant_for

    def test_hosts_are_told_by_their_names(self, port: int, upstream: Upstream) -> None:
        page = send(port, "/", ("Host", SITE), ("Accept", "text/html"))
        pixel = send(port, "/p.gif", ("Host", TRACKER), ("Sec-Fetch-Dest", "image"), ("Referer", f"http://{SITE}/"))
        assert page.body == b"from upstream"
        assert page.values("Set-Cookie") != [value for _, value in SET_COOKIES]
        assert pixel.values("X-Consentry") == ["blocked"]
        assert [(found.host, found.target) for found in upstream.arrived] == [(SITE, "/")]

    def test_one_that_names_none_counts_as_its_address(self, port: int, upstream: Upstream) -> None:
        got = send_raw(port, f"GET /x HTTP/1.0\r\nReferer: http://{SITE}/\r\n\r\n".encode())
        assert got.values("X-Consentry") == ["blocked"]
        assert upstream.arrived == []


def test_without_a_firewall_transparent_mode_answers_nobody(upstream: Upstream) -> None:
    with running_proxy(shop_policy(), ProxySettings("transparent")) as proxy:
        assert send(proxy.port, "/", ("Host", SITE)).status in (0, 403, 502)
    assert upstream.arrived == []


def test_wireguard_mode_starts_and_says_how_to_join(tmp_path: Path) -> None:
    told: list[str] = []
    settings = ProxySettings("wireguard", confdir=tmp_path, join=told.append)
    with running_proxy(shop_policy(), settings) as proxy:
        (server,) = proxy.master.addons.get("proxyserver").servers
        assert isinstance(server, WireGuardServerInstance)
        assert server.is_running
        # The port is taken: WireGuard says nothing to who has no key (WireGuard, section 5.3).
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other, pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", proxy.port))
    assert (tmp_path / "wireguard.conf").exists()
    assert "[Interface]" in told[0]
    assert told[0].endswith(f"Endpoint = 127.0.0.1:{proxy.port}")
