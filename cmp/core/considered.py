"""Every rule that was asked for one exchange, up to those that answered.

May go in here: retelling, as data, the way to a decision: steps, candidate rules, the order of precedence, the parts of
a composed policy. May not: rules of its own (every answer is taken from where `decide` takes it), wording
(`cmp.policy.explain`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Any

from cmp.core.answers import bounced
from cmp.core.classify import CookieRule, Party, RequestRule, host_suffixes
from cmp.core.consent import PRECEDENCE, Visitor, permitted_by
from cmp.core.cookies import SetCookie
from cmp.core.decision import Reason, Ruling
from cmp.core.exchange import Exchange, Kind
from cmp.core.forms import ruling_form
from cmp.core.on_cookies import rule_on_cookie, rule_on_set_cookie
from cmp.core.on_requests import REQUEST_STEPS, Asked, rule_on_request
from cmp.core.on_vendors import rule_on_vendor
from cmp.core.parties import party_of
from cmp.core.policy import Policy
from cmp.core.urls import Url, plain_path

# Steps of `REQUEST_STEPS` that ask further, by what they ask.
SENSITIVE, DECLARED, PING = "sensitive data", "declared vendor", "hyperlink auditing"


class Asking(StrEnum):
    """What was asked: a step on the way to a ruling; inside it a declared rule, or a step of the precedence; of several
    policies one."""

    STEP = "step"
    RULE = "rule"
    PRECEDENCE = "precedence"
    POLICY = "policy"


class Outcome(StrEnum):
    """What came of it.

    `SILENT`: nothing to object or to say, so the next was asked. `UNFIT`: the rule is not for this. `OUTDONE`: it fits,
    but one that fits more closely counts. `FITS`: this is the rule. `ANSWERS`: the ruling comes from here; of several
    steps the last. `STRICTEST`: of several policies this one's answer counts.
    """

    SILENT = "silent"
    UNFIT = "unfit"
    OUTDONE = "outdone"
    FITS = "fits"
    ANSWERS = "answers"
    STRICTEST = "strictest"


@dataclass(frozen=True, slots=True)
class Considered:
    """One thing that was asked.

    `policy` is the id of the policy, or of the part of a composed one. `about` is "request", "cookie NAME" or
    "set-cookie N NAME" (N from 0). `name` is the step, the id of the rule or the policy, or the step of the precedence.
    What is inside a step follows it. `missing` says what did not fit: "path", "query", "body", "page", "host", "party".
    `ruling` goes with `ANSWERS` and `STRICTEST`.
    """

    policy: str
    about: str
    asking: Asking
    name: str
    outcome: Outcome
    missing: tuple[str, ...] = ()
    ruling: Ruling | None = None


def considered(policy: Policy, visitor: Visitor, exchange: Exchange) -> tuple[Considered, ...]:
    """Everything that was asked for the request, then for each cookie it carries and each its answer sets.

    Of a request that is stopped, excluded, our own, or passed on without identifiers no cookie is asked about; nor is a
    Set-Cookie of an answer that only leads on and may set none.
    """
    ruling = rule_on_request(policy, visitor, exchange)
    found = list(_of_each(policy, ruling, lambda part: _request(_Telling("request", part, visitor, exchange))))
    untouched = exchange.kind is Kind.CONSENT or ruling.reason is Reason.OUT_OF_SCOPE
    if not ruling.allowed or ruling.reduced or untouched:
        return tuple(found)
    for name in dict.fromkeys(cookie.name for cookie in exchange.cookies):
        ruling = rule_on_cookie(policy, visitor, exchange, name)
        telling = partial(_Telling, f"cookie {name}", visitor=visitor, exchange=exchange)
        found += _of_each(policy, ruling, partial(_cookie, telling, name))
    if bounced(policy, visitor, exchange) is not None:
        return tuple(found)
    for index, cookie in enumerate(exchange.set_cookies):
        ruling = rule_on_set_cookie(policy, visitor, exchange, cookie)
        telling = partial(_Telling, f"set-cookie {index} {cookie.name}", visitor=visitor, exchange=exchange)
        found += _of_each(policy, ruling, partial(_set_cookie, telling, cookie))
    return tuple(found)


def considered_form(each: Iterable[Considered]) -> list[dict[str, Any]]:
    """As plain JSON values."""
    return [
        {
            "policy": one.policy,
            "about": one.about,
            "asking": one.asking.value,
            "name": one.name,
            "outcome": one.outcome.value,
            "missing": list(one.missing),
            "ruling": ruling_form(one.ruling) if one.ruling is not None else None,
        }
        for one in each
    ]


def _of_each(policy: Policy, ruling: Ruling, tell: Callable[[Policy], Iterator[Considered]]) -> Iterator[Considered]:
    """What each part was asked, then whose answer is `ruling`."""
    counts: Considered | None = None
    for part in policy.each:
        last: Considered | None = None
        for one in tell(part):
            last = one if one.asking is Asking.STEP and one.ruling is not None else last
            yield one
        if counts is None and last is not None and last.ruling == ruling:
            counts = last
    if policy.parts and counts is not None:
        yield replace(counts, asking=Asking.POLICY, name=counts.policy, outcome=Outcome.STRICTEST)


@dataclass(frozen=True, slots=True)
class _Telling:
    """One question to one policy, and the forms its answers take."""

    about: str
    policy: Policy
    visitor: Visitor
    exchange: Exchange

    @property
    def asked(self) -> Asked:
        return Asked(self.policy, self.visitor, self.exchange, party_of(self.policy, self.exchange))

    def one(
        self, asking: Asking, name: str, outcome: Outcome, missing: tuple[str, ...] = (), ruling: Ruling | None = None
    ) -> Considered:
        return Considered(self.policy.id, self.about, asking, name, outcome, missing, ruling)

    def step(self, name: str, ruling: Ruling | None) -> Considered:
        return self.one(Asking.STEP, name, Outcome.SILENT if ruling is None else Outcome.ANSWERS, ruling=ruling)

    def precedence(self, category: str, vendor: str | None, rule: str) -> Iterator[Considered]:
        answered, permission = permitted_by(self.policy, self.visitor, self.exchange.signals, category, vendor)
        for name, _ in PRECEDENCE:
            if name == answered:
                ruling = Ruling(permission.allowed, permission.reason, rule, category, vendor)
                yield self.one(Asking.PRECEDENCE, name, Outcome.ANSWERS, ruling=ruling)
                return
            yield self.one(Asking.PRECEDENCE, name, Outcome.SILENT)

    def candidates(self, *, by_host: bool) -> Iterator[Considered]:
        """Each request rule looked at, the one that fits last."""
        url, page = self.exchange.url, self.exchange.page
        for rule in self.policy.requests.candidates(url, by_host=by_host):
            missing = _missing(rule, url, page, self.exchange.carries)
            yield self.one(Asking.RULE, rule.id, Outcome.UNFIT if missing else Outcome.FITS, missing)
            if not missing:
                return


def _missing(rule: RequestRule, url: Url, page: Url | None, carries: frozenset[str]) -> tuple[str, ...]:
    fits = {
        "path": rule.path is None or rule.path.matches(plain_path(url.path)),
        "query": not rule.query or rule.query.matches(url.query),
        "page": rule.holds_on(page),
        "body": not rule.body or rule.in_body in carries,
    }
    return tuple(name for name, fit in fits.items() if not fit)


def _request(tell: _Telling) -> Iterator[Considered]:
    ask = tell.asked
    for name, step in REQUEST_STEPS:
        ruling = step(ask)
        yield tell.step(name, ruling)
        if name in _INSIDE:
            yield from _INSIDE[name](tell, ask, ruling)
        if ruling is not None:
            return


def _inside_sensitive(tell: _Telling, ask: Asked, ruling: Ruling | None) -> Iterator[Considered]:
    for data in sorted(ask.exchange.carries & ask.policy.sensitive.keys()):
        rule = ask.policy.sensitive[data]
        if ruling is not None and ruling.rule == rule.id and ruling.reason is Reason.SENSITIVE:
            yield tell.one(Asking.RULE, rule.id, Outcome.ANSWERS, ruling=ruling)
            return
        yield tell.one(Asking.RULE, rule.id, Outcome.SILENT)
        if rule.category is not None:
            yield from tell.precedence(rule.category, None, rule.id)
        if ruling is not None and ruling.rule == rule.id:
            return


def _inside_declared(tell: _Telling, ask: Asked, _ruling: Ruling | None) -> Iterator[Considered]:
    yield from tell.candidates(by_host=ask.by_host)
    rule = ask.rule
    if rule is None:
        return
    policy, vendor = ask.policy, ask.policy.vendors[rule.vendor]
    ruling = rule_on_vendor(policy, ask.visitor, ask.exchange.signals, rule)
    gates = (
        ("authorisation", policy.authorisation_listed or vendor.authorised is False),
        ("transfers", policy.transfers is not None and policy.transfers.deny),
    )
    for name, set_ in gates:
        if ruling.rule == name:
            yield tell.one(Asking.RULE, name, Outcome.ANSWERS, ruling=ruling)
            return
        if set_ and not policy.categories[rule.category].never:
            yield tell.one(Asking.RULE, name, Outcome.SILENT)
    yield from tell.precedence(rule.category, rule.vendor, rule.id)
    if ruling.allowed:
        yield from _inside_ping(tell, ask, None)


def _inside_ping(tell: _Telling, ask: Asked, _ruling: Ruling | None) -> Iterator[Considered]:
    category = ask.policy.outgoing.pings
    if ask.exchange.kind is Kind.PING and category is not None:
        yield from tell.precedence(category, None, "outgoing.pings")


_INSIDE: Mapping[str, Callable[[_Telling, Asked, Ruling | None], Iterator[Considered]]] = {
    SENSITIVE: _inside_sensitive,
    DECLARED: _inside_declared,
    PING: _inside_ping,
}


def _cookie(telling: Callable[..., _Telling], name: str, part: Policy) -> Iterator[Considered]:
    tell = telling(policy=part)
    exchange, party = tell.exchange, party_of(part, tell.exchange)
    ruling = rule_on_cookie(part, tell.visitor, exchange, name)
    rule = part.cookies.find(name, exchange.url.host, party, exchange.url.path)
    yield tell.step("declared cookie", ruling if rule is not None else None)
    yield from _cookie_candidates(tell, name, rule)
    if rule is not None:
        yield from tell.precedence(rule.category, rule.vendor, rule.id)
        return
    if party is Party.THIRD:
        owner = part.requests.find(exchange.url, exchange.page)
        yield tell.step("vendor of the host", ruling if owner is not None else None)
        yield from tell.candidates(by_host=True)
        if owner is not None:
            yield from tell.precedence(owner.category, owner.vendor, owner.id)
            return
    yield tell.step("unknown cookie", ruling)


def _cookie_candidates(tell: _Telling, name: str, chosen: CookieRule | None) -> Iterator[Considered]:
    """Each rule for a cookie of that name. Where an exact name fits, no pattern is asked."""
    cookies, exchange = tell.policy.cookies, tell.exchange
    party = party_of(tell.policy, exchange)
    starts = (name[:end] for end in range(len(name), -1, -1))
    for rules in (cookies.exact.get(name, ()), *(cookies.patterns.get(start, ()) for start in starts)):
        for rule in rules:
            if not rule.name.matches(name):
                continue
            if rule is chosen:
                yield tell.one(Asking.RULE, rule.id, Outcome.FITS)
            else:
                missing = _cookie_missing(rule, exchange.url, party)
                yield tell.one(Asking.RULE, rule.id, Outcome.UNFIT if missing else Outcome.OUTDONE, missing)
        if chosen is not None and chosen.name.exact:
            return


def _cookie_missing(rule: CookieRule, url: Url, party: Party) -> tuple[str, ...]:
    fits = {
        "party": rule.party is None or rule.party is party,
        "path": not rule.paths or any(glob.matches(plain_path(url.path)) for glob in rule.paths),
        "host": not rule.hosts or any(suffix in rule.hosts for suffix in host_suffixes(url.host)),
    }
    return tuple(name for name, fit in fits.items() if not fit)


def _set_cookie(telling: Callable[..., _Telling], cookie: SetCookie, part: Policy) -> Iterator[Considered]:
    yield from _cookie(telling, cookie.read_as, part)
    tell = telling(policy=part)
    ruling = rule_on_set_cookie(part, tell.visitor, tell.exchange, cookie)
    if ruling.reason is Reason.DELETION:
        yield tell.step("cookie taken away", ruling)
    elif ruling.reason is Reason.PRESUMED_NECESSARY:
        yield tell.step("presumption", ruling)
