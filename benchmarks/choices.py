"""Choices stored durably, and states read, beside an aiohttp handler that does nothing.

May go in here: both servers in processes of their own, one load on each in turn. May not: judging what a machine can
do: the peer runs on the same one, and the ratios count.
"""

import asyncio
import contextlib
import gc
import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

# Visitors that ask at the same time, each on a connection it keeps.
_AT_ONCE = 64
_SECONDS = 4.0
_AIMS = "aims: choices at 0.3 of the rate and 8 times the p99 or less, reading at 0.6 of the rate"
_CHOICE = json.dumps({"choice": "accept"}).encode()


@dataclass(frozen=True)
class Load:
    """What a load measured: answers a second, and the time within which 99 of 100 came (seconds)."""

    rate: float
    p99: float

    def text(self, name: str) -> str:
        return f"{name:<18} {self.rate:8.0f}/s   p99 {self.p99 * 1000:7.1f} ms"


def run() -> Iterator[str]:
    yield f"{_AT_ONCE} connections, {_SECONDS:.0f} s each"
    with tempfile.TemporaryDirectory() as folder:
        with _serving(_nothing, folder) as port:
            peer_post = asyncio.run(_loaded(port, lambda n: _post("/nothing", n)))
            peer_get = asyncio.run(_loaded(port, lambda _n: _get("/nothing", "")))
        with _serving(_consentry, folder) as port:
            cookie = asyncio.run(_cookie(port))
            stored = asyncio.run(_loaded(port, lambda n: _post("/.consent/choice", n)))
            read = asyncio.run(_loaded(port, lambda _n: _get("/.consent/state", cookie)))
    yield peer_post.text("no-op POST")
    yield stored.text("choice, durable")
    yield f"ratio {stored.rate / peer_post.rate:.2f} of the rate, {stored.p99 / peer_post.p99:.1f} times the p99"
    yield peer_get.text("no-op GET")
    yield read.text("state")
    yield f"ratio {read.rate / peer_get.rate:.2f} of the rate, {read.p99 / peer_get.p99:.1f} times the p99"
    yield _AIMS


# ------------------------------------------------------------------------------------------------------- servers


def _nothing(_folder: str, ready: Connection) -> None:
    from aiohttp import web

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.json_response({"ok": True})

    app = web.Application(handler_args={"access_log": None})
    app.router.add_route("*", "/nothing", answer)
    _serve(app, ready)


def _consentry(folder: str, ready: Connection) -> None:
    from cmp.ledger.ledger import Ledger
    from cmp.policy.load import load_policy
    from cmp.resources import policies
    from cmp.seal.keys import make_keys
    from cmp.seal.site import ConsentSite
    from cmp.server.app import make_app

    place = Path(folder)
    keys = make_keys(place / "keys.json")
    with Ledger(place / "ledger.db", signer=keys) as ledger:
        policy = load_policy(policies() / "default.json")
        _serve(make_app(policy, ledger, keys, ConsentSite("https://shop.test")), ready)


def _serve(app: object, ready: Connection) -> None:
    from aiohttp import web

    from cmp.server.listening import run_server, take_port

    assert isinstance(app, web.Application)

    async def until_told() -> None:
        taken = take_port("127.0.0.1", 0)
        ready.send(taken.getsockname()[1])
        stop = asyncio.Event()
        asyncio.get_running_loop().add_reader(ready.fileno(), stop.set)
        # As `consentry serve` does.
        gc.freeze()
        await run_server(app, taken, stop)

    asyncio.run(until_told())


@contextlib.contextmanager
def _serving(serve: Callable[[str, Connection], None], folder: str) -> Iterator[int]:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=serve, args=(folder, theirs))
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("stop")
        process.join(30)


# ---------------------------------------------------------------------------------------------------------- load


async def _loaded(port: int, request_of: Callable[[int], bytes]) -> Load:
    """Asks for a second to warm up, then measures."""
    await _ask(port, request_of, 1.0)
    start = time.perf_counter()
    times = sorted(await _ask(port, request_of, _SECONDS))
    return Load(len(times) / (time.perf_counter() - start), times[int(len(times) * 0.99)])


async def _ask(port: int, request_of: Callable[[int], bytes], seconds: float) -> list[float]:
    end, times, numbers = time.perf_counter() + seconds, [], iter(range(10**9))

    async def visitor() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (start := time.perf_counter()) < end:
            writer.write(request_of(next(numbers)))
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            length = head.lower().partition(b"content-length:")[2].partition(b"\r")[0]
            await reader.readexactly(int(length))
            times.append(time.perf_counter() - start)
        writer.close()

    await asyncio.gather(*(visitor() for _ in range(_AT_ONCE)))
    return times


async def _cookie(port: int) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_post("/.consent/choice", 0))
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    writer.close()
    return next(line for line in head.split("\r\n") if "consent=" in line).partition(":")[2].partition(";")[0].strip()


def _post(path: str, number: int) -> bytes:
    # Each from an address of its own: choices of one address are limited.
    client = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    head = f"POST {path} HTTP/1.1\r\nHost: shop.test\r\nSec-Fetch-Site: same-origin\r\nX-Forwarded-For: {client}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(_CHOICE)}\r\n\r\n".encode() + _CHOICE


def _get(path: str, cookie: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: shop.test\r\nCookie: {cookie}\r\n\r\n".encode()
