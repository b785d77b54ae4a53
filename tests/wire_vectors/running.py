"""Vectors sent through a real proxy, between a client and servers that keep every byte.

May go in here: the servers, the policy, the proxies, one conversation. May not: what should come of it.
"""

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from mitmproxy.master import Master

from addons.connect_to import Route
from cmp.core.policy import Policy
from cmp.live.enforcement import ConsentServer, Enforcement, Mode
from cmp.proxy import ProxySettings
from cmp.seal.keys import PublicKeys
from cmp.seal.site import ConsentSite
from tests.addons.test_enforce import shop_policy
from tests.live import Proxy, running_proxy
from tests.wire_vectors.reading import SENT, SET, Request, Vector, read_strictly

SITE = "www.shop.test"
SEALED = f"http://{SITE}"
# Names under which each server is reached by a browser's proxy, as they are connected to.
NAMES = {
    "tracker": (
        *("px.tracker.test", "px.tracker.test.", "metrics.shop.test", "bücher.test", "203.0.113.9"),
        *("0xcb.0x0.0x71.0x9", "0xcb007109", "3405803785", "203.0.28937", "0313.0.0161.011"),
    ),
    "measure": ("measure.test",),
    "origin": (SITE, "shop.test", "unlisted.test"),
}
# How long it waits for what it should be told, seconds: what is longer hangs.
_SECONDS = 60.0
# How long a client listens for more than it should be told.
_MORE = 0.015


