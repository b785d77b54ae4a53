"""Forgetting somebody in one call: everything the desk has about an address, and the key of a ledger record.

    POST purge

May go in here: this call. May not: which rows go (`cmp.desk.purging`).
"""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from cmp.desk import purging
from cmp.desk.requests import LONGEST_CONTACT
from cmp.ledger.errors import LedgerError
from cmp.server.context import LEDGER
from cmp.server.desk_problems import NOT_STORED
from cmp.server.desk_retention import Forgets
from cmp.server.operator.calls import CALLS, CHANGERS, Call
from cmp.server.operator.problems import NOT_OFFERED, OTHER_CLIENT
from cmp.server.problems import BAD_REQUEST, Failure


def setup(app: web.Application) -> None:
    app[CALLS].add("POST", "purge", _purge, CHANGERS, ("contact", "person"))


async def _purge(call: Call) -> Mapping[str, Any] | Failure:
    if call.offer.rights is None or not call.offer.rights.purge:
        return Failure(NOT_OFFERED)
    contact = call.text("contact", longest=LONGEST_CONTACT, required=False)
    person = call.text("person", longest=64, required=False)
    for text in (contact, person):
        if isinstance(text, Failure):
            return text
    if not contact and not person:
        return Failure(BAD_REQUEST, "contact, or person (the id of a consent record), or both")
    if person and call.holder.client is not None:
        # Records of choices on the site are the operator's, not one client's.
        return Failure(OTHER_CLIENT, "person")
    removed: Mapping[str, int] = {}
    if contact:
        found = await call.clerk.do(purging.purge, str(contact), call.client, who=call.holder.name, at=int(call.now))
        if isinstance(found, Failure):
            return found
        removed = found
        await call.clerk.wipe()
    return await _erase(call, str(person), removed) if person else {"removed": removed}


async def _erase(call: Call, person: str, removed: Mapping[str, int]) -> Mapping[str, Any] | Failure:
    ledger = call.main[LEDGER]
    if not isinstance(ledger, Forgets):
        return Failure(NOT_OFFERED, "this ledger cannot erase")
    try:
        erased = await ledger.erase(person)
    except LedgerError:
        # What the desk had is gone already, and calling again does no harm.
        return Failure(NOT_STORED, "the record of consent is not erased yet")
    return {"removed": removed, "erased": erased}
