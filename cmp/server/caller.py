"""Who is asking, as far as one request says.

May go in here: reading consent cookie, signals and language out of a request. May not: judging what they permit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from cmp.core.consent import Visitor
from cmp.core.cookies import RequestCookie, read_cookie_header
from cmp.core.signals import Signals, read_dnt, read_gpc
from cmp.seal.cookie import Remembered, read_cookie
from cmp.server.context import CLOCK, POLICY, PUBLIC_KEYS, SITE
from cmp.wire.words import pick_language


@dataclass(frozen=True, slots=True)
class Caller:
    """One request's visitor. `now` is when it was asked, Unix seconds; `record` the id in the cookie, if any."""

    visitor: Visitor
    record: str
    signals: Signals
    cookies: tuple[RequestCookie, ...]
    language: str
    now: float


def caller_of(request: web.Request) -> Caller:
    policy, now = request.app[POLICY], request.app[CLOCK]()
    cookies = tuple(cookie for value in fields(request, "Cookie") for cookie in read_cookie_header(value))
    remembered: Remembered = read_cookie(request.app[PUBLIC_KEYS], request.app[SITE], cookies, now, policy.fingerprint)
    return Caller(
        visitor=remembered.visitor,
        record=remembered.record,
        signals=Signals(gpc=read_gpc(fields(request, "Sec-GPC")), dnt=read_dnt(fields(request, "DNT"))),
        cookies=cookies,
        language=language_of(request),
        now=now,
    )


def language_of(request: web.Request, wish: str = "") -> str:
    """The language to answer in: the one wished for (`?lang=`, a form's field), else the browser's."""
    offered = request.app[POLICY].languages
    wish = wish or request.query.get("lang", "")
    return wish if wish in offered else pick_language(", ".join(fields(request, "Accept-Language")), offered)


def fields(request: web.Request, name: str) -> Sequence[str]:
    """Every field line of that name, in order."""
    return request.headers.getall(name, [])
