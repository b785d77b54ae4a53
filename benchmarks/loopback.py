"""Real processes on loopback for a benchmark: an origin, and a client that sends many requests.

May go in here: the origin, the client, starting and ending processes. May not: what is measured (`proxy.py`,
`pages.py`).

`python -m benchmarks.loopback origin` and `... client PORT SECONDS CONNECTIONS [RATE]` are what the processes run;
`pages` asks for pages that all differ in place of `client`, `page` for one again and again.
"""

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

# A picture of 1 kB, as a page of the site would load it.
BODY = bytes(range(256)) * 4
_ANSWER = (
    b'HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nCache-Control: max-age=3600\r\nETag: "1"\r\n'
    b"Content-Length: %d\r\n\r\n" % len(BODY)
) + BODY
_REQUEST = (
    "GET /assets/{n}/logo.png?v={n} HTTP/1.1\r\nHost: shop.test\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: image/avif,image/webp,*/*;q=0.8\r\nAccept-Language: en\r\nReferer: http://shop.test/products/{n}\r\n"
    "Cookie: session=0123456789abcdef; _ga=GA1.1.1234567890.1700000000; theme=dark\r\n"
    "Sec-Fetch-Dest: image\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Site: same-origin\r\nSec-GPC: 1\r\n\r\n"
)
_NAVIGATION = (
    "GET {path} HTTP/1.1\r\nHost: shop.test\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,*/*;q=0.8\r\nAccept-Language: en\r\nCookie: session=0123456789abcdef; theme=dark\r\n"
    "Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: none\r\nSec-Fetch-User: ?1\r\n\r\n"
)
_CLIENTS = {
    "client": _REQUEST,
    "pages": _NAVIGATION.replace("{path}", "/page/{n}"),
    "page": _NAVIGATION.replace("{path}", "/page/1"),
}
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_PATIENCE = 30.0


def page_of(n: int) -> str:
    """A page of 50 kB with tags of known vendors; the number stands in many places of it."""
    lines = [
        f"<!doctype html><html lang=en><head><meta charset=utf-8><title>Page {n}</title>",
        "<link rel=stylesheet href=/a.css>",
        f'<script async src="https://www.googletagmanager.com/gtag/js?id=G-{n}"></script>',
        f'<script>window.dataLayer=[];function gtag(){{dataLayer.push(arguments)}}gtag("config","G-{n}")</script>',
        f'<script>!function(f){{fbq("init","{n}")}}(window)</script>',
        f'<noscript><img src="https://www.facebook.com/tr?id={n}&ev=PageView"></noscript>',
        '<script src="/app.js" defer></script></head><body>',
        *(f'<img src="/pictures/{n}/{i}.png" alt="" loading=lazy>' for i in range(20)),
        f'<iframe src="https://www.youtube.com/embed/{n}"></iframe>',
        f'<img src="https://bat.bing.com/action/0?ti={n}" width=1 height=1>',
    ]
    row = '<p class="text">Some words of a shop, <a href="/products/{}/{}">a link</a>, <b>bold</b> &amp; more.</p>'
    lines += [row.format(n, i) for i in range(475)]
    return "\n".join([*lines, "</body></html>"])


def _answer(head: bytes) -> bytes:
    asked = head.split(b" ", 2)[1].rpartition(b"/page/")
    if not asked[1]:
        return _ANSWER
    body = page_of(int(asked[2])).encode()
    fields = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % len(body)
    return fields + body


