"""mitmproxy's HTTP layer with bounds: how long a head may be, how long it may take, how much is kept.

May go in here: bounds, what is answered where one is passed, refusing heads of two meanings, handing WebSockets to
`sockets.py`, how hooks are called and bytes sent on the way. May not: decisions.

Our Master uses it through `BoundedNextLayer`. Under `mitmdump -s` mitmproxy's own layer stands, without bounds.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mitmproxy import connection, flow, http
from mitmproxy.addons import next_layer
from mitmproxy.net.http import status_codes
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import HttpLayer, HttpStream, SendHttp
from mitmproxy.proxy.layers.http._events import (
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._hooks import (
    HttpErrorHook,
    HttpRequestHeadersHook,
    HttpRequestHook,
    HttpResponseHeadersHook,
    HttpResponseHook,
)
from mitmproxy.proxy.layers.http._http1 import Http1Connection, Http1Server

from cmp.live.failing_closed import BODY_LIMIT
from cmp.live.hooks import Hooks
from cmp.live.pages import PAGE_LIMIT
from cmp.live.quick_headers import look_up_quickly
from cmp.live.reading_http1 import read_to_the_end
from cmp.live.sockets import SocketLayer, is_handshake
from cmp.live.unreachable import unreachable_answer
from cmp.wire.message_head import has_break, request_fault, unfolded, without_breaks

# Bytes of a head that has not ended yet. Servers take 8 to 64 kB; a browser keeps cookies of 180 times 4 kB at most and
# sends far less.
HEAD_LIMIT = 256 * 1024
# Seconds that the head of a request may take from its first byte to its last.
HEAD_SECONDS = 30.0

_codes: Any = getattr(importlib.import_module("mitmproxy.proxy.layers.http._events"), "ErrorCode", None)
# Since mitmproxy 12 an error has a code of its own; before, it was the status.
_SILENT = _codes.KILL if _codes else status_codes.NO_RESPONSE
_SERVER_FAULT = _codes.GENERIC_SERVER_ERROR if _codes else status_codes.BAD_GATEWAY
_BAD_REQUEST = _codes.REQUEST_VALIDATION_FAILED if _codes else status_codes.BAD_REQUEST
_TOO_LARGE = _codes.REQUEST_TOO_LARGE if _codes else status_codes.PAYLOAD_TOO_LARGE

# Each exchange has these, and what mitmproxy does behind them may be done at once.
_AT_ONCE = (HttpRequestHeadersHook, HttpRequestHook, HttpResponseHeadersHook, HttpResponseHook)

_HEAD_ANSWERS = {
    408: (b"408 Request Timeout", b"The request did not come in time.\n"),
    431: (b"431 Request Header Fields Too Large", b"The header of the request is too long.\n"),
}


@dataclass
class PageTooLongHook(commands.StartHook):
    """More of a page has come than is waited for: it goes out as it comes, after this hook."""

    flow: http.HTTPFlow
    name = "page_too_long"


class BoundedStream(HttpStream):
    """One exchange, of which no more than a page and a small request body is ever kept.

    `called_at_once` takes a hook and says whether it was called; if not, it is called as mitmproxy does.
    """

    def __init__(self, context: Context, stream_id: int, called_at_once: Callable[[commands.StartHook], bool]) -> None:
        super().__init__(context, stream_id)
        self._called_at_once = called_at_once

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        steps, reply = super()._handle_event(event), None
        while True:
            try:
                command = steps.send(reply)
            except StopIteration:
                return
            reply = None
            if not (isinstance(command, commands.StartHook) and self._called_at_once(command)):
                reply = yield command

    def check_invalid(self, request: bool) -> layer.CommandGenerator[bool]:
        """mitmproxy asks here with each head. Whether the exchange ends, because the head could be read in two ways."""
        message = self.flow.request if request else self.flow.response
        if message is not None:
            look_up_quickly(message)
        if request:
            fault = self._fault_in_request()
            if fault is not None:
                yield from self._refuse_request(fault)
                return True
        elif (answer := self.flow.response) is not None:
            if has_break(answer.headers.fields):
                fields = unfolded(answer.headers.fields)
                answer.headers.fields = tuple((name, without_breaks(value)) for name, value in fields)
            answer.data.reason = without_breaks(answer.data.reason)
        return (yield from super().check_invalid(request))

    def _fault_in_request(self) -> str | None:
        request = self.flow.request
        request.headers.fields = unfolded(request.headers.fields)
        sent = request.data
        # On HTTP/2 connections the version is mitmproxy's word, elsewhere the client's.
        version = b"HTTP/1.1" if self.context.client.alpn == b"h2" else sent.http_version
        return request_fault(sent.method, sent.authority + sent.path, version, request.headers.fields)

    def _refuse_request(self, fault: str) -> layer.CommandGenerator[None]:
        # As mitmproxy refuses what it finds wrong with a head.
        self.flow.error = flow.Error(fault)
        yield HttpRequestHeadersHook(self.flow)
        yield HttpErrorHook(self.flow)
        yield SendHttp(ResponseProtocolError(self.stream_id, f"Refused: {fault}.", _BAD_REQUEST), self.context.client)
        self.flow.live = False
        self.client_state = self.server_state = self.state_errored

    def check_body_size(self, request: bool) -> layer.CommandGenerator[bool]:
        """mitmproxy asks here with each part that is kept. Whether the exchange ends."""
        if request and len(self.request_body_buf) > BODY_LIMIT:
            yield from self._refuse_body()
            return True
        if not request and self.flow.response is not None and len(self.response_body_buf) > PAGE_LIMIT:
            yield PageTooLongHook(self.flow)
            if (yield from self.check_killed(True)):
                return True
            kept = bytes(self.response_body_buf)
            self.response_body_buf.clear()
            self.flow.response.stream = self.flow.response.stream or True
            yield from self.start_response_stream()
            yield from self.handle_event(ResponseData(self.stream_id, kept))
        return False

    def _refuse_body(self) -> layer.CommandGenerator[None]:
        self.request_body_buf.clear()
        self.flow.error = flow.Error("a request body that had to be kept is too long")
        yield HttpErrorHook(self.flow)
        error = ResponseProtocolError(self.stream_id, "The body of the request is too long.", _TOO_LARGE)
        yield SendHttp(error, self.context.client)
        self.client_state = self.server_state = self.state_errored
        self.flow.live = False

    def handle_protocol_error(self, event: Any) -> layer.CommandGenerator[None]:
        for command in super().handle_protocol_error(event):
            told = isinstance(command, SendHttp) and command.event is event
            if told and isinstance(event, ResponseProtocolError) and self.flow.response is None:
                yield from self._answer(unreachable_answer(self.flow, event.message))
            else:
                yield command

    def _answer(self, answer: http.Response) -> layer.CommandGenerator[None]:
        client, body = self.context.client, answer.raw_content or b""
        yield SendHttp(ResponseHeaders(self.stream_id, answer, end_stream=False), client)
        if self.flow.request.method != "HEAD":
            yield SendHttp(ResponseData(self.stream_id, body), client)
        yield SendHttp(ResponseEndOfMessage(self.stream_id), client)
        # Ends the connection where the request has not ended.
        yield SendHttp(ResponseProtocolError(self.stream_id, "answered", _SILENT), client)

    def flow_done(self) -> layer.CommandGenerator[None]:
        if not is_handshake(self.flow):
            yield from super().flow_done()
            return
        self.flow.live = False
        self.child_layer = SocketLayer(self.context, self.flow)
        self._handle_event = self.passthrough  # type: ignore[method-assign]  # as mitmproxy does
        yield from self.child_layer.handle_event(events.Start())
        # As in mitmproxy: the end of the answer goes out once somebody takes what may follow at once.
        yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)


class BoundedHttpLayer(HttpLayer):
    """One client connection. A head that is too long or too slow ends it, with an answer where there can be one.

    `hooks`, where given, are called on the spot: an exchange has four, and a task for each takes longer than what is
    done in it.
    """

    hooks: Hooks | None = None
    _asked_just_now = False
    _waiting_for: int | None = None
    _wakeup: commands.RequestWakeup | None = None

    def make_stream(self, stream_id: int) -> layer.CommandGenerator[None]:
        self.streams[stream_id] = BoundedStream(self.context.fork(), stream_id, self._called_at_once)
        yield from self.event_to_child(self.streams[stream_id], events.Start())

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if self._wakeup is not None and isinstance(event, events.Wakeup) and event.command is self._wakeup:
            self._wakeup = None
            yield from self._look_again()
            return
        if isinstance(event, events.DataReceived):
            read_to_the_end(self._http1_end(event.connection))
        self._asked_just_now = isinstance(event, events.DataReceived) and event.connection is self.context.client
        yield from _sent_together(super()._handle_event(event))
        if isinstance(event, events.DataReceived):
            yield from self._watch_head(event.connection)

    def _called_at_once(self, command: commands.StartHook) -> bool:
        if self.hooks is None or not isinstance(command, _AT_ONCE) or self.context.client.alpn == b"h2":
            return False
        if isinstance(command, HttpRequestHeadersHook):
            # A request that came before its turn begins in the middle of what the one before it ends with: later, then.
            asked, self._asked_just_now = self._asked_just_now, False
            if not asked:
                return False
        return self.hooks.called_at_once(command)

    def _watch_head(self, conn: connection.Connection) -> layer.CommandGenerator[None]:
        reading = self._reading_head(conn)
        if reading is None:
            return
        if len(reading.buf) > HEAD_LIMIT:
            if isinstance(reading, Http1Server):
                yield from self._refuse_head(reading, 431)
            else:
                yield from self._give_up(reading)
        elif isinstance(reading, Http1Server) and self._wakeup is None:
            yield from self._wait_for(reading)

    def _http1_end(self, conn: connection.Connection) -> Http1Connection | None:
        found: Any = self.connections.get(conn)
        if found is not None and not isinstance(found, Http1Connection):
            # A server's end lies at the end of its own stack, behind TLS.
            found = found.context.layers[-1]
        return found if isinstance(found, Http1Connection) else None

    def _reading_head(self, conn: connection.Connection) -> Http1Connection | None:
        """The HTTP/1 end of a connection that has a part of a head."""
        found = self._http1_end(conn)
        if found is not None and found.state == found.read_headers and found.buf:
            return found
        return None

    def _wait_for(self, reading: Http1Server) -> layer.CommandGenerator[None]:
        self._waiting_for = reading.stream_id
        self._wakeup = commands.RequestWakeup(HEAD_SECONDS)
        yield self._wakeup

    def _look_again(self) -> layer.CommandGenerator[None]:
        reading = self._reading_head(self.context.client)
        if not isinstance(reading, Http1Server):
            return
        if reading.stream_id == self._waiting_for:
            yield from self._refuse_head(reading, 408)
        else:
            yield from self._wait_for(reading)

    def _refuse_head(self, reading: Http1Server, status: int) -> layer.CommandGenerator[None]:
        line, text = _HEAD_ANSWERS[status]
        head = b"HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
        yield commands.SendData(reading.conn, head % (line, len(text)) + text)
        yield from self._drop(reading)

    def _give_up(self, reading: Http1Connection) -> layer.CommandGenerator[None]:
        """The head of a server's answer has no end."""
        yield from self._drop(reading)
        stream = self.streams.get(reading.stream_id) if reading.stream_id is not None else None
        if stream is not None:
            error = ResponseProtocolError(stream.stream_id, "the header of the answer is too long", _SERVER_FAULT)
            yield from self.event_to_child(stream, error)

    def _drop(self, reading: Http1Connection) -> layer.CommandGenerator[None]:
        reading.state = reading.done
        reading.buf = type(reading.buf)()
        yield commands.CloseConnection(reading.conn)


