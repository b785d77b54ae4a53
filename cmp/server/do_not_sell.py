"""GET do-not-sell: opting out of the sale and sharing of personal information, for visitors from the United States.

May go in here: the page. May not: taking the choice (`choice.py`), which categories it is about (`choices.py`).

A link and a form that do this alone, beside the signal, are what 11 CCR 7026(a) asks for: a cookie banner is none.
"""

from aiohttp import web

from cmp.server.answers import page, success, wants_page
from cmp.server.caller import caller_of
from cmp.server.choices import opted_out, sold
from cmp.server.context import CLOCK, LEDGER, SITE
from cmp.server.endpoints import ENDPOINTS
from cmp.server.paths import path_back
from cmp.server.preferences import form_token
from cmp.wire.record_pages import opt_out_html
from cmp.wire.words import text_of


def setup(app: web.Application) -> None:
    app[ENDPOINTS].add("GET", "do-not-sell", _show)


async def _show(request: web.Request) -> web.Response:
    app, caller = request.app, caller_of(request)
    app[LEDGER].count("opt-out.shown", app[CLOCK]())
    about = sold(caller.policy)
    done = opted_out(caller.policy, caller.visitor, caller.signals)
    if not wants_page(request):
        return success({"categories": list(about), "optedOut": done})
    titles = [text_of(caller.policy.categories[id_].titles, caller.language) or id_ for id_ in about]
    back = path_back(request.query.get("back", ""), app[SITE].origin)
    return page(
        opt_out_html(titles, caller.language, reserved=app[SITE].reserved, token=form_token(app), back=back, done=done)
    )
