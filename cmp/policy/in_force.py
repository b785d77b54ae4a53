"""Which policy holds when: the current one, and what is announced to follow it.

May go in here: the value and its arithmetic. May not: files, clocks, who works under the policy (`watching.py`).
"""

from dataclasses import dataclass

from cmp.core.policy import Policy


@dataclass(frozen=True, slots=True)
class Announced:
    """A policy that will hold from a moment on (Unix seconds)."""

    policy: Policy
    since: float


@dataclass(frozen=True, slots=True)
class InForce:
    """The policy that holds, and those that follow it, earliest first.

    A policy that names an `effective` date does not hold before it, unless there is no other: when a server starts with
    it alone, it is what the operator gave us.
    """

    current: Policy
    upcoming: tuple[Announced, ...] = ()

    @property
    def announced(self) -> Announced | None:
        """What follows next."""
        return self.upcoming[0] if self.upcoming else None

    @property
    def policies(self) -> tuple[Policy, ...]:
        """The current one and those to come."""
        return (self.current, *(announced.policy for announced in self.upcoming))

    def at(self, now: float) -> Policy:
        """The policy that holds at a moment not before that of `current`."""
        return self.moved_to(now).current

    def moved_to(self, now: float) -> "InForce":
        """The same, seen from a later moment: what has begun by then is the current one."""
        begun = [announced for announced in self.upcoming if announced.since <= now]
        return InForce(begun[-1].policy, self.upcoming[len(begun) :]) if begun else self

    def replaced_by(self, policy: Policy, now: float) -> "InForce":
        """What holds once the operator has put another policy in place of what this was made from.

        One whose date is still to come leaves the current one in force until then. What the earlier file announced is
        no longer announced by anybody.
        """
        if policy.effective is not None and policy.effective > now:
            announced = Announced(policy, policy.effective)
            return InForce(self.at(now), (announced, *_following(announced)))
        return in_force(policy, now)


def in_force(policy: Policy, now: float) -> InForce:
    """What holds where `policy` is all there is: itself, whatever its date, then its successors each from its own."""
    begins = Announced(policy, min(policy.effective or now, now))
    return InForce(policy, _following(begins)).moved_to(now)


def _following(first: Announced) -> tuple[Announced, ...]:
    """The successors with a date, one after another. None begins before the one it follows."""
    found: list[Announced] = []
    last = first
    while (successor := last.policy.successor) is not None and successor.effective is not None:
        last = Announced(successor, max(successor.effective, last.since))
        found.append(last)
    return tuple(found)
