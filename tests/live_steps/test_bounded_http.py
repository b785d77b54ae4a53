"""Bounds of one connection on the wire: heads without an end, slow ones, pages and bodies without an end, no server."""

import asyncio
import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from mitmproxy.proxy.commands import RequestWakeup
from mitmproxy.proxy.server import ConnectionHandler

from addons.monitor import Monitor
from cmp.live import bounded_http
from cmp.live.bounded_http import HEAD_LIMIT
from cmp.live.pages import PAGE_LIMIT
from tests.addons.test_enforce import SITE, TRACKER, shop_policy
from tests.live import Proxy, Upstream, reverse, running_proxy, running_upstream, send, send_raw, wait_for

PAGE_REQUEST = (("Host", SITE), ("Accept", "text/html"), ("Sec-Fetch-Dest", "document"))
Serving = Callable[[socket.socket], None]


@contextlib.contextmanager
def serving(serve: Serving) -> Iterator[Upstream]:
    """A server that writes what it likes to a connection, once a request's head has come."""
    listener = socket.create_server(("127.0.0.1", 0))

    def one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                part = connection.recv(65_536)
                if not part:
                    return
                head += part
            serve(connection)

    def run() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    try:
        yield Upstream(port=listener.getsockname()[1])
    finally:
        listener.close()


@contextlib.contextmanager
def nobody_there() -> Iterator[Upstream]:
    """An address that nothing listens on, and nobody else can take meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield Upstream(port=taken.getsockname()[1])


def monitor_of(proxy: Proxy) -> Monitor:
    found = proxy.master.addons.get("monitor")
    assert isinstance(found, Monitor)
    return found


def chunk(part: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(part), part)


class Timers:
    """The timers for heads, each of which is over when the test says so and not before."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._begun: list[Callable[[], object]] = []
        self._over = 0
        real = ConnectionHandler.wakeup

        async def wakeup(handler: ConnectionHandler, request: RequestWakeup) -> None:
            loop, end = asyncio.get_running_loop(), asyncio.Event()
            self._begun.append(lambda: loop.call_soon_threadsafe(end.set))
            await end.wait()
            await real(handler, request)
            self._over += 1

        patch.setattr(bounded_http, "HEAD_SECONDS", 0)
        patch.setattr(ConnectionHandler, "wakeup", wakeup)

    def has_begun(self) -> bool:
        """Waits for one that is not over."""
        return wait_for(lambda: len(self._begun) > self._over)

    def end(self) -> bool:
        """Waits until it is over and the proxy has done what it does then."""
        number = len(self._begun)
        self._begun[-1]()
        return wait_for(lambda: self._over == number)


