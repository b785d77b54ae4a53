"""The reserved path on the operator's site, forwarded to the consent server, and whether that server is up.

With it go the well-known resources (RFC 8615) that the policy declares: they are the consent server's to make, and the
site's own where the policy says nothing of them.

May go in here: routing and asking after its health. May not: what the server does (`cmp.server`).
"""

import asyncio
import contextlib
import logging

from mitmproxy import http

from cmp.core.policy import Policy
from cmp.core.urls import Url, plain_path
from cmp.live.arrival import client_address, without_word_on_client
from cmp.live.enforcement import ConsentServer, Enforcement
from cmp.live.originals import keep_request

logger = logging.getLogger(__name__)

_EVERY_SECONDS = 3.0
_PATIENCE_SECONDS = 2.0


_WELL_KNOWN = "/.well-known/"


def endpoint_path(now: Enforcement, url: Url) -> str | None:
    """The path at the consent server for a URL of the operator's site that is ours, None for one of the site.

    The path is normalised: no spelling of it reaches the site.
    """
    if now.consent is None:
        return None
    path, reserved = plain_path(url.path), now.consent.site.reserved
    if path.startswith(reserved):
        return path
    if path.startswith(_WELL_KNOWN) and _declares(now.policy, name := path.removeprefix(_WELL_KNOWN)):
        return f"{reserved}well-known/{name}"
    return None


def _declares(policy: Policy, name: str) -> bool:
    """Whether the policy declares the well-known resource called `name`."""
    signals = policy.document.get("signals", {})
    if name == "gpc.json":
        # Global Privacy Control, section 4.
        return bool(signals.get("gpc", {}).get("declare"))
    if name == "dnt" or name.startswith("dnt/"):
        # Tracking Preference Expression, section 6.4.
        return bool(signals.get("dnt", {}).get("status"))
    # RFC 9116, section 3.
    return name == "security.txt" and "security" in policy.document


def forward(flow: http.HTTPFlow, now: Enforcement, consent: ConsentServer, url: Url, path: str) -> None:
    """Send the request to the consent server, for `path` there."""
    request = flow.request
    client = client_address(flow, now.front)
    keep_request(flow)
    request.host, request.port, request.scheme = consent.host, consent.port, "http"
    request.path = path + (f"?{url.query}" if url.query else "")
    if not request.is_http2:
        request.authority = ""
    # What the client says of itself in these is not to be believed; the server believes them from us alone.
    request.headers.fields = without_word_on_client(request.headers.fields)
    request.headers["X-Forwarded-Proto"] = url.scheme
    # For the limit on reports alone; the server stores no address.
    request.headers["X-Forwarded-For"] = client


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
