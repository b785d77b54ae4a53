"""TLS in front of a recording upstream, for what is reached by HTTPS only.

May go in here: ending TLS and passing bytes on. May not: answering (`tests.live`).
"""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import trustme


@dataclass
class Front:
    """Where it listens, the authority to trust, and the server names that were asked for."""

    authority: Path
    port: int = 0
    names: list[str | None] = field(default_factory=list)


@contextlib.contextmanager
def tls_front(upstream_port: int, folder: Path, *hosts: str) -> Iterator[Front]:
    """A TLS server with a certificate for `hosts` that passes what it gets on to a plain port."""
    authority = trustme.CA()
    front = Front(folder / "authority.pem")
    authority.cert_pem.write_to_path(str(front.authority))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*hosts).configure_cert(context)
    context.sni_callback = lambda _socket, name, _context: front.names.append(name)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", upstream_port)
        await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    starting = asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result(60)
    front.port = server.sockets[0].getsockname()[1]

    async def stop() -> None:
        server.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        # What is pending when the loop ends is an error in the log later, and a proxy that starts then does not.
        await asyncio.gather(*left, return_exceptions=True)

    try:
        yield front
    finally:
        asyncio.run_coroutine_threadsafe(stop(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


async def _pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while part := await source.read(65_536):
            target.write(part)
            await target.drain()
    target.close()
