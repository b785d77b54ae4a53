"""GET and POST opt-out/TOKEN, POST opt-in/TOKEN, POST opt-out: no more mails, or some again.

May go in here: the way from a link or a form to a stored opt-out. May not: what is stored (`cmp.desk.opt_outs`), what a
link is (`cmp.desk.link`).

Looking changes nothing, whoever looks and how often: mail scanners and browsers load links ahead. A POST with the
link's token opts out, wherever it comes from: a mail service's one click (RFC 8058) has no Origin, and nobody can send
it who does not have the link. Taking an opt-out back is a permission, so the browser has to say that our page sent it.
The answers are the same for every address, known or not.
"""

from aiohttp import web

from cmp.desk import opt_outs
from cmp.desk.address import masked, normalised
from cmp.desk.days import after_business_days, day_of
from cmp.desk.link import Link
from cmp.desk.offer import OWN, Offer, OptOutList
from cmp.desk.opt_outs import Change, Source
from cmp.server.answers import FORM, failure, page, success, wants_page
from cmp.server.caller import language_of
from cmp.server.context import CLOCK, SITE
from cmp.server.desk_context import CLERK, Clerk, offer_to
from cmp.server.desk_forms import MULTIPART, read_texts, sender, too_many, unproven
from cmp.server.desk_problems import LINK_UNKNOWN, NO_ADDRESS, UNKNOWN_CHOICE
from cmp.server.endpoints import ENDPOINTS, REST
from cmp.server.posting import JSON, shown
from cmp.server.problems import BAD_REQUEST, CROSS_SITE, NOT_FOUND, UNPROVEN, Failure
from cmp.server.same_origin import Sender
from cmp.wire.desk_pages import changed_html, opt_out_html
from cmp.wire.desk_words import desk_word
from cmp.wire.words import text_of

_ONE_CLICK = ("List-Unsubscribe", "One-Click")
_TYPES = (JSON, FORM, MULTIPART)


def setup(app: web.Application) -> None:
    app[ENDPOINTS].add("GET", "opt-out/", _show)
    app[ENDPOINTS].add("POST", "opt-out/", _opt_out)
    app[ENDPOINTS].add("POST", "opt-in/", _opt_in)
    app[ENDPOINTS].add("POST", "opt-out", _opt_out_by_form)


async def _show(request: web.Request) -> web.Response:
    found = _linked(request)
    if isinstance(found, Failure):
        return failure(request, found)
    _, offer, link = found
    language, list_ = language_of(request), list_of(offer, link)
    html = opt_out_html(
        title_of(offer, list_, link.client, language),
        masked(link.address),
        list_.due_business_days,
        language,
        reserved=request.app[SITE].reserved,
        token=request[REST],
    )
    return page(html)


async def _opt_out(request: web.Request) -> web.Response:
    found = _linked(request)
    if isinstance(found, Failure):
        return failure(request, found)
    clerk, offer, link = found
    texts = await read_texts(request, ("choice", "lang", _ONE_CLICK[0]), types=_TYPES)
    if isinstance(texts, Failure):
        return failure(request, texts)
    one_click = texts.get(_ONE_CLICK[0]) == _ONE_CLICK[1]
    if not one_click and texts.get("choice") != "opt-out":
        return failure(request, Failure(BAD_REQUEST, "choice is opt-out"))
    days = list_of(offer, link).due_business_days
    stored = await _store(request, clerk, link, days=days, to=Change.OUT, source=Source.LINK)
    if isinstance(stored, Failure):
        return failure(request, stored)
    # RFC 8058, section 3.1: the answer to one click is no redirect.
    if one_click or not wants_page(request):
        return success({})
    return _changed(request, offer, link, "opt-out-done", texts.get("lang", ""))


