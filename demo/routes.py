"""Where connections go without DNS and without a proxy: a table of addresses, and nothing beyond it.

May go in here: the look-up, as aiohttp's resolver. May not: which hosts there are.
"""

import socket
from collections.abc import Mapping

from aiohttp.abc import AbstractResolver, ResolveResult

Routes = Mapping[str, tuple[str, int]]


def find_route(routes: Routes, host: str, port: int) -> tuple[str, int] | None:
    """The address for a host: "host:port" before "host" before "*:port" before "*"; None where nothing fits."""
    for pattern in (f"{host}:{port}", host, f"*:{port}", "*"):
        if pattern in routes:
            return routes[pattern]
    return None


class RouteResolver(AbstractResolver):
    """A host that no route fits cannot be reached: nothing leaves the machine by mistake."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = find_route(self._routes, host, port)
        if found is None:
            raise OSError(f"no route to {host}:{port}")
        return [ResolveResult(hostname=host, host=found[0], port=found[1], family=family, proto=0, flags=0)]

    async def close(self) -> None:
        """Nothing is open."""
