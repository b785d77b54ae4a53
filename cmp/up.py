"""The whole product on one machine: consent server and reverse proxy in one process.

May go in here: starting the two together and ending them together. May not: what either does.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from aiohttp import web

from cmp import proxy
from cmp.ledger.ledger import Ledger
from cmp.live.arrival import Front
from cmp.live.enforcement import ConsentServer, Enforcement, Mode
from cmp.policy.watching import PolicyWatch
from cmp.seal.keys import SigningKeys, make_keys, marker_secret, read_signing_keys
from cmp.seal.site import ConsentSite
from cmp.server.app import make_app
from cmp.server.context import InForceHolder
from cmp.server.desk_opening import DeskSettings, OperatorPort, open_desk, operator_listener
from cmp.server.listening import set_up

# Seconds that requests under way get to end when everything stops.
_GRACE = 2.0


@dataclass(frozen=True, slots=True)
class UpSettings:
    """What `consentry up` is told.

    `proxy` are the settings of the proxy in front of the site, `front` the network around it; without a `mode` the
    policy's own counts.
    """

    watch: PolicyWatch
    proxy: proxy.ProxySettings
    site: ConsentSite
    keys: Path
    ledger: str
    mode: Mode | None = None
    desk: DeskSettings = field(default_factory=DeskSettings)
    operators: OperatorPort | None = None
    front: Front = field(default_factory=Front)


async def run(settings: UpSettings, tell: Callable[[str, int], None]) -> None:
    """Run until SIGINT or SIGTERM. Raises KeysError, LedgerError, DeskError or ProxyError where it cannot start."""
    keys = keys_of(settings.keys)
    watch, policies = settings.watch, InForceHolder(settings.watch.in_force)
    ledger = await asyncio.to_thread(partial(Ledger, settings.ledger, signer=keys))
    desk = None
    try:
        desk = await asyncio.to_thread(open_desk, settings.desk, policies.now, keys, ledger.file)
        try:
            app = make_app(policies, ledger, keys, settings.site, desk=desk)
        except ValueError as error:
            raise proxy.ProxyError(str(error)) from error
        runner = await set_up(app, _GRACE)
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            consent = ConsentServer(settings.site, keys.public, host, port, marker_secret(settings.keys))
            # First the server: it can refuse a policy, and then the proxy is not asked.
            watch.follow(policies.swap)
            enforcement = Enforcement(policies.now, settings.mode, consent, front=settings.front)
            async with operator_listener(app, settings.operators):
                await proxy.run(settings.proxy, enforcement, tell, watch)
        finally:
            await runner.cleanup()
    finally:
        if desk is not None:
            desk.close()
        ledger.close()


def keys_of(path: Path) -> SigningKeys:
    """The keys of a file, made where there is none yet."""
    return read_signing_keys(path) if path.exists() else make_keys(path)
