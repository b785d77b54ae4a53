"""Who is asking, as far as one request says.

May go in here: reading consent cookie, signals, place and language out of a request, and which policy it is answered
under. May not: judging what they permit.
"""

from collections.abc import Sequence
from typing import NamedTuple

from aiohttp import web

from cmp.core.consent import Visitor
from cmp.core.cookies import RequestCookie, read_cookie_header
from cmp.core.networks import is_trusted
from cmp.core.policy import Policy
from cmp.core.signals import Signals, read_signals
from cmp.seal.cookie import Written, read_cookie
from cmp.seal.place import place_of
from cmp.server.context import CLOCK, POLICIES, PUBLIC_KEYS, SITE, TRUSTED
from cmp.wire.words import pick_language


class Caller(NamedTuple):
    """One request's visitor. `now` is when it was asked, Unix seconds; `record` the id in the cookie, if any.

    `lapsed` are grants that ended because their terms changed; `written` is what the cookie says word for word.
    """

    policy: Policy
    visitor: Visitor
    record: str
    signals: Signals
    cookies: tuple[RequestCookie, ...]
    language: str
    now: float
    lapsed: frozenset[str] = frozenset()
    written: Written | None = None


_ASKED_UNDER = web.RequestKey("ASKED_UNDER", Policy)


def policy_of(request: web.Request) -> Policy:
    """The policy this request is answered under: the one that held when it was first asked for here."""
    policy = request.get(_ASKED_UNDER)
    if policy is None:
        policy = request[_ASKED_UNDER] = request.app[POLICIES].now
    return policy


def caller_of(request: web.Request) -> Caller:
    app, policy = request.app, policy_of(request)
    now = app[CLOCK]()
    cookies = tuple(cookie for value in fields(request, "Cookie") for cookie in read_cookie_header(value))
    remembered = read_cookie(app[PUBLIC_KEYS], app[SITE], cookies, now, policy, place=_place_of(request))
    return Caller(
        policy=policy,
        visitor=remembered.visitor,
        record=remembered.record,
        signals=read_signals(fields(request, "Sec-GPC"), fields(request, "DNT")),
        cookies=cookies,
        language=language_of(request),
        now=now,
        lapsed=remembered.lapsed,
        written=remembered.written,
    )


def _place_of(request: web.Request) -> str:
    def lines(name: str) -> Sequence[str]:
        # Who reaches us directly could write any place into the header.
        trusted = request.app[TRUSTED]
        return fields(request, name) if is_trusted(request.remote, trusted) else ()

    return place_of(policy_of(request), lines)


def language_of(request: web.Request, wish: str = "") -> str:
    """The language to answer in: the one wished for (`?lang=`, a form's field), else the browser's."""
    offered = policy_of(request).languages
    if not wish and "?" in request.raw_path:
        wish = request.query.get("lang", "")
    return wish if wish in offered else pick_language(", ".join(fields(request, "Accept-Language")), offered)


def fields(request: web.Request, name: str) -> Sequence[str]:
    """Every field line of that name, in order."""
    return request.headers.getall(name, [])
