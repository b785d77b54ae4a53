"""GET keys.json: the public keys of this site, to check receipts and tree heads with.

May go in here: that. May not: private keys.
"""

from aiohttp import web

from cmp.server.answers import success
from cmp.server.context import SIGNING_KEYS
from cmp.server.endpoints import ENDPOINTS


def setup(app: web.Application) -> None:
    app[ENDPOINTS].add("GET", "keys.json", _show)


async def _show(request: web.Request) -> web.Response:
    """Ed25519, 32 bytes each, hexadecimal, by the id that stands beside a signature; the one that signs now first."""
    keys = request.app[SIGNING_KEYS].public_bytes()
    return success({"keys": {id_: key.hex() for id_, key in keys.items()}})
