"""What every part of the server works with.

May go in here: the typed keys under which the application holds its parts, and the one part that changes while the
server runs. May not: what the parts do.
"""

from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from cmp.core.networks import Network
from cmp.core.policy import Policy
from cmp.ledger.record import Record
from cmp.ledger.store import Acknowledgement
from cmp.policy.in_force import Announced, InForce
from cmp.seal.keys import PublicKeys, SigningKeys
from cmp.seal.site import ConsentSite

# Policies that held before, to tell visitors what changed since their choice.
_MOST_KNOWN = 16


class Appends(Protocol):
    """The part of `cmp.ledger.ledger.Ledger` that visitors need."""

    async def append(self, record: Record, /) -> Acknowledgement:
        """Returns when the record is on disk. Raises LedgerError."""

    def count(self, event: str, at: float, /) -> None:
        """Counts an event by the hour."""


# Enough to tell who comes back what has changed; each is kept in memory whole.
_MOST_HELD = 8


class InForceHolder:
    """The policy that holds now; a reload swaps it whole.

    Read `now` once a request and pass it on: between two reads it may have changed.
    """

    def __init__(self, policy: Policy | InForce) -> None:
        self._in_force = policy if isinstance(policy, InForce) else InForce(policy)
        self._checks: list[Callable[[Policy], None]] = []
        self._held = {self.now.fingerprint: self.now}

    @property
    def now(self) -> Policy:
        return self._in_force.current

    @property
    def announced(self) -> Announced | None:
        """What follows next, and from when."""
        return self._in_force.announced

    def known(self, fingerprint: str) -> Policy | None:
        """The policy of that fingerprint, where it is one of the latest that held since the server started."""
        return self._held.get(fingerprint)

    def require(self, check: Callable[[Policy], None]) -> None:
        """Hold every policy to `check`, these and those to come. It raises ValueError for one it cannot work with."""
        for policy in self._in_force.policies:
            check(policy)
        self._checks.append(check)

    def swap(self, in_force: InForce) -> None:
        """From here on this holds. Raises ValueError, with everything as it was, where a part cannot work with it."""
        for policy in in_force.policies:
            for check in self._checks:
                check(policy)
        self._in_force = in_force
        self._held.pop(self.now.fingerprint, None)
        self._held = dict([*self._held.items(), (self.now.fingerprint, self.now)][-_MOST_HELD:])


POLICIES = web.AppKey("POLICIES", InForceHolder)
LEDGER: web.AppKey[Appends] = web.AppKey("LEDGER")
SIGNING_KEYS = web.AppKey("SIGNING_KEYS", SigningKeys)
# One value for the life of the server: what was verified with it is remembered (`cmp.seal.cookie`).
PUBLIC_KEYS = web.AppKey("PUBLIC_KEYS", PublicKeys)
SITE = web.AppKey("SITE", ConsentSite)
CLOCK: web.AppKey[Callable[[], float]] = web.AppKey("CLOCK")
# Addresses that may speak for a visitor: `X-Forwarded-For`, and the header a place is taken from.
TRUSTED: web.AppKey[tuple[Network, ...]] = web.AppKey("TRUSTED")