class _Origin(asyncio.Protocol):
    """Answers each request head; none has a body."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._unread = transport, b""

    def data_received(self, data: bytes) -> None:
        *heads, self._unread = (self._unread + data).split(b"\r\n\r\n")
        if heads and isinstance(self._transport, asyncio.WriteTransport):
            self._transport.write(b"".join(map(_answer, heads)))


class _Client(asyncio.Protocol):
    """One connection, one request under way at a time. `first` and `whole` are done when its answer began and ended."""

    def __init__(self, request: str) -> None:
        self._request = request
        self._answer, self._length = b"", 0
        loop = asyncio.get_running_loop()
        self.first, self.whole = loop.create_future(), loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def ask(self, n: int) -> None:
        loop = asyncio.get_running_loop()
        self._answer, self._length = b"", 0
        self.first, self.whole = loop.create_future(), loop.create_future()
        self._transport.write(self._request.format(n=n).encode("ascii"))

    def data_received(self, data: bytes) -> None:
        if not self.first.done():
            self.first.set_result(time.perf_counter())
        self._answer += data
        if not self._length and (end := self._answer.find(b"\r\n\r\n")) >= 0:
            if not self._answer.startswith(b"HTTP/1.1 200 "):
                self.whole.set_exception(RuntimeError(f"not passed through: {self._answer[:60]!r}"))
                return
            found = _LENGTH.search(self._answer[: end + 2])
            if found is None:
                self.whole.set_exception(RuntimeError("an answer without a length"))
                return
            self._length = end + 4 + int(found[1])
        if self._length and len(self._answer) >= self._length:
            self.whole.set_result(time.perf_counter())

    def connection_lost(self, error: Exception | None) -> None:
        if not self.whole.done():
            self.whole.set_exception(error or ConnectionError("closed before the answer was whole"))


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Origin, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _connected(port: int, number: int, request: str) -> list[_Client]:
    loop = asyncio.get_running_loop()
    found = [(await loop.create_connection(partial(_Client, request), "127.0.0.1", port))[1] for _ in range(number)]
    for n, client in enumerate(found):
        # What is set up once for each connection is no part of a request.
        client.ask(n)
        await asyncio.wait_for(client.whole, _PATIENCE)
    return found


async def _as_fast_as_it_goes(port: int, seconds: float, connections: int, request: str) -> float:
    """Requests answered in a second."""
    clients = await _connected(port, connections, request)
    start = time.perf_counter()

    async def keep_asking(client: _Client, n: int) -> int:
        answered = 0
        while time.perf_counter() - start < seconds:
            client.ask(n + answered)
            await asyncio.wait_for(client.whole, _PATIENCE)
            answered += 1
        return answered

    answered = await asyncio.gather(*(keep_asking(client, n * 100_000) for n, client in enumerate(clients)))
    return sum(answered) / (time.perf_counter() - start)


async def _at_a_rate(port: int, seconds: float, connections: int, request: str, rate: float) -> list[float]:
    """Milliseconds from when each request was due until the first byte of its answer, so that a queue counts."""
    free = await _connected(port, connections, request)
    waiting: set[asyncio.Task[None]] = set()
    found: list[float] = []

    async def ask(client: _Client, n: int, due: float) -> None:
        client.ask(n)
        found.append((await asyncio.wait_for(client.first, _PATIENCE) - due) * 1000)
        await asyncio.wait_for(client.whole, _PATIENCE)
        free.append(client)

    start = time.perf_counter()
    for n in range(int(seconds * rate)):
        due = start + n / rate
        if (early := due - time.perf_counter()) > 0:
            await asyncio.sleep(early)
        while not free:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        task = asyncio.create_task(ask(free.pop(), n, due))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
    await asyncio.gather(*waiting)
    return found


@contextmanager
def process(arguments: Sequence[str]) -> Iterator["subprocess.Popen[str]"]:
    """A process of this Python, ended when the block is left."""
    with program([sys.executable, *arguments]) as running:
        yield running


@contextmanager
def program(command: Sequence[str]) -> Iterator["subprocess.Popen[str]"]:
    """A process, ended when the block is left."""
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield running
    finally:
        running.terminate()
        running.communicate(timeout=_PATIENCE)


@contextmanager
def origin() -> Iterator[int]:
    """The port of a running origin."""
    with process(["-m", "benchmarks.loopback", "origin"]) as running:
        assert running.stdout is not None
        yield int(running.stdout.readline())


def cpu_seconds(pid: int) -> float | None:
    """Processor time a process has used; None where the system does not say (Linux does)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(port: int) -> None:
    """Until something accepts connections. Raises TimeoutError."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with closing(socket.socket()) as asking:
            if asking.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


def requests_a_second(port: int, *, seconds: float, connections: int, client: str = "client") -> float:
    """How many requests a second a client in a process of its own has answered."""
    return float(_client(client, port, seconds, connections))


def first_bytes(port: int, *, seconds: float, connections: int, rate: float) -> list[float]:
    """Milliseconds to the first byte of each answer at `rate` requests a second, by a client of its own process."""
    found: list[float] = json.loads(_client("client", port, seconds, connections, rate))
    return found


def _client(role: str, *arguments: float) -> str:
    command = [sys.executable, "-m", "benchmarks.loopback", role, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=4 * _PATIENCE).stdout


def _main(role: str, *numbers: str) -> None:
    if role == "origin":
        asyncio.run(_serve())
        return
    port, seconds, connections, *rate = map(float, numbers)
    asked = (int(port), seconds, int(connections), _CLIENTS[role])
    found = asyncio.run(_at_a_rate(*asked, *rate)) if rate else asyncio.run(_as_fast_as_it_goes(*asked))
    print(json.dumps(found))


if __name__ == "__main__":
    _main(*sys.argv[1:])
