"""A captured visit served back on loopback, as the site and all its third parties.

May go in here: answering from a HAR with bodies, and remembering what was asked. May not: assertions.
"""

import asyncio
import base64
import contextlib
import json
import ssl
import threading
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
from aiohttp import web

# Headers of the capture that describe its transfer, not its content.
_TRANSFER = {"content-encoding", "content-length", "transfer-encoding", "connection", "keep-alive", "alt-svc"}
# The site asks browsers to come by TLS and to bind certificates; the copy has its own.
_PINNING = {"strict-transport-security", "public-key-pins", "expect-ct"}


@dataclass(frozen=True)
class Asked:
    method: str
    url: str


@dataclass
class CapturedSite:
    """`asked` lists every request that arrived, over all hosts."""

    answers: dict[str, dict[str, Any]]
    hosts: frozenset[str]
    asked: list[Asked] = field(default_factory=list)
    port: int = 0
    tls_port: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        url = f"{request.scheme}://{request.host}{request.raw_path}"
        self.asked.append(Asked(request.method, url))
        found = self.answers.get(url)
        if found is None:
            return web.Response(status=404, text="not in the capture")
        content = found["content"]
        text = content.get("text", "")
        body = base64.b64decode(text) if content.get("encoding") == "base64" else text.encode()
        response = web.Response(status=found["status"], body=body)
        for header in found["headers"]:
            name = header["name"].lower()
            if name not in _TRANSFER | _PINNING and not name.startswith(":"):
                for line in header["value"].split("\n"):
                    response.headers.add(header["name"], line)
        return response


def read_site(path: Path) -> CapturedSite:
    answers: dict[str, dict[str, Any]] = {}
    for entry in json.loads(path.read_text("utf-8-sig"))["log"]["entries"]:
        if entry["response"]["status"]:
            answers.setdefault(entry["request"]["url"].partition("#")[0], entry["response"])
    return CapturedSite(answers, frozenset(url.split("/")[2] for url in answers))


@contextlib.contextmanager
def serving(site: CapturedSite, authority: trustme.CA, more_hosts: Set[str] = frozenset()) -> Iterator[CapturedSite]:
    """The site on one plain and one TLS port of loopback, every host of the capture (and more) with a certificate."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*sorted(site.hosts | more_hosts)).configure_cert(context)

    async def start() -> web.AppRunner:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{anything:.*}", site.answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        plain, secure = web.TCPSite(runner, "127.0.0.1", 0), web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await plain.start()
        await secure.start()
        site.port, site.tls_port = (address[1] for address in runner.addresses)
        return runner

    runner = asyncio.run_coroutine_threadsafe(start(), loop).result(20)
    try:
        yield site
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
