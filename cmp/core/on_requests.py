"""Whether a request may be made at all.

May go in here: the steps that lead to a ruling on a request, as a table in the order of their precedence. May not:
cookies (`on_cookies.py`), what else is changed in a request that passes (`outgoing.py`).

Under a policy composed of several each is asked, and `composed.py` picks the strictest answer.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from cmp.core.cases import REDUCIBLE, request_case
from cmp.core.classify import Party, RequestRule, host_suffixes
from cmp.core.composed import strictest
from cmp.core.consent import Visitor, permit
from cmp.core.decision import Decision, Reason, Ruling
from cmp.core.exchange import Exchange, Kind, Unseen
from cmp.core.on_lists import rule_by_lists
from cmp.core.on_vendors import restriction, rule_on_vendor
from cmp.core.parties import observed_events, of_the_unknown, party_of
from cmp.core.policy import Policy, Settled, Treatment


@dataclass(frozen=True, slots=True)
class Asked:
    """One request under one policy, with what every step needs of it."""

    policy: Policy
    visitor: Visitor
    exchange: Exchange
    party: Party

    @property
    def navigation(self) -> bool:
        return self.exchange.kind is Kind.DOCUMENT

    @property
    def by_host(self) -> bool:
        """Whether rules for hosts count.

        On a vendor's own pages its hosts are the first party, unless the policy says which sites it is about. A
        navigation that is only guessed at may be a hidden frame, so a known vendor does not pass as one.
        """
        return self.party is Party.THIRD or self.navigation or bool(self.policy.sites)

    @property
    def rule(self) -> RequestRule | None:
        return self.policy.requests.find(
            self.exchange.url, self.exchange.page, by_host=self.by_host, carries=self.exchange.carries
        )

    def own_category(self) -> str | None:
        """The category of the site's own traffic; None for somebody else's page."""
        return self.policy.own_category if self.party is Party.FIRST else None


def rule_on_request(policy: Policy, visitor: Visitor, exchange: Exchange) -> Ruling:
    """Whether the request may be made at all."""
    return decide_request(policy, visitor, exchange).ruling


def decide_request(policy: Policy, visitor: Visitor, exchange: Exchange) -> Decision:
    """The decision on a request of which there is nothing more to decide: no cookies, no edits, no answer."""
    if policy.parts:
        rulings = [decide_request(part, visitor, exchange).ruling for part in policy.parts]
        return _decision(strictest(rulings + _about_vendors_of_others(policy, rulings)))
    if (
        exchange.carries
        or exchange.aliases
        or (policy.events and observed_events(policy, exchange))
        or (policy.excluded and any(rule.matches(exchange.url) for rule in policy.excluded))
    ):
        return _decision(request_steps(policy, visitor, exchange)[1])
    case = request_case(policy, visitor, exchange)
    known = policy.settled_requests.get(case)
    if known is not None and ((sieve := known.unless_path) is None or not sieve.may_hold(exchange.url.path)):
        if not known.unless_listed:
            return known.decision
        by_lists = rule_by_lists(policy, visitor, exchange, party_of(policy, exchange))
        if by_lists is None:
            return known.decision
        if not by_lists.allowed:
            return _decision(by_lists)
    ask = Asked(policy, visitor, exchange, party_of(policy, exchange))
    step, ruling = _first_answer(ask)
    decision = _decision(ruling)
    sieve = policy.requests.of_host(exchange.url.host, by_host=ask.by_host).sieve
    if step != LIST and (sieve is None or not sieve.may_hold(exchange.url.path)):
        policy.settled_requests.put(case, Settled(decision, sieve, bool(policy.lists) and step in _AFTER_LISTS))
    return decision


def _decision(ruling: Ruling) -> Decision:
    return Decision(ruling, reported=(ruling,) if ruling.reported else ())


def _about_vendors_of_others(policy: Policy, rulings: list[Ruling]) -> list[Ruling]:
    """What each policy says of a vendor that another one names: where it may be, and whether it was authorised."""
    found: list[Ruling] = []
    for ruling in rulings:
        if ruling.allowed and ruling.vendor is not None:
            for part in policy.each:
                restricted = restriction(part, policy.vendors[ruling.vendor])
                if restricted is not None and ruling.vendor not in part.vendors:
                    reason, rule = restricted
                    found.append(Ruling(False, reason, rule, ruling.category, ruling.vendor))
    return found


def request_steps(policy: Policy, visitor: Visitor, exchange: Exchange) -> tuple[str, Ruling]:
    """The answer of one policy, none of its parts asked, and the name of the step of `REQUEST_STEPS` it came from."""
    # The request that asks for a service is part of it, or nobody could ever ask.
    if events := frozenset(observed_events(policy, exchange)) - visitor.events:
        visitor = replace(visitor, events=visitor.events | events)
    return _first_answer(Asked(policy, visitor, exchange, party_of(policy, exchange)))


def _first_answer(ask: Asked) -> tuple[str, Ruling]:
    for name, step in REQUEST_STEPS:
        if (ruling := step(ask)) is not None:
            return name, ruling
    raise AssertionError("the last step always answers")


def _consent_endpoint(ask: Asked) -> Ruling | None:
    if ask.exchange.kind is not Kind.CONSENT:
        return None
    return Ruling(True, Reason.NECESSARY, "consent-endpoint", ask.own_category())


def _excluded(ask: Asked) -> Ruling | None:
    if ask.party is Party.FIRST and any(rule.matches(ask.exchange.url) for rule in ask.policy.excluded):
        return Ruling(True, Reason.OUT_OF_SCOPE, "exclude", ask.own_category())
    return None


def _sensitive(ask: Asked) -> Ruling | None:
    """Numbers and places go where the policy says, whoever asks for them: pages the visitor goes to as well."""
    policy = ask.policy
    for data in sorted(ask.exchange.carries & policy.sensitive.keys()):
        rule = policy.sensitive[data]
        owner = ask.rule
        if not (
            (rule.own and ask.party is Party.FIRST)
            or (owner is not None and owner.vendor in rule.vendors)
            or any(suffix in rule.hosts for suffix in host_suffixes(ask.exchange.url.host))
        ):
            return Ruling(False, Reason.SENSITIVE, rule.id, rule.category, owner.vendor if owner else None)
        if rule.category is not None:
            permission = permit(policy, ask.visitor, ask.exchange.signals, rule.category, None)
            if not permission.allowed:
                return Ruling(False, permission.reason, rule.id, rule.category)
    return None


def _confined(ask: Asked) -> Ruling | None:
    for name in sorted(ask.exchange.carries):
        if name.startswith("cookie:"):
            owner = ask.rule
            return Ruling(False, Reason.CONFINED, name, vendor=owner.vendor if owner else None)
    return None


def _insecure(ask: Asked) -> Ruling | None:
    """No way back from HTTPS to plain HTTP: neither what a page loads nor what a form of the site sends."""
    exchange = ask.exchange
    if not ask.policy.require_https or exchange.url.scheme not in ("http", "ws"):
        return None
    if ask.navigation:
        downgrade = exchange.method.upper() == "POST" and bool(ask.policy.sites) and ask.party is Party.FIRST
    else:
        downgrade = exchange.page is not None and exchange.page.scheme == "https"
    return Ruling(False, Reason.INSECURE, "transport.https", ask.own_category()) if downgrade else None


def _navigation(ask: Asked) -> Ruling | None:
    if not ask.navigation or Unseen.KIND in ask.exchange.unseen:
        return None
    # The visitor goes there: a page the person asked for is never a tracker's request, whoever's page it is.
    return Ruling(True, Reason.NAVIGATION, "navigation", ask.own_category())


def _declared(ask: Asked) -> Ruling | None:
    rule = ask.rule
    return None if rule is None else _by_rule(ask, rule)


def _aliased(ask: Asked) -> Ruling | None:
    """A host that is another name for a vendor's (CNAME) is the vendor's, whoever's site it seems to be.

    Of several vendors on the way each is asked: that a tracker is reached by way of a necessary one's name changes
    nothing.
    """
    rulings = [ruling for name in ask.exchange.aliases if (ruling := _under_alias(ask, name)) is not None]
    return strictest(rulings) if rulings else None


def _under_alias(ask: Asked, name: str) -> Ruling | None:
    url = replace(ask.exchange.url, host=name)
    rule = ask.policy.requests.find(url, ask.exchange.page, carries=ask.exchange.carries)
    if rule is not None:
        return _by_rule(ask, rule)
    return rule_by_lists(ask.policy, ask.visitor, replace(ask.exchange, url=url, aliases=()), Party.THIRD)


def _by_rule(ask: Asked, rule: RequestRule) -> Ruling:
    ruling = rule_on_vendor(ask.policy, ask.visitor, ask.exchange.signals, rule)
    if ruling.allowed:
        return _ping(ask) or ruling
    reducible = ask.policy.categories[rule.category].treatment is Treatment.REDUCE and ruling.rule == rule.id
    if not reducible or ruling.reason is Reason.NEVER or ask.exchange.kind is Kind.WEBSOCKET:
        return ruling
    if ask.exchange.content_type not in REDUCIBLE:
        return ruling
    return replace(ruling, allowed=True, reason=Reason.REDUCED, reduced=True)


def _ping(ask: Asked) -> Ruling | None:
    """Hyperlink auditing tells where a visitor goes: a purpose of its own, whoever is told."""
    category = ask.policy.outgoing.pings
    if ask.exchange.kind is not Kind.PING or category is None:
        return None
    permission = permit(ask.policy, ask.visitor, ask.exchange.signals, category, None)
    return None if permission.allowed else Ruling(False, permission.reason, "outgoing.pings", category)


def _listed(ask: Asked) -> Ruling | None:
    ruling = rule_by_lists(ask.policy, ask.visitor, ask.exchange, ask.party)
    if ruling is None or not ruling.allowed:
        return ruling
    behind = _aliased(ask)
    if behind is not None and strictest([ruling, behind]) is behind:
        # What a list lets pass by its name says nothing of whom the name leads to: the next step does.
        return None
    return _ping(ask) or ruling


def _guessed_navigation(ask: Asked) -> Ruling | None:
    return Ruling(True, Reason.NAVIGATION, "navigation", ask.own_category()) if ask.navigation else None


def _own_site(ask: Asked) -> Ruling | None:
    if ask.party is not Party.FIRST:
        return None
    return Ruling(True, Reason.FIRST_PARTY, "first-party", ask.own_category())


def _unknown_host(ask: Asked) -> Ruling | None:
    return of_the_unknown(ask.policy.unknown_host, "unknown.host")


LIST = "list"
# The first step with an answer decides; the last always has one.
REQUEST_STEPS: tuple[tuple[str, Callable[[Asked], Ruling | None]], ...] = (
    ("our own endpoint", _consent_endpoint),
    ("path the policy excludes", _excluded),
    ("sensitive data", _sensitive),
    ("confined cookie", _confined),
    ("transport", _insecure),
    ("page the visitor goes to", _navigation),
    ("declared vendor", _declared),
    (LIST, _listed),
    ("other name of a vendor's host", _aliased),
    ("hyperlink auditing", _ping),
    ("page the visitor may go to", _guessed_navigation),
    ("own site", _own_site),
    ("unknown host", _unknown_host),
)
_STEPS = [name for name, _ in REQUEST_STEPS]
_AFTER_LISTS = frozenset(_STEPS[_STEPS.index(LIST) :])
