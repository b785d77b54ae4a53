"""The way of every call: from the right place, by somebody known, allowed to, written into the access log, then made.

May go in here: these steps in this order. May not: what a call does.

The entry is on disk before the call is carried out, so that nothing is looked at or changed without one; a call that
cannot be entered is not made. The log says who called what about which client, and nothing of the people it was about.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler as AiohttpHandler

from cmp.desk import access_log
from cmp.desk.access_log import Access
from cmp.server.bodies import read_body
from cmp.server.caller import fields
from cmp.server.context import CLOCK
from cmp.server.desk_context import CLERK, Clerk, offer_now
from cmp.server.expectations import only_continue
from cmp.server.limits import Limit
from cmp.server.operator import problems
from cmp.server.operator.calls import CALLS, Call, Calls, Entry
from cmp.server.operator.monitoring import ready
from cmp.server.operator.tokens import Holder, TokenFile, TokensError
from cmp.server.posting import JSON, shown
from cmp.server.problems import BAD_REQUEST, EXPECTATION, METHOD, NOT_FOUND, UNEXPECTED, Failure
from cmp.terminal import place_of

MAIN = web.AppKey("MAIN", web.Application)
TOKENS = web.AppKey("TOKENS", TokenFile)
HOSTS: web.AppKey[frozenset[str]] = web.AppKey("HOSTS")
STRANGERS = web.AppKey("STRANGERS", Limit)

# What only a proxy adds. Whoever reaches this port through one is not on this machine.
_PROXY_FIELDS = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")
_ALLOWED = "allowed"
_PROBES = frozenset({"/health", "/ready"})

_log = logging.getLogger("consentry.server")


def setup(app: web.Application, main: web.Application, tokens: TokenFile, hosts: frozenset[str]) -> None:
    """`hosts` are the Host fields to be answered ("127.0.0.1:8090"): a name that leads here by DNS is none of them."""
    app[MAIN], app[TOKENS], app[HOSTS] = main, tokens, hosts
    app[CALLS] = Calls()
    app[STRANGERS] = Limit(each=600, together=600)
    app.middlewares.append(_answer_unexpected)
    # Line feeds too: a path of any characters gets an answer of ours.
    app.router.add_route("*", "/{path:(?s:.*)}", _dispatch, expect_handler=only_continue(_not_expected))


def _not_expected(_request: web.Request) -> web.Response:
    return refusal(Failure(EXPECTATION))


async def _dispatch(request: web.Request) -> web.Response:
    main = request.app[MAIN]
    if request.raw_path in _PROBES and request.method in ("GET", "HEAD"):
        return await _probe(request, main)
    clerk = main[CLERK]
    if clerk is None:
        return refusal(Failure(problems.NOT_OFFERED))
    holder = _known(request)
    found = request.app[CALLS].find(request.raw_path.partition("?")[0])
    what = f"{request.method} {found[0].removesuffix('/')}" if found and _plain(request.method) else "unknown"
    call = await _admitted(request, holder, found, clerk)
    if isinstance(holder, Failure) and not request.app[STRANGERS].admits("", main[CLOCK]()):
        return refusal(Failure(problems.BUSY))
    outcome = call.problem.code if isinstance(call, Failure) else _ALLOWED
    entry = _entry(request, found)
    if isinstance(call, Call) and entry is not None and not entry.entered:
        return _answer(await entry.handler(call))
    entered = await clerk.do(access_log.note, _access(holder, call, what, outcome, int(main[CLOCK]())))
    if isinstance(entered, Failure):
        return refusal(entered)
    if isinstance(call, Failure):
        return refusal(call, found[1] if found else None)
    # Admitted, so there is one.
    assert entry is not None  # noqa: S101
    return _answer(await entry.handler(call))


async def _probe(request: web.Request, main: web.Application) -> web.Response:
    """Whether the server answers (`/health`), or can take choices too (`/ready`): nothing that needs a token."""
    if failed := _from_elsewhere(request):
        return refusal(failed)
    if request.raw_path == "/ready" and not await ready(main):
        return refusal(Failure(problems.NOT_READY))
    return _json(200, {"ok": True})


def _answer(answer: web.Response | Mapping[str, Any] | Failure) -> web.Response:
    if isinstance(answer, web.Response):
        return answer
    return refusal(answer) if isinstance(answer, Failure) else _json(200, {"ok": True, **answer})


def refusal(failed: Failure, methods: Mapping[str, Any] | None = None) -> web.Response:
    """The one error shape."""
    problem = failed.problem
    answer = _json(problem.status, {"ok": False, "error": {"code": problem.code, "message": failed.message("en")}})
    if problem is problems.UNAUTHENTICATED:
        answer.headers["WWW-Authenticate"] = "Bearer"
    if problem is METHOD and methods is not None:
        answer.headers["Allow"] = ", ".join(methods)
    return answer


def _from_elsewhere(request: web.Request) -> Failure | None:
    """Why a call does not come from where it may."""
    if list(fields(request, "Host")) != [request.host] or request.host.lower() not in request.app[HOSTS]:
        return Failure(problems.WRONG_HOST)
    site = fields(request, "Sec-Fetch-Site")
    if any(fields(request, name) for name in _PROXY_FIELDS) or not set(site) <= {"none", "same-origin"}:
        return Failure(problems.PROXIED)
    return None


def _known(request: web.Request) -> Holder | Failure:
    """Whose call it is, if it comes from where it may."""
    if failed := _from_elsewhere(request):
        return failed
    sent = fields(request, "Authorization")
    scheme, _, token = sent[0].partition(" ") if len(sent) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token:
        return Failure(problems.UNAUTHENTICATED)
    try:
        holder = request.app[TOKENS].holder_of(token.strip())
    except TokensError as error:
        _log.error("nobody can use the operator listener: %s", error)
        return Failure(problems.UNAUTHENTICATED)
    return holder or Failure(problems.UNAUTHENTICATED)


async def _admitted(
    request: web.Request,
    holder: Holder | Failure,
    found: tuple[str, Mapping[str, Entry], str] | None,
    clerk: Clerk,
) -> Call | Failure:
    if isinstance(holder, Failure):
        return holder
    if found is None:
        return Failure(NOT_FOUND)
    entry = _entry(request, found)
    if entry is None:
        return Failure(METHOD)
    if holder.role not in entry.roles:
        return Failure(problems.ROLE)
    body = await _read(request, entry.members | {"client"}) if request.method == "POST" else {}
    if isinstance(body, Failure):
        return body
    main = request.app[MAIN]
    offer = offer_now(main)
    named = body.get("client", request.query.get("client"))
    if named is not None and not isinstance(named, str):
        return Failure(BAD_REQUEST, "client is a text")
    if holder.client is not None and named not in (None, holder.client):
        return Failure(problems.OTHER_CLIENT)
    if holder.client is None and named and named not in offer.clients:
        return Failure(problems.UNKNOWN_CLIENT)
    client = named if holder.client is None else holder.client
    query = {name: value for name, value in request.query.items() if name != "client"}
    return Call(main, holder, client, found[2], body, query, offer, clerk, main[CLOCK]())


def _entry(request: web.Request, found: tuple[str, Mapping[str, Entry], str] | None) -> Entry | None:
    return found[1].get(request.method) if found else None


async def _read(request: web.Request, members: frozenset[str]) -> Mapping[str, Any] | Failure:
    body = await read_body(request, {JSON})
    if isinstance(body, Failure):
        return body
    try:
        document = json.loads(body or b"{}", object_pairs_hook=_object)
    except (ValueError, RecursionError):
        return Failure(BAD_REQUEST, "the body is no JSON, or names a member twice")
    if not isinstance(document, dict):
        return Failure(BAD_REQUEST, "the body is no JSON object")
    for name in document:
        if name not in members:
            return Failure(BAD_REQUEST, f"unknown member {shown(name)}")
    if not _storable(document):
        return Failure(BAD_REQUEST, "a text holds what is no character")
    return document


def _object(pairs: Sequence[tuple[str, Any]]) -> Mapping[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a member is named twice")
    return document


def _storable(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, list):
        return all(_storable(one) for one in value)
    return not isinstance(value, dict) or all(_storable(one) for one in value.values())


def _access(holder: Holder | Failure, call: Call | Failure, what: str, outcome: str, now: int) -> Access:
    if isinstance(holder, Failure):
        return Access("", "", what, "", outcome, now)
    client = call.client if isinstance(call, Call) else holder.client
    return Access(holder.name, holder.role.value, what, client or "", outcome, now)


def _plain(method: str) -> bool:
    return method in ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH")


def _json(status: int, document: Mapping[str, Any]) -> web.Response:
    return web.Response(status=status, text=json.dumps(document), content_type="application/json")


@web.middleware
async def _answer_unexpected(request: web.Request, handler: AiohttpHandler) -> web.StreamResponse:
    try:
        return await handler(request)
    except (web.HTTPException, ConnectionError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets an answer in the one shape
        _log.error("internal error: %s", place_of(error))
        return refusal(Failure(UNEXPECTED))
