"""The application: every part set up once.

May go in here: the order of setting up, and what holds for all requests. May not: listening (`listening.py`).
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web

from cmp.core.networks import read_networks
from cmp.core.policy import Policy
from cmp.desk.desk import Desk
from cmp.seal.keys import SigningKeys
from cmp.seal.site import ConsentSite
from cmp.server import (
    assets,
    choice,
    choice_limit,
    desk_context,
    desk_forms,
    desk_notices,
    desk_opt_out,
    desk_retention,
    desk_rights,
    do_not_sell,
    embed,
    endpoints,
    headers,
    health,
    occasion,
    openapi,
    preferences,
    record,
    recording,
    report,
    serving_policy,
    state,
    tell_me,
    unexpected,
    well_known,
)
from cmp.server import (
    keys as keys_json,
)
from cmp.server.context import (
    CLOCK,
    LEDGER,
    POLICIES,
    PUBLIC_KEYS,
    SIGNING_KEYS,
    SITE,
    TRUSTED,
    Appends,
    InForceHolder,
)

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
    policy: Policy | InForceHolder,
    ledger: Appends,
    keys: SigningKeys,
    site: ConsentSite,
    *,
    clock: Callable[[], float] = time.time,
    trusted_proxies: Sequence[str] = ("127.0.0.1", "::1"),
    desk: Desk | None = None,
) -> web.Application:
    """The consent server of one site, ready to be run. The ledger and the desk stay the caller's to close.

    A policy that changes while the server runs is given in its holder, and swapped there.
    Without a desk nobody can ask for anything beside cookie choices: those endpoints answer 404.
    `trusted_proxies` are addresses or networks whose `X-Forwarded-For` is believed. Raises ValueError for one that is
    neither, and for a policy that no choice could be recorded under; OSError when our static files are missing.
    """
    app = web.Application(handler_args=_CONNECTION)
    policies = policy if isinstance(policy, InForceHolder) else InForceHolder(policy)
    app[POLICIES] = policies
    app[LEDGER], app[SITE], app[CLOCK] = ledger, site, clock
    app[SIGNING_KEYS], app[PUBLIC_KEYS] = keys, keys.public
    app[TRUSTED] = read_networks(trusted_proxies)
    for part in (headers, unexpected, endpoints, recording, preferences, state, choice, tell_me, occasion):
        part.setup(app)
    for part in (choice_limit, record, do_not_sell, embed, assets, health, keys_json, openapi, report, well_known):
        part.setup(app)
    desk_context.setup(app, desk)
    for part in (desk_forms, desk_rights, desk_opt_out, desk_notices, desk_retention, serving_policy):
        part.setup(app)
    return app
