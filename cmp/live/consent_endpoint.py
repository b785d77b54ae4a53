"""The reserved path on the operator's site, forwarded to the consent server, and whether that server is up.

May go in here: routing and asking after its health. May not: what the server does (`cmp.server`).
"""

import asyncio
import contextlib
import logging

from mitmproxy import http

from cmp.core.urls import Url, plain_path
from cmp.live.enforcement import ConsentServer

logger = logging.getLogger(__name__)

_EVERY_SECONDS = 3.0
_PATIENCE_SECONDS = 2.0


def is_endpoint(consent: ConsentServer | None, url: Url) -> bool:
    """Whether a URL of the operator's site is ours. The path is normalised: no spelling of it reaches the site."""
    return consent is not None and plain_path(url.path).startswith(consent.site.reserved)


def forward(flow: http.HTTPFlow, consent: ConsentServer, url: Url) -> None:
    """Send the request to the consent server under the path it was recognised by."""
    request = flow.request
    flow.backup()
    request.host, request.port, request.scheme = consent.host, consent.port, "http"
    request.path = plain_path(url.path) + (f"?{url.query}" if url.query else "")
    # What the client says of itself in these is not to be believed; the server believes them from us alone.
    for name in ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"):
        request.headers.pop(name, None)
    request.headers["X-Forwarded-Proto"] = url.scheme
    # For the limit on reports alone; the server stores no address.
    request.headers["X-Forwarded-For"] = flow.client_conn.peername[0]


class ConsentHealth:
    """Asks the consent server now and then, so that a page can say beforehand that no choice can be saved."""

    def __init__(self, consent: ConsentServer) -> None:
        self._consent = consent
        self._task: asyncio.Task[None] | None = None
        self.up = True

    def running(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def done(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _watch(self) -> None:
        while True:
            up = await self._ask()
            if up != self.up:
                logger.warning("the consent server is %s", "up again" if up else "down: nobody's choice can be saved")
            self.up = up
            await asyncio.sleep(_EVERY_SECONDS)

    async def _ask(self) -> bool:
        consent = self._consent
        question = f"GET {consent.site.reserved}health HTTP/1.0\r\nHost: localhost\r\n\r\n"
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                reader, writer = await asyncio.open_connection(consent.host, consent.port)
                try:
                    writer.write(question.encode("ascii"))
                    return b" 200 " in await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError, ValueError):
            # ValueError: what answers there writes lines without an end.
            return False
