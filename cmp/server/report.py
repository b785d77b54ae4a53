"""POST report: what a browser stopped because of our CSP, as numbers.

May go in here: bringing reports down to directive and site. May not: keeping anything else of them; a report holds the
address of the page, parts of scripts, line numbers.
"""

from collections.abc import Sequence

from aiohttp import web

from cmp.core.networks import is_public, read_address
from cmp.core.urls import UrlError, parse_url
from cmp.server.answers import failure
from cmp.server.bodies import read_body
from cmp.server.caller import fields
from cmp.server.context import CLOCK, LEDGER
from cmp.server.endpoints import ENDPOINTS
from cmp.server.limits import Limit, within
from cmp.server.problems import BAD_REQUEST, CROSS_SITE, TOO_MANY, Failure
from cmp.sites import registrable_domain
from cmp.wire.csp_reports import SEVERAL, SINGLE, read_violations

# Different counters that one server adds to the ledger: anybody can make up host names.
_MOST_EVENTS = 1_000
_LONGEST_EVENT = 64
# CSP Level 3, section 6: what a browser can report. Anything else counts as "other".
_DIRECTIVES = frozenset(
    {
        "child-src",
        "connect-src",
        "default-src",
        "font-src",
        "frame-src",
        "img-src",
        "manifest-src",
        "media-src",
        "object-src",
        "script-src",
        "script-src-attr",
        "script-src-elem",
        "style-src",
        "style-src-attr",
        "style-src-elem",
        "worker-src",
        "base-uri",
        "form-action",
        "frame-ancestors",
        "sandbox",
    }
)
_KEYWORDS = frozenset({"inline", "eval", "wasm-eval", "self", "data", "blob", "filesystem", "about"})

_REMOTE = frozenset({"http", "https", "ws", "wss"})


class Events:
    """Names of what was reported, up to a number; any further site is "other"."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def name(self, directive: str, site: str) -> str:
        """Such as "csp.img-src.tracker.test". Sites that cannot be a counter's name (IDNA, IPv6) are "other" too."""
        name = f"csp.{directive}.{site}"
        if name in self._known:
            return name
        if len(name) > _LONGEST_EVENT or not _plain(site) or len(self._known) >= _MOST_EVENTS:
            return f"csp.{directive}.other"
        self._known.add(name)
        return name


EVENTS = web.AppKey("EVENTS", Events)
LIMIT = web.AppKey("LIMIT", Limit)


def setup(app: web.Application) -> None:
    app[EVENTS] = Events()
    app[LIMIT] = Limit(each=120, together=6_000)
    app[ENDPOINTS].add("POST", "report", _count)


async def _count(request: web.Request) -> web.Response:
    app, now = request.app, request.app[CLOCK]()
    if "cross-site" in fields(request, "Sec-Fetch-Site"):
        return failure(request, CROSS_SITE)
    if not within(request, LIMIT):
        return failure(request, TOO_MANY)
    body = await read_body(request, {SINGLE, SEVERAL})
    if isinstance(body, Failure):
        return failure(request, body)
    violations = read_reports(request.content_type, body)
    if violations is None:
        return failure(request, BAD_REQUEST)
    for directive, site in violations:
        app[LEDGER].count(app[EVENTS].name(directive, site), now)
    return web.Response(status=204)


def read_reports(media_type: str, body: bytes) -> Sequence[tuple[str, str]] | None:
    """Directive and blocked site of each report; None for a body that holds no reports."""
    found = read_violations(media_type, body)
    return None if found is None else [(_directive(one.directive), _site_of(one.blocked)) for one in found]


def _directive(name: str) -> str:
    return name if name in _DIRECTIVES else "other"


def _site_of(blocked: str) -> str:
    """The registrable domain of what was blocked, or the keyword the browser writes instead.

    "other" for what tells of the visitor rather than of a third party: which extensions the browser has (their ids
    stand where a host does), what is called how in the network at home.
    """
    if blocked in _KEYWORDS:
        return blocked
    try:
        url = parse_url(blocked)
    except UrlError:
        return "other"
    if not url.host:
        return url.scheme if url.scheme in _KEYWORDS else "other"
    address = read_address(url.host)
    known = "." in url.host if address is None else is_public(address)
    return registrable_domain(url.host) if known and url.scheme in _REMOTE else "other"


def _plain(site: str) -> bool:
    return all(part.isascii() and part.isalnum() and part == part.lower() for part in _parts(site))


def _parts(site: str) -> list[str]:
    return site.replace("-", ".").split(".")
