"""POST tell-me: the visitor wants to be told of each cookie, or no longer.

May go in here: switching it in the consent cookie. May not: listing cookies (`cmp.wire.tell_me`, in the page).

It is no choice: what was granted and refused, under which policy and when, stays in the cookie word for word, and
nothing goes to the ledger. Who has chosen nothing gets a cookie that says this alone.
"""

import json
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from aiohttp import web

from cmp.core.consent import Visitor
from cmp.seal.cookie import Written, write_cookie
from cmp.seal.form_token import token_holds
from cmp.seal.holding import left_seconds, refusal_seconds
from cmp.server.answers import FORM, add_set_cookies, failure, success
from cmp.server.bodies import read_body
from cmp.server.caller import Caller, caller_of, fields, language_of
from cmp.server.context import SIGNING_KEYS, SITE
from cmp.server.endpoints import ENDPOINTS
from cmp.server.paths import path_back
from cmp.server.posting import JSON, TYPES
from cmp.server.problems import BAD_REQUEST, CROSS_SITE, NOT_FOUND, STALE, UNPROVEN, Failure
from cmp.server.same_origin import Sender, sender_of
from cmp.server.state import state_of


@dataclass(frozen=True, slots=True)
class _Wish:
    on: bool
    language: str = ""
    token: str = ""
    back: str = ""


def setup(app: web.Application) -> None:
    app[ENDPOINTS].add("POST", "tell-me", _switch)


async def _switch(request: web.Request) -> web.Response:
    site = request.app[SITE]
    sender = sender_of({name: fields(request, name) for name in ("sec-fetch-site", "origin", "referer")}, site.origin)
    if sender is Sender.FOREIGN:
        return failure(request, CROSS_SITE)
    body = await read_body(request, TYPES)
    if isinstance(body, Failure):
        return failure(request, body)
    caller = caller_of(request)
    if not caller.policy.tell_me:
        return failure(request, NOT_FOUND)
    wish = _read_json(body) if request.content_type == JSON else _read_form(body)
    if isinstance(wish, Failure):
        return failure(request, wish)
    if sender is Sender.UNPROVEN and (refused := _unproven(request, wish, caller.now)) is not None:
        return failure(request, refused, language_of(request, wish.language))
    caller = caller._replace(language=language_of(request, wish.language))
    visitor, line = _switched(request.app, caller, on=wish.on)
    if request.content_type == FORM:
        where = path_back(wish.back, site.origin)
        back = f"{site.reserved}?lang={caller.language}"
        response = web.Response(status=303, headers={"Location": where or back})
    else:
        response = success(state_of(caller.policy, visitor, caller.signals, caller.language))
    add_set_cookies(response, [line])
    return response


def _switched(app: web.Application, caller: Caller, *, on: bool) -> tuple[Visitor, str]:
    """The visitor from now on, and the Set-Cookie value that says so."""
    site, policy = app[SITE], caller.policy
    written = caller.written
    if written is None or not written.visitor.policy:
        visitor = replace(caller.visitor, tell_me=on)
        if not on:
            return visitor, site.set_cookie("", 0)
        since = Visitor(decided_at=caller.now, tell_me=True)
        value = write_cookie(app[SIGNING_KEYS], site, since)
        return visitor, site.set_cookie(value, refusal_seconds(policy, caller.visitor.place))
    kept = replace(written, visitor=replace(written.visitor, tell_me=on))
    value = write_cookie(app[SIGNING_KEYS], site, kept.visitor, kept.record, kept.terms)
    return replace(caller.visitor, tell_me=on), site.set_cookie(value, _left(caller, kept))


def _left(caller: Caller, kept: Written) -> int:
    """Seconds that the choice in the cookie still holds: being told prolongs nothing."""
    return left_seconds(caller.policy, replace(kept.visitor, place=caller.visitor.place), caller.now)


def _unproven(request: web.Request, wish: _Wish, now: float) -> Failure | None:
    # It permits nothing, so a token will do.
    if not wish.token:
        return Failure(UNPROVEN)
    secret, audience = request.app[SIGNING_KEYS].form_secret, request.app[SITE].audience
    return None if token_holds(secret, audience, wish.token, now) else Failure(STALE)


def _read_json(body: bytes) -> _Wish | Failure:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return Failure(BAD_REQUEST, "the body is no JSON")
    if not isinstance(document, dict) or not isinstance(document.get("tellMe"), bool):
        return Failure(BAD_REQUEST, "tellMe is true or false")
    language, token = document.get("language", ""), document.get("token", "")
    if not (set(document) <= {"tellMe", "language", "token"} and isinstance(language, str) and isinstance(token, str)):
        return Failure(BAD_REQUEST, "only tellMe, language and token can be given")
    return _Wish(document["tellMe"], language, token)


def _read_form(body: bytes) -> _Wish | Failure:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="replace", max_num_fields=20)
    except ValueError:
        return Failure(BAD_REQUEST, "the body is no form")
    given = dict(pairs)
    if given.get("tell") not in ("on", "off") or len(given) != len(pairs):
        return Failure(BAD_REQUEST, "tell is on or off")
    return _Wish(given["tell"] == "on", given.get("lang", ""), given.get("token", ""), given.get("back", ""))
