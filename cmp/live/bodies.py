"""Bodies of requests that a rule wants looked at before they are forwarded.

May go in here: whether a body is waited for, read as it passes, or left alone; unpacking it with a bound, putting a
reduced one in its place; ending an exchange in the middle of its body. May not: what is looked for
(`cmp.capture.carrying`), what follows (`cmp.core`).

A small body of known length is waited for, so that the request can be answered with a stub. Any other is passed on
behind a tail that is held back until what follows it was seen; where something is found the connections end, because a
request that has begun cannot be answered any more, and its end must not look like one.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from enum import StrEnum

from mitmproxy import ctx, http
from mitmproxy.addons.proxyserver import Proxyserver

from cmp.capture.carrying import Carrying
from cmp.capture.flow_exchange import header_list
from cmp.capture.observe import field_lines
from cmp.core.consent import Visitor
from cmp.core.decide import decide
from cmp.core.exchange import Exchange
from cmp.core.globs import Glob
from cmp.core.policy import Policy
from cmp.wire.packing import unpacked
from cmp.wire.reduce import reduced_body

# A body of at most this many bytes is waited for.
BUFFERED = 64 * 1024
# So much is held back: a cookie's value has at most 4096 bytes, an address and a number far less.
HELD = 4_608
# What was forwarded is looked at again so far back, for the name that stands before a value.
_BEFORE = 128
# An unpacked body may have this many bytes; a larger one counts as one that cannot be read. A kilobyte can unpack to a
# megabyte, and everybody else waits while that is looked at.
_UNPACKED = 2 * BUFFERED


class Look(StrEnum):
    """No: the body does not matter. Buffer: wait for it, then decide again. Scan: look at it as it passes."""

    NO = "no"
    BUFFER = "buffer"
    SCAN = "scan"


def wants_body(policy: Policy, visitor: Visitor, exchange: Exchange, carrying: Carrying, request: http.Request) -> Look:
    """Whether the body of a request that may pass so far has to be looked at.

    `exchange.carries` is what URL and Referer carry. A packed body is unpacked where it is waited for; nothing can be
    seen in a longer one, see `unreadable`.
    """
    if not carrying.active or not may_have_body(request):
        return Look.NO
    rulings = (
        decide(policy, visitor, replace(exchange, carries=exchange.carries | carried)).ruling
        for carried in carrying.possible
    )
    if all(ruling.direct for ruling in rulings):
        # Whatever the body holds may go there.
        return Look.NO
    return Look.BUFFER if is_small(request) else Look.SCAN


def may_have_body(request: http.Request) -> bool:
    """Whether a request has a body, or may have one."""
    if "transfer-encoding" in request.headers:
        return True
    if "content-length" in request.headers:
        return _stated_length(request) != 0
    # HTTP/2 and 3 need no length; an HTTP/1 request without one has no body (RFC 9112, section 6.3).
    return not request.is_http11 and not request.is_http10


def is_small(request: http.Request) -> bool:
    """Whether the body's length is stated, and is one that is waited for."""
    length = _stated_length(request)
    return length is not None and length <= BUFFERED


def ends_within(request: http.Request, limit: int) -> bool:
    """Whether a body's end is in sight: there is none, or it is stated to have at most `limit` bytes (RFC 9112, section
    6)."""
    length = _stated_length(request)
    if length is not None:
        return length <= limit
    if "transfer-encoding" in request.headers or "content-length" in request.headers:
        return False
    # HTTP/2 bodies need no length; a request that has none by its method is the common case.
    return not request.is_http2 or request.method in ("GET", "HEAD", "OPTIONS")


def unreadable(request: http.Request) -> bool:
    """Whether a body that is not waited for is packed: nothing can be seen in it as it passes.

    `Carrying.of` with None for the body then says what it counts as: nothing on the operator's own site, everything
    that the policy limits to anybody else, so that `decide` stops it.
    """
    return bool(_codings(request))


def readable(body: bytes, request: http.Request) -> bytes | None:
    """The body without its Content-Encoding (RFC 9110, section 8.4), None where it cannot be read.

    Known are gzip and deflate, one of them, up to 128 KiB of result.
    """
    codings = _codings(request)
    if not codings:
        return body
    if len(codings) > 1 or codings[0] not in ("gzip", "x-gzip", "deflate"):
        return None
    return unpacked(body, _UNPACKED)


def reduce_body(request: http.Request, extra: tuple[Glob, ...]) -> bool:
    """Take what identifies out of a body that was waited for, and its packing; False where it cannot be understood.

    The packing goes also where nothing in it has to: names and comments fit in there (RFC 1952, section 2.3.1).
    """
    body = request.raw_content or b""
    plain = readable(body, request) if len(body) <= BUFFERED else None
    reduced = None if plain is None else reduced_body(plain, request.headers.get("content-type", ""), extra)
    if reduced is None:
        return False
    request.trailers = None
    request.headers.pop("content-encoding", None)
    request.raw_content = reduced
    if body or "content-length" in request.headers:
        request.headers["content-length"] = str(len(reduced))
    return True


