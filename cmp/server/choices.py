"""What a posting decides, under a policy.

May go in here: pure functions from a posting and the choice that held before to the new one. May not: storing it.
"""

from dataclasses import dataclass

from cmp.core.consent import Visitor
from cmp.core.policy import Policy
from cmp.server.posting import Posting, shown
from cmp.server.problems import BAD_REQUEST, NOTHING_TO_CHOOSE, UNKNOWN_CATEGORY, UNKNOWN_VENDOR, Failure


@dataclass(frozen=True, slots=True)
class Choice:
    """What is allowed and refused from now on: category ids, or "vendor:ID", as in `cmp.core.consent.Visitor`."""

    granted: frozenset[str]
    refused: frozenset[str]


def refusal(policy: Policy) -> Choice | Failure:
    """Everything optional refused."""
    optional = frozenset(policy.optional_categories)
    return Choice(frozenset(), optional) if optional else Failure(NOTHING_TO_CHOOSE)


def choose(policy: Policy, posting: Posting, before: Visitor) -> Choice | Failure:
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
        return Choice(optional, frozenset())
    if posting.granted is not None:
        granted = frozenset(posting.granted)
        refused = optional - granted
    elif posting.vendors:
        granted, refused = before.granted, before.refused
    else:
        return Failure(BAD_REQUEST, "nothing was chosen")
    # A vendor in a granted category is granted with it: naming it again would only make two cookies differ.
    single = {f"vendor:{id_}" for id_ in posting.vendors if policy.vendors[id_].category not in granted}
    return Choice(granted | single, refused - single)


def _choosable(policy: Policy, vendor: str) -> bool:
    return vendor in policy.vendors and policy.vendors[vendor].category in policy.optional_categories


def _named(ids: list[str]) -> str:
    return ", ".join(shown(id_) for id_ in ids[:5])