async def _opt_in(request: web.Request) -> web.Response:
    found = _linked(request)
    if isinstance(found, Failure):
        return failure(request, found)
    clerk, offer, link = found
    by = sender(request)
    if by is not Sender.OURS:
        return failure(request, CROSS_SITE if by is Sender.FOREIGN else UNPROVEN)
    texts = await read_texts(request, ("choice", "lang"))
    if isinstance(texts, Failure):
        return failure(request, texts)
    if texts.get("choice") != "opt-in":
        return failure(request, Failure(BAD_REQUEST, "choice is opt-in"))
    days = list_of(offer, link).due_business_days
    stored = await _store(request, clerk, link, days=days, to=Change.IN, source=Source.LINK)
    if isinstance(stored, Failure):
        return failure(request, stored)
    if not wants_page(request):
        return success({})
    return _changed(request, offer, link, "opt-in-done", texts.get("lang", ""))


async def _opt_out_by_form(request: web.Request) -> web.Response:
    """Without a link. Anybody can name any address: it can only take permission away, and can be taken back."""
    app, offer = request.app, offer_to(request)
    clerk = app[CLERK]
    if clerk is None or not offer.opt_outs:
        return failure(request, NOT_FOUND)
    texts = await read_texts(request, ("list", "for", "address", "lang", "token"))
    if isinstance(texts, Failure):
        return failure(request, texts)
    language = language_of(request, texts.get("lang", ""))
    if failed := unproven(request, texts.get("token", "")) or too_many(request):
        return failure(request, failed, language)
    list_, client = offer.opt_outs.get(texts.get("list", "")), texts.get("for", "")
    if list_ is None or (client and client not in offer.clients):
        wrong = f"list {shown(texts.get('list', ''))}" if list_ is None else f"for {shown(client)}"
        return failure(request, Failure(UNKNOWN_CHOICE, wrong), language)
    address = normalised(texts.get("address", ""))
    if address is None:
        return failure(request, NO_ADDRESS, language)
    # Without a client it holds for all of them.
    link = Link(list_.id, list_.client(client), address)
    stored = await _store(request, clerk, link, days=list_.due_business_days, to=Change.OUT, source=Source.FORM)
    if isinstance(stored, Failure):
        return failure(request, stored, language)
    if not wants_page(request):
        return success({})
    facts = [title_of(offer, list_, link.client, language), _days(list_, language)]
    return page(changed_html("opt-out-taken", facts, language, reserved=app[SITE].reserved))


def list_of(offer: Offer, link: Link) -> OptOutList:
    """The list a link is about. One that the policy has no more still takes opt-outs: old mails have to work."""
    return offer.opt_outs.get(link.list) or OptOutList(link.list, {}, per_client=bool(link.client))


def title_of(offer: Offer, list_: OptOutList, client: str, language: str) -> str:
    title = text_of(list_.titles, language) or list_.id
    if client == OWN:
        return title
    return desk_word(language, "opt-out-from").format(list=title, client=offer.clients.get(client, client))


def _linked(request: web.Request) -> tuple[Clerk, Offer, Link] | Failure:
    offer, clerk = offer_to(request), request.app[CLERK]
    if clerk is None or not offer.opt_outs:
        return Failure(NOT_FOUND)
    link = clerk.link(request[REST])
    return Failure(LINK_UNKNOWN) if link is None else (clerk, offer, link)


async def _store(
    request: web.Request, clerk: Clerk, link: Link, *, days: int, to: Change, source: Source
) -> bool | Failure:
    now = int(request.app[CLOCK]())
    due = after_business_days(day_of(now), days)
    return await clerk.do(opt_outs.change, link.list, link.client, link.address, to=to, source=source, at=now, due=due)


def _changed(request: web.Request, offer: Offer, link: Link, key: str, wish: str) -> web.Response:
    language, list_ = language_of(request, wish), list_of(offer, link)
    facts = [title_of(offer, list_, link.client, language)]
    out = key == "opt-out-done"
    if out:
        facts.append(_days(list_, language))
    token = request[REST] if out else ""
    return page(changed_html(key, facts, language, reserved=request.app[SITE].reserved, opt_in=token))


def _days(list_: OptOutList, language: str) -> str:
    return desk_word(language, "opt-out-days").format(days=list_.due_business_days)
