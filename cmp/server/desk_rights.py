"""GET and POST rights, GET request/REFERENCE: what people can ask for, asking for it, and how it stands.

May go in here: the way from a request to a stored rights request and its receipt. May not: what is stored
(`cmp.desk.requests`), markup (`cmp.wire.desk_pages`).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from cmp.desk import requests
from cmp.desk.address import normalised
from cmp.desk.days import after_days, day_of
from cmp.desk.offer import Offer, Purpose, Rights
from cmp.desk.requests import LONGEST_CONTACT, LONGEST_TEXT, Asked, Request
from cmp.desk.states import State, first_state
from cmp.server.answers import failure, page, success, wants_page
from cmp.server.caller import language_of
from cmp.server.context import CLOCK, SITE
from cmp.server.desk_context import CLERK, offer_to
from cmp.server.desk_forms import Texts, read_texts, too_many, unproven
from cmp.server.desk_problems import CANNOT_STOP, NO_CONTACT, TOO_LONG, TOO_OFTEN, UNKNOWN_CHOICE
from cmp.server.endpoints import ENDPOINTS, REST
from cmp.server.posting import JSON, shown
from cmp.server.preferences import form_token
from cmp.server.problems import NOT_FOUND, Failure
from cmp.wire.desk_pages import Option, PurposeLine, RightsPage, receipt_html, rights_html
from cmp.wire.desk_words import desk_word
from cmp.wire.words import text_of

_MEMBERS = ("kind", "client", "subject", "purpose", "contact", "text", "lang", "token")
# What would stop a purpose, and so cannot be asked for where it cannot be stopped.
_STOPPING = frozenset({"withdraw", "object", "stop-marketing"})


def setup(app: web.Application) -> None:
    app[ENDPOINTS].add("GET", "rights", _show)
    app[ENDPOINTS].add("POST", "rights", _ask)
    app[ENDPOINTS].add("GET", "request/", _stand)


async def _show(request: web.Request) -> web.Response:
    offer, language = offer_to(request), language_of(request)
    if offer.rights is None:
        return failure(request, NOT_FOUND)
    if wants_page(request):
        return page(_page(request, offer, offer.rights, language))
    return success(rights_of(offer, offer.rights, language))


async def _ask(request: web.Request) -> web.Response:
    app, offer = request.app, offer_to(request)
    clerk, rights = app[CLERK], offer.rights
    if clerk is None or rights is None:
        return failure(request, NOT_FOUND)
    texts = await read_texts(request, _MEMBERS)
    if isinstance(texts, Failure):
        return failure(request, texts)
    language = language_of(request, texts.get("lang", ""))
    asked = unproven(request, texts.get("token", "")) or too_many(request) or read_asked(offer, rights, texts, language)
    if isinstance(asked, Failure):
        return _refuse(request, offer, rights, texts=texts, language=language, failed=asked)
    now = int(app[CLOCK]())
    reference = await clerk.do(
        requests.open_request,
        asked,
        first=first_state(asked.kind, identity_check=rights.identity_check),
        at=now,
        due=after_days(day_of(now), rights.deadline_days),
        per_day=rights.per_day,
    )
    if reference is None:
        reference = Failure(TOO_OFTEN, text_of(rights.limit, language))
    if isinstance(reference, Failure):
        return _refuse(request, offer, rights, texts=texts, language=language, failed=reference)
    if request.content_type != JSON:
        where = f"{app[SITE].reserved}request/{reference}?lang={language}"
        return web.Response(status=303, headers={"Location": where})
    made = await clerk.do(requests.find, reference)
    if not isinstance(made, Request):
        return failure(request, made or NOT_FOUND, language)
    return success({"request": receipt(made, offer, language)})


async def _stand(request: web.Request) -> web.Response:
    app, offer, language = request.app, offer_to(request), language_of(request)
    clerk = app[CLERK]
    if clerk is None or offer.rights is None:
        return failure(request, NOT_FOUND)
    found = await clerk.do(requests.find, request[REST])
    if not isinstance(found, Request):
        return failure(request, found or NOT_FOUND, language)
    told = receipt(found, offer, language)
    if not wants_page(request):
        return success({"request": told})
    kind, state = (desk_word(language, key) for key in (f"kind-{found.asked.kind}", f"state-{found.state}"))
    facts = [
        ("receipt-reference", found.reference),
        ("receipt-kind", kind),
        ("receipt-subject", told["subjectTitle"]),
        ("receipt-client", told["clientName"]),
        ("receipt-purpose", told["purposeTitle"]),
        ("receipt-opened", told["opened"][:10]),
        ("receipt-due", told["due"]),
        ("receipt-state", state),
        ("receipt-reason", told["reason"]),
    ]
    return page(receipt_html(facts, language, reserved=app[SITE].reserved))


def read_asked(offer: Offer, rights: Rights, texts: Texts, language: str) -> Asked | Failure:
    """The request that somebody's texts make, under what is offered."""
    kind, client, subject, purpose = (texts.get(name, "") for name in ("kind", "client", "subject", "purpose"))
    offered = {"kind": rights.offered, "client": offer.clients, "subject": offer.subjects, "purpose": offer.purposes}
    for name, value in (("kind", kind), ("client", client), ("subject", subject), ("purpose", purpose)):
        if value not in offered[name] and (value or name == "kind"):
            return Failure(UNKNOWN_CHOICE, f"{name} {shown(value)}")
    contact, text = texts.get("contact", "").strip(), texts.get("text", "").strip()
    if len(contact) > LONGEST_CONTACT or len(text) > LONGEST_TEXT:
        return Failure(TOO_LONG)
    address = normalised(contact)
    if len(contact) < 3 or not contact.isprintable() or ("@" in contact and address is None):
        return Failure(NO_CONTACT)
    if purpose and kind in _STOPPING and not offer.purposes[purpose].can_stop:
        return Failure(CANNOT_STOP, text_of(offer.purposes[purpose].reasons, language))
    return Asked(kind, client, subject, address or contact, text, purpose)


