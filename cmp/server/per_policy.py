"""A value made once for each policy, for as long as that is one of the latest.

May go in here: keeping such values. May not: what they are.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from cmp.core.policy import Policy

# The one that holds, the one before it (requests under way), and the one announced.
_MOST = 3

T = TypeVar("T")


class PerPolicy(Generic[T]):
    """`of` makes the value for a policy the first time it is asked for; equal fingerprints mean equal policies."""

    def __init__(self, make: Callable[[Policy], T]) -> None:
        self._make = make
        self._made: dict[str, T] = {}

    def of(self, policy: Policy) -> T:
        if policy.fingerprint not in self._made:
            self._made = dict([*self._made.items(), (policy.fingerprint, self._make(policy))][-_MOST:])
        return self._made[policy.fingerprint]
