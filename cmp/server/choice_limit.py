"""How many choices one client may make in a minute, and all together: each adds to the ledger for good.

May go in here: the limit and its failure. May not: counting (`limits.py`).

Behind one address there may be a school or a mobile network, so it is a hundred times what one person does, and a
refusal that is over it changes nothing for the visitor but that they are asked again.
"""

from aiohttp import web

from cmp.server.limits import Limit, within
from cmp.server.problems import TOO_MANY_CHOICES, Failure

EACH = 120
TOGETHER = 60_000

CHOSEN = web.AppKey("CHOSEN", Limit)


def setup(app: web.Application) -> None:
    app[CHOSEN] = Limit(each=EACH, together=TOGETHER)


def too_many_choices(request: web.Request) -> Failure | None:
    return None if within(request, CHOSEN) else Failure(TOO_MANY_CHOICES)
