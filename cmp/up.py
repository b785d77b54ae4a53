"""The whole product on one machine: consent server and reverse proxy in one process.

May go in here: starting the two together and ending them together. May not: what either does.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from cmp import proxy
from cmp.core.policy import Policy
from cmp.ledger.ledger import Ledger
from cmp.live.enforcement import ConsentServer, Enforcement, Mode
from cmp.seal.keys import SigningKeys, make_keys, read_signing_keys
from cmp.seal.site import ConsentSite
from cmp.server.app import make_app

# Seconds that requests under way get to end when everything stops.
_GRACE = 2.0


@dataclass(frozen=True, slots=True)
class UpSettings:
    """What `consentry up` is told; `proxy` are the settings of the proxy in front of the site."""

    policy: Policy
    proxy: proxy.ProxySettings
    site: ConsentSite
    keys: Path
    ledger: str
    mode: Mode = Mode.ENFORCE


async def run(settings: UpSettings, tell: Callable[[str, int], None]) -> None:
    """Run until SIGINT or SIGTERM. Raises KeysError, LedgerError or ProxyError where it cannot start."""
    keys = keys_of(settings.keys)
    ledger = await asyncio.to_thread(Ledger, settings.ledger)
    try:
        try:
            app = make_app(settings.policy, ledger, keys, settings.site)
        except ValueError as error:
            raise proxy.ProxyError(str(error)) from error
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GRACE)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            consent = ConsentServer(settings.site, keys.public, host, port)
            await proxy.run(settings.proxy, Enforcement(settings.policy, settings.mode, consent), tell)
        finally:
            await runner.cleanup()
    finally:
        ledger.close()


def keys_of(path: Path) -> SigningKeys:
    """The keys of a file, made where there is none yet."""
    return read_signing_keys(path) if path.exists() else make_keys(path)
