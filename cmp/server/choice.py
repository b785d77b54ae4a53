"""POST choice, withdraw and do-not-sell: the visitor decides.

May go in here: the way from a request to a stored choice and its answer. May not: the steps themselves
(`same_origin.py`, `bodies.py`, `posting.py`, `choices.py`, `recording.py`, `cleanup.py`).
"""

from collections.abc import Callable

from aiohttp import web

from cmp.core.consent import Visitor
from cmp.core.policy import Policy
from cmp.core.signals import Signals
from cmp.core.urls import parse_url
from cmp.ledger.record import Source
from cmp.seal.form_token import token_holds
from cmp.server.answers import add_set_cookies, failure, page
from cmp.server.bodies import read_body
from cmp.server.caller import Caller, caller_of, fields, language_of, policy_of
from cmp.server.choice_limit import too_many_choices
from cmp.server.choices import Choice, choose, opt_out, refusal
from cmp.server.cleanup import expiring_lines
from cmp.server.context import SIGNING_KEYS, SITE
from cmp.server.endpoints import ENDPOINTS
from cmp.server.paths import path_back, path_of_referrer
from cmp.server.posting import TYPES, Posting, read_posting
from cmp.server.preferences import preferences_page
from cmp.server.problems import CROSS_SITE, STALE, UNPROVEN, Failure
from cmp.server.recording import How, Stored, store
from cmp.server.same_origin import Sender, sender_of
from cmp.server.state import state_answer
from cmp.sites import registrable_domain
from cmp.wire.banner import answer_html
from cmp.wire.well_known import DNT, stated


def setup(app: web.Application) -> None:
    # The list of suffixes is read at the first look-up, and takes a third of a second: not while a visitor waits.
    registrable_domain(parse_url(app[SITE].origin).host)
    app[ENDPOINTS].add("POST", "choice", _choose)
    app[ENDPOINTS].add("POST", "withdraw", _withdraw)
    app[ENDPOINTS].add("POST", "do-not-sell", _opt_out)


async def _choose(request: web.Request) -> web.Response:
    return await _take(request, choose, withdrawal=False)


async def _withdraw(request: web.Request) -> web.Response:
    return await _take(request, _everything_refused, withdrawal=True)


async def _opt_out(request: web.Request) -> web.Response:
    return await _take(request, _not_sold, withdrawal=False, buttons=("opt-out",))


def _not_sold(policy: Policy, _posting: Posting, before: Visitor, _signals: Signals) -> Choice | Failure:
    return opt_out(policy, before)


def _everything_refused(policy: Policy, _posting: Posting, _before: Visitor, _signals: Signals) -> Choice | Failure:
    return refusal(policy)


async def _take(
    request: web.Request,
    decide: Callable[[Policy, Posting, Visitor, Signals], Choice | Failure],
    *,
    withdrawal: bool,
    buttons: tuple[str, ...] = (),
) -> web.Response:
    app, policy = request.app, policy_of(request)
    by_name = {name: fields(request, name) for name in ("sec-fetch-site", "origin", "referer")}
    sender = sender_of(by_name, app[SITE].origin)
    if sender is Sender.FOREIGN:
        return failure(request, CROSS_SITE)
    body = too_many_choices(request) or await read_body(request, TYPES)
    if isinstance(body, Failure):
        return failure(request, body)
    posting = read_posting(request.content_type, body)
    if isinstance(posting, Failure):
        return failure(request, posting)
    caller = caller_of(request)
    if posting.language:
        caller = caller._replace(language=language_of(request, posting.language))
    choice = decide(policy, posting, caller.visitor, caller.signals)
    if isinstance(choice, Choice) and sender is Sender.UNPROVEN:
        choice = _vouched_for(request, posting, choice, caller.now)
    if isinstance(choice, Failure):
        return _refuse(request, posting, caller, choice)
    how = How(posting.surface, posting.source, buttons)
    stored = await store(app, caller, choice, how, withdrawal=withdrawal)
    if isinstance(stored, Failure):
        return _refuse(request, posting, caller, stored)
    response = _answer(request, posting, caller, stored)
    tell_browser(request, caller, stored, response, page_path=_page_of(request, posting))
    return response


def tell_browser(
    request: web.Request, caller: Caller, stored: Stored, response: web.Response, *, page_path: str
) -> None:
    """What an answer to a stored choice carries: the new cookie, the end of those now denied, `Tk`, what to clear.

    `caller` is who it was before; `page_path` the page the choice was made on, whose path cookies may be set for.
    """
    policy, site = caller.policy, request.app[SITE]
    lines = expiring_lines(policy, site, stored.visitor, signals=caller.signals, cookies=caller.cookies, page=page_path)
    if DNT in stated(policy):
        # What is tracked may be another thing from here on (Tracking Preference Expression, section 6.2.9).
        response.headers["Tk"] = "U"
    if what := _cleared(policy, caller.visitor, stored.visitor):
        response.headers["Clear-Site-Data"] = what
    add_set_cookies(response, [site.set_cookie(stored.cookie, stored.seconds), *lines])


def _cleared(policy: Policy, before: Visitor, after: Visitor) -> str:
    """What the browser is to throw away, as a field value (Clear Site Data, section 3.1); "" for nothing.

    Only where a consent is taken back: it concerns the whole site, and whatever else a visitor keeps there.
    """
    if before.granted <= after.granted:
        return ""
    kinds = policy.document.get("consent", {}).get("clearOnWithdrawal", ())
    return ", ".join(f'"{kind}"' for kind in sorted(kinds))


def _vouched_for(request: web.Request, posting: Posting, choice: Choice, now: float) -> Choice | Failure:
    """The choice, if the form's token speaks for it.

    A token is the same for everybody, so another site's server can fetch one. It keeps out who does not bother, and
    may therefore take permission away; to give some, the browser itself has to say where the form comes from.
    """
    secret, audience = request.app[SIGNING_KEYS].form_secret, request.app[SITE].audience
    if not posting.token:
        return Failure(UNPROVEN)
    if not token_holds(secret, audience, posting.token, now):
        return Failure(STALE)
    return Failure(UNPROVEN) if choice.granted - choice.carried else choice


def _answer(request: web.Request, posting: Posting, caller: Caller, stored: Stored) -> web.Response:
    policy, site = caller.policy, request.app[SITE]
    if posting.source is Source.JSON:
        return state_answer(request.app, caller, stored.visitor)
    if _in_frame(request, posting):
        return page(answer_html(policy, caller.language, saved=True, problem=""))
    where = path_back(posting.back, site.origin) or f"{site.reserved}?saved=1&lang={caller.language}"
    return web.Response(status=303, headers={"Location": where})


def _page_of(request: web.Request, posting: Posting) -> str:
    """The page the choice was made on: cookies may be set for its path alone."""
    origin = request.app[SITE].origin
    return path_back(posting.back, origin) or path_of_referrer(fields(request, "Referer"), origin) or "/"


def _refuse(request: web.Request, posting: Posting, caller: Caller, failed: Failure) -> web.Response:
    """Who posted a whole page gets a page to go on from; a frame or a script just the reason."""
    if posting.source is Source.JSON or _in_frame(request, posting):
        return failure(request, failed, caller.language)
    html = preferences_page(request, caller, back=posting.back, problem=failed.for_page(caller.language))
    return page(html, failed.problem.status)


def _in_frame(request: web.Request, posting: Posting) -> bool:
    return posting.in_frame or fields(request, "Sec-Fetch-Dest") in (["iframe"], ["frame"])
