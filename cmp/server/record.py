"""GET and POST record, receipt and export; POST erase: a person sees, takes away and erases what is stored about them.

May go in here: the way from a request to these answers. May not: reading the ledger (`own_record.py`), the form of
receipts (`cmp.wire.receipts`), markup (`cmp.wire.record_pages`).

Whose records they are is said by the number: that of a consent stands in the person's cookie, that of a refusal on the
receipt they asked for and nowhere else. It is 128 random bits, so knowing it is proof enough. It is never part of an
address: with a form it is posted. A refusal has no number until somebody asks for a receipt; then it is stored once
more, with one.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web

from cmp.ledger.evidence import Evidence
from cmp.ledger.record import Source, Surface
from cmp.seal.cookie import Written
from cmp.server.answers import failure, page, success, wants_page
from cmp.server.caller import Caller, caller_of, language_of
from cmp.server.choice import tell_browser
from cmp.server.choice_limit import too_many_choices
from cmp.server.choices import Choice, refusal
from cmp.server.context import LEDGER, SITE
from cmp.server.desk_forms import Texts, read_texts, unproven
from cmp.server.endpoints import ENDPOINTS
from cmp.server.own_record import cookie_of, described_by, erase, evidence_for, issuer_of
from cmp.server.posting import JSON
from cmp.server.preferences import form_token
from cmp.server.problems import BAD_REQUEST, NO_CHOICE, NO_CONSENT, NO_RECORD, Failure
from cmp.server.recording import How, Stored, store
from cmp.wire.receipts import export_of, receipt_27560, receipt_kantara
from cmp.wire.record_pages import RecordPage, receipt_html, record_html
from cmp.wire.record_words import record_word

_FORMS = ("", "27560", "kantara")
_MEMBERS = ("record", "form", "lang", "token")


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who asks for what. `number` is one that was posted, "" where the cookie says whose records they are."""

    caller: Caller
    number: str = ""
    form: str = ""
    posted: bool = False

    @property
    def person(self) -> str:
        return self.number or self.caller.record


Show = Callable[[web.Request, _Asked], Awaitable[web.Response | Failure]]


def setup(app: web.Application) -> None:
    endpoints = app[ENDPOINTS]
    for name, show in (("record", _record), ("receipt", _receipt), ("export", _export)):
        endpoints.add("GET", name, _got(show))
        endpoints.add("POST", name, _posted(show))
    endpoints.add("POST", "erase", _posted(_erase))


def _got(show: Show) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        asked = _Asked(caller_of(request), form=request.query.get("form", ""))
        return await _answered(request, asked, show)

    return answer


def _posted(show: Show) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        texts = await read_texts(request, _MEMBERS)
        if isinstance(texts, Failure):
            return failure(request, texts)
        caller = caller_of(request)
        caller = caller._replace(language=language_of(request, texts.get("lang", "")))
        if failed := unproven(request, texts.get("token", "")):
            return failure(request, failed, caller.language)
        return await _answered(request, _asked(caller, texts), show)

    return answer


def _asked(caller: Caller, texts: Texts) -> _Asked:
    return _Asked(caller, texts.get("record", "").strip(), texts.get("form", ""), posted=True)


async def _answered(request: web.Request, asked: _Asked, show: Show) -> web.Response:
    failed = too_many_choices(request)
    if failed is None and asked.form not in _FORMS:
        failed = Failure(BAD_REQUEST, "form is 27560 or kantara")
    answer = failed or await show(request, asked)
    return failure(request, answer, asked.caller.language) if isinstance(answer, Failure) else answer


async def _record(request: web.Request, asked: _Asked) -> web.Response | Failure:
    app, caller = request.app, asked.caller
    app[LEDGER].count("record.shown", caller.now)
    found = await evidence_for(app, asked.person) if asked.person else Failure(NO_RECORD)
    if isinstance(found, Failure):
        # Without a number, or with that of a record erased elsewhere, there is still the cookie to show.
        if asked.number or found.problem is not NO_RECORD:
            return found
        found = []
    if not wants_page(request):
        return success({"cookie": cookie_of(caller), "records": [dict(one.entry.payload or {}) for one in found]})
    return page(_page(request, asked, found, record_html))


