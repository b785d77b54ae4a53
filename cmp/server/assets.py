"""The scripts and the style sheet that our pages and the banner load.

May go in here: files of `static/`, the guard for this visitor, caching of both. May not: anything that is no file of
ours.
"""

import gzip
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from aiohttp import web

from cmp import resources
from cmp.core.consent import Visitor, supposed_visitor
from cmp.core.policy import Policy
from cmp.core.signals import Signals
from cmp.core.urls import Url, parse_url
from cmp.server.caller import Caller, caller_of, fields
from cmp.server.context import LEDGER, SITE
from cmp.server.endpoints import ENDPOINTS, Handler
from cmp.server.per_policy import PerPolicy
from cmp.server.renewal import renew
from cmp.wire.banner import is_decided
from cmp.wire.guard import guard_script
from cmp.wire.shorten import shorter_script, shorter_style

_FILES = {"banner.js": ("text/javascript", shorter_script), "banner.css": ("text/css", shorter_style)}
# An hour is the longest that a browser runs an old banner after an upgrade.
_SHARED = "public, max-age=3600, must-revalidate"
_OWN = "private, no-cache"
_GUARD_VARIES = "Accept-Encoding, Cookie, Sec-GPC, DNT, Sec-Fetch-Site"
# RFC 9110, section 12.5.3: named, and not with a weight of nought.
_PACKING = re.compile(r"(?:^|,)\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))|,|$)", re.IGNORECASE)
# About 30 kB each.
_MOST_GUARDS = 256


@dataclass(frozen=True, slots=True)
class _Asset:
    """A file as it is, and packed with gzip, which every browser takes."""

    content: bytes
    packed: bytes
    media_type: str
    etag: str


def _asset(content: bytes, media_type: str) -> _Asset:
    # Without a time in it: the same file gives the same bytes.
    packed = gzip.compress(content, mtime=0)
    return _Asset(content, packed, media_type, hashlib.sha256(content).hexdigest()[:32])


class Guards:
    """The guard for each state a visitor can be in. Making one takes a hundred times as long as sending it."""

    def __init__(self, policy: Policy, page: Url) -> None:
        self.of: Callable[[Visitor, Signals], _Asset] = lru_cache(_MOST_GUARDS)(partial(_guard_of, policy, page))


def _guard_of(policy: Policy, page: Url, visitor: Visitor, signals: Signals) -> _Asset:
    return _asset(guard_script(policy, visitor, signals, page).encode(), "text/javascript")


GUARDS: web.AppKey[PerPolicy[Guards]] = web.AppKey("GUARDS")


def setup(app: web.Application) -> None:
    """Reads the files: one that is missing keeps the server from starting."""
    home = parse_url(f"{app[SITE].origin}/")
    app[GUARDS] = PerPolicy(lambda policy: Guards(policy, home))
    for name, (media_type, shorter) in _FILES.items():
        content = shorter((resources.static() / name).read_text("utf-8")).encode()
        app[ENDPOINTS].add("GET", name, _file(content, media_type))
    app[ENDPOINTS].add("GET", "guard.js", _guard)


def _file(content: bytes, media_type: str) -> Handler:
    asset = _asset(content, media_type)

    async def show(request: web.Request) -> web.Response:
        return _send(request, asset, _SHARED)

    return show


async def _guard(request: web.Request) -> web.Response:
    app, caller = request.app, caller_of(request)
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        return _guard_of_nobody(request, caller)
    if not is_decided(caller.policy, caller.visitor):
        # Every page asks for the guard, and a page of somebody who has not chosen shows the banner.
        app[LEDGER].count("notice.shown", caller.now)
    for signal in caller.signals.tokens:
        app[LEDGER].count(f"signal.{signal}", caller.now)
    # When they chose and under which policy does not matter to the guard; a guard would be kept for each.
    state = replace(caller.visitor, decided_at=None, policy="", tell_me=False)
    guard = app[GUARDS].of(caller.policy).of(state, caller.signals)
    response = _send(request, guard, _OWN)
    response.headers["Vary"] = _GUARD_VARIES
    renew(app, caller, response)
    return response


def _guard_of_nobody(request: web.Request, caller: Caller) -> web.Response:
    """For a frame of the site in a sandbox that takes it for another site's: the browser sends no cookie along (RFC
    6265bis, section 5.2), so nobody can tell who it is, and the strictest holds. It tells other sites nothing."""
    refused = replace(supposed_visitor(caller.policy, "refuse", caller.signals), policy="")
    response = _send(request, request.app[GUARDS].of(caller.policy).of(refused, caller.signals), _OWN)
    response.headers["Vary"] = _GUARD_VARIES
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _send(request: web.Request, asset: _Asset, caching: str) -> web.Response:
    asked = request.if_none_match or ()
    packs = any(_PACKING.search(value) for value in fields(request, "Accept-Encoding"))
    # Two forms of a file are two things to a cache (RFC 9110, section 8.8.3.3).
    etag = f"{asset.etag}-gzip" if packs else asset.etag
    if any(tag.value in (etag, "*") for tag in asked):
        response = web.Response(status=304)
    else:
        body = asset.packed if packs else asset.content
        response = web.Response(body=body, content_type=asset.media_type, charset="utf-8")
        if packs:
            response.headers["Content-Encoding"] = "gzip"
    response.etag = etag
    response.headers["Cache-Control"] = caching
    response.headers["Vary"] = "Accept-Encoding"
    return response
