"""What every part of the server works with.

May go in here: the typed keys under which the application holds its parts. May not: anything with behaviour.
"""

from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from cmp.core.policy import Policy
from cmp.ledger.record import Record
from cmp.ledger.store import Acknowledgement
from cmp.seal.keys import PublicKeys, SigningKeys
from cmp.seal.site import ConsentSite


class Appends(Protocol):
    """The part of `cmp.ledger.ledger.Ledger` that visitors need."""

    async def append(self, record: Record, /) -> Acknowledgement:
        """Returns when the record is on disk. Raises LedgerError."""

    def count(self, event: str, at: float, /) -> None:
        """Counts an event by the hour."""


POLICY = web.AppKey("POLICY", Policy)
LEDGER: web.AppKey[Appends] = web.AppKey("LEDGER")
SIGNING_KEYS = web.AppKey("SIGNING_KEYS", SigningKeys)
# One value for the life of the server: what was verified with it is remembered (`cmp.seal.cookie`).
PUBLIC_KEYS = web.AppKey("PUBLIC_KEYS", PublicKeys)
SITE = web.AppKey("SITE", ConsentSite)
CLOCK: web.AppKey[Callable[[], float]] = web.AppKey("CLOCK")
