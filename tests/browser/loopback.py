"""One server on loopback that is every host of a test, and remembers what was asked of which.

May go in here: answering from a table and remembering. May not: assertions.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Loopback:
    """`answers` by path (without query), for any host; `asked` holds "METHOD host/path?query" in order."""

    answers: dict[str, Answer | Callable[[str, bytes], Answer]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def page(self, path: str, html: str, **headers: str) -> None:
        fields = {"Content-Type": "text/html; charset=utf-8", **{k.replace("_", "-"): v for k, v in headers.items()}}
        self.answers[path] = (200, fields, html.encode())

    def asked_of(self, host: str) -> list[str]:
        return [line for line in self.asked if line.partition(" ")[2].startswith(host)]


@contextlib.contextmanager
def serving() -> Iterator[Loopback]:
    served = Loopback()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            host = (self.headers.get("Host") or "").partition(":")[0]
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            served.asked.append(f"{self.command} {host}{self.path}")
            path = self.path.partition("?")[0]
            found = served.answers.get(path, (404, {}, b""))
            status, fields, content = found(self.command, body) if callable(found) else found
            self.send_response(status)
            for name, value in {"Access-Control-Allow-Origin": "*", **fields}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_OPTIONS = answer  # noqa: N815  # the names of http.server

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the signature of http.server
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
