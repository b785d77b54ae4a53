"""What went over the wire, each request and each cookie with the ruling on it: what detectors look at.

May go in here: the one walk over delivered exchanges, and at which stage of the visitor's choice a breach happened.
May not: findings (`detectors/`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from cmp.audit.finding import Level
from cmp.audit.replay import Replay, Step
from cmp.core.classify import CookieRule, Party
from cmp.core.consent import Visitor
from cmp.core.cookies import SetCookie
from cmp.core.decide import declared_cookie, party_of, rule_on_cookie, rule_on_request, rule_on_set_cookie
from cmp.core.decision import Reason, Ruling
from cmp.core.exchange import Exchange, Kind, Phase, Unseen
from cmp.core.policy import Policy

# HAR is of 2009: a cookie that ends before that was taken away, in any capture there can be.
_BEFORE_ANY_CAPTURE = 1_230_768_000.0


class Stage(StrEnum):
    """When something passed that was not permitted, seen from the visitor's choice."""

    BEFORE = "before"
    AFTER_REJECT = "after-reject"
    DESPITE_GPC = "despite-gpc"
    DESPITE_DNT = "despite-dnt"
    DESPITE_NEVER = "despite-never"


@dataclass(frozen=True, slots=True)
class Sighting:
    """A request that was delivered, or a cookie in it (`name` not None), and the ruling on it.

    `value` is the cookie's; `set_cookie` stands where an answer set it, `declared` is the rule that names it.
    """

    step: Step
    exchange: Exchange
    ruling: Ruling
    stage: Stage | None
    name: str | None = None
    value: str = ""
    set_cookie: SetCookie | None = None
    declared: CookieRule | None = None

    @property
    def answered(self) -> bool:
        """Whether an answer shows that the request arrived; one without may have been stopped in the browser."""
        return self.exchange.phase is Phase.RESPONSE

    @property
    def time(self) -> float | None:
        return None if Unseen.TIME in self.exchange.unseen else self.exchange.time

    @property
    def lifetime(self) -> float | None:
        """Seconds a cookie that was set lives; None for a session cookie, and where nobody can tell."""
        cookie = self.set_cookie
        if cookie is None or (cookie.max_age is None and self.time is None):
            return None
        return cookie.lifetime(self.exchange.time)


@dataclass(frozen=True)
class Evidence:
    """A replay, and what its capture shows as delivered. `baseline`: held against no policy the site declared."""

    replay: Replay
    baseline: bool

    @property
    def policy(self) -> Policy:
        return self.replay.policy

    @property
    def breach(self) -> Level:
        """A broken promise is a violation; against a baseline it is for a person to judge."""
        return Level.POTENTIAL if self.baseline else Level.VIOLATION

    @cached_property
    def requests(self) -> tuple[Sighting, ...]:
        """Requests to others. A page the visitor goes to is none, even where it is only guessed to be a page."""
        return tuple(
            _sighting(self.policy, step, exchange, rule_on_request(self.policy, step.visitor, exchange))
            for step, exchange in self._delivered()
            if exchange.kind is not Kind.DOCUMENT
        )

    @cached_property
    def cookies(self) -> tuple[Sighting, ...]:
        """Cookies sent, once an exchange and name, and set. Taking a cookie away is none of them."""
        return tuple(cookie for step, exchange in self._delivered() for cookie in _cookies(self.policy, step, exchange))

    def _delivered(self) -> Iterator[tuple[Step, Exchange]]:
        for step in self.replay.steps:
            exchange = step.entry.delivered
            if exchange is None:
                continue
            if Unseen.PAGE in exchange.unseen and exchange.host_site in self._visited and not self.policy.sites:
                # Its site was visited, so what is fetched from there for an unknown page is taken for the site's own.
                exchange = replace(exchange, page=exchange.url, page_site=exchange.host_site)
            # What another site keeps on its own page is that site's matter, not this policy's.
            if exchange.kind is Kind.DOCUMENT and party_of(self.policy, exchange) is Party.THIRD:
                continue
            yield step, exchange

    @cached_property
    def _visited(self) -> frozenset[str]:
        entries = [step.entry.delivered for step in self.replay.steps]
        return frozenset(seen.host_site for seen in entries if seen is not None and seen.kind is Kind.DOCUMENT)


def deletes(cookie: SetCookie, exchange: Exchange) -> bool:
    """Whether a Set-Cookie takes a cookie away, also in a capture that has no times."""
    if Unseen.TIME in exchange.unseen and cookie.max_age is None and cookie.expires is not None:
        return cookie.expires < _BEFORE_ANY_CAPTURE
    return cookie.deletes(exchange.time)


def stage_of(policy: Policy, visitor: Visitor, ruling: Ruling) -> Stage | None:
    """When the breach happened; None where the ruling permits it, or nothing is known of what it is for."""
    if ruling.allowed or ruling.category is None:
        return None
    if ruling.reason is Reason.REFUSED:
        return Stage.AFTER_REJECT
    if ruling.reason is Reason.NEVER and visitor.decided:
        return Stage.DESPITE_NEVER if visitor.granted else Stage.AFTER_REJECT
    # Where the policy waits for consent anyway, a visitor who has not been asked is the plainer breach.
    signal = {Reason.GPC: Stage.DESPITE_GPC, Reason.DNT: Stage.DESPITE_DNT}.get(ruling.reason)
    if signal is not None and (visitor.decided or policy.categories[ruling.category].default):
        return signal
    return Stage.BEFORE


def _sighting(policy: Policy, step: Step, exchange: Exchange, ruling: Ruling) -> Sighting:
    return Sighting(step, exchange, ruling, stage_of(policy, step.visitor, ruling))


def _cookies(policy: Policy, step: Step, exchange: Exchange) -> Iterator[Sighting]:
    sent: dict[str, str] = {}
    for pair in exchange.cookies:
        sent.setdefault(pair.name, pair.value)
    for name, value in sent.items():
        ruling = rule_on_cookie(policy, step.visitor, exchange, name)
        stage = stage_of(policy, step.visitor, ruling)
        yield Sighting(step, exchange, ruling, stage, name, value, None, declared_cookie(policy, exchange, name))
    for cookie in exchange.set_cookies:
        if deletes(cookie, exchange):
            continue
        ruling = rule_on_set_cookie(policy, step.visitor, exchange, cookie)
        stage = stage_of(policy, step.visitor, ruling)
        declared = declared_cookie(policy, exchange, cookie.name)
        yield Sighting(step, exchange, ruling, stage, cookie.name, cookie.value, cookie, declared)
