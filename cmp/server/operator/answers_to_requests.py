"""Rights requests: reading them, and moving them on.

    GET requests · GET requests/REFERENCE · POST requests/REFERENCE

May go in here: these calls. May not: which state may follow which (`cmp.desk.states`).
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from aiohttp import web

from cmp.desk import requests
from cmp.desk.days import day_of
from cmp.desk.requests import LONGEST_REASON, Request, Wrong
from cmp.desk.states import State
from cmp.server.operator.calls import CALLS, CHANGERS, READERS, Call
from cmp.server.operator.problems import (
    NO_REASON,
    NOT_IDENTIFIED,
    NOT_NOW,
    NOT_OFFERED,
    UNKNOWN_CLIENT,
    UNKNOWN_REQUEST,
)
from cmp.server.problems import BAD_REQUEST, Failure, Problem

_PROBLEMS: Mapping[Wrong, Problem] = {
    Wrong.UNKNOWN: UNKNOWN_REQUEST,
    Wrong.NOT_NOW: NOT_NOW,
    Wrong.NO_REASON: NO_REASON,
    Wrong.NOT_IDENTIFIED: NOT_IDENTIFIED,
}
# More are seen by state.
_MOST_LISTED = 500


def setup(app: web.Application) -> None:
    calls = app[CALLS]
    calls.add("GET", "requests", _list, READERS)
    calls.add("GET", "requests/", _show, READERS)
    calls.add("POST", "requests/", _move, CHANGERS, ("state", "reason", "identified", "referTo"))


async def _list(call: Call) -> Mapping[str, Any] | Failure:
    if call.offer.rights is None:
        return Failure(NOT_OFFERED)
    state, today = call.query.get("state", ""), day_of(call.now)
    if state and state not in set(State):
        return Failure(BAD_REQUEST, f"state is one of {', '.join(State)}")
    found = await call.clerk.do(requests.listing, call.client)
    if isinstance(found, Failure):
        return found
    wanted = [request for request in found if state in ("", request.state)]
    return {
        "requests": [told_of(request, today) for request in wanted[:_MOST_LISTED]],
        "more": max(0, len(wanted) - _MOST_LISTED),
        "overdue": sum(request.overdue(today) for request in wanted),
    }


async def _show(call: Call) -> Mapping[str, Any] | Failure:
    if call.offer.rights is None:
        return Failure(NOT_OFFERED)
    found = await call.clerk.do(requests.find, call.rest)
    if isinstance(found, Failure):
        return found
    # Somebody else's request is no request, so that references cannot be tried out.
    if found is None or (call.client is not None and found.client != call.client):
        return Failure(UNKNOWN_REQUEST)
    return {"request": told_of(found, day_of(call.now))}


async def _move(call: Call) -> Mapping[str, Any] | Failure:
    rights = call.offer.rights
    if rights is None:
        return Failure(NOT_OFFERED)
    state, reason = call.one_of("state", list(State)), call.text("reason", longest=LONGEST_REASON, required=False)
    identified, to = call.flag("identified", default=False), call.text("referTo", longest=64, required=False)
    for value in (state, reason, identified, to):
        if isinstance(value, Failure):
            return value
    if state == State.REFERRED:
        if not rights.refers:
            return Failure(NOT_OFFERED, "requests are not referred")
        if to not in call.offer.clients:
            return Failure(UNKNOWN_CLIENT, "referTo names the client")
    elif to:
        return Failure(BAD_REQUEST, "referTo goes with the state referred")
    moved = await call.clerk.do(
        requests.move,
        call.rest,
        to=State(str(state)),
        who=call.holder.name,
        at=int(call.now),
        only=call.client,
        client=str(to) if to else None,
        identified=identified is True,
        reason=str(reason),
        identity_check=rights.identity_check,
    )
    if isinstance(moved, Failure):
        return moved
    return Failure(_PROBLEMS[moved]) if isinstance(moved, Wrong) else {"request": told_of(moved, day_of(call.now))}


def told_of(request: Request, today: date) -> Mapping[str, Any]:
    """Everything about a request, for who works on it."""
    asked = request.asked
    return {
        "reference": request.reference,
        "kind": asked.kind,
        "state": request.state.value,
        "client": request.client,
        "subject": asked.subject,
        "purpose": asked.purpose,
        "contact": asked.contact,
        "text": asked.text,
        "identified": request.identified,
        "opened": _time(request.opened),
        "due": request.due.isoformat(),
        "overdue": request.overdue(today),
        "history": [
            {
                "state": step.state.value,
                "client": step.client,
                "identified": step.identified,
                "who": step.who,
                "reason": step.reason,
                "at": _time(step.at),
            }
            for step in request.steps
        ],
    }


def _time(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
