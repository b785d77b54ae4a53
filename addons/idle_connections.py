"""Connections to servers on which nothing went for so long that the server may just be ending them.

May go in here: ending them first, before a request goes out on one. May not: connections to clients.

A request that meets the end of its connection gets no answer, and nobody can tell whether it was carried out, so that
it cannot just be sent again (RFC 9112, section 9.3.1): the visitor would see an error. Servers end what is idle after
as little as two seconds (gunicorn) or five (Node, Apache, uvicorn).

Clients with HTTP/1 only, whose requests go one after the other: for one with HTTP/2 mitmproxy makes a connection of its
own for each request to a server without.
"""

import time
from collections.abc import Callable

from mitmproxy import http
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

# Seconds.
LONGEST = 1.5
_IN_USE = float("inf")


class IdleConnections:
    def __init__(self, proxyserver: Proxyserver, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._proxyserver = proxyserver
        # By the connection's id: when its last answer was whole.
        self._since: dict[str, float] = {}

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        handler = self._proxyserver.connections.get(flow.client_conn.id)
        if handler is None or flow.client_conn.alpn == b"h2":
            return
        for connection in list(handler.transports):
            if connection.connected and self.clock() - self._since.get(connection.id, _IN_USE) > LONGEST:
                handler.close_connection(connection)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        # An answer of ours has none, and its flow names a connection that it did not use.
        self._since[flow.server_conn.id] = _IN_USE

    def response(self, flow: http.HTTPFlow) -> None:
        if self._since.get(flow.server_conn.id) == _IN_USE:
            self._since[flow.server_conn.id] = self.clock()

    def server_disconnected(self, data: ServerConnectionHookData) -> None:
        self._since.pop(data.server.id, None)
