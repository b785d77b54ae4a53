"""The demo world as a server: the site and its third parties in one process on loopback, told apart by the Host header.

May go in here: listening, reading a request into `Asked`, recording it, sending the `Answer`. May not: what a host
answers (`origin.py`, `third_parties.py`).

    async with serve_site() as site: ...      in a running event loop
    with running_site() as site: ...          in a thread of its own
"""

import asyncio
import ssl
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from aiohttp import web
from multidict import CIMultiDict

from demo.messages import Answer, Asked, Handler
from demo.names import SITE, THIRD_PARTIES
from demo.origin import Origin
from demo.recording import Hit, Hits, kept_headers
from demo.third_parties import HANDLERS

ADDRESS = "127.0.0.1"

# Of a body only so much is kept for the host to read (bytes); the rest is counted.
_BODY_KEPT = 64 * 1024

# Whoever is reached under another name gets this: the request is recorded all the same.
_MISDIRECTED = Answer(421, body=b"Nobody of that name lives here.\n")


@dataclass(frozen=True, slots=True)
class Site:
    """A running demo world. `tls_port` is None where there is no certificate."""

    port: int
    tls_port: int | None
    hits: Hits
    origin: Origin
    hosts: tuple[str, ...] = (SITE, *THIRD_PARTIES)

    def url(self, path: str = "/", *, tls: bool = False) -> str:
        """The public address of a page: without a port, since the world is reached through a proxy or a host map."""
        return f"{'https' if tls else 'http'}://{SITE}{path}"

    def reached(self) -> dict[str, int]:
        """How many requests reached each third party; what a browser asks its maker for is left out."""
        return {host: count for host, count in self.hits.counts().items() if host in THIRD_PARTIES}

    @property
    def routes(self) -> dict[str, tuple[str, int]]:
        """Where a client without a proxy connects to, for `visit.Visitor`: any host, by port of the URL."""
        routes = {"*:80": (ADDRESS, self.port)}
        if self.tls_port is not None:
            routes["*:443"] = (ADDRESS, self.tls_port)
        return routes

    @property
    def connect_to(self) -> tuple[str, ...]:
        """The same for our proxy, as values of `--connect-to`."""
        return tuple(f":{pattern[2:]}:{host}:{port}" for pattern, (host, port) in self.routes.items())

    @property
    def resolver_rules(self) -> str:
        """The same for Chromium, as the value of `--host-resolver-rules`."""
        return ", ".join(f"MAP {pattern} {host}:{port}" for pattern, (host, port) in self.routes.items())


@asynccontextmanager
async def serve_site(ssl_context: ssl.SSLContext | None = None) -> AsyncIterator[Site]:
    """Serve until the block ends, on free ports of the loopback address."""
    hits, origin = Hits(), Origin()
    serve = _Service(hits, {SITE: origin, **HANDLERS})
    runner = web.ServerRunner(web.Server(serve, access_log=None), shutdown_timeout=1.0)
    await runner.setup()
    try:
        plain = web.TCPSite(runner, ADDRESS, 0)
        await plain.start()
        secure = None
        if ssl_context is not None:
            secure = web.TCPSite(runner, ADDRESS, 0, ssl_context=ssl_context)
            await secure.start()
        yield Site(plain.port, secure.port if secure else None, hits, origin)
    finally:
        await runner.cleanup()


@contextmanager
def running_site(ssl_context: ssl.SSLContext | None = None) -> Iterator[Site]:
    """Serve in a thread with a loop of its own until the block ends."""
    started: list[Site] = []
    failed: list[BaseException] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with serve_site(ssl_context) as site:
            started.append(site)
            ready.set()
            await stop.wait()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: loop) as runner:
                runner.run(serve())
        except BaseException as error:  # noqa: BLE001  the thread that waits must hear of whatever ended this one
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="demo-site", daemon=True)
    thread.start()
    ready.wait()
    if not started:
        thread.join()
        raise RuntimeError("the demo site did not start") from (failed[0] if failed else None)
    try:
        yield started[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


class _Service:
    """Requests in, answers out, everything noted in between."""

    def __init__(self, hits: Hits, handlers: Mapping[str, Handler]) -> None:
        self._hits = hits
        self._handlers = handlers

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        asked = _asked(request)
        headers = kept_headers(request.headers)
        hit = Hit(time.time(), asked.host, asked.scheme, asked.method, asked.path, asked.query, asked.cookies, headers)
        number = self._hits.add(hit)
        size, kept = 0, bytearray()
        async for chunk in request.content.iter_any():
            size += len(chunk)
            kept += chunk[: _BODY_KEPT - len(kept)]
            self._hits.set_body_size(number, size)
        handler = self._handlers.get(asked.host)
        answer = _MISDIRECTED if handler is None else handler(_asked(request, bytes(kept)))
        return _response(answer)


def _asked(request: web.BaseRequest, body: bytes = b"") -> Asked:
    # raw_path: as it stood on the wire; some clients send the whole URL even to a server.
    target = request.raw_path
    if "://" in target.partition("?")[0]:
        target = "/" + target.partition("://")[2].partition("/")[2]
    path, _, query = target.partition("?")
    return Asked(
        request.method,
        request.scheme,
        request.headers.get("Host", "").rpartition(":")[0] or request.headers.get("Host", ""),
        path,
        query,
        {name.lower(): value for name, value in request.headers.items() if name.lower() != "cookie"},
        tuple(_cookie_pairs(request.headers.getall("Cookie", []))),
        body,
    )


def _cookie_pairs(fields: list[str]) -> Iterator[tuple[str, str]]:
    for part in ";".join(fields).split(";"):
        if part.strip():
            name, _, value = part.strip().partition("=")
            yield name, value


def _response(answer: Answer) -> web.StreamResponse:
    headers: CIMultiDict[str] = CIMultiDict(answer.headers)
    if answer.status not in (204, 304):
        headers["Content-Type"] = answer.media_type
    response = web.Response(status=answer.status, body=answer.body or None, headers=headers)
    if answer.media_type.startswith("text/html") and answer.body:
        # As most sites do: whoever edits the page on its way has to unpack it.
        response.enable_compression()
    return response
