"""What beside policy and visitor a page of ours depends on: the day, and what is new to this visitor.

May go in here: the value. May not: finding any of it out (the server and the proxy do), and wording.
"""

from dataclasses import dataclass

from cmp.policy.changes import Change
from cmp.policy.in_force import Announced


@dataclass(frozen=True, slots=True)
class Occasion:
    """When something is shown, and what is new.

    `now` is Unix seconds. `lapsed` are the names (as in `Visitor.granted`) whose grant ended because the terms changed
    (`cmp.seal.cookie.Remembered`); `changes` what is different from the policy of the visitor's choice, where that one
    is known. `announced` is the policy that follows, `coming` what will be different then.
    """

    now: float
    lapsed: frozenset[str] = frozenset()
    changes: tuple[Change, ...] = ()
    announced: Announced | None = None
    coming: tuple[Change, ...] = ()
