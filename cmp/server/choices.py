"""What a posting decides, under a policy.

May go in here: pure functions from a posting and the choice that held before to the new one. May not: storing it.
"""

from dataclasses import dataclass, replace

from cmp.core.consent import Visitor, permit
from cmp.core.decision import Reason
from cmp.core.policy import Policy
from cmp.core.signals import NO_SIGNALS, Signals
from cmp.seal.holding import category_of
from cmp.server.posting import Posting, shown
from cmp.server.problems import BAD_REQUEST, NOTHING_TO_CHOOSE, UNKNOWN_CATEGORY, UNKNOWN_VENDOR, Failure


@dataclass(frozen=True, slots=True)
class Choice:
    """What is allowed and refused from now on: category ids, or "vendor:ID", as in `cmp.core.consent.Visitor`.

    `carried` are the grants among them that were made before; `shown_with` are the signals all grants count as made
    under.
    """

    granted: frozenset[str]
    refused: frozenset[str]
    carried: frozenset[str] = frozenset()
    shown_with: Signals = NO_SIGNALS


def refusal(policy: Policy) -> Choice | Failure:
    """Everything optional refused."""
    optional = frozenset(policy.optional_categories)
    return Choice(frozenset(), optional) if optional else Failure(NOTHING_TO_CHOOSE)


def sold(policy: Policy) -> tuple[str, ...]:
    """The categories that selling and sharing stand for: what Global Privacy Control switches off under this policy.

    That signal is a request not to sell or share (GPC, section 2; 11 CCR 7025). All that can be chosen where the policy
    says nothing of it.
    """
    optional = policy.optional_categories
    named = {id_ for part in policy.each if "gpc" in part.signals for id_ in part.signals["gpc"].denies}
    return tuple(id_ for id_ in optional if id_ in named) or tuple(optional)


def opted_out(policy: Policy, visitor: Visitor, signals: Signals) -> bool:
    """Whether a request not to sell or share holds, made in words or by the signal, for every company.

    What is off because nobody asked for it is no request; a company that the visitor allowed later on its own ends it.
    """
    about = sold(policy)
    for id_ in about:
        if id_ not in visitor.refused and permit(policy, visitor, signals, id_, None).reason is not Reason.GPC:
            return False
    alone = [name.removeprefix("vendor:") for name in visitor.granted if category_of(policy, name) in about]
    each = [(policy.vendors[id_].category, id_) for id_ in alone if id_ in policy.vendors]
    return bool(about) and not any(permit(policy, visitor, signals, *one).allowed for one in each)


def opt_out(policy: Policy, before: Visitor) -> Choice | Failure:
    """Selling and sharing refused; everything else of the choice before holds on."""
    refused = frozenset(sold(policy))
    if not refused:
        return Failure(NOTHING_TO_CHOOSE)
    kept = frozenset(name for name in before.granted if category_of(policy, name) not in refused)
    return Choice(kept, (before.refused | refused) - kept, carried=kept, shown_with=before.shown_with)


def choose(policy: Policy, posting: Posting, before: Visitor, signals: Signals) -> Choice | Failure:
    """The choice a posting makes. One that names vendors alone adds them to the choice that held before."""
    optional = frozenset(policy.optional_categories)
    if not optional:
        return Failure(NOTHING_TO_CHOOSE)
    if unknown := [id_ for id_ in posting.granted or () if id_ not in optional]:
        return Failure(UNKNOWN_CATEGORY, _named(unknown))
    if unknown := [id_ for id_ in posting.vendors if not _choosable(policy, id_)]:
        return Failure(UNKNOWN_VENDOR, _named(unknown))
    if posting.choice == "refuse":
        return Choice(frozenset(), optional)
    if posting.choice == "accept":
        return Choice(optional, frozenset(), shown_with=signals)
    if posting.granted is not None:
        granted = frozenset(posting.granted)
        return _with_vendors(policy, posting, Choice(granted, optional - granted, shown_with=signals))
    if posting.vendors:
        return _with_vendors(policy, posting, _carried_over(policy, posting, before, signals))
    return Failure(BAD_REQUEST, "nothing was chosen")


def _with_vendors(policy: Policy, posting: Posting, choice: Choice) -> Choice:
    # A vendor in a granted category is granted with it: naming it again would only make two cookies differ.
    single = {f"vendor:{id_}" for id_ in posting.vendors if policy.vendors[id_].category not in choice.granted}
    return replace(choice, granted=choice.granted | single, refused=choice.refused - single)


def _carried_over(policy: Policy, posting: Posting, before: Visitor, signals: Signals) -> Choice:
    """What holds on of the choice before, beside vendors allowed now.

    A cookie says of all its grants at once under which signals they were made. Where the vendor has to outweigh a
    signal, earlier grants that the signal denies, and that were not made under it, cannot stand beside it: they would
    outweigh it too, and nobody asked the visitor about them. They are undecided then, and stay off as they were.
    """
    single = frozenset(f"vendor:{id_}" for id_ in posting.vendors)
    earlier = before.granted - single
    if not earlier:
        return Choice(earlier, before.refused, shown_with=signals)
    needed = {s for name in single for s in _outweighed(policy, category_of(policy, name), signals)}
    new = needed.difference(before.shown_with.tokens)
    kept = frozenset(name for name in earlier if not new & _denying(policy, category_of(policy, name), signals))
    if not kept:
        return Choice(kept, before.refused, shown_with=signals)
    shown = needed.union(set(before.shown_with.tokens) & set(signals.tokens))
    dnt = True if "dnt" in shown else None
    return Choice(kept, before.refused, carried=kept, shown_with=Signals(gpc="gpc" in shown, dnt=dnt))


def _denying(policy: Policy, category: str, signals: Signals) -> set[str]:
    rules = [part.signals for part in policy.each]
    return {s for s in signals.tokens if any(s in rule and category in rule[s].denies for rule in rules)}


def _outweighed(policy: Policy, category: str, signals: Signals) -> set[str]:
    """The signals a grant made now outweighs: none where one of them cannot be outweighed."""
    found = _denying(policy, category, signals)
    rules = [part.signals[s] for part in policy.each for s in found if s in part.signals]
    return found if all(rule.grant_overrides for rule in rules) else set()


def _choosable(policy: Policy, vendor: str) -> bool:
    return vendor in policy.vendors and policy.vendors[vendor].category in policy.optional_categories


def _named(ids: list[str]) -> str:
    return ", ".join(shown(id_) for id_ in ids[:5])
