"""Which addresses the proxy connects to: none that only it can reach, unless the operator said so.

May go in here: asking for each connection whether it may be, before and after it is made. May not: what is decided on
requests.

A browser's proxy would otherwise open a way into the network it stands in (server-side request forgery): to its own
listeners, to the consent server and the operators' pages, to machines that trust their neighbours. Names count by what
they resolve to, and once more by the address that was really connected to: a name can have another one a moment later.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.connection import Server
from mitmproxy.proxy import server_hooks
from mitmproxy.proxy.mode_specs import ReverseMode

from cmp.core.networks import Address, is_public, read_address
from cmp.live.unreachable import NOT_DIALLED

# mitmproxy takes what goes there for DNS and passes it on unseen.
_UNSEEN_PORTS = (53, 5353)

Endpoint = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Dialled:
    """What the operator says of connections.

    `chosen`: where the operator's site and the consent server are, always connected to in reverse mode. `own`: further
    listeners of ours, never connected to for anybody else. `private`: addresses that are not public may be, too.
    """

    chosen: frozenset[Endpoint] = frozenset()
    own: Callable[[], Iterable[Endpoint]] = tuple
    private: bool = False


class Dialling:
    """`redirected` says whether the operator leads a connection elsewhere, as `ConnectTo` does."""

    def __init__(self, proxyserver: Proxyserver, redirected: Callable[[Server], bool], dialled: Dialled) -> None:
        self._proxyserver, self._redirected, self._dialled = proxyserver, redirected, dialled

    async def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        server = data.server
        if server.error or self._is_operators(data):
            return
        # Where a step fails, this stands: mitmproxy goes on after an exception.
        server.error = NOT_DIALLED
        if server.address is None or server.transport_protocol != "tcp" or server.address[1] in _UNSEEN_PORTS:
            return
        host, port = server.address[:2]
        found = await _addresses(host, port)
        # A name that is not known fails by itself, and says so.
        if all(self._may_be(address, port) for address in found):
            server.error = None

    def server_connected(self, data: server_hooks.ServerConnectionHookData) -> None:
        if self._is_operators(data):
            return
        permitted = False
        try:
            peer = data.server.peername
            address = read_address(peer[0]) if peer else None
            permitted = address is not None and peer is not None and self._may_be(address, peer[1])
        finally:
            if not permitted:
                self._cut(data)

    def _is_operators(self, data: server_hooks.ServerConnectionHookData) -> bool:
        """Whether the operator told us to connect there."""
        if self._redirected(data.server):
            return True
        reverse = isinstance(data.client.proxy_mode, ReverseMode)
        return reverse and data.server.address is not None and data.server.address[:2] in self._dialled.chosen

    def _may_be(self, address: Address, port: int) -> bool:
        if not (self._dialled.private or is_public(address)):
            return False
        own = [*self._proxyserver.listen_addrs(), *self._dialled.own(), *self._dialled.chosen]
        return not any(port == listening[1] and _is_ours(address, listening[0]) for listening in own)

    def _cut(self, data: server_hooks.ServerConnectionHookData) -> None:
        """End a connection before a byte has gone out."""
        handler = self._proxyserver.connections.get(data.client.id)
        left = handler.transports.get(data.server) if handler is not None else None
        if left is None or not isinstance(left.writer, asyncio.StreamWriter):
            raise RuntimeError("no open connection to cut")
        left.writer.transport.abort()


async def _addresses(host: str, port: int) -> list[Address]:
    literal = read_address(host)
    if literal is not None:
        return [literal]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    read = [read_address(str(entry[4][0])) for entry in found]
    return [address for address in read if address is not None]


def _is_ours(address: Address, listening: str) -> bool:
    """Whether an address leads to a listener: its own, or any of this machine's for one that listens on all."""
    own = read_address(listening)
    if own is None or not own.is_unspecified:
        return address == own or address.is_loopback
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as probe:
        # The system lets us have addresses of this machine alone.
        probe.bind((str(address), 0))
        return True
    return False
