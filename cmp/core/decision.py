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
    OUT_OF_SCOPE = "out-of-scope"
    ASKED_FOR = "asked-for"
    REGION_ALLOWED = "region-allowed"
    REGION_DENIED = "region-denied"
    UNAUTHORISED = "unauthorised"
    OUTSIDE_REGION = "outside-region"
    SENSITIVE = "sensitive-data"
    CONFINED = "confined-cookie"
    INSECURE = "insecure"
    REDUCED = "reduced"
    RENEWAL = "renewal"
    OUTGOING = "outgoing"
    TRANSPORT = "transport"
    EVENT = "event"
    SIGNAL = "signal"


class EditKind(StrEnum):
    """What is changed in a message that is forwarded."""

    STRIP_COOKIE = "strip-cookie"
    STRIP_SET_COOKIE = "strip-set-cookie"
    CAP_SET_COOKIE = "cap-set-cookie"
    SESSION_SET_COOKIE = "session-set-cookie"
    SECURE_SET_COOKIE = "secure-set-cookie"
    MARK_EVENT = "mark-event"
    STRIP_QUERY = "strip-query"
    TRIM_REFERRER = "trim-referrer"
    STRIP_HEADER = "strip-header"
    SHORTEN_ADDRESS = "shorten-address"
    REDUCE_BODY = "reduce-body"
    ADD_SIGNAL = "add-signal"
    STRIP_ANSWER_HEADER = "strip-answer-header"
    STRIP_FROM_ANSWER_HEADER = "strip-from-answer-header"


@dataclass(frozen=True, slots=True)
class Ruling:
    """One question answered: may this request, or this cookie, pass, and by which rule.

    `category` and `vendor` are ids of the policy, None where nothing is known. `reported` marks what passes but was
    not declared. `reduced`: it passes, without anything that identifies.
    """

    allowed: bool
    reason: Reason
    rule: str
    category: str | None = None
    vendor: str | None = None
    reported: bool = False
    reduced: bool = False

    @property
    def direct(self) -> bool:
        """Whether it may pass where nothing of ours stands between: reducing needs somebody who does it."""
        return self.allowed and not self.reduced


@dataclass(frozen=True, slots=True)
class Edit:
    """One change to a forwarded message.

    On the request: `STRIP_COOKIE` takes every pair called `name` out of the Cookie headers, `STRIP_QUERY` every member
    called `name` out of the query, `STRIP_HEADER` every field called `name`; `TRIM_REFERRER` cuts the Referer to its
    origin (`name` "origin") or drops it ("none"), `SHORTEN_ADDRESS` the addresses in the field `name` to their network,
    `REDUCE_BODY` takes identifying members out of the body, `ADD_SIGNAL` says the signal `name` for the visitor.

    On the answer: the edits of cookies change the Set-Cookie at `index` (from 0): dropped, cut to `max_age` seconds,
    made to end with the browser session, or given `Secure`. `STRIP_ANSWER_HEADER` takes out every field called `name`,
    `STRIP_FROM_ANSWER_HEADER` the address at `index` of those that the fields called `name` hold (`references.py`);
    `target` is its origin. `MARK_EVENT` remembers that the event `name` was observed.
    """

    kind: EditKind
    name: str
    ruling: Ruling
    index: int | None = None
    max_age: int | None = None
    target: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer for one exchange. Everything but the ruling, the edits and what was let pass is derived.

    `reported` holds the rulings that let something undeclared pass (unknown: report), for the list an operator works
    through; `events` the ids of the events that the request is.
    """

    ruling: Ruling
    edits: tuple[Edit, ...] = ()
    reported: tuple[Ruling, ...] = ()
    events: tuple[str, ...] = ()

    @property
    def action(self) -> Action:
        if not self.ruling.allowed:
            return Action.BLOCK
        return Action.EDIT if self.edits else Action.ALLOW

    @property
    def blocked(self) -> bool:
        return not self.ruling.allowed
