"""WebSockets once their handshake was decided: bytes pass as they come, until the decision behind them holds no more.

May go in here: passing on, ending, and which open sockets a new choice concerns. May not: whether the visitor's choice
lets a socket be (`cmp.core`), which hook asks (`addons.enforce`).

mitmproxy's own layer puts every message together, unpacked, before it passes it on: a megabyte of compressed frames
becomes a gigabyte in memory, and what the two sides agreed on beyond its knowledge breaks. Here nothing is kept and
nothing changed (RFC 6455, section 5.8: an intermediary that does not know an extension leaves frames alone).
"""

import base64
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from weakref import WeakSet

from mitmproxy import http
from mitmproxy.connection import Connection
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context

# Seconds after which an open socket is decided on again: a choice lapses with time, too.
AGAIN = 60.0
# Close, status 1008 (policy violation), unmasked as a server sends it (RFC 6455, sections 5.5.1 and 7.4.1).
_CLOSE = b"\x88\x02\x03\xf0"
# Choices that are remembered for handshakes under way, and for how long (seconds): mitmproxy ends a connection on which
# nothing has passed for as long.
_REMEMBERED = 1_000
_UNDER_WAY = 600.0
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def is_handshake(flow: http.HTTPFlow) -> bool:
    """Whether a 101 ends a WebSocket handshake that both sides meant (RFC 6455, section 4.2.2)."""
    request, answer = flow.request, flow.response
    if answer is None or answer.status_code != 101 or request.method != "GET":
        return False
    if any(message.headers.get("upgrade", "").strip().lower() != "websocket" for message in (request, answer)):
        return False
    key = request.headers.get("sec-websocket-key", "").strip().encode("utf-8", "surrogateescape")
    digest = hashlib.sha1(key + _GUID, usedforsecurity=False).digest()
    return bool(key) and answer.headers.get("sec-websocket-accept", "").strip() == base64.b64encode(digest).decode()


@dataclass(eq=False)
class Socket:
    """One open socket. `allowed` decides once more; `under` is anything that changes when decisions may.

    `record` and `address` tell whose it is: the id of the consent it was opened under, "" without one, and the client's
    address. `cookie` is the consent cookie of a choice made since, None for the handshake's own.
    """

    flow: http.HTTPFlow
    allowed: Callable[["Socket"], bool] = lambda _socket: True
    under: Callable[[], object] = lambda: None
    record: str = ""
    address: str = ""
    cookie: str | None = None
    ended: bool = False
    _decided_under: object = None
    _decided_at: float = field(default_factory=time.monotonic)

    def begin(self, under: object) -> None:
        """The handshake was decided just now, under this; another may hold by the time the answer has come."""
        self._decided_under, self._decided_at = under, time.monotonic()

    def passes(self) -> bool:
        """Whether what comes now may pass. Costs next to nothing unless there is a reason to decide again."""
        if self.ended:
            return False
        if self.under() is not self._decided_under or time.monotonic() - self._decided_at > AGAIN:
            self.decide_again()
        return not self.ended

    def take(self, cookie: str, record: str) -> None:
        """Decide once more, under a choice made since."""
        self.cookie, self.record = cookie, record
        self.decide_again()

    def end(self) -> None:
        """Let nothing pass any more."""
        self.ended = True

    def decide_again(self) -> None:
        self._decided_under, self._decided_at = self.under(), time.monotonic()
        # Shut where deciding fails.
        self.ended = True
        self.ended = not self.allowed(self)


class Sockets:
    """The open sockets, told apart by the consent they were opened under."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._open: WeakSet[Socket] = WeakSet()
        self._later: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Socket]:
        return iter([socket for socket in self._open if not socket.ended])

    def add(self, socket: Socket) -> None:
        self._open.add(socket)
        self._forget()
        if (later := self._later.get(socket.record)) is not None:
            # The choice changed while the server had not answered the handshake yet.
            socket.cookie = later[0]
            socket.decide_again()

    def note(self, record: str, chosen: str) -> None:
        """Remember for a while what was chosen in place of a consent."""
        if record:
            self._later[record] = chosen, self._clock()
            self._later.move_to_end(record)
        self._forget()

    def _forget(self) -> None:
        """Who withdrew is not to be told by what came before longer than that takes."""
        while self._later:
            _, noted = next(iter(self._later.values()))
            if len(self._later) <= _REMEMBERED and self._clock() - noted <= _UNDER_WAY:
                return
            self._later.popitem(last=False)

    def remove(self, socket: Socket) -> None:
        self._open.discard(socket)

    def of(self, record: str, address: str) -> list[Socket]:
        """The sockets of whoever chose anew.

        Consent has an id of its own. Without one, refused or never asked, everybody behind an address counts as one:
        a socket too many is decided on again, and opens again where its own visitor's choice lets it.
        """
        return [one for one in self if (one.record == record if record else not one.record and one.address == address)]


@dataclass
class SocketOpenHook(commands.StartHook):
    """A WebSocket's handshake is through; nothing has passed yet."""

    socket: Socket
    name = "socket_open"


@dataclass
class SocketDoneHook(commands.StartHook):
    """A WebSocket has ended."""

    socket: Socket
    name = "socket_done"


class EndSocket(events.MessageInjected[None]):
    """To a flow whose socket may be no longer: end it now, and not only at the next frame."""


class SocketLayer(layer.Layer):
    """Passes bytes on in both directions while the socket may be."""

    def __init__(self, context: Context, flow: http.HTTPFlow) -> None:
        super().__init__(context)
        self.socket = Socket(flow)
        self._over = False

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if self._over:
            return
        if isinstance(event, events.Start):
            yield SocketOpenHook(self.socket)
            if self.socket.ended:
                yield from self._end(b"")
        elif isinstance(event, events.DataReceived):
            if self.socket.passes():
                yield commands.SendData(self._other(event.connection), event.data)
            else:
                yield from self._end(_CLOSE)
        elif isinstance(event, EndSocket):
            yield from self._end(_CLOSE)
        elif isinstance(event, events.ConnectionClosed):
            yield from self._end(b"")

    def _end(self, last: bytes) -> layer.CommandGenerator[None]:
        self._over = True
        self.socket.end()
        if last:
            yield commands.SendData(self.context.client, last)
        yield commands.CloseConnection(self.context.server)
        yield commands.CloseConnection(self.context.client)
        yield SocketDoneHook(self.socket)

    def _other(self, connection: Connection) -> Connection:
        return self.context.server if connection is self.context.client else self.context.client
