"""Header fields that every answer carries.

May go in here: fields that do not depend on what is answered. May not: cookies and caching of one endpoint; what an
endpoint set itself stays.
"""

from collections.abc import Mapping

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

# Nothing but our own files; no inline script or style. An embed page brings its own (`embed.py`).
PAGE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)

_FIELDS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": PAGE_CSP,
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}
# aiohttp's own would say which software, in which version, an attacker has to do with. Ours stands where all others do.
_SERVER = {"Server": "consentry"}


def complete(fields: Mapping[str, str]) -> CIMultiDictProxy[str]:
    """An endpoint's own fields with those of every answer, for answers that are kept ready."""
    return CIMultiDictProxy(CIMultiDict({**_FIELDS, **fields, **_SERVER}))


def setup(app: web.Application) -> None:
    app.on_response_prepare.append(_add_fields)


async def _add_fields(_request: web.Request, response: web.StreamResponse) -> None:
    add_fields(response)


def add_fields(response: web.StreamResponse) -> None:
    """What `setup` adds to every answer of an application."""
    headers = response.headers
    if headers.get("Server") == _SERVER["Server"]:
        return
    for name, value in _FIELDS.items():
        headers.setdefault(name, value)
    headers.update(_SERVER)
