"""Whether a cookie may travel, and which rule declares it.

May go in here: rulings on cookies in requests and answers. May not: what is changed in a Set-Cookie that passes
(`set_cookies.py`).
"""

from collections.abc import Iterator

from cmp.core.classify import CookieRule, Party, RequestRule
from cmp.core.composed import strictest
from cmp.core.consent import Visitor
from cmp.core.cookies import SetCookie
from cmp.core.decision import Reason, Ruling
from cmp.core.exchange import Exchange
from cmp.core.lifetimes import Lifetime
from cmp.core.on_lists import rule_cookie_by_lists
from cmp.core.on_vendors import rule_on_vendor
from cmp.core.parties import of_the_unknown, party_of
from cmp.core.policy import Policy


def rule_on_cookie(policy: Policy, visitor: Visitor, exchange: Exchange, name: str) -> Ruling:
    """Whether the cookie called `name` may travel with this exchange, in either direction.

    A cookie that no rule names belongs to the vendor whose host it is on, where that needs a permission; on anybody
    else's host it is unknown.
    """
    if not policy.parts:
        return _rule_on_cookie(policy, visitor, exchange, name)
    return strictest([_rule_on_cookie(part, visitor, exchange, name) for part in policy.parts])


def _rule_on_cookie(policy: Policy, visitor: Visitor, exchange: Exchange, name: str) -> Ruling:
    party = party_of(policy, exchange)
    rule: CookieRule | RequestRule | None = policy.cookies.find(name, exchange.url.host, party, exchange.url.path)
    if rule is None and party is Party.THIRD:
        rule = policy.requests.find(exchange.url, exchange.page)
        if rule is not None and policy.categories[rule.category].necessary:
            # That its host is needed makes no cookie necessary that nobody declared.
            rule = None
    if rule is None:
        by_lists = rule_cookie_by_lists(policy, visitor, exchange, party, name)
        return by_lists or of_the_unknown(policy.unknown_cookie, "unknown.cookie")
    return rule_on_vendor(policy, visitor, exchange.signals, rule)


def declared_cookie(policy: Policy, exchange: Exchange, name: str) -> CookieRule | None:
    """The rule for a cookie called `name` on this exchange's host, if any; of several policies the first."""
    return next(declared_cookies(policy, exchange, name), None)


def declared_cookies(policy: Policy, exchange: Exchange, name: str) -> Iterator[CookieRule]:
    """The rule of each of the policies that has one."""
    for part in policy.each:
        rule = part.cookies.find(name, exchange.url.host, party_of(part, exchange), exchange.url.path)
        if rule is not None:
            yield rule


def lifetime_of(rule: CookieRule, visitor: Visitor, events: tuple[str, ...]) -> Lifetime | None:
    """How long the cookie may live for this visitor: less, as long as an event it depends on was not observed."""
    if rule.before is not None and rule.before.event not in visitor.events and rule.before.event not in events:
        return rule.before.lifetime
    return rule.lifetime


def rule_on_set_cookie(policy: Policy, visitor: Visitor, exchange: Exchange, cookie: SetCookie) -> Ruling:
    """Whether the answer may set this cookie. Taking a cookie away is always allowed."""
    if not policy.parts:
        return _rule_on_set_cookie(policy, visitor, exchange, cookie)
    return strictest([_rule_on_set_cookie(part, visitor, exchange, cookie) for part in policy.parts])


def _rule_on_set_cookie(policy: Policy, visitor: Visitor, exchange: Exchange, cookie: SetCookie) -> Ruling:
    ruling = _rule_on_cookie(policy, visitor, exchange, cookie.read_as)
    if ruling.allowed and not ruling.reported:
        return ruling
    if cookie.deletes(exchange.time):
        return Ruling(True, Reason.DELETION, ruling.rule, ruling.category, ruling.vendor)
    if (
        policy.presume_http_only_session
        and ruling.rule == "unknown.cookie"
        and cookie.http_only
        and cookie.lifetime(exchange.time) is None
        and party_of(policy, exchange) is Party.FIRST
    ):
        return Ruling(True, Reason.PRESUMED_NECESSARY, "presume.http-only-session", reported=True)
    return ruling
