"""POST report: what a browser stopped because of our CSP, as numbers.

May go in here: reading reports down to directive and site. May not: keeping anything else of them; a report holds the
address of the page, parts of scripts, line numbers.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiohttp import web

from cmp.core.urls import UrlError, parse_url
from cmp.server.answers import failure
from cmp.server.bodies import read_body
from cmp.server.caller import fields
from cmp.server.client import client_of
from cmp.server.context import CLOCK, LEDGER, TRUSTED
from cmp.server.endpoints import ENDPOINTS
from cmp.server.limits import Limit
from cmp.server.problems import BAD_REQUEST, CROSS_SITE, TOO_MANY, Failure
from cmp.sites import registrable_domain

_SINGLE = "application/csp-report"
_SEVERAL = "application/reports+json"
_MOST_REPORTS = 50
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
    trusted = app[TRUSTED]
    client = client_of(request.remote, fields(request, "X-Forwarded-For"), trusted)
    if not app[LIMIT].admits(client, now):
        return failure(request, TOO_MANY)
    body = await read_body(request, {_SINGLE, _SEVERAL})
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
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    found = [document.get("csp-report")] if media_type == _SINGLE and isinstance(document, dict) else None
    if media_type == _SEVERAL and isinstance(document, list):
        found = list(_violations(document[:_MOST_REPORTS]))
    if found is None or not all(isinstance(report, dict) for report in found):
        return None
    return [_reduced(report) for report in found if report is not None]


def _violations(reports: Sequence[Any]) -> Iterator[Any]:
    for report in reports:
        if not isinstance(report, dict):
            yield None
        elif report.get("type") == "csp-violation":
            yield report.get("body")


def _reduced(report: Mapping[str, Any]) -> tuple[str, str]:
    directive = _text(report, "effectiveDirective", "effective-directive", "violated-directive").partition(" ")[0]
    blocked = _text(report, "blockedURL", "blocked-uri")
    return directive if directive in _DIRECTIVES else "other", _site_of(blocked)


def _text(report: Mapping[str, Any], *names: str) -> str:
    return next((report[name] for name in names if isinstance(report.get(name), str)), "")


def _site_of(blocked: str) -> str:
    """The registrable domain of what was blocked, or the keyword the browser writes instead."""
    if blocked in _KEYWORDS:
        return blocked
    try:
        url = parse_url(blocked)
    except UrlError:
        return "other"
    if url.host:
        return registrable_domain(url.host)
    return url.scheme if url.scheme in _KEYWORDS else "other"


def _plain(site: str) -> bool:
    return all(part.isascii() and part.isalnum() and part == part.lower() for part in _parts(site))


def _parts(site: str) -> list[str]:
    return site.replace("-", ".").split(".")
