"""What a ruling depends on: everything of which another value might give another ruling.

May go in here: that, for a request and for what falls under a declared rule, as keys that rulings already made are kept
by. May not: making a ruling (`on_requests.py`, `on_vendors.py`), keeping it (`kept.py`).

Of a request the address matters only by what the policy knows of it: whose host it is, under which rule it falls,
whether it is excluded. Of a visitor the choices matter, and not when they were made.
"""

from collections.abc import Hashable

from cmp.core.classify import CookieRule, RequestRule
from cmp.core.consent import Visitor
from cmp.core.exchange import Exchange
from cmp.core.policy import Policy
from cmp.core.signals import Signals

# Types of request bodies that identifiers can be taken out of (`cmp.wire.reduce`).
REDUCIBLE = ("", "application/x-www-form-urlencoded", "application/json")


def request_case(policy: Policy, visitor: Visitor, exchange: Exchange) -> Hashable:
    """Equal for all requests to one host that one policy, none of its parts asked, decides alike.

    That is where no rule for certain paths, queries or pages is in the way, no list says anything of the request, it is
    no event, is not excluded and carries nothing limited. What a client can write as it likes counts by what is asked
    of it, so that it makes no cases without end.
    """
    signals, shown = exchange.signals, visitor.shown_with
    transport: Hashable = None
    if policy.require_https:
        page = exchange.page
        secure = page is not None and page.scheme == "https"
        transport = (exchange.url.scheme, exchange.method.upper() == "POST", secure)
    return (
        exchange.url.host,
        exchange.same_site,
        exchange.kind,
        exchange.unseen,
        exchange.content_type in REDUCIBLE,
        transport,
        signals.gpc,
        signals.dnt,
        visitor.granted,
        visitor.refused,
        visitor.events,
        visitor.place,
        shown.gpc,
        shown.dnt,
    )


def vendor_case(visitor: Visitor, signals: Signals, rule: RequestRule | CookieRule) -> Hashable:
    """Equal for all that one policy rules on alike by a rule of its own."""
    shown = visitor.shown_with
    return (
        rule.id,
        rule.category,
        rule.vendor,
        signals.gpc,
        signals.dnt,
        visitor.granted,
        visitor.refused,
        visitor.events,
        visitor.place,
        shown.gpc,
        shown.dnt,
    )
