"""GET health: whether the server answers.

May go in here: that. May not: the ledger's state; a server whose ledger fails has to stay up (docs/server.md).
"""

from aiohttp import web

from cmp.server.answers import success
from cmp.server.endpoints import ENDPOINTS


def setup(app: web.Application) -> None:
    app[ENDPOINTS].add("GET", "health", _show)


async def _show(_request: web.Request) -> web.Response:
    return success({})
