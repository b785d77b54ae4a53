"""GET embed/VENDOR: what stands in a page where a vendor's content would be.

May go in here: the page's inputs and its own CSP. May not: its markup (`cmp.wire.banner`).
"""

from aiohttp import web

from cmp.server.answers import failure, page
from cmp.server.caller import caller_of, fields, policy_of
from cmp.server.context import LEDGER, SITE
from cmp.server.endpoints import ENDPOINTS, REST
from cmp.server.paths import path_back, path_of_referrer
from cmp.server.preferences import form_token
from cmp.server.problems import NOT_FOUND
from cmp.wire.banner import embed_html

# It holds a text, a style sheet and a form, and nothing that could call anybody.
_CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'self'"
)


def setup(app: web.Application) -> None:
    app[ENDPOINTS].add("GET", "embed/", _show)


async def _show(request: web.Request) -> web.Response:
    app, vendor = request.app, request[REST]
    if vendor not in policy_of(request).vendors:
        return failure(request, NOT_FOUND)
    caller = caller_of(request)
    app[LEDGER].count("embed.shown", caller.now)
    # The frame is opened by the page itself, which need not know where it is.
    back = path_back(request.query.get("back", ""), app[SITE].origin)
    back = back or path_of_referrer(fields(request, "Referer"), app[SITE].origin)
    html = embed_html(
        caller.policy, vendor, caller.language, reserved=app[SITE].reserved, token=form_token(app), back=back
    )
    response = page(html)
    response.headers["Content-Security-Policy"] = _CSP
    return response
