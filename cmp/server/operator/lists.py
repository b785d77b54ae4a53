"""Opt-out lists: reading and exporting them, entering people, noting that the client's own list has them.

    GET opt-outs · GET opt-outs/LIST · POST opt-outs/LIST · POST opt-out-history/LIST · POST entered/LIST

May go in here: these calls. May not: rows (`cmp.desk.opt_outs`).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from cmp.desk import opt_outs
from cmp.desk.address import normalised
from cmp.desk.days import after_business_days, day_of
from cmp.desk.desk import Books
from cmp.desk.exporting import as_csv, as_object
from cmp.desk.offer import OWN, OptOutList
from cmp.desk.opt_outs import Change, Listing, Source
from cmp.server.operator.calls import CALLS, CHANGERS, EVERYBODY, READERS, Call
from cmp.server.operator.problems import NOT_OFFERED, OTHER_CLIENT, UNKNOWN_ENTRY, UNKNOWN_LIST
from cmp.server.problems import BAD_REQUEST, Failure


def setup(app: web.Application) -> None:
    calls = app[CALLS]
    calls.add("GET", "opt-outs", _overview, EVERYBODY)
    calls.add("GET", "opt-outs/", _export, READERS)
    calls.add("POST", "opt-outs/", _change, CHANGERS, ("addresses", "change", "source"))
    calls.add("POST", "opt-out-history/", _history, READERS, ("address",))
    calls.add("POST", "entered/", _enter, CHANGERS, ("upto",))


async def _overview(call: Call) -> Mapping[str, Any] | Failure:
    if not call.offer.opt_outs:
        return Failure(NOT_OFFERED)
    today, found = day_of(call.now), []
    for list_ in call.offer.opt_outs.values():
        for owner in owners_of(call, list_):
            listing = await call.clerk.do(opt_outs.listing, list_.id, owner, today)
            if isinstance(listing, Failure):
                return listing
            waiting = [row for row in listing.rows if not row.entered]
            found.append(
                {
                    "list": list_.id,
                    "client": owner,
                    "waiting": len(waiting),
                    "overdue": sum(row.overdue for row in waiting),
                    "nextDue": min(row.due for row in waiting).isoformat() if waiting else None,
                }
            )
    return {"optOuts": found}


async def _export(call: Call) -> web.Response | Mapping[str, Any] | Failure:
    found = list_and_owner(call)
    if isinstance(found, Failure):
        return found
    list_, owner = found
    if not list_.export:
        return Failure(NOT_OFFERED)
    form = call.query.get("format", "json")
    if form not in ("json", "csv"):
        return Failure(BAD_REQUEST, "format is json or csv")
    listing = await call.clerk.do(opt_outs.listing, list_.id, owner, day_of(call.now))
    if isinstance(listing, Failure):
        return listing
    if form == "csv":
        return _csv(list_, owner, listing)
    rows = [as_object(row) for row in listing.rows]
    return {"list": list_.id, "client": owner, "upto": listing.upto, "erased": listing.erased, "optOuts": rows}


async def _change(call: Call) -> Mapping[str, Any] | Failure:
    found, texts = list_and_owner(call), call.texts("addresses")
    if isinstance(found, Failure) or isinstance(texts, Failure):
        return found if isinstance(found, Failure) else texts if isinstance(texts, Failure) else Failure(BAD_REQUEST)
    list_, owner = found
    to = call.one_of("change", list(Change), Change.OUT)
    source = call.one_of("source", [Source.OPERATOR, Source.IMPORT], Source.OPERATOR)
    if isinstance(to, Failure) or isinstance(source, Failure):
        return to if isinstance(to, Failure) else Failure(BAD_REQUEST, "source is operator or import")
    addresses = {text: normalised(text) for text in texts}
    wrong = [text for text, address in addresses.items() if address is None]
    if wrong:
        # All or none: half an import is hard to finish.
        return Failure(
            BAD_REQUEST, f"{len(wrong)} of the addresses are none, the first is number {_place(texts, wrong)}"
        )
    today = day_of(call.now)
    due = after_business_days(today, list_.due_business_days)

    def work(books: Books) -> int:
        return sum(
            opt_outs.change(
                books, list_.id, owner, address, to=Change(to), source=Source(source), at=int(call.now), due=due
            )
            for address in addresses.values()
            if address is not None
        )

    changed = await call.clerk.do(work)
    return changed if isinstance(changed, Failure) else {"changed": changed, "due": due.isoformat()}


async def _history(call: Call) -> Mapping[str, Any] | Failure:
    found, text = list_and_owner(call), call.text("address", longest=400)
    if isinstance(found, Failure):
        return found
    address = normalised(text) if isinstance(text, str) else None
    if address is None:
        return Failure(BAD_REQUEST, "address is a mail address")
    entries = await call.clerk.do(opt_outs.history, found[0].id, found[1], address)
    if isinstance(entries, Failure):
        return entries
    return {
        "history": [
            {
                "change": entry.change.value,
                "source": entry.source.value,
                "at": datetime.fromtimestamp(entry.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "due": entry.due.isoformat(),
            }
            for entry in entries
        ]
    }


async def _enter(call: Call) -> Mapping[str, Any] | Failure:
    found, upto = list_and_owner(call), call.body.get("upto")
    if isinstance(found, Failure):
        return found
    if not isinstance(upto, int) or isinstance(upto, bool):
        return Failure(BAD_REQUEST, "upto is a number")
    list_, owner = found
    entered = await call.clerk.do(opt_outs.enter, list_.id, owner, upto, who=call.holder.name, at=int(call.now))
    if isinstance(entered, Failure):
        return entered
    return {"entered": upto} if entered else Failure(UNKNOWN_ENTRY)


def list_and_owner(call: Call) -> tuple[OptOutList, str] | Failure:
    """The list a call names in its path, and whose of them it is about.

    A list that all clients share is the operator's: a token for one client does not reach it.
    """
    list_ = call.offer.opt_outs.get(call.rest)
    if list_ is None:
        return Failure(UNKNOWN_LIST if call.offer.opt_outs else NOT_OFFERED)
    if not list_.per_client and call.holder.client is not None:
        return Failure(OTHER_CLIENT)
    return list_, list_.client(call.one_client)


def owners_of(call: Call, list_: OptOutList) -> list[str]:
    """Whose lists of that name the call may see."""
    if not list_.per_client:
        return [OWN] if call.holder.client is None and call.client in (None, OWN) else []
    return [OWN, *call.offer.clients] if call.client is None else [call.client]


def _csv(list_: OptOutList, owner: str, listing: Listing) -> web.Response:
    response = web.Response(text=as_csv(listing), content_type="text/csv", charset="utf-8")
    name = f"opt-outs-{list_.id}{f'-{owner}' if owner else ''}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    # What `POST entered/LIST` takes, and how many hold whose addresses were purged.
    response.headers["Consentry-Upto"] = str(listing.upto)
    response.headers["Consentry-Erased"] = str(listing.erased)
    return response


def _place(texts: list[str], wrong: list[str]) -> int:
    return texts.index(wrong[0]) + 1
