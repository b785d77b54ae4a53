"""Connections on which messages have empty lines before them, trailers behind them, or no end."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from cmp.live.reading_http1 import KEPT_LIMIT
from tests.addons.test_enforce import SITE, shop_policy
from tests.live import Upstream, answer, reverse, running_proxy, running_upstream, send_raw

HEAD = f"POST /x HTTP/1.1\r\nHost: {SITE}\r\n".encode()
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream() as found:
        yield found


@pytest.fixture(autouse=True)
def _fresh(upstream: Upstream) -> None:
    upstream.arrived.clear()
    upstream.answering = lambda _request: answer()


@pytest.fixture(scope="module")
def port(upstream: Upstream) -> Iterator[int]:
    with running_proxy(shop_policy(), reverse(upstream)) as proxy:
        yield proxy.port


def test_trailers_of_a_request_are_dropped(port: int, upstream: Upstream) -> None:
    got = send_raw(port, CHUNKED + b"5\r\nhello\r\n0\r\nCookie: _track=1\r\nX: y\r\n\r\n")
    assert (got.status, got.body) == (200, b"ok")
    assert [(request.body, request.values("cookie")) for request in upstream.arrived] == [(b"hello", [])]


def test_trailers_of_an_answer_are_dropped(port: int, upstream: Upstream) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n"
    upstream.answering = lambda _request: head + b"2\r\nok\r\n0\r\nX: y\r\nSet-Cookie: _track=1\r\n\r\n"
    got = send_raw(port, HEAD + b"Content-Length: 0\r\nConnection: close\r\n\r\n")
    assert (got.status, got.body) == (200, b"2\r\nok\r\n0\r\n\r\n")


@pytest.mark.parametrize("lines", [1, 2, 1000])
def test_empty_lines_before_a_request_are_ignored(port: int, lines: int) -> None:
    assert send_raw(port, b"\r\n" * lines + CHUNKED + b"0\r\n\r\n").status == 200


@pytest.mark.parametrize(
    "endless", [pytest.param(b"5;", id="line of a chunk"), pytest.param(b"0\r\nX: ", id="trailer")]
)
def test_what_has_no_end_ends_the_connection(port: int, upstream: Upstream, endless: bytes) -> None:
    assert send_raw(port, CHUNKED + endless + b"x" * (2 * KEPT_LIMIT)).status == 0
    assert upstream.arrived == []


def test_the_server_sees_no_whole_request_where_the_head_went_ahead_of_what_has_no_end(
    port: int, upstream: Upstream
) -> None:
    before = upstream.connections
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(CHUNKED)
        while upstream.connections == before:
            time.sleep(0.01)
        with contextlib.suppress(ConnectionError):
            connection.sendall(b"5;" + b"x" * (2 * KEPT_LIMIT))
        with contextlib.suppress(ConnectionError):
            assert connection.recv(1) == b""
    assert upstream.arrived == []


def test_requests_before_their_turn_are_kept_up_to_a_bound(port: int, upstream: Upstream) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slowly(_request: object) -> bytes:
        asked.set()
        go_on.wait(60)
        return answer()

    upstream.answering = slowly
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(HEAD + b"Content-Length: 0\r\n\r\n")
            assert asked.wait(60)
            with pytest.raises(ConnectionError):
                connection.sendall(HEAD * 1_000_000)
    finally:
        go_on.set()
