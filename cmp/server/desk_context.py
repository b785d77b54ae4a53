"""The desk as the server's endpoints reach it: what is offered now, work carried out, or the failure to answer with.

May go in here: waiting for the desk, telling the operator once when that begins to fail. May not: what is done there
(`cmp.desk`), and keeping anything that follows from the policy for longer than one request.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from aiohttp import web

from cmp.desk.desk import Books, Desk
from cmp.desk.errors import DeskError
from cmp.desk.link import Link
from cmp.desk.offer import Offer, offer_of
from cmp.server.caller import policy_of
from cmp.server.context import POLICIES
from cmp.server.desk_problems import NOT_STORED
from cmp.server.problems import Failure

P = ParamSpec("P")
T = TypeVar("T")

# Seconds somebody waits for the disk. What is stored after that was not acknowledged.
PATIENCE = 10.0

_log = logging.getLogger("consentry.server")


class Clerk:
    """Takes work to the desk and brings back its result, or `NOT_STORED` when it is not known to be done."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._failing = False

    async def do(self, work: Callable[Concatenate[Books, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T | Failure:
        try:
            async with asyncio.timeout(PATIENCE):
                found = await self._desk.do(work, *args, **kwargs)
        except DeskError as error:
            return self._failed(str(error))
        except TimeoutError:
            return self._failed(f"the desk did not answer within {PATIENCE:.0f} seconds; look at the disk")
        if self._failing:
            self._failing = False
            _log.warning("the desk works again")
        return found

    async def wipe(self) -> None:
        """Takes what was deleted out of the write-ahead log too. If that fails it goes when the log is reused."""
        try:
            await self._desk.wipe()
        except DeskError as error:
            _log.warning("what was deleted stays in the desk's write-ahead log for now: %s", error)

    def link(self, token: str) -> Link | None:
        return self._desk.link(token)

    def token(self, link: Link) -> str:
        return self._desk.token(link)

    def _failed(self, why: str) -> Failure:
        if not self._failing:
            self._failing = True
            _log.error("the desk stores nothing, people are told so: %s", why)
        return Failure(NOT_STORED)


CLERK: web.AppKey[Clerk | None] = web.AppKey("CLERK")


def setup(app: web.Application, desk: Desk | None) -> None:
    app[CLERK] = None if desk is None else Clerk(desk)


def offer_to(request: web.Request) -> Offer:
    """What the policy offers that a visitor's request is answered under."""
    return offer_of(policy_of(request).document)


def offer_now(app: web.Application) -> Offer:
    """What the policy in force offers, for what is no visitor's request. Passed on: it may change in between."""
    return offer_of(app[POLICIES].now.document)
