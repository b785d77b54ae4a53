"""The visitor's consent state, and what it permits.

May go in here: the value `Visitor` and the order of precedence. May not: where the state comes from (a cookie, a
capture, a command line) and what a request is for (`classify.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass

from cmp.core.decision import Reason
from cmp.core.policy import Category, Policy
from cmp.core.signals import NO_SIGNALS, Signals


@dataclass(frozen=True, slots=True)
class Visitor:
    """What a person has decided here.

    `granted` and `refused` hold category ids, or "vendor:ID" for a single vendor; a category in neither was not
    decided on. `decided_at` is Unix seconds and `policy` the fingerprint decided under; None and "" before any choice.
    `shown_with` are the signals at the moment of the choice: only a grant made under a signal can outweigh it.
    `place` is where the visitor is (`regions.py`), "" unknown; `events` what was observed of the visitor before;
    `tell_me`: the visitor wants every cookie listed as it is set.
    """

    granted: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    decided_at: float | None = None
    policy: str = ""
    shown_with: Signals = NO_SIGNALS
    place: str = ""
    events: frozenset[str] = frozenset()
    tell_me: bool = False

    @property
    def decided(self) -> bool:
        return bool(self.granted or self.refused)


NO_CHOICE = Visitor()


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether a category may be used for this visitor, and which step of the precedence said so."""

    allowed: bool
    reason: Reason


@dataclass(frozen=True, slots=True)
class _Question:
    policy: Policy
    visitor: Visitor
    signals: Signals
    category: Category
    vendor: str | None

    @property
    def names(self) -> tuple[str, ...]:
        return (self.category.id,) if self.vendor is None else (f"vendor:{self.vendor}", self.category.id)

    @property
    def grants(self) -> tuple[str, ...]:
        """The names a grant may have been given under. Who lets a vendor load agreed to what it is shown as, not to
        another purpose that the same vendor has on some pages or paths."""
        vendor = self.policy.vendors.get(self.vendor) if self.vendor is not None else None
        return self.names if vendor is None or vendor.category == self.category.id else (self.category.id,)

    @property
    def denying_signals(self) -> tuple[str, ...]:
        rules = self.policy.signals
        return tuple(s for s in self.signals.tokens if s in rules and self.category.id in rules[s].denies)


def _never(ask: _Question) -> Permission | None:
    return Permission(False, Reason.NEVER) if ask.category.never else None


def _necessary(ask: _Question) -> Permission | None:
    return Permission(True, Reason.NECESSARY) if ask.category.necessary else None


def _refusal(ask: _Question) -> Permission | None:
    # A choice about one vendor is the more specific one, so a vendor granted in a refused category may load.
    for name in ask.names:
        if name in ask.visitor.refused:
            return Permission(False, Reason.REFUSED)
        if name in ask.visitor.granted and name in ask.grants:
            return None
    return None


def _granted(ask: _Question) -> bool:
    return any(name in ask.visitor.granted for name in ask.grants)


def _grant_under_signal(ask: _Question) -> Permission | None:
    signals = ask.denying_signals
    shown = ask.visitor.shown_with.tokens
    if signals and _granted(ask) and all(s in shown and ask.policy.signals[s].grant_overrides for s in signals):
        return Permission(True, Reason.GRANTED_OVER_SIGNAL)
    return None


def _signal(ask: _Question) -> Permission | None:
    return Permission(False, Reason(ask.denying_signals[0])) if ask.denying_signals else None


def _older_grant(ask: _Question) -> Permission | None:
    return Permission(True, Reason.GRANTED) if _granted(ask) else None


def _asked_for(ask: _Question) -> Permission | None:
    # Using a service is asking for what it needs (ePrivacy Art. 5(3)); a refusal said in so many words came before.
    asked = ask.category.after is not None and ask.category.after in ask.visitor.events
    return Permission(True, Reason.ASKED_FOR) if asked else None


def _silence(ask: _Question) -> Permission | None:
    # Who refused something did not agree to what came later, whatever holds for those who never said anything.
    if not ask.visitor.refused or any(name in ask.visitor.granted for name in ask.names):
        return None
    said = ask.policy.regions.default(ask.visitor.place, ask.category.id, ask.category.default)
    allowed = ask.category.default if said is None else said
    return Permission(False, Reason.REFUSED) if allowed else None


def _regional_default(ask: _Question) -> Permission | None:
    said = ask.policy.regions.default(ask.visitor.place, ask.category.id, ask.category.default)
    if said is None:
        return None
    return Permission(said, Reason.REGION_ALLOWED if said else Reason.REGION_DENIED)


def _policy_default(ask: _Question) -> Permission | None:
    reason = Reason.DEFAULT_ALLOWED if ask.category.default else Reason.DEFAULT_DENIED
    return Permission(ask.category.default, reason)


# The first step with an answer decides; the last always has one.
PRECEDENCE: tuple[tuple[str, Callable[[_Question], Permission | None]], ...] = (
    ("never, whatever is chosen", _never),
    ("strictly necessary", _necessary),
    ("explicit refusal", _refusal),
    ("grant made while the signal was shown", _grant_under_signal),
    ("service the visitor asked for", _asked_for),
    ("privacy signal", _signal),
    ("grant", _older_grant),
    ("silence beside a refusal", _silence),
    ("regional default", _regional_default),
    ("policy default", _policy_default),
)


def permit(policy: Policy, visitor: Visitor, signals: Signals, category: str, vendor: str | None) -> Permission:
    """Whether `category` (and `vendor` in it) may be used. `category` must be one the policy declares."""
    return permitted_by(policy, visitor, signals, category, vendor)[1]


def permitted_by(
    policy: Policy, visitor: Visitor, signals: Signals, category: str, vendor: str | None
) -> tuple[str, Permission]:
    """`permit`, with the name of the step of `PRECEDENCE` that answered."""
    ask = _Question(policy, visitor, signals, policy.categories[category], vendor)
    for name, step in PRECEDENCE:
        if (answer := step(ask)) is not None:
            return name, answer
    raise AssertionError("the last step of the precedence always answers")


def supposed_visitor(policy: Policy, choice: str, signals: Signals = NO_SIGNALS) -> Visitor:
    """A visitor with a choice supposed for replay: "none", "refuse", "accept", or category ids joined with commas.

    A supposed choice counts as made while the exchange's signals were shown. Raises ValueError for a category that the
    policy does not let a visitor choose.
    """
    optional = frozenset(policy.optional_categories)
    if choice == "none":
        return NO_CHOICE
    if choice == "accept":
        granted = optional
    elif choice == "refuse":
        granted = frozenset()
    else:
        granted = frozenset(part.strip() for part in choice.split(",") if part.strip())
        if not granted or not granted <= optional:
            wrong = ", ".join(sorted(granted - optional)) or repr(choice)
            raise ValueError(
                f"{wrong}: no category to choose; write none, refuse, accept or of {', '.join(sorted(optional))}"
            )
    return Visitor(granted=granted, refused=optional - granted, policy=policy.fingerprint, shown_with=signals)
