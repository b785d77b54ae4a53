"""Noting in the ledger which policy is served, from when on.

May go in here: that, at the start and after each reload. May not: what the ledger keeps of it (`cmp.ledger.leaves`).
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Protocol, runtime_checkable

from aiohttp import web

from cmp.ledger.errors import LedgerError
from cmp.server.context import LEDGER, POLICIES

# Between two looks at which policy is in force: one may begin to hold by the clock alone.
_EVERY_SECONDS = 30.0

_log = logging.getLogger("consentry.server")


@runtime_checkable
class Notes(Protocol):
    """The part of `cmp.ledger.ledger.Ledger` that notes policies."""

    async def serve_policy(self, policy: str, id_: str, version: str, /) -> bool: ...


def setup(app: web.Application) -> None:
    app.cleanup_ctx.append(_noting)


async def note_policy(app: web.Application) -> str:
    """Notes the policy in force, unless the last one noted is the same; its fingerprint, "" where that failed."""
    ledger, policy = app[LEDGER], app[POLICIES].now
    if not isinstance(ledger, Notes):
        return policy.fingerprint
    try:
        await ledger.serve_policy(policy.fingerprint, policy.id, policy.version)
    except LedgerError as error:
        _log.error("the policy served is not noted, it is tried again later: %s", error)
        return ""
    return policy.fingerprint


async def _noting(app: web.Application) -> AsyncIterator[None]:
    async def go_on(noted: str) -> None:
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            if noted != app[POLICIES].now.fingerprint:
                noted = await note_policy(app)

    # Before the first visitor is asked anything.
    task = asyncio.create_task(go_on(await note_policy(app)))
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
