"""What is long or without an end passes as it does without the proxy, whose memory hardly moves.

`make test` runs a sample, `make soak` the whole gigabyte.
"""

import contextlib
import hashlib
import json
import socket
import subprocess
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.addons.test_enforce import SITE, shop_document
from tests.live import running_command

MIB = 1024 * 1024
PART = bytes(range(256)) * 1024
# Bytes by which the proxy's memory may move while a body of any length passes, and at most use for anything.
MOVES, PEAK = 20 * MIB, 300 * MIB
SIZES = [
    pytest.param(48 * MIB, id="sample"),
    pytest.param(1024 * MIB, id="full", marks=[pytest.mark.soak, pytest.mark.timeout(1_800)]),
]

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")


def head_of(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received and (part := connection.recv(1)):
        received += part
    return received


def serve(connection: socket.socket) -> None:
    """One site: /down/N and /chunked/N bytes, /up takes what comes, /events one by one, /range, /bomb/N unpacked.

    /cookies/N sets so many.
    """
    with connection, contextlib.suppress(OSError):
        while head := head_of(connection):
            path = head.split(b" ")[1].decode()
            kind, _, count = path.strip("/").partition("/")
            _ANSWERS[kind](connection, head, int(count or 0))


def _down(connection: socket.socket, _head: bytes, count: int) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\nContent-Length: %d\r\n\r\n" % count)
    for _ in range(count // len(PART)):
        connection.sendall(PART)


def _chunked(connection: socket.socket, _head: bytes, count: int) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(count // len(PART)):
        connection.sendall(b"%x\r\n%s\r\n" % (len(PART), PART))
    connection.sendall(b"0\r\n\r\n")


def _up(connection: socket.socket, head: bytes, count: int) -> None:
    left = count
    while left > 0 and (part := connection.recv(MIB)):
        left -= len(part)
    said = b"%d of %d" % (count - left, count)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said))


def _events(connection: socket.socket, _head: bytes, count: int) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
    for number in range(count):
        connection.sendall(b"id: %d\ndata: x\n\n" % number)
    connection.close()


def _range(connection: socket.socket, head: bytes, _count: int) -> None:
    asked = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"range:"))
    first, last = (int(number) for number in asked.partition(b"=")[2].split(b"-"))
    body = PART[first : last + 1]
    fields = b"Content-Range: bytes %d-%d/%d\r\nContent-Type: video/mp4\r\nETag: x\r\n" % (first, last, len(PART))
    connection.sendall(b"HTTP/1.1 206 Partial Content\r\n%sContent-Length: %d\r\n\r\n%s" % (fields, len(body), body))


