"""HTTP/1 messages read to their end where mitmproxy would stop, and no further than there is an end in sight.

May go in here: how the bytes of a connection are read between two messages and behind one. May not: bounds of heads and
bodies (`bounded_http.py`), decisions.

mitmproxy leaves what follows an empty line unread until more comes, and ends with an exception at a trailer: either way
the client would wait for an answer that never comes. What it keeps of a chunked body's lines, and of requests that came
before their turn, has no bound.
"""

from typing import Any

from h11 import EndOfMessage, RemoteProtocolError
from h11._readers import ChunkedReader
from mitmproxy.proxy import events, layer
from mitmproxy.proxy.layers.http._http1 import Http1Client, Http1Connection, Http1Server

# Bytes of a chunk's line or of trailers that have not ended, and of requests that came before their turn.
KEPT_LIMIT = 256 * 1024


class _WithoutTrailers:
    """Reads chunks, and drops the fields behind the last one (RFC 9110, section 6.5.1: they may be discarded)."""

    def __init__(self, reader: ChunkedReader) -> None:
        self._reader = reader

    def __call__(self, buf: Any) -> Any:
        event = self._reader(buf)
        if event is None and len(buf) > KEPT_LIMIT:
            # It never waits for a chunk's data: these are taken as they come.
            raise RemoteProtocolError("a line of a chunked body is too long")
        return EndOfMessage() if isinstance(event, EndOfMessage) else event

    def read_eof(self) -> Any:
        return self._reader.read_eof()


class _Reading(Http1Connection):
    body_reader: Any

    def read_headers(self, event: events.ConnectionEvent) -> layer.CommandGenerator[None]:
        before = len(self.buf)
        yield from super().read_headers(event)
        # RFC 9112, section 2.2: empty lines in front of a request are ignored. One at a time is taken away.
        while isinstance(event, events.DataReceived) and self.state == self.read_headers and 0 < len(self.buf) < before:
            before = len(self.buf)
            yield from super().read_headers(event)

    def read_body(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(self.body_reader, ChunkedReader):
            self.body_reader = _WithoutTrailers(self.body_reader)
        yield from super().read_body(event)

    def wait(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.DataReceived) and len(self.buf) > KEPT_LIMIT:
            self.buf = type(self.buf)()
            self.state = self.done
            event = events.ConnectionClosed(self.conn)
        yield from super().wait(event)


class ServingEnd(_Reading, Http1Server):
    """The end that a client talks to."""


class AskingEnd(_Reading, Http1Client):
    """The end that talks to a server."""


_OURS: dict[type, type[Http1Connection]] = {Http1Server: ServingEnd, Http1Client: AskingEnd}


def read_to_the_end(end: object) -> None:
    """Make mitmproxy's end of a connection, on which nothing was read yet, read as ours do. Others stay as they are."""
    ours = _OURS.get(type(end))
    if ours is not None and isinstance(end, Http1Connection) and end.state == end.read_headers:
        end.__class__ = ours
        end.state = end.read_headers