def _stated_length(request: http.Request) -> int | None:
    """The length a request states and has to keep to."""
    if "transfer-encoding" in request.headers:
        return None
    stated = request.headers.get("content-length", "").strip()
    return int(stated) if stated.isdecimal() and len(stated) <= 18 else None


def _codings(request: http.Request) -> list[str]:
    """What a body is packed in: by Content-Encoding, and by Transfer-Encoding (which nothing here unpacks)."""
    fields = header_list(request.headers)
    stated = _tokens(field_lines(fields, "content-encoding"))
    moved = _tokens(field_lines(fields, "transfer-encoding"))
    return [coding for coding in stated if coding not in ("", "identity")] + [
        f"transfer-encoding {coding}" for coding in moved if coding not in ("", "identity", "chunked")
    ]


def _tokens(lines: Iterable[str]) -> list[str]:
    return [token.strip().lower() for line in lines for token in line.split(",")]


class Scan:
    """For `flow.request.stream`: takes parts of a body, gives back what may be forwarded by now.

    `look` is shown every part with what surrounds it and says whether it may not be forwarded; `stop` then ends the
    exchange, as it does where looking fails, and nothing more is given back. `length` is the body's length where it is
    stated: in HTTP/2 an empty part may come in the middle of a body, and without a length it looks like the end.

    Never b"" is given back: in chunked coding an empty part is the end of the body.
    """

    def __init__(self, look: Callable[[bytes], bool], stop: Callable[[], None], length: int | None = None) -> None:
        self._look, self._stop, self._length = look, stop, length
        self._before = b""
        self._held = bytearray()
        self._new = 0
        self._taken = 0
        self._stopped = False

    def __call__(self, part: bytes) -> Sequence[bytes]:
        if self._stopped:
            return []
        self._held += part
        self._new += len(part)
        self._taken += len(part)
        if not part:
            if self._length is not None and self._taken < self._length:
                return []
            return self._forward(0)
        # Looking only after so many new bytes keeps the work linear, however small the parts are.
        return self._forward(HELD) if self._new >= HELD else []

    def _forward(self, keep: int) -> Sequence[bytes]:
        if self._held and self._must_stop(keep):
            return []
        self._new = 0
        end = max(len(self._held) - keep, 0)
        passed = bytes(self._held[:end])
        if not passed:
            return []
        self._before = (self._before + passed)[-_BEFORE:]
        del self._held[:end]
        return [passed]

    def _must_stop(self, keep: int) -> bool:
        found = True
        try:
            found = self._look(self._piece(keep))
        finally:
            # Where looking failed too: mitmproxy only logs that, and would leave both sides waiting.
            if found:
                self._stopped = True
                self._held.clear()
                self._stop()
        return found

    def _piece(self, keep: int) -> bytes:
        """What is looked at, without a first and a last word that may be parts: half a long number looks like one."""
        piece = self._before + self._held
        start = _word_end(piece) if len(self._before) == _BEFORE else 0
        end = _word_start(piece) if keep else len(piece)
        return piece[start:end] if end - start > len(piece) - keep else piece[start:]


def _word_end(piece: bytes) -> int:
    return len(piece) - len(piece.lstrip(_OF_WORDS))


def _word_start(piece: bytes) -> int:
    return len(piece.rstrip(_OF_WORDS))


_OF_WORDS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.-+%@"


def scan(
    policy: Policy,
    visitor: Visitor,
    exchange: Exchange,
    carrying: Carrying,
    request: http.Request,
    *,
    stop: Callable[[frozenset[str]], None],
) -> Scan:
    """The scan of one request's body. `stop` is told what the request carries."""
    carried = exchange.carries

    def look(piece: bytes) -> bool:
        nonlocal carried
        found = carrying.of_piece(exchange, piece) - carried
        if not found:
            return False
        carried |= found
        # Nothing can be taken out of a body that has begun to pass.
        return not decide(policy, visitor, replace(exchange, carries=carried)).ruling.direct

    return Scan(look, lambda: stop(carried), _stated_length(request))


def end_exchange(flow: http.HTTPFlow) -> None:
    """End a flow in the middle of its body: the server sees the connection break, never the end of the request.

    Killing a flow does nothing there: mitmproxy looks for that after hooks only. Other requests of the same client
    connection end with it. Raises RuntimeError where mitmproxy does not know the connection: it then throws away what
    it was about to do, the end of the body included.
    """
    server = ctx.master.addons.get("proxyserver")
    handlers = list(server.connections.values()) if isinstance(server, Proxyserver) else []
    handler = next((one for one in handlers if one.client is flow.client_conn), None)
    if handler is None:
        raise RuntimeError("no open connection to end")
    upstream = handler.transports.get(flow.server_conn)
    if upstream is not None:
        if isinstance(upstream.writer, asyncio.StreamWriter):
            # At once: after this call mitmproxy still writes what it takes for the end of the request.
            upstream.writer.transport.abort()
        handler.close_connection(flow.server_conn)
    if (client := handler.transports.get(flow.client_conn)) is not None:
        if client.writer is not None:
            # At once as well: that the server is gone is no news for the client, it would be answered with.
            client.writer.close()
        handler.close_connection(flow.client_conn)
