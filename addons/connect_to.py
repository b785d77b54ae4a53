"""Connections to other addresses than DNS would give: a staging copy, or a recorded site served on loopback.

May go in here: which address a host's connections go to. May not: what is decided on them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mitmproxy import connection
from mitmproxy.proxy import server_hooks


@dataclass(frozen=True, slots=True)
class Route:
    """HOST1:PORT1:HOST2:PORT2 as curl's --connect-to has it: "" and 0 for HOST1 and PORT1 mean any."""

    host: str
    port: int
    to_host: str
    to_port: int


def read_route(text: str) -> Route:
    """Read a route. Raises ValueError that says what form is expected."""
    parts = text.split(":")
    if len(parts) == 4:
        host, port, to_host, to_port = parts
        if to_host and to_port.isdigit() and (port.isdigit() or not port) and 0 < int(to_port) < 65_536:
            return Route(host.lower(), int(port or 0), to_host, int(to_port))
    raise ValueError(f"{text!r} is not HOST1:PORT1:HOST2:PORT2 (HOST1 and PORT1 may be empty: any)")


class ConnectTo:
    """The first route that fits a server connection redirects it; name and certificate stay those of the host."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self.routes = tuple(routes)
        self._asked: dict[str, tuple[str, int]] = {}

    def redirects(self, server: connection.Server) -> bool:
        """Whether a route leads the connection elsewhere, before it is made or while it is."""
        if server.id in self._asked:
            return True
        return server.address is not None and self._fitting(server.address[0], server.address[1]) is not None

    def _fitting(self, host: str, port: int) -> Route | None:
        fits = (one for one in self.routes if one.host in ("", host.lower()) and one.port in (0, port))
        return next(fits, None)

    def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        if data.server.address is None:
            return
        host, port = data.server.address[:2]
        if (route := self._fitting(host, port)) is not None:
            if data.server.tls and data.server.sni is None:
                data.server.sni = host
            self._asked[data.server.id] = (host, port)
            data.server.address = (route.to_host, route.to_port)

    def server_connected(self, data: server_hooks.ServerConnectionHookData) -> None:
        # mitmproxy looks for a connection to use again by its address. Under the other one it would open a new one for
        # each request and wait for ever after the fifth; and it refuses to set the address of an open connection.
        if asked := self._asked.pop(data.server.id, None):
            object.__setattr__(data.server, "address", asked)

    def server_connect_error(self, data: server_hooks.ServerConnectionHookData) -> None:
        self._asked.pop(data.server.id, None)
