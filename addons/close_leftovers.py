"""Sockets that mitmproxy leaves open behind a connection it has ended.

May go in here: closing them. May not: ending connections.

mitmproxy 12.2 cancels a client's task a second time where a flow is killed while the client still sends; the task then
ends before it closes its socket, and the client waits for ever (seen with 12.2.3 on Python 3.13).
"""

from mitmproxy import connection
from mitmproxy.addons.proxyserver import Proxyserver


class CloseLeftovers:
    def __init__(self, proxyserver: Proxyserver) -> None:
        self._proxyserver = proxyserver

    def client_disconnected(self, client: connection.Client) -> None:
        for handler in list(self._proxyserver.connections.values()):
            left = handler.transports.get(client) if handler.client is client else None
            if left is not None and left.writer is not None:
                left.writer.close()
