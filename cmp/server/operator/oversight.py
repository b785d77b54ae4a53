"""What is there to look over: who I am, disclosures, notices, numbers, the access log.

    GET whoami · GET disclosures · POST disclosures · GET notices · GET statistics · GET access-log

May go in here: these calls. May not: rows (`cmp.desk`).
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Protocol, runtime_checkable

from aiohttp import web

from cmp.desk import access_log, counting, disclosures
from cmp.desk.days import day_of
from cmp.desk.disclosures import Disclosure
from cmp.desk.suppression import suppressed
from cmp.ledger.errors import LedgerError
from cmp.ledger.statistics import Statistics
from cmp.server.context import LEDGER
from cmp.server.desk_problems import NOT_STORED
from cmp.server.operator.calls import AUDITORS, CALLS, CHANGERS, EVERYBODY, Call
from cmp.server.operator.problems import NOT_OFFERED
from cmp.server.problems import BAD_REQUEST, Failure

_PAGE = 200


@runtime_checkable
class Counts(Protocol):
    """The part of `cmp.ledger.ledger.Ledger` that knows numbers."""

    async def statistics(self) -> Statistics: ...


@runtime_checkable
class Discloses(Protocol):
    """The part of `cmp.ledger.ledger.Ledger` that takes disclosures."""

    async def disclose(self, *, recipient: str, ground: str, what: str, day: str) -> None: ...


def setup(app: web.Application) -> None:
    calls = app[CALLS]
    calls.add("GET", "whoami", _whoami, EVERYBODY)
    calls.add("GET", "disclosures", _disclosures, EVERYBODY)
    calls.add("POST", "disclosures", _disclose, CHANGERS, ("authority", "ground", "what", "on"))
    calls.add("GET", "notices", _notices, EVERYBODY)
    calls.add("GET", "statistics", _statistics, EVERYBODY)
    calls.add("GET", "access-log", _access_log, AUDITORS)


async def _whoami(call: Call) -> Mapping[str, Any]:
    return {"name": call.holder.name, "role": call.holder.role.value, "client": call.holder.client}


async def _disclosures(call: Call) -> Mapping[str, Any] | Failure:
    if not call.offer.disclosures:
        return Failure(NOT_OFFERED)
    found = await call.clerk.do(disclosures.listing, call.client)
    if isinstance(found, Failure):
        return found
    return {
        "disclosures": [
            {
                "authority": one.authority,
                "ground": one.ground,
                "what": one.what,
                "on": one.disclosed.isoformat(),
                "client": one.client,
                "who": one.who,
                "at": _time(one.at),
            }
            for one in found
        ]
    }


async def _disclose(call: Call) -> Mapping[str, Any] | Failure:
    if not call.offer.disclosures:
        return Failure(NOT_OFFERED)
    texts = [call.text(name, longest=1_000) for name in ("authority", "ground", "what", "on")]
    for text in texts:
        if isinstance(text, Failure):
            return text
    authority, ground, what, on = (str(text) for text in texts)
    try:
        day = date.fromisoformat(on)
    except ValueError:
        return Failure(BAD_REQUEST, "on is a day such as 2026-10-01")
    if day > day_of(call.now):
        return Failure(BAD_REQUEST, "on is a day that has been")
    entry = Disclosure(authority, ground, what, day, call.one_client, call.holder.name, int(call.now))
    stored = await call.clerk.do(disclosures.add, entry)
    if isinstance(stored, Failure):
        return stored
    ledger = call.main[LEDGER]
    if isinstance(ledger, Discloses):
        try:
            # The desk can be altered by who has its file; what is in the tree shows if it was.
            await ledger.disclose(recipient=authority, ground=ground, what=what, day=day.isoformat())
        except LedgerError:
            return Failure(NOT_STORED, "the desk has it; the ledger has not: enter it again later")
    return {"on": day.isoformat()}


async def _notices(call: Call) -> Mapping[str, Any] | Failure:
    if call.offer.notices is None:
        return Failure(NOT_OFFERED)
    at, kind = call.query.get("at", ""), call.query.get("kind", "")
    try:
        when = datetime.combine(date.fromisoformat(at), datetime.min.time(), UTC).timestamp() if at else call.now
    except ValueError:
        return Failure(BAD_REQUEST, "at is a day such as 2026-10-01")
    return {
        "notices": [
            {
                "id": notice.id,
                "kind": notice.kind,
                "from": notice.since.isoformat() if notice.since else None,
                "until": notice.until.isoformat() if notice.until else None,
                "text": dict(notice.texts),
            }
            for notice in call.offer.notices
            if notice.in_force(when) and kind in ("", notice.kind)
        ]
    }


async def _statistics(call: Call) -> Mapping[str, Any] | Failure:
    """Of a token's own client, or of all together: all less one client would tell about that one."""
    smallest = call.offer.smallest_group
    if smallest is None:
        return Failure(NOT_OFFERED)
    if call.holder.client is None and call.client is not None:
        return Failure(BAD_REQUEST, "numbers of one client are for that client's token")
    counts = await call.clerk.do(counting.counts, call.holder.client)
    if isinstance(counts, Failure):
        return counts
    tables = dict(counts)
    ledger = call.main[LEDGER]
    if call.holder.client is None and isinstance(ledger, Counts):
        try:
            choices = (await ledger.statistics()).choices
        except LedgerError:
            return Failure(NOT_STORED)
        by_kind: Counter[str] = Counter()
        for day in choices.values():
            by_kind.update(day)
        tables["choicesByKind"] = dict(by_kind)
    told = {name: suppressed(groups, smallest) for name, groups in tables.items()}
    return {
        "smallestGroup": smallest,
        "tables": {name: {"groups": dict(table.groups), "total": table.total} for name, table in told.items()},
    }


async def _access_log(call: Call) -> Mapping[str, Any] | Failure:
    if not call.offer.access_log:
        return Failure(NOT_OFFERED)
    before = call.query.get("before", "")
    if before and not (before.isascii() and before.isdigit() and len(before) < 16):
        return Failure(BAD_REQUEST, "before is the number of an entry")
    found = await call.clerk.do(access_log.listing, call.client, _PAGE, int(before) if before else None)
    if isinstance(found, Failure):
        return found
    return {
        "accesses": [
            {
                "id": id_,
                "at": _time(access.at),
                "who": access.who,
                "role": access.role,
                "what": access.what,
                "client": access.client,
                "outcome": access.outcome,
            }
            for id_, access in found
        ]
    }


def _time(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