def receipt(made: Request, offer: Offer, language: str) -> Mapping[str, Any]:
    """What the person may know of their own request: neither contact nor text, which whoever has the link would see."""
    purpose = offer.purposes.get(made.asked.purpose)
    return {
        "reference": made.reference,
        "kind": made.asked.kind,
        "state": made.state.value,
        "subject": made.asked.subject,
        "subjectTitle": text_of(offer.subjects.get(made.asked.subject, {}), language),
        "client": made.client,
        "clientName": offer.clients.get(made.client, ""),
        "purpose": made.asked.purpose,
        "purposeTitle": text_of(purpose.titles, language) if purpose else "",
        "opened": datetime.fromtimestamp(made.opened, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "due": made.due.isoformat(),
        "reason": made.last.reason if made.state is State.DECLINED else "",
    }


def rights_of(offer: Offer, rights: Rights, language: str) -> Mapping[str, Any]:
    """What is offered, as JSON."""
    return {
        "rights": [{"id": kind, "title": desk_word(language, f"kind-{kind}")} for kind in rights.offered],
        "deadlineDays": rights.deadline_days,
        "contact": rights.contact,
        "authority": text_of(rights.authority, language),
        "free": rights.free,
        "identityCheck": rights.identity_check,
        "limit": {"perDay": rights.per_day, "text": text_of(rights.limit, language)},
        "minimumAge": offer.minimum_age,
        "clients": [{"id": id_, "name": name} for id_, name in offer.clients.items()],
        "dataSubjects": [{"id": id_, "title": text_of(texts, language)} for id_, texts in offer.subjects.items()],
        "purposes": [
            {
                "id": purpose.id,
                "title": text_of(purpose.titles, language),
                "reason": text_of(purpose.reasons, language),
                "basis": purpose.basis,
                "canStop": purpose.can_stop,
                "retention": text_of(purpose.retention, language),
            }
            for purpose in offer.purposes.values()
        ],
        "optOuts": [{"id": id_, "title": text_of(one.titles, language)} for id_, one in offer.opt_outs.items()],
    }


def _refuse(
    request: web.Request, offer: Offer, rights: Rights, *, texts: Texts, language: str, failed: Failure
) -> web.Response:
    """Who sent a form gets the page again, with what they had written in it."""
    if not wants_page(request):
        return failure(request, failed, language)
    html = _page(request, offer, rights, language, filled=texts, problem=failed.message(language))
    return page(html, failed.problem.status)


def _page(
    request: web.Request,
    offer: Offer,
    rights: Rights,
    language: str,
    *,
    filled: Mapping[str, str] | None = None,
    problem: str = "",
) -> str:
    app = request.app
    open_ = app[CLERK] is not None
    subjects = [Option(id_, text_of(texts, language) or id_) for id_, texts in offer.subjects.items()]
    clients = [Option(id_, name) for id_, name in offer.clients.items()]
    purposes = list(offer.purposes.values())
    lists = [Option(one.id, text_of(one.titles, language) or one.id) for one in offer.opt_outs.values()]
    per_client = any(one.per_client for one in offer.opt_outs.values())
    shown_page = RightsPage(
        kinds=[Option(kind, desk_word(language, f"kind-{kind}")) for kind in rights.offered] if open_ else (),
        facts=_facts(offer, rights, language),
        notices=[text_of(notice.texts, language) for notice in offer.notices or () if notice.in_force(app[CLOCK]())],
        purposes=[_line(purpose, language) for purpose in purposes],
        subjects=subjects,
        clients=clients,
        askable=[Option(purpose.id, text_of(purpose.titles, language) or purpose.id) for purpose in purposes],
        lists=lists if open_ else (),
        list_clients=clients if per_client else (),
        filled=filled,
    )
    return rights_html(shown_page, language, reserved=app[SITE].reserved, token=form_token(app), problem=problem)


def _facts(offer: Offer, rights: Rights, language: str) -> list[str]:
    def told(key: str, **values: object) -> str:
        return desk_word(language, key).format(**values)

    authority = text_of(rights.authority, language)
    return [
        told("deadline", days=rights.deadline_days),
        told("free") if rights.free else "",
        told("identity") if rights.identity_check else "",
        told("referral") if rights.refers else "",
        told("limit", count=rights.per_day) if rights.per_day is not None else "",
        text_of(rights.limit, language),
        told("minimum-age", age=offer.minimum_age) if offer.minimum_age is not None else "",
        told("contact", contact=rights.contact) if rights.contact else "",
        told("authority", authority=authority) if authority else "",
    ]


def _line(purpose: Purpose, language: str) -> PurposeLine:
    reason, retention = text_of(purpose.reasons, language), text_of(purpose.retention, language)
    facts = [
        f"{reason}." if reason and not reason.endswith(".") else reason,
        f"{desk_word(language, 'retention')}: {retention}." if retention else "",
        desk_word(language, "asked-first") if purpose.basis == "consent" else "",
        desk_word(language, "stoppable" if purpose.can_stop else "not-stoppable"),
    ]
    return PurposeLine(text_of(purpose.titles, language) or purpose.id, facts)
