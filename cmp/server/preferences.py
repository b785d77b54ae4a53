"""GET of the reserved path itself: the page on which everything can be read and chosen, also without JavaScript.

May go in here: what the page is made from. May not: its markup (`cmp.wire.banner`).
"""

from aiohttp import web

from cmp.seal.form_token import make_token
from cmp.server.answers import page
from cmp.server.caller import Caller, caller_of
from cmp.server.context import CLOCK, LEDGER, SIGNING_KEYS, SITE
from cmp.server.endpoints import ENDPOINTS
from cmp.server.occasion import occasion_of
from cmp.server.paths import path_back
from cmp.server.renewal import renew
from cmp.wire.banner import preferences_html


def setup(app: web.Application) -> None:
    app[ENDPOINTS].add("GET", "", _show)


def form_token(app: web.Application) -> str:
    return make_token(app[SIGNING_KEYS].form_secret, app[SITE].audience, app[CLOCK]())


def preferences_page(request: web.Request, caller: Caller, *, back: str, saved: bool = False, problem: str = "") -> str:
    app = request.app
    return preferences_html(
        caller.policy,
        caller.visitor,
        caller.signals,
        caller.language,
        reserved=app[SITE].reserved,
        token=form_token(app),
        back=path_back(back, app[SITE].origin),
        saved=saved,
        problem=problem,
        occasion=occasion_of(app, caller),
    )


async def _show(request: web.Request) -> web.Response:
    caller = caller_of(request)
    request.app[LEDGER].count("preferences.shown", caller.now)
    back, saved = request.query.get("back", ""), request.query.get("saved") == "1"
    response = page(preferences_page(request, caller, back=back, saved=saved))
    renew(request.app, caller, response)
    return response
