"""The application: every part set up once.

May go in here: the order of setting up, and what holds for all requests. May not: listening (`listening.py`).
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web

from cmp.core.policy import Policy
from cmp.seal.keys import SigningKeys
from cmp.seal.site import ConsentSite
from cmp.server import (
    assets,
    choice,
    client,
    embed,
    endpoints,
    headers,
    health,
    preferences,
    recording,
    report,
    state,
    unexpected,
)
from cmp.server.context import CLOCK, LEDGER, POLICY, PUBLIC_KEYS, SIGNING_KEYS, SITE, Appends

# For the connection, whichever runner serves the application.
_CONNECTION: dict[str, Any] = {
    # An access log is a list of who visited.
    "access_log": None,
    "logger": unexpected.HTTP_LOG,
    # Seconds to go on reading what nobody wants, so that the sender sees why.
    "lingering_time": 2.0,
    # What is compressed is refused, so it must not be unpacked first.
    "auto_decompress": False,
}


def make_app(
    policy: Policy,
    ledger: Appends,
    keys: SigningKeys,
    site: ConsentSite,
    *,
    clock: Callable[[], float] = time.time,
    trusted_proxies: Sequence[str] = ("127.0.0.1", "::1"),
) -> web.Application:
    """The consent server of one site, ready to be run. The ledger stays the caller's to close.

    `trusted_proxies` are addresses or networks whose `X-Forwarded-For` is believed. Raises ValueError for one that is
    neither, and for a policy that no choice could be recorded under; OSError when our static files are missing.
    """
    app = web.Application(handler_args=_CONNECTION)
    app[POLICY], app[LEDGER], app[SITE], app[CLOCK] = policy, ledger, site, clock
    app[SIGNING_KEYS], app[PUBLIC_KEYS] = keys, keys.public
    for part in (headers, unexpected, endpoints, recording, preferences, state, choice, embed, assets, health):
        part.setup(app)
    report.setup(app, client.read_networks(trusted_proxies))
    return app
