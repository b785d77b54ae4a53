"""Real parts for tests on the wire: a recording upstream, a running proxy, a raw client.

May go in here: starting and stopping them on loopback. May not: assertions, policies, mocks.
"""

import asyncio
import atexit
import contextlib
import functools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mitmproxy.master import Master

from addons.connect_to import Route
from cmp.core.policy import Policy
from cmp.live.enforcement import Enforcement
from cmp.proxy import ProxySettings, build_master
from tests.waiting import wait_for as wait_for  # noqa: PLC0414 - many import it from here

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Arrived:
    """A request as its bytes came to the upstream."""

    target: str
    method: str
    fields: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name.lower()]

    @property
    def host(self) -> str:
        return (self.values("host") or [""])[0].rpartition(":")[0] or (self.values("host") or [""])[0]


Answering = Callable[[Arrived], bytes]


def answer(body: bytes = b"ok", *fields: tuple[str, str], status: str = "200 OK") -> bytes:
    """The bytes of a whole HTTP/1.1 answer."""
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields), f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


@dataclass
class Upstream:
    """An HTTP/1.1 server that keeps what arrives and answers what it is told."""

    answering: Answering = field(default=lambda _request: answer())
    arrived: list[Arrived] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    def to(self, host: str) -> list[Arrived]:
        return [request for request in self.arrived if request.host == host]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while request := await _read_request(reader):
                self.arrived.append(request)
                writer.write(self.answering(request))
                await writer.drain()
                if "close" in request.values("connection"):
                    break
        writer.close()


async def _read_request(reader: asyncio.StreamReader) -> Arrived | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode("utf-8", "surrogateescape").split("\r\n")[:-2]
    fields = tuple((line.partition(":")[0], line.partition(":")[2].strip()) for line in lines)
    method, target, _ = first.split(" ", 2)
    request = Arrived(target, method, fields, b"")
    if request.values("transfer-encoding"):
        body = b""
        # A connection that ends before the last chunk brought no request.
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += await reader.readexactly(size)
            await reader.readuntil(b"\r\n")
        await reader.readuntil(b"\r\n")
        return replace(request, body=body)
    length = int((request.values("content-length") or ["0"])[0])
    return replace(request, body=await reader.readexactly(length))


class _Loop(threading.Thread):
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.loop = asyncio.new_event_loop()
        self.start()

    def run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.join(60)
        self.loop.close()


@contextlib.contextmanager
def running_upstream(answering: Answering | None = None) -> Iterator[Upstream]:
    upstream = Upstream() if answering is None else Upstream(answering)
    thread = _Loop()

    async def start() -> asyncio.Server:
        return await asyncio.start_server(upstream._serve, "127.0.0.1", 0)

    async def stop(server: asyncio.Server) -> None:
        server.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        # What is pending when the loop ends is an error in the log later, and a proxy that starts then does not.
        await asyncio.gather(*left, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(start(), thread.loop).result(60)
    upstream.port = server.sockets[0].getsockname()[1]
    try:
        yield upstream
    finally:
        asyncio.run_coroutine_threadsafe(stop(server), thread.loop).result(60)
        thread.stop()


@functools.cache
def _authority() -> Path:
    """Where this process has its authority: of those that share a folder, one reads what another is still writing."""
    folder = Path(tempfile.mkdtemp(prefix="consentry-authority-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


_ONE_AT_A_TIME = threading.Lock()


@dataclass
class Proxy:
    port: int
    master: Master


@contextlib.contextmanager
def running_proxy(
    policy: Policy | Enforcement, settings: ProxySettings, *, change: Callable[[Master], None] | None = None
) -> Iterator[Proxy]:
    """A real Master on a free port. `change` may meddle with it before it runs, to show what then happens."""
    if not _ONE_AT_A_TIME.acquire(blocking=False):
        raise RuntimeError(
            "a proxy runs already: mitmproxy's context is global, so a second would get the first's hooks"
        )
    try:
        yield from _running_proxy(policy, settings, change)
    finally:
        _ONE_AT_A_TIME.release()


def _running_proxy(
    policy: Policy | Enforcement, settings: ProxySettings, change: Callable[[Master], None] | None
) -> Iterator[Proxy]:
    started = threading.Event()
    found: dict[str, object] = {}

    def tell(_host: str, port: int) -> None:
        found["port"] = port
        started.set()

    async def main() -> None:
        enforcement = policy if isinstance(policy, Enforcement) else Enforcement(policy)
        own = replace(settings, port=0, confdir=settings.confdir or _authority())
        master = build_master(own, enforcement, tell)
        if change is not None:
            change(master)
        found["master"] = master
        await master.run()

    def body() -> None:
        try:
            asyncio.run(main())
        except Exception as error:
            found["error"] = error
            raise
        finally:
            started.set()

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    started.wait(60)
    master = found.get("master")
    if not isinstance(master, Master) or "error" in found:
        raise RuntimeError(f"the proxy did not start: {found.get('error')}")
    port = found["port"]
    try:
        yield Proxy(port if isinstance(port, int) else 0, master)
    finally:
        master.shutdown()
        thread.join(60)
        if thread.is_alive():
            raise RuntimeError("the proxy did not end, and the next would get its hooks")


def regular(upstream: Upstream, record: Path | None = None) -> ProxySettings:
    """A browser's proxy that reaches every host at the recording upstream."""
    return ProxySettings("regular", routes=(Route("", 0, "127.0.0.1", upstream.port),), record=record)


def reverse(upstream: Upstream, record: Path | None = None) -> ProxySettings:
    """A proxy in front of the recording upstream."""
    return ProxySettings(f"reverse:http://127.0.0.1:{upstream.port}", record=record)


@dataclass(frozen=True)
class Got:
    """What came back to the client; status 0 where the connection just ended."""

    status: int
    fields: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name.lower()]


def send(port: int, target: str, *fields: tuple[str, str], method: str = "GET", body: bytes = b"") -> Got:
    """One request on a connection of its own, the header bytes exactly as given. `target` may be absolute."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields)]
    if not any(name.lower() == "host" for name, _ in fields):
        lines.append(f"Host: {target.split('/')[2]}")
    if body and not any(name.lower() in ("content-length", "transfer-encoding") for name, _ in fields):
        lines.append(f"Content-Length: {len(body)}")
    lines.append("Connection: close")
    return send_raw(port, "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body)


def send_raw(port: int, data: bytes) -> Got:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(data)
        received = bytearray()
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(65_536):
                received += part
    head, _, rest = bytes(received).partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/"):
        return Got(0, (), b"")
    first, *lines = head.decode("utf-8", "surrogateescape").split("\r\n")
    fields = tuple((line.partition(":")[0], line.partition(":")[2].strip()) for line in lines)
    return Got(int(first.split(" ")[1]), fields, rest)


@contextlib.contextmanager
def running_command(
    arguments: Sequence[str], *, ready: str, python: str = sys.executable
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A command of ours as a process, and its line with `ready` in it once that has come. Ended by SIGTERM."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [python, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Most tests read no further than the ready line, and a command stands still once the pipe is full.
        pipesize=1_048_576,
    )
    lines: list[str] = []
    try:
        for line in process.stdout or ():
            lines.append(line)
            if ready in line:
                break
        else:
            raise RuntimeError(f"the command ended early: {''.join(lines)}")
        yield process, lines[-1]
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()
