"""Taking a port, serving an application on it until told to stop.

May go in here: sockets and the life of the runner. May not: signals and messages (`cmp.commands.serve`).
"""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from cmp.server.unreadable import answer_unreadable

# Seconds that requests under way get to end when the server stops.
_GRACE = 5.0


def take_port(host: str, port: int) -> socket.socket:
    """A listening socket, 0 for any free port. Raises OSError."""
    if not 0 <= port <= 65_535:
        # The resolver would take the number modulo 65,536.
        raise OSError(errno.EINVAL, "a port is a number from 0 to 65535")
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return socket.create_server(address[:2], family=family, backlog=512)


async def set_up(app: web.Application, grace: float = _GRACE) -> web.AppRunner:
    """A runner that listens nowhere yet; the caller's to clean up, which gives requests under way `grace` seconds."""
    runner = web.AppRunner(app, shutdown_timeout=grace)
    await runner.setup()
    answer_unreadable(runner)
    return runner


@asynccontextmanager
async def serving(app: web.Application, taken: socket.socket) -> AsyncIterator[None]:
    """Serves on the socket while inside, then lets what is under way end, and closes the socket."""
    runner = await set_up(app)
    try:
        await web.SockSite(runner, taken).start()
        yield
    finally:
        await runner.cleanup()
        taken.close()


async def run_server(app: web.Application, taken: socket.socket, stop: asyncio.Event) -> None:
    """Serves on the socket until `stop` is set."""
    async with serving(app, taken):
        await stop.wait()