async def _receipt(request: web.Request, asked: _Asked) -> web.Response | Failure:
    app, caller = request.app, asked.caller
    if not asked.person and asked.posted:
        made = await _of_refusal(request, asked)
        if isinstance(made, Failure):
            return made
        asked = made
    found = await evidence_for(app, asked.person) if asked.person else Failure(NO_RECORD)
    if isinstance(found, Failure):
        return found
    if not asked.form and wants_page(request):
        return page(_page(request, asked, found, receipt_html))
    make = receipt_kantara if asked.form == "kantara" else receipt_27560
    document = make(found, described_by(app, found), issuer_of(app), caller.language)
    if document is None:
        return Failure(NO_CONSENT)
    return _file(document, f"consent-receipt-{asked.form or '27560'}.json", request)


async def _of_refusal(request: web.Request, asked: _Asked) -> _Asked | Failure:
    """The same with the number of a refusal that is stored once more, with a receipt."""
    caller = asked.caller
    refused = frozenset(name for name in caller.visitor.refused if not name.startswith("vendor:"))
    if not refused or caller.visitor.granted:
        return Failure(NO_CHOICE)
    stored = await _store(request, caller, Choice(frozenset(), refused), buttons=("receipt",), receipt=True)
    return stored if isinstance(stored, Failure) else replace(asked, number=stored.person)


async def _export(request: web.Request, asked: _Asked) -> web.Response | Failure:
    app, caller = request.app, asked.caller
    found = await evidence_for(app, asked.person) if asked.person else Failure(NO_RECORD)
    if isinstance(found, Failure):
        if asked.number or found.problem is not NO_RECORD:
            return found
        found = []
    issuer = issuer_of(app)
    receipt = receipt_27560(found, described_by(app, found), issuer, caller.language) if found else None
    document = export_of(found, receipt, cookie_of(caller), issuer=issuer, made=caller.now)
    return _file(document, "consent-export.json", request)


async def _erase(request: web.Request, asked: _Asked) -> web.Response | Failure:
    """What was allowed is taken back first: a cookie must not go on saying so with nothing on record behind it."""
    app, caller = request.app, asked.caller
    taken_back: Stored | None = None
    if not asked.number and caller.record:
        everything = refusal(caller.policy)
        if isinstance(everything, Failure):
            return everything
        stored = await _store(request, caller, everything, withdrawal=True, buttons=("erase",))
        if isinstance(stored, Failure):
            return stored
        taken_back = stored
    erased = await erase(app, asked.person) if asked.person else False
    if isinstance(erased, Failure):
        return erased
    answer = success({"erased": erased})
    if wants_page(request):
        message = record_word(caller.language, "erased") if erased else Failure(NO_RECORD).message(caller.language)
        now = caller if taken_back is None else caller._replace(written=Written(taken_back.visitor))
        shown = RecordPage(cookie_of(now), None, message=message)
        answer = page(record_html(shown, caller.language, reserved=app[SITE].reserved, token=form_token(app)))
    if taken_back is not None:
        tell_browser(request, caller, taken_back, answer, page_path="/")
    return answer


async def _store(
    request: web.Request,
    caller: Caller,
    choice: Choice,
    *,
    buttons: tuple[str, ...],
    withdrawal: bool = False,
    receipt: bool = False,
) -> Stored | Failure:
    source = Source.JSON if request.content_type == JSON else Source.FORM
    how = How(Surface.PREFERENCES, source, buttons, receipt=receipt)
    return await store(request.app, caller, choice, how, withdrawal=withdrawal)


def _page(request: web.Request, asked: _Asked, found: Sequence[Evidence], make: Callable[..., str]) -> str:
    app, caller = request.app, asked.caller
    receipt = receipt_27560(found, described_by(app, found), issuer_of(app), caller.language) if found else None
    visitor = caller.visitor
    shown = RecordPage(cookie_of(caller), receipt, asked.number, refused=bool(visitor.refused) and not visitor.granted)
    return make(shown, caller.language, reserved=app[SITE].reserved, token=form_token(app))


def _file(document: Mapping[str, Any], name: str, request: web.Request) -> web.Response:
    """A JSON document as it is, without our success shape: it is to be kept, and others read it."""
    response = web.Response(text=json.dumps(document, indent=2), content_type="application/json")
    if wants_page(request):
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
