"""What is new to the visitor who asks: changes since their choice, and what is announced.

May go in here: finding the two policies to compare, and remembering the comparison. May not: comparing
(`cmp.policy.changes`), wording (`cmp.wire`).
"""

from aiohttp import web

from cmp.core.policy import Policy
from cmp.policy.changes import Change, changes
from cmp.server.caller import Caller
from cmp.server.context import POLICIES
from cmp.wire.occasion import Occasion

_MOST = 32


class Compared:
    """Differences of two policies; large ones take milliseconds to compare, and visitors come by the thousand."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], tuple[Change, ...]] = {}

    def changes(self, old: Policy, new: Policy) -> tuple[Change, ...]:
        pair = (old.fingerprint, new.fingerprint)
        if pair not in self._found:
            self._found = dict([*self._found.items(), (pair, changes(old, new))][-_MOST:])
        return self._found[pair]


COMPARED = web.AppKey("COMPARED", Compared)


def setup(app: web.Application) -> None:
    app[COMPARED] = Compared()


def occasion_of(app: web.Application, caller: Caller) -> Occasion:
    policies, compared, policy = app[POLICIES], app[COMPARED], caller.policy
    announced = policies.announced
    if announced is not None and announced.policy.fingerprint == policy.fingerprint:
        announced = None
    earlier = policies.known(caller.visitor.policy)
    return Occasion(
        now=caller.now,
        lapsed=caller.lapsed,
        changes=() if earlier is None else compared.changes(earlier, policy),
        announced=announced,
        coming=() if announced is None else compared.changes(policy, announced.policy),
    )
