"""What is done with an exchange, and why, as data.

May go in here: the values a decision consists of. May not: how it is reached (`decide.py`), how it is worded
(`cmp.policy.explain`), how it is carried out (`cmp.wire`, `addons`).
"""

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """Allow: forwarded as it is. Edit: forwarded with the edits listed. Block: never forwarded."""

    ALLOW = "allow"
    EDIT = "edit"
    BLOCK = "block"


class Reason(StrEnum):
    """Which rule of precedence decided. The values are part of the command-line contract: they are never renamed."""

    NECESSARY = "necessary"
    FIRST_PARTY = "first-party"
    NAVIGATION = "navigation"
    NEVER = "never"
    REFUSED = "refused"
    GRANTED = "granted"
    GRANTED_OVER_SIGNAL = "granted-over-signal"
    GPC = "gpc"
    DNT = "dnt"
    DEFAULT_DENIED = "default-denied"
    DEFAULT_ALLOWED = "default-allowed"
    UNKNOWN_DENIED = "unknown-denied"
    UNKNOWN_REPORTED = "unknown-reported"
    UNKNOWN_ALLOWED = "unknown-allowed"
    PRESUMED_NECESSARY = "presumed-necessary"
    DELETION = "deletion"
    LIFETIME = "lifetime"
    FALLBACK = "fallback"


class EditKind(StrEnum):
    """What is changed in a message that is forwarded."""

    STRIP_COOKIE = "strip-cookie"
    STRIP_SET_COOKIE = "strip-set-cookie"
    CAP_SET_COOKIE = "cap-set-cookie"
    SESSION_SET_COOKIE = "session-set-cookie"


@dataclass(frozen=True, slots=True)
class Ruling:
    """One question answered: may this request, or this cookie, pass, and by which rule.

    `category` and `vendor` are ids of the policy, None where nothing is known. `reported` marks what passes but was
    not declared.
    """

    allowed: bool
    reason: Reason
    rule: str
    category: str | None = None
    vendor: str | None = None
    reported: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """One change to a forwarded message.

    `STRIP_COOKIE` takes every pair called `name` out of the Cookie headers. The others change the `index`th Set-Cookie
    field line (from 0): dropped, cut to `max_age` seconds, or made to end with the browser session.
    """

    kind: EditKind
    name: str
    ruling: Ruling
    index: int | None = None
    max_age: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one exchange. Everything but the ruling, the edits and what was let pass is derived.

    `reported` holds the rulings that let something undeclared pass (unknown: report), for the list an operator works
    through.
    """

    ruling: Ruling
    edits: tuple[Edit, ...] = ()
    reported: tuple[Ruling, ...] = ()

    @property
    def action(self) -> Action:
        if not self.ruling.allowed:
            return Action.BLOCK
        return Action.EDIT if self.edits else Action.ALLOW

    @property
    def blocked(self) -> bool:
        return not self.ruling.allowed
