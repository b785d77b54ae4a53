"""What still holds of a choice, under the policy of now.

May go in here: how long a choice holds where, and which grants were given under the terms of today. May not: cookies
(`cookie.py`) and what a grant permits (`cmp.core.consent`).

A grant ends at the earliest that the regions a visitor may be in allow, and with a change of its terms; a refusal ends
at the latest, and no change touches it. A refusal of what is allowed where nobody chose does not end by itself at all:
the time before asking again is about the question.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from cmp.core.consent import Visitor
from cmp.core.policy import Policy

DAY = 86_400
# Browsers keep no cookie longer (RFC 6265bis, section 5.6.1).
LONGEST = 400 * DAY
# Of the 16 hex digits of a policy's terms: enough to tell versions apart, and forty of them fit into a cookie.
TERMS_DIGITS = 8


def grant_seconds(policy: Policy, place: str) -> int:
    """How long what a visitor at `place` allows holds."""
    return _seconds(policy, place, min)


def granted_until(policy: Policy, place: str, decided_at: float) -> float:
    """The moment from which what a visitor at `place` allowed at a moment no longer holds (all Unix seconds).

    The cookie knows the day of the choice, not the hour: it holds to the end of its last day.
    """
    return decided_at // DAY * DAY + grant_seconds(policy, place) + DAY


def refusal_seconds(policy: Policy, place: str) -> int:
    """How long what a visitor at `place` refuses holds, before anybody asks again."""
    return _seconds(policy, place, max)


def _seconds(policy: Policy, place: str, choose: Callable[[Iterable[int]], int]) -> int:
    if not policy.parts:
        # Asked for at every request.
        return policy.regions.ask_again(place, policy.ask_again, choose)
    return choose([part.regions.ask_again(place, part.ask_again, choose) for part in policy.parts])


def lasting(policy: Policy, refused: Iterable[str], place: str = "") -> frozenset[str]:
    """The refusals without which something would be allowed at `place` ("": at any)."""
    return frozenset(name for name in refused if _allowed_by_default(policy, category_of(policy, name), place))


def _allowed_by_default(policy: Policy, category: str, place: str) -> bool:
    for part in policy.each:
        if category in part.categories:
            default = part.categories[category].default
            said = [None if r is None else r.defaults.get(category) for r in part.regions.possible(place)]
            if any(default if found is None else found for found in said):
                return True
    return False


def kept_seconds(policy: Policy, visitor: Visitor) -> int:
    """How long the cookie with these choices is of use, from the choice on."""
    return LONGEST if _lasts(policy, visitor) else _ending_seconds(policy, visitor)


def left_seconds(policy: Policy, visitor: Visitor, now: float) -> int:
    """How long it still is: a refusal that lasts begins anew, nothing else does."""
    if _lasts(policy, visitor):
        return LONGEST
    kept = _ending_seconds(policy, visitor)
    return max(0, min(kept, int((visitor.decided_at or 0) + DAY + kept - now)))


def _lasts(policy: Policy, visitor: Visitor) -> bool:
    # Wherever the visitor will be then: a refusal made at home is one abroad.
    return bool(lasting(policy, visitor.refused))


def _ending_seconds(policy: Policy, visitor: Visitor) -> int:
    """How long a choice is of use of which no refusal lasts."""
    spans = [grant_seconds(policy, visitor.place)] if visitor.granted else []
    if visitor.refused or visitor.tell_me:
        spans.append(refusal_seconds(policy, visitor.place))
    return max(spans, default=0)


def terms_of(policy: Policy, granted: Iterable[str]) -> dict[str, str]:
    """The terms under which each name is granted now; those of the vendor's category for "vendor:ID"."""
    return {name: policy.terms.get(category_of(policy, name), "")[:TERMS_DIGITS] for name in granted}


def category_of(policy: Policy, name: str) -> str:
    """The category that a name in a choice belongs to, "" where the policy has none."""
    if not name.startswith("vendor:") or name == "vendor:":
        return name
    vendor = name.removeprefix("vendor:")
    return policy.vendors[vendor].category if vendor in policy.vendors else ""


def holding(
    policy: Policy, visitor: Visitor, terms: Mapping[str, str], now: float
) -> tuple[Visitor, frozenset[str]] | None:
    """The visitor with what still holds, and the names whose grant ended because their terms changed.

    `visitor.decided_at` is the first moment of the day of the choice, `terms` those it was made under. None where the
    whole choice has run out, or lies in the future.
    """
    at = visitor.decided_at
    # The day of the choice is known, not the hour: it holds to the end of its last day. Clocks may be an hour off.
    if at is None or not at - DAY <= now < math.inf:
        return None
    in_time = now < at + grant_seconds(policy, visitor.place) + DAY
    granted = visitor.granted if in_time else frozenset()
    if now >= at + refusal_seconds(policy, visitor.place) + DAY:
        # Of these the browser decides how long it keeps them.
        refused = lasting(policy, visitor.refused, visitor.place)
        visitor = replace(visitor, refused=refused, tell_me=visitor.tell_me and bool(refused))
    if not (granted or visitor.refused or visitor.tell_me):
        return None
    if visitor.policy == policy.fingerprint:
        return visitor if granted is visitor.granted else replace(visitor, granted=granted), frozenset()
    today = terms_of(policy, granted)
    same = frozenset(name for name in granted if today[name] and terms.get(name) == today[name])
    # Of a cookie that says nothing of terms nobody can tell what changed.
    lapsed = frozenset(name for name in granted - same if today[name] and name in terms)
    return replace(visitor, granted=same), lapsed