def _bomb(connection: socket.socket, _head: bytes, count: int) -> None:
    # As many zeros, without ever having them all.
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join(packer.compress(bytes(MIB)) for _ in range(count // MIB)) + packer.flush()
    fields = b"Content-Type: text/html\r\nContent-Encoding: gzip\r\n"
    connection.sendall(b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s" % (fields, len(packed), packed))


def _cookies(connection: socket.socket, _head: bytes, count: int) -> None:
    cookies = b"".join(b"Set-Cookie: c%06d=x\r\n" % number for number in range(count))
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%s\r\nok" % cookies)


_ANSWERS: dict[str, Callable[[socket.socket, bytes, int], None]] = {
    "down": _down,
    "chunked": _chunked,
    "up": _up,
    "events": _events,
    "range": _range,
    "bomb": _bomb,
    "cookies": _cookies,
}


@dataclass
class Site:
    direct: int
    port: int
    process: subprocess.Popen[str]

    def memory(self, name: str = "VmRSS") -> int:
        """Bytes of the proxy's memory: VmRSS now, VmHWM the most there was."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text("ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    listener = socket.create_server(("127.0.0.1", 0))
    direct = listener.getsockname()[1]

    def run() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    folder = tmp_path_factory.mktemp("streaming")
    policy = folder / "shop.json"
    policy.write_text(json.dumps(shop_document(sites=["shop.test"])), "utf-8")
    command = [
        "-m",
        "cmp",
        "proxy",
        "--policy",
        str(policy),
        "--port",
        "0",
        "--mode",
        f"reverse:http://127.0.0.1:{direct}",
        "--confdir",
        str(folder),
    ]
    with running_command(command, ready=" on 127.0.0.1:") as (process, line):
        found = Site(direct, int(line.partition(" on 127.0.0.1:")[2].partition(",")[0]), process)
        received(found.port, "/down/1048576")
        yield found
    listener.close()


def received(port: int, path: str, *lines: str, body: int = 0) -> tuple[str, int, str]:
    """Status, length and digest of what came behind the head of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=600) as connection:
        method = "POST" if body else "GET"
        more = [f"Content-Length: {body}"] if body else []
        head = [f"{method} {path} HTTP/1.1", f"Host: {SITE}", "Connection: close", *more, *lines, "", ""]
        connection.sendall("\r\n".join(head).encode())
        for _ in range(body // len(PART)):
            connection.sendall(PART)
        answer = head_of(connection)
        length = next((int(x[16:]) for x in answer.split(b"\r\n") if x.lower().startswith(b"content-length: ")), None)
        total, seen = 0, hashlib.blake2b()
        while (length is None or total < length) and (part := connection.recv(MIB)):
            total += len(part)
            seen.update(part)
            if length is None and b"0\r\n\r\n" in part[-8:]:
                break
    return answer.split(b" ")[1].decode(), total, seen.hexdigest()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("way", ["down", "up"])
def test_memory_hardly_moves_while_a_long_body_passes(site: Site, way: str, size: int) -> None:
    before = site.memory()
    path = f"/{way}/{size}"
    status, total, _ = received(site.port, path, body=size if way == "up" else 0)
    said = len(f"{size} of {size}") if way == "up" else size
    assert (status, total) == ("200", said)
    assert site.memory() - before < MOVES


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("way", ["chunked", "bomb"])
def test_a_page_without_measure_stays_within_the_bound(site: Site, way: str, size: int) -> None:
    lines = ("Accept: text/html", "Sec-Fetch-Dest: document")
    status, total, _ = received(site.port, f"/{way}/{size}", *lines)
    assert status == "200"
    assert total > (size if way == "chunked" else 0)
    assert site.memory("VmHWM") < PEAK


MANY = 100_000
ENDLESS = [
    pytest.param(b"X-%06d: x\r\n", b"GET / HTTP/1.1\r\n", id="headers"),
    pytest.param(b"Cookie: c%06d=x\r\n", b"GET / HTTP/1.1\r\n", id="cookie-headers"),
    pytest.param(b"c%06d=x; ", b"GET / HTTP/1.1\r\nCookie: ", id="cookies"),
    pytest.param(b"%032d" * 10, b"POST /up/1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;", id="line-of-a-chunk"),
    pytest.param(b"X: %032d\r\n" * 8, b"POST /up/1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", id="trailers"),
]


@pytest.mark.parametrize("piece, head", ENDLESS)
def test_what_has_no_end_is_not_kept(site: Site, piece: bytes, head: bytes) -> None:
    first, _, rest = head.partition(b"\r\n")
    pieces = b"".join(piece % ((number,) * piece.count(b"%")) for number in range(MANY))
    with socket.create_connection(("127.0.0.1", site.port), timeout=600) as connection:
        answer = b""
        # Which of the two comes first is chance; in either case the connection ends.
        with contextlib.suppress(ConnectionError):
            connection.sendall(first + b"\r\nHost: " + SITE.encode() + b"\r\n" + rest + pieces)
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(MIB):
                answer += part
    assert answer[:13] in (b"", b"HTTP/1.1 431 ")
    assert site.memory("VmHWM") < PEAK


@pytest.mark.parametrize(
    "path, status",
    [pytest.param("/cookies/100000", "502", id="cookies"), pytest.param("/cookies/2000", "200", id="some")],
)
def test_an_answer_with_so_many_cookies_is_not_kept(site: Site, path: str, status: str) -> None:
    assert received(site.port, path)[0] == status
    assert site.memory("VmHWM") < PEAK


@pytest.mark.parametrize(
    "path, lines",
    [
        pytest.param("/events/50", ("Accept: text/event-stream",), id="events"),
        pytest.param("/range", ("Range: bytes=100-699",), id="range"),
        pytest.param("/down/262144", (), id="download"),
        pytest.param("/up/262144", (), id="upload"),
    ],
)
def test_it_is_as_without_the_proxy(site: Site, path: str, lines: tuple[str, ...]) -> None:
    body = 262_144 if path.startswith("/up") else 0
    assert received(site.port, path, *lines, body=body) == received(site.direct, path, *lines, body=body)
