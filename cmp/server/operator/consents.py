"""Consents for purposes off the web: a yes, a no, and whether a purpose may be carried out for somebody.

    POST consents/PURPOSE · POST permission/PURPOSE

May go in here: these calls. May not: rows (`cmp.desk.consents`).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from cmp.desk import consents
from cmp.desk.address import normalised
from cmp.desk.consents import Wrong
from cmp.desk.desk import Books
from cmp.desk.offer import Purpose
from cmp.desk.requests import LONGEST_CONTACT
from cmp.server.operator.calls import CALLS, CHANGERS, READERS, Call
from cmp.server.operator.problems import CANNOT_STOP, NOT_ASKED, NOT_OFFERED, UNKNOWN_PURPOSE
from cmp.server.problems import BAD_REQUEST, Failure
from cmp.wire.words import text_of

_LONGEST_SOURCE = 200


def setup(app: web.Application) -> None:
    app[CALLS].add("POST", "consents/", _record, CHANGERS, ("contact", "given", "source"))
    app[CALLS].add("POST", "permission/", _permission, READERS, ("contact",))


async def _record(call: Call) -> Mapping[str, Any] | Failure:
    purpose, contact = _purpose(call), _contact(call)
    given, source = call.flag("given"), call.text("source", longest=_LONGEST_SOURCE)
    if isinstance(purpose, Failure):
        return purpose
    for value in (contact, given, source):
        if isinstance(value, Failure):
            return value
    wrong = await call.clerk.do(
        consents.record,
        purpose,
        call.one_client,
        str(contact),
        given=given is True,
        source=str(source),
        who=call.holder.name,
        at=int(call.now),
    )
    if isinstance(wrong, Failure):
        return wrong
    if wrong is not None:
        reason = text_of(purpose.reasons, "en")
        return Failure(CANNOT_STOP if wrong is Wrong.CANNOT_STOP else NOT_ASKED, reason)
    return {"purpose": purpose.id, "given": given}


async def _permission(call: Call) -> Mapping[str, Any] | Failure:
    purpose, contact = _purpose(call), _contact(call)
    if isinstance(purpose, Failure):
        return purpose
    if isinstance(contact, Failure):
        return contact

    def work(books: Books) -> tuple[bool, list[consents.Entry]]:
        return (
            consents.permitted(books, purpose, call.one_client, contact),
            consents.history(books, purpose.id, call.one_client, contact),
        )

    found = await call.clerk.do(work)
    if isinstance(found, Failure):
        return found
    permitted, history = found
    return {
        "purpose": purpose.id,
        "permitted": permitted,
        "history": [
            {
                "given": entry.given,
                "source": entry.source,
                "who": entry.who,
                "at": datetime.fromtimestamp(entry.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
            for entry in history
        ],
    }


def _purpose(call: Call) -> Purpose | Failure:
    if not call.offer.purposes:
        return Failure(NOT_OFFERED)
    return call.offer.purposes.get(call.rest) or Failure(UNKNOWN_PURPOSE)


def _contact(call: Call) -> str | Failure:
    text = call.text("contact", longest=LONGEST_CONTACT)
    if isinstance(text, Failure):
        return text
    address = normalised(text)
    if "@" in text and address is None:
        return Failure(BAD_REQUEST, "contact is no mail address")
    return address or text