def _sent_together(steps: layer.CommandGenerator[None]) -> layer.CommandGenerator[None]:
    """The same commands; what is sent to one connection piece after piece is sent in one go: a head with its body."""
    waiting: commands.SendData | None = None
    for command in steps:
        if isinstance(command, commands.SendData) and waiting is not None and command.connection is waiting.connection:
            waiting.data += command.data
            continue
        if isinstance(command, commands.Log):
            # Of a head that went out, before its body has.
            yield command
            continue
        if waiting is not None:
            yield waiting
            waiting = None
        if isinstance(command, commands.SendData):
            waiting = command
        else:
            yield command
    if waiting is not None:
        yield waiting


class BoundedNextLayer(next_layer.NextLayer):
    """mitmproxy's choice of layers, with ours for HTTP, whose hooks are those of `hooks`."""

    # What other addons look for.
    name = "nextlayer"

    def __init__(self, hooks: Hooks | None = None) -> None:
        super().__init__()
        self._hooks = hooks

    def next_layer(self, nextlayer: layer.NextLayer) -> None:
        super().next_layer(nextlayer)
        for chosen in nextlayer.context.layers:
            # Not started yet, and ours differs in what it does alone: the stack around it stays as mitmproxy built it.
            if type(chosen) is HttpLayer:
                bounded: Any = chosen
                bounded.__class__ = BoundedHttpLayer
                bounded.hooks = self._hooks
