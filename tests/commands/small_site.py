"""A small real site on loopback, for commands that look at one.

May go in here: serving given answers, keeping what was asked; an address without a site. May not: assertions.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HTML = ("Content-Type", "text/html; charset=utf-8")


@dataclass(frozen=True)
class Reply:
    """`drips`: the body comes a byte a tenth of a second, without end."""

    body: bytes = b""
    fields: Sequence[tuple[str, str]] = (HTML,)
    status: int = 200
    drips: bool = False


class SmallSite(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, replies: Mapping[str, Reply]) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.replies = replies
        self.asked: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Answering(BaseHTTPRequestHandler):
    server: SmallSite

    def do_GET(self) -> None:
        self.server.asked.append((self.headers["Host"], self.path))
        reply = self.server.replies.get(self.path.partition("?")[0], Reply(b"", status=404))
        self.send_response(reply.status)
        for name, value in reply.fields:
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.wfile.write(reply.body)
            while reply.drips:
                self.wfile.write(b" ")
                time.sleep(0.1)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by the base class
        """What was asked is kept, not printed."""


@contextlib.contextmanager
def small_site(replies: Mapping[str, Reply]) -> Iterator[SmallSite]:
    with SmallSite(replies) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        try:
            yield site
        finally:
            site.shutdown()
            thread.join()


@contextlib.contextmanager
def nobody() -> Iterator[str]:
    """An address at which nobody answers: the port is taken meanwhile, so that nobody else comes to listen there."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
