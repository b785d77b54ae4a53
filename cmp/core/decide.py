"""The one decision: what may pass of an exchange for this visitor under this policy.

May go in here: the order in which the questions of `classify.py` and `consent.py` are asked, and what follows from the
answers. May not: anything that depends on who asks. The live proxy, the auditor's replay, `explain` and the page
rewriting all call `decide`, so what an auditor replays is what the visitor got.
"""

from collections.abc import Iterator

from cmp.core.classify import CookieRule, Party, host_suffixes
from cmp.core.consent import Visitor, permit
from cmp.core.cookies import SetCookie
from cmp.core.decision import Decision, Edit, EditKind, Reason, Ruling
from cmp.core.exchange import Exchange, Kind, Unseen
from cmp.core.policy import Policy, Unknown

_UNKNOWN_REASON = {
    Unknown.DENY: Reason.UNKNOWN_DENIED,
    Unknown.REPORT: Reason.UNKNOWN_REPORTED,
    Unknown.ALLOW: Reason.UNKNOWN_ALLOWED,
}


def decide(policy: Policy, visitor: Visitor, exchange: Exchange) -> Decision:
    """Decide one exchange.

    With `Phase.REQUEST` there are no Set-Cookies yet; the decision on the same exchange with its answer has the same
    ruling and the same request edits, and those on the answer besides.
    """
    ruling = rule_on_request(policy, visitor, exchange)
    if not ruling.allowed or exchange.kind is Kind.CONSENT:
        # Our own endpoints never pass through the site: they need every cookie to see which must go.
        return Decision(ruling)
    reported = [ruling] if ruling.reported else []
    edits: list[Edit] = []
    for name in dict.fromkeys(cookie.name for cookie in exchange.cookies):
        cookie_ruling = rule_on_cookie(policy, visitor, exchange, name)
        if not cookie_ruling.allowed:
            edits.append(Edit(EditKind.STRIP_COOKIE, name, cookie_ruling))
        elif cookie_ruling.reported:
            reported.append(cookie_ruling)
    for index, cookie in enumerate(exchange.set_cookies):
        cookie_ruling = rule_on_set_cookie(policy, visitor, exchange, cookie)
        if cookie_ruling.reported:
            reported.append(cookie_ruling)
        edits.extend(_set_cookie_edits(policy, exchange, index, cookie, cookie_ruling))
    return Decision(ruling, tuple(edits), tuple(dict.fromkeys(reported)))


def party_of(policy: Policy, exchange: Exchange) -> Party:
    """Whose host it is. Where the policy names its sites they alone are first; else the page's own site is."""
    if policy.sites:
        own = any(suffix in policy.sites for suffix in host_suffixes(exchange.url.host))
    else:
        own = exchange.same_site
    return Party.FIRST if own else Party.THIRD


def rule_on_request(policy: Policy, visitor: Visitor, exchange: Exchange) -> Ruling:
    """Whether the request may be made at all."""
    if exchange.kind is Kind.CONSENT:
        return Ruling(True, Reason.NECESSARY, "consent-endpoint", _own_category(policy, exchange))
    navigation = exchange.kind is Kind.DOCUMENT
    if navigation and Unseen.KIND not in exchange.unseen:
        # The visitor goes there: a page the person asked for is never a tracker's request, whoever's page it is.
        return Ruling(True, Reason.NAVIGATION, "navigation", _own_category(policy, exchange))
    party = party_of(policy, exchange)
    # On a vendor's own pages its hosts are the first party, unless the policy says which sites it is about. A
    # navigation that is only guessed at may be a hidden frame, so a known vendor does not pass as one.
    by_host = party is Party.THIRD or navigation or bool(policy.sites)
    rule = policy.requests.find(exchange.url, by_host=by_host)
    if rule is not None:
        permission = permit(policy, visitor, exchange.signals, rule.category, rule.vendor)
        return Ruling(permission.allowed, permission.reason, rule.id, rule.category, rule.vendor)
    if navigation:
        return Ruling(True, Reason.NAVIGATION, "navigation", _own_category(policy, exchange))
    if party is Party.FIRST:
        return Ruling(True, Reason.FIRST_PARTY, "first-party", _own_category(policy, exchange))
    return _unknown(policy.unknown_host, "unknown.host")


def rule_on_cookie(policy: Policy, visitor: Visitor, exchange: Exchange, name: str) -> Ruling:
    """Whether the cookie called `name` may travel with this exchange, in either direction.

    A cookie that no rule names belongs to the vendor whose host it is on; on anybody else's host it is unknown.
    """
    rule = declared_cookie(policy, exchange, name)
    if rule is not None:
        permission = permit(policy, visitor, exchange.signals, rule.category, rule.vendor)
        return Ruling(permission.allowed, permission.reason, rule.id, rule.category, rule.vendor)
    if party_of(policy, exchange) is Party.THIRD:
        owner = policy.requests.find(exchange.url)
        if owner is not None:
            permission = permit(policy, visitor, exchange.signals, owner.category, owner.vendor)
            return Ruling(permission.allowed, permission.reason, owner.id, owner.category, owner.vendor)
    return _unknown(policy.unknown_cookie, "unknown.cookie")


def declared_cookie(policy: Policy, exchange: Exchange, name: str) -> CookieRule | None:
    """The rule that declares a cookie called `name` on this exchange's host, if any."""
    return policy.cookies.find(name, exchange.url.host, party_of(policy, exchange))


def rule_on_set_cookie(policy: Policy, visitor: Visitor, exchange: Exchange, cookie: SetCookie) -> Ruling:
    """Whether the answer may set this cookie. Taking a cookie away is always allowed."""
    ruling = rule_on_cookie(policy, visitor, exchange, cookie.name)
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


def _set_cookie_edits(
    policy: Policy, exchange: Exchange, index: int, cookie: SetCookie, ruling: Ruling
) -> Iterator[Edit]:
    if not ruling.allowed:
        yield Edit(EditKind.STRIP_SET_COOKIE, cookie.name, ruling, index)
        return
    rule = declared_cookie(policy, exchange, cookie.name)
    lifetime = cookie.lifetime(exchange.time)
    if rule is None or rule.lifetime is None or lifetime is None or lifetime <= 0:
        return
    shortened = Ruling(True, Reason.LIFETIME, rule.id, rule.category, rule.vendor)
    if rule.lifetime.seconds is None:
        yield Edit(EditKind.SESSION_SET_COOKIE, cookie.name, shortened, index)
    elif lifetime > rule.lifetime.seconds:
        yield Edit(EditKind.CAP_SET_COOKIE, cookie.name, shortened, index, rule.lifetime.seconds)


def _own_category(policy: Policy, exchange: Exchange) -> str | None:
    """The category of the site's own traffic; None for somebody else's page."""
    return policy.own_category if party_of(policy, exchange) is Party.FIRST else None


def _unknown(treatment: Unknown, rule: str) -> Ruling:
    return Ruling(treatment is not Unknown.DENY, _UNKNOWN_REASON[treatment], rule, reported=treatment is Unknown.REPORT)
