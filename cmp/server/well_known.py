"""GET well-known/NAME: what the operator states under /.well-known/ of the site; the proxy forwards it here.

May go in here: answering, caching, and that nothing stale is served. May not: what is stated (`cmp.wire.well_known`).
None of it says who asked, and none sets a cookie (Tracking Preference Expression, section 6.5.2).
"""

import logging
from datetime import datetime

from aiohttp import web

from cmp.core.policy import Policy
from cmp.server.answers import failure
from cmp.server.caller import policy_of
from cmp.server.context import CLOCK, SITE
from cmp.server.endpoints import ENDPOINTS, REST
from cmp.server.problems import NOT_FOUND
from cmp.wire import well_known
from cmp.wire.well_known import DNT, GPC, TRACKING_STATUS

_log = logging.getLogger("consentry.server")

# An increase of tracking has to be stated a day ahead (section 6.5.4): longer, and a cache would hide the statement.
_A_DAY = "public, max-age=86400"


class Stale:
    """Tells the operator once of each statement that has expired."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def tell(self, policy: Policy) -> None:
        if policy.fingerprint not in self._told:
            self._told = {policy.fingerprint}
            until = well_known.security_expires(policy)
            _log.warning('security.txt is not served: it expired on %s; renew "security" in the policy', until)


STALE = web.AppKey("STALE", Stale)


def setup(app: web.Application) -> None:
    app[STALE] = Stale()
    app[ENDPOINTS].add("GET", "well-known/", _show)


async def _show(request: web.Request) -> web.Response:
    policy, site, name = policy_of(request), request.app[SITE], request[REST]
    if name not in well_known.stated(policy):
        return failure(request, NOT_FOUND)
    if name == GPC:
        return _answer(well_known.gpc_support(policy), "application/json")
    if name == DNT:
        response = _answer(well_known.tracking_status(policy, site.reserved), TRACKING_STATUS)
        if well_known.status_depends_on_dnt(policy):
            response.headers["Vary"] = "DNT"
        return response
    if _expired(policy, request.app[CLOCK]()):
        request.app[STALE].tell(policy)
        return failure(request, NOT_FOUND)
    return _answer(well_known.security_txt(policy, site.origin), "text/plain", charset="utf-8")


def _expired(policy: Policy, now: float) -> bool:
    return datetime.fromisoformat(well_known.security_expires(policy)).timestamp() <= now


def _answer(text: str, media_type: str, charset: str | None = None) -> web.Response:
    response = web.Response(body=text.encode(), content_type=media_type, charset=charset)
    response.headers["Cache-Control"] = _A_DAY
    return response
