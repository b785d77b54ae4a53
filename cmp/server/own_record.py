"""A person's own records, by the number in their cookie or on their receipt.

May go in here: reading and erasing them, and what a receipt says of the site. May not: HTTP, the form of receipts
(`cmp.wire.receipts`).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, runtime_checkable

from aiohttp import web

from cmp.ledger.errors import LedgerError
from cmp.ledger.evidence import Evidence
from cmp.seal.holding import DAY
from cmp.server.caller import Caller
from cmp.server.context import LEDGER, POLICIES, SIGNING_KEYS, SITE
from cmp.server.problems import NO_RECORD, NOT_ERASED, NOT_READ, Failure
from cmp.wire.receipts import Issuer, chosen_of


@runtime_checkable
class Holds(Protocol):
    """The part of `cmp.ledger.ledger.Ledger` that somebody's own records need."""

    async def evidence(self, person: str, /) -> list[Evidence]: ...

    async def erase(self, person: str, /) -> bool: ...


async def evidence_for(app: web.Application, person: str) -> Sequence[Evidence] | Failure:
    """The records of a number, at least one of them a choice; `NO_RECORD` for a number that leads to none."""
    ledger = app[LEDGER]
    if not isinstance(ledger, Holds):
        return Failure(NOT_READ)
    try:
        found = await ledger.evidence(person)
    except LedgerError:
        return Failure(NOT_READ)
    return found if chosen_of(found) is not None else Failure(NO_RECORD)


async def erase(app: web.Application, person: str) -> bool | Failure:
    """Destroys the key to the records of a number; False where there are none."""
    ledger = app[LEDGER]
    if not isinstance(ledger, Holds):
        return Failure(NOT_ERASED)
    try:
        return await ledger.erase(person)
    except LedgerError:
        return Failure(NOT_ERASED)


def issuer_of(app: web.Application) -> Issuer:
    site = app[SITE]
    return Issuer(site.origin, f"{site.origin}{site.reserved}", app[SIGNING_KEYS].public_bytes())


def described_by(app: web.Application, evidence: Sequence[Evidence]) -> Any:
    """The policy the last choice was made under; None where it is not at hand any more."""
    chosen = chosen_of(evidence)
    return None if chosen is None else app[POLICIES].known(chosen["policy"])


def cookie_of(caller: Caller) -> dict[str, Any] | None:
    """What the visitor's consent cookie says, for them to read; None where it holds no choice."""
    written = caller.written
    if written is None or not written.visitor.policy:
        return None
    visitor = written.visitor
    day = datetime.fromtimestamp((visitor.decided_at or 0) // DAY * DAY, UTC).date().isoformat()
    return {
        "granted": sorted(visitor.granted),
        "refused": sorted(visitor.refused),
        "day": day,
        "policy": visitor.policy,
        "record": written.record,
        "tellMe": visitor.tell_me,
    }
