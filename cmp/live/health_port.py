"""A small port for monitors: whether the proxy lives, whether it is ready, and its numbers.

May go in here: three paths, answered by HTTP/1.1 with `Connection: close`. May not: anything about visitors, anything
that changes something.

It runs on the proxy's own event loop on purpose: where that stands still, nobody answers here either.
"""

import asyncio
import contextlib
import ipaddress
import re
import socket
from collections.abc import Callable, Mapping

# A monitor asks in a few hundred bytes, and not often.
_HEAD_LIMIT = 8 * 1024
_AT_ONCE = 16
_PATIENCE_SECONDS = 5.0
_TEXT = "text/plain; charset=utf-8"
_HOST = re.compile(rb"(?i)\r\nhost:([^\r\n]*)")

Page = tuple[int, str, str]
"""Status, media type, body."""

_REASONS = {
    200: "OK",
    404: "Not Found",
    405: "Method Not Allowed",
    421: "Misdirected Request",
    503: "Service Unavailable",
}


class HealthPort:
    """Answers `pages` by path on a socket that is taken already."""

    def __init__(self, taken: socket.socket, pages: Mapping[str, Callable[[], Page]]) -> None:
        self._taken, self._pages = taken, pages
        self._server: asyncio.Server | None = None
        self._open = 0

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._taken.getsockname()[:2]
        return str(host), int(port)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, sock=self._taken, limit=_HEAD_LIMIT)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        self._taken.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= _AT_ONCE:
                # Whoever says nothing, too much, or hangs up gets no answer.
                with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                    async with asyncio.timeout(_PATIENCE_SECONDS):
                        head = await reader.readuntil(b"\r\n\r\n")
                        writer.write(self._answer(head))
                        await writer.drain()
        finally:
            self._open -= 1
            writer.close()

    def _is_meant(self, head: bytes) -> bool:
        """Whether the Host field names this machine. Where others may ask, they have names of their own for it."""
        if not ipaddress.ip_address(self.address[0]).is_loopback:
            return True
        stated = _HOST.search(head)
        host = stated[1].decode("latin-1").strip().lower() if stated else ""
        host = host.partition("]")[0].strip("[") if host.startswith("[") else host.partition(":")[0]
        return host in ("", "localhost", self.address[0])

    def _answer(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b"\r\n")[0].decode("latin-1").partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if not self._is_meant(head):
            # Another name that leads here: a page in a browser on this machine would read along (DNS rebinding).
            status, media_type, body = 421, _TEXT, "ask by the address that this port listens on\n"
        elif method not in ("GET", "HEAD"):
            status, media_type, body = 405, _TEXT, "GET or HEAD\n"
        elif (page := self._pages.get(path)) is None:
            status, media_type, body = 404, _TEXT, " ".join(self._pages) + "\n"
        else:
            status, media_type, body = page()
        data = body.encode("utf-8")
        lines = (
            f"HTTP/1.1 {status} {_REASONS[status]}",
            f"Content-Type: {media_type}",
            f"Content-Length: {len(data)}",
            "Cache-Control: no-store",
            "X-Content-Type-Options: nosniff",
            "Connection: close",
        )
        return "\r\n".join([*lines, "", ""]).encode("ascii") + (b"" if method == "HEAD" else data)
