"""Forgetting on time what may be kept only so long: records of consent, and settled requests.

May go in here: when it is done and up to which moment. May not: how (`cmp.ledger`, `cmp.desk.purging`).
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Protocol, runtime_checkable

from aiohttp import web

from cmp.desk import purging
from cmp.ledger.errors import LedgerError
from cmp.server.context import CLOCK, LEDGER
from cmp.server.desk_context import CLERK, offer_now

# Records are kept for months or years; a few hours more are within any promise made in days.
_EVERY_SECONDS = 6 * 3600.0

_log = logging.getLogger("consentry.server")


@runtime_checkable
class Forgets(Protocol):
    """The part of `cmp.ledger.ledger.Ledger` that lets go on time."""

    async def erase(self, person: str, /) -> bool: ...

    async def forget_before(self, time: float, /) -> int: ...

    async def expire(self, time: float, /) -> int: ...


def setup(app: web.Application) -> None:
    app.cleanup_ctx.append(_forgetting)


async def forget_old(app: web.Application) -> None:
    """Notes which grants have run out, and forgets whatever is older than the policy in force says now."""
    keep, now, ledger, clerk = offer_now(app).keep_records, app[CLOCK](), app[LEDGER], app[CLERK]
    if isinstance(ledger, Forgets):
        try:
            await ledger.expire(now)
        except LedgerError as error:
            _log.error("grants that ran out were not noted, it is tried again later: %s", error)
    if keep is None:
        return
    before = now - keep
    if isinstance(ledger, Forgets):
        try:
            await ledger.forget_before(before)
        except LedgerError as error:
            _log.error("old records were not forgotten, it is tried again later: %s", error)
    if clerk is not None:
        await clerk.do(purging.forget_before, int(before))


async def _forgetting(app: web.Application) -> AsyncIterator[None]:
    async def go_on() -> None:
        while True:
            await forget_old(app)
            await asyncio.sleep(_EVERY_SECONDS)

    task = asyncio.create_task(go_on())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
