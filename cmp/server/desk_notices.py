"""GET notices: what the operator announces now, as JSON.

May go in here: that. May not: when a notice is in force (`cmp.desk.offer`).
"""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from cmp.desk.offer import Notice
from cmp.server.answers import failure, success
from cmp.server.caller import language_of
from cmp.server.context import CLOCK
from cmp.server.desk_context import offer_to
from cmp.server.endpoints import ENDPOINTS
from cmp.server.problems import NOT_FOUND
from cmp.wire.words import text_of


def setup(app: web.Application) -> None:
    app[ENDPOINTS].add("GET", "notices", _show)


async def _show(request: web.Request) -> web.Response:
    offer, language = offer_to(request), language_of(request)
    if offer.notices is None:
        return failure(request, NOT_FOUND)
    now, kind = request.app[CLOCK](), request.query.get("kind", "")
    found = [notice for notice in offer.notices if notice.in_force(now) and kind in ("", notice.kind)]
    return success({"notices": [notice_of(notice, language) for notice in found]})


def notice_of(notice: Notice, language: str) -> Mapping[str, Any]:
    """One notice as JSON; `until` is the first day it is no longer shown, null where it has no end."""
    return {
        "id": notice.id,
        "kind": notice.kind,
        "from": notice.since.isoformat() if notice.since else None,
        "until": notice.until.isoformat() if notice.until else None,
        "text": text_of(notice.texts, language),
    }