class TestHeads:
    @pytest.fixture(scope="class")
    def port(self) -> Iterator[int]:
        with running_upstream() as upstream, running_proxy(shop_policy(), reverse(upstream)) as proxy:
            yield proxy.port

    @pytest.mark.parametrize(
        "line",
        [
            pytest.param(b"X-%06d: x\r\n", id="headers"),
            pytest.param(b"Cookie: c%06d=x\r\n", id="cookie-headers"),
        ],
    )
    def test_a_hundred_thousand_fields_are_refused(self, port: int, line: bytes) -> None:
        fields = b"".join(line % number for number in range(100_000))
        got = send_raw(port, b"GET / HTTP/1.1\r\nHost: " + SITE.encode() + b"\r\n" + fields + b"\r\n")
        # The answer may be lost where the client still sends; the end of the connection is not.
        assert got.status in (431, 0)

    def test_a_head_without_an_end_is_told_so(self, port: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            # One byte too many, and none behind it: where some are left unread, the end overtakes what the proxy says.
            connection.sendall((b"GET / HTTP/1.1\r\n" + b"X: x\r\n" * HEAD_LIMIT)[: HEAD_LIMIT + 1])
            assert connection.recv(65_536).startswith(b"HTTP/1.1 431 ")

    def test_many_cookies_pass(self, port: int) -> None:
        cookies = "; ".join(f"c{number}=x" for number in range(10_000))
        assert send(port, "/", ("Host", SITE), ("Cookie", cookies)).body == b"ok"

    def test_a_slow_head_is_told_so(self, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bounded_http, "HEAD_SECONDS", 0.2)
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nX: ")
            assert connection.recv(65_536).startswith(b"HTTP/1.1 408 ")

    def test_a_connection_kept_for_later_is_not(self, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
        timers = Timers(monkeypatch)
        whole = f"GET / HTTP/1.1\r\nHost: {SITE}\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            for _ in range(2):
                connection.sendall(whole[:10])
                assert timers.has_begun()
                connection.sendall(whole[10:])
                received = b""
                while not received.endswith(b"ok"):
                    received += connection.recv(65_536)
                assert timers.end()
                assert select.select([connection], [], [], 0) == ([], [], [])


def test_an_answer_whose_head_has_no_end_is_none() -> None:
    def serve(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X: x\r\n" * 1000)

    with serving(serve) as upstream, running_proxy(shop_policy(), reverse(upstream)) as proxy:
        assert send(proxy.port, "/", *PAGE_REQUEST).status == 502


class TestPagesWithoutAnEnd:
    @pytest.mark.parametrize("unknown", [pytest.param("deny", id="strict"), pytest.param("report", id="reporting")])
    def test_they_go_out_as_they_come_under_the_strict_csp(self, unknown: str) -> None:
        over, part = threading.Event(), b"<p>x</p>" * 8_000

        def serve(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
            with contextlib.suppress(OSError):
                while True:
                    connection.sendall(chunk(part))
            over.set()

        policy = shop_policy(unknown={"host": unknown, "cookie": unknown})
        with serving(serve) as upstream, running_proxy(policy, reverse(upstream)) as proxy:
            with socket.create_connection(("127.0.0.1", proxy.port), timeout=60) as connection:
                lines = [f"{name}: {value}" for name, value in PAGE_REQUEST]
                connection.sendall("\r\n".join(["GET /endless HTTP/1.1", *lines, "", ""]).encode())
                received = b""
                while len(received) < PAGE_LIMIT + 1_000_000:
                    received += connection.recv(1_048_576)
            assert over.wait(60)
            assert monitor_of(proxy).tally.streamed > PAGE_LIMIT
        head, _, body = received.partition(b"\r\n\r\n")
        assert b"Content-Security-Policy: " in head
        assert TRACKER.encode() not in head
        assert b"Cache-Control: private" in head
        assert body.partition(b"\r\n")[2].startswith(b"<p>x</p>")

    def test_one_that_ends_below_the_limit_is_rewritten(self) -> None:
        tag = f'<script src="http://{TRACKER}/t.js"></script>'.encode()

        def serve(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in range(100):
                connection.sendall(chunk(b"<p>" + b"x" * 10_000 + b"</p>"))
            connection.sendall(chunk(tag) + b"0\r\n\r\n")

        with serving(serve) as upstream, running_proxy(shop_policy(), reverse(upstream)) as proxy:
            got = send(proxy.port, "/long", *PAGE_REQUEST)
        assert len(got.body) > 1_000_000
        assert tag not in got.body


class TestNoServer:
    @pytest.fixture(scope="class")
    def port(self) -> Iterator[int]:
        with nobody_there() as upstream, running_proxy(shop_policy(), reverse(upstream)) as proxy:
            yield proxy.port

    def test_a_page_says_so_in_a_page(self, port: int) -> None:
        got = send(port, "/", *PAGE_REQUEST)
        assert (got.status, got.values("Content-Type")) == (502, ["text/html; charset=utf-8"])
        assert b"cannot be reached at the moment" in got.body
        assert got.values("Cache-Control") == ["no-store"]
        assert b"127.0.0.1" not in got.body
        assert b"itmproxy" not in got.body

    @pytest.mark.parametrize("method, body", [("GET", b""), ("POST", b"x" * 200_000)])
    def test_what_is_no_page_gets_a_line(self, port: int, method: str, body: bytes) -> None:
        got = send(port, "/api", ("Host", SITE), ("Sec-Fetch-Dest", "empty"), method=method, body=body)
        assert (got.status, got.values("Content-Type")) == (502, ["text/plain; charset=utf-8"])

    def test_head_gets_no_body(self, port: int) -> None:
        got = send(port, "/", *PAGE_REQUEST, method="HEAD")
        assert (got.status, got.body) == (502, b"")


def test_a_server_that_hangs_up_is_none() -> None:
    with serving(lambda _connection: None) as upstream, running_proxy(shop_policy(), reverse(upstream)) as proxy:
        assert send(proxy.port, "/", *PAGE_REQUEST).status == 502


class TestOnTheWay:
    """What comes in one go is dealt with in one go, and in order."""

    @pytest.fixture(scope="class")
    def port(self) -> Iterator[int]:
        with running_upstream() as upstream, running_proxy(shop_policy(), reverse(upstream)) as proxy:
            yield proxy.port

    def test_an_answer_that_came_whole_goes_out_whole(self) -> None:
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 9\r\n\r\nsome bits"
        with (
            serving(lambda connection: connection.sendall(answer)) as upstream,
            running_proxy(shop_policy(), reverse(upstream)) as proxy,
            socket.create_connection(("127.0.0.1", proxy.port), timeout=60) as connection,
        ):
            connection.sendall(f"GET /g.png HTTP/1.1\r\nHost: {SITE}\r\n\r\n".encode())
            assert connection.recv(65_536).endswith(b"\r\n\r\nsome bits")

    @pytest.mark.parametrize("path", ["/x.png", "/g/collect?tid=1"], ids=["passed", "stopped"])
    def test_each_of_many_requests_that_came_before_their_turn_is_answered(self, port: int, path: str) -> None:
        one = f"GET {path} HTTP/1.1\r\nHost: {SITE}\r\n\r\n".encode()
        last = one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(one * 150 + last)
            answers = b"".join(iter(lambda: connection.recv(65_536), b""))
        assert answers.count(b"HTTP/1.1 2") == 151