@dataclass
class Recorder:
    """A server that keeps what comes, connection by connection, and answers what it is told to."""

    name: str
    port: int = 0
    answer: bytes = b""
    connections: list[bytearray] = field(default_factory=list)

    def requests(self) -> list[Request]:
        """Raises AmbiguousError for bytes that two servers could read in two ways."""
        return [request for data in self.connections for request in read_strictly(bytes(data))]

    def saw(self, text: str) -> bool:
        return any(text.encode() in data for data in self.connections)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kept = bytearray()
        self.connections.append(kept)
        answered = 0
        with contextlib.suppress(ConnectionError):
            while part := await reader.read(65_536):
                kept += part
                # Where a request ends is told by the end of its head or of its chunks: good enough to answer.
                while answered < _ended(kept):
                    answered += 1
                    writer.write(self.answer or b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                    if b"onnection: close" in self.answer:
                        break
                await writer.drain()
                if b"onnection: close" in self.answer and answered:
                    break
        writer.close()


def _ended(data: bytearray) -> int:
    """How many requests have ended, as a server reads them that takes what it gets."""
    count, rest = 0, bytes(data)
    while found := re.search(rb"\r?\n\r?\n", rest):
        head, rest = rest[: found.start()], rest[found.end() :]
        if re.search(rb"(?i)\ntransfer-encoding:[^\n]*chunked", head):
            end = re.search(rb"(?:^|\n)0+[^\n]*\n(?:[^\r\n]+\n)*\r?\n", rest)
            if end is None:
                return count
            rest = rest[end.end() :]
        elif length := re.search(rb"(?i)\ncontent-length: *(\d{1,9})", head):
            if len(rest) < int(length[1]):
                return count
            rest = rest[int(length[1]) :]
        count += 1
    return count


@dataclass
class Servers:
    """`inside` are listeners of ours, which a browser's proxy leads nobody to."""

    by_name: dict[str, Recorder]
    inside = ("consent", "operator", "monitor")

    def ports(self, proxy: int = 0) -> dict[str, int]:
        return {**{name: server.port for name, server in self.by_name.items()}, "proxy": proxy}

    def clear(self, answer: bytes = b"") -> None:
        for server in self.by_name.values():
            server.connections.clear()
            server.answer = answer if server.name in ("origin", "measure") else b""


@contextlib.contextmanager
def running_servers() -> Iterator[Servers]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    servers = Servers({name: Recorder(name) for name in ("origin", "tracker", "measure", *Servers.inside)})

    async def start() -> list[asyncio.Server]:
        started = []
        for server in servers.by_name.values():
            listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
            server.port = listening.sockets[0].getsockname()[1]
            started.append(listening)
        return started

    async def stop(started: list[asyncio.Server]) -> None:
        for listening in started:
            listening.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    started = asyncio.run_coroutine_threadsafe(start(), loop).result(60)
    try:
        yield servers
    finally:
        asyncio.run_coroutine_threadsafe(stop(started), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


def policy(**changes: object) -> Policy:
    """One under which unknown hosts pass: what is stopped was recognised, however it is written."""
    document: dict[str, object] = {
        "categories": {
            "necessary": {"basis": "necessary", "title": {"en": "Necessary"}},
            "analytics": {"basis": "consent", "title": {"en": "Analytics"}},
            "trends": {"basis": "consent", "title": {"en": "Trends"}, "treatment": "reduce"},
        },
        "vendors": [
            {
                "id": "tracker",
                "name": "Tracker",
                "category": "analytics",
                "hosts": ["tracker.test", "xn--bcher-kva.test", "203.0.113.9"],
                "aliases": ["metrics.shop.test"],
                "signatures": [{"path": "/g/collect", "query": ["tid"]}, {"path": "/api/*", "body": ["client_id"]}],
                "cookies": [{"name": "_track*"}],
            },
            {
                "id": "measure",
                "name": "Measure",
                "category": "trends",
                "hosts": ["measure.test"],
                "cookies": [{"name": "_m*"}],
            },
        ],
        "sites": ["shop.test"],
        "unknown": {"host": "report", "cookie": "deny"},
    }
    return shop_policy(**{**document, **changes})


def names_of_this_machine(_master: Master) -> None:
    """Make names under `inside.test` resolve to this machine, as anybody's name server could."""
    loop = asyncio.get_running_loop()
    ask = loop.getaddrinfo

    async def getaddrinfo(host: str, port: int, **more: int) -> object:
        return await ask("127.0.0.1" if host.rstrip(".").endswith("inside.test") else host, port, **more)

    loop.getaddrinfo = getaddrinfo  # type: ignore[assignment]


@contextlib.contextmanager
def running(servers: Servers, keys: PublicKeys, mode: Mode, *, between: bool) -> Iterator[Proxy]:
    """A proxy of the kind. One that only observes leads to our own listeners too: the control."""
    ports = servers.ports()
    if between:
        settings = ProxySettings(
            "regular",
            routes=[Route(name, 0, "127.0.0.1", ports[server]) for server, names in NAMES.items() for name in names],
            allow_private=mode is Mode.OBSERVE,
            own=lambda: [("127.0.0.1", ports[name]) for name in Servers.inside] if mode is Mode.ENFORCE else [],
        )
        enforcement = Enforcement(policy(), mode)
    else:
        settings = ProxySettings(f"reverse:http://127.0.0.1:{ports['origin']}")
        consent = ConsentServer(ConsentSite(SEALED), keys, "127.0.0.1", ports["consent"])
        enforcement = Enforcement(policy(), mode, consent)
    with running_proxy(enforcement, settings, change=names_of_this_machine) as proxy:
        yield proxy


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a vector. `told`: statuses, "cut", "end" or "hang". `arrived`: server and target of each request.

    `connected`: servers by each connection. `knows`: who saw what identifies: servers, or "client".
    """

    told: tuple[str, ...]
    arrived: tuple[tuple[str, str], ...]
    connected: tuple[str, ...]
    knows: frozenset[str]


def send(vector: Vector, servers: Servers, port: int) -> Outcome:
    """One vector through the proxy on `port`. Raises AmbiguousError where a server got bytes of two meanings."""
    ports = servers.ports(port)
    servers.clear(vector.answer(ports))
    data = vector.request(ports)
    told, received = converse(port, data, len(vector.answers), vector.pieces)
    arrived = tuple(
        (server.name, request.target)
        for server in servers.by_name.values()
        for request in server.requests()
        # The proxy itself asks after the consent server.
        if request.target != "/.consent/health"
    )
    knows = {server.name for server in servers.by_name.values() if server.saw(SENT)}
    return Outcome(
        told,
        arrived,
        tuple(server.name for server in servers.by_name.values() for _ in server.connections),
        frozenset(knows | ({"client"} if SET.encode() in received else set())),
    )


def converse(
    port: int, data: bytes, expected: int, pieces: int = 0, seconds: float = _SECONDS
) -> tuple[tuple[str, ...], bytes]:
    """What a client is told that sends `data` and waits for so many answers; and the bytes of it."""
    received = bytearray()
    size = pieces or len(data)
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(ConnectionError):
            for at in range(0, len(data), size):
                connection.sendall(data[at : at + size])
        while True:
            told = statuses(data, bytes(received))
            connection.settimeout(_MORE if len(told) >= expected else seconds)
            try:
                part = connection.recv(262_144)
            except TimeoutError:
                return (told if len(told) >= expected else (*told, "hang")), bytes(received)
            except ConnectionError:
                part = b""
            if not part:
                told = statuses(data, bytes(received), ended=True)
                return (told if len(told) >= expected else (*told, "end")), bytes(received)
            received += part


def statuses(asked: bytes, received: bytes, *, ended: bool = False) -> tuple[str, ...]:
    """The statuses of all whole answers. `ended`: nothing more comes, which ends an answer without a length."""
    found: list[str] = []
    while b"\r\n\r\n" in received:
        head, _, received = received.partition(b"\r\n\r\n")
        status = head[9:12].decode("latin-1")
        length = re.search(rb"(?i)\ncontent-length: *(\d+)", head)
        bodiless = asked.startswith(b"HEAD ") or status[:1] == "1" or status in ("204", "304")
        if status == "101":
            return (*found, status)
        if bodiless or (asked[:8].upper() == b"CONNECT " and not found and status == "200"):
            pass
        elif re.search(rb"(?i)\ntransfer-encoding: *chunked", head):
            end = re.search(rb"(?:^|\r\n)0\r\n\r\n", received)
            if end is None:
                return (*found, "cut") if ended else tuple(found)
            received = received[end.end() :]
        elif length is None:
            received = b""
            if not ended:
                return tuple(found)
        elif len(received) < int(length[1]):
            return (*found, "cut") if ended else tuple(found)
        else:
            received = received[int(length[1]) :]
        found.append(status)
    return tuple(found)
