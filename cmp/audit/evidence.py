"""What went over the wire, each request and each cookie with the ruling on it: what detectors look at.

May go in here: the one walk over delivered exchanges, and at which stage of the visitor's choice a breach happened.
May not: findings (`detectors/`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property, partial
from typing import Any, NamedTuple, TypeVar

from cmp.audit.finding import Level
from cmp.audit.replay import Replay, Step
from cmp.audit.said import Referrer, Said
from cmp.core.classify import CookieRule, Party
from cmp.core.consent import Visitor, permit
from cmp.core.cookies import SetCookie
from cmp.core.decide import declared_cookie, party_of, rule_on_cookie, rule_on_request, rule_on_set_cookie
from cmp.core.decision import Reason, Ruling
from cmp.core.exchange import Exchange, Kind, Phase, Unseen
from cmp.core.policy import Policy

T = TypeVar("T")

# HAR is of 2009: a cookie that ends before that was taken away, in any capture there can be.
_BEFORE_ANY_CAPTURE = 1_230_768_000.0


class Stage(StrEnum):
    """When something passed that was not permitted, seen from the visitor's choice."""

    BEFORE = "before"
    AFTER_REJECT = "after-reject"
    AFTER_WITHDRAWAL = "after-withdrawal"
    DESPITE_GPC = "despite-gpc"
    DESPITE_DNT = "despite-dnt"
    DESPITE_NEVER = "despite-never"


class Sighting(NamedTuple):
    """A request that was delivered, or a cookie in it (`name` not None), and the ruling on it.

    `value` is the cookie's; `set_cookie` stands where an answer set it, `declared` is the rule that names it. `race`:
    a choice was made meanwhile, or so near that nobody can tell which came first, and without it this is no breach, or
    another one.
    """

    step: Step
    exchange: Exchange
    ruling: Ruling
    stage: Stage | None
    name: str | None = None
    value: str = ""
    set_cookie: SetCookie | None = None
    declared: CookieRule | None = None
    race: bool = False

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


class Message(NamedTuple):
    """A request that was delivered, with what it says. `at` is its place in the capture, counted from 0.

    `party` names who received it: the company behind the host where the policy knows it, else the host's site; `third`
    tells that this is not the site that the visitor is on.
    """

    at: int
    seen: Sighting
    said: Said
    party: str
    third: bool


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

    def once(self, make: Callable[["Evidence"], T]) -> T:
        """What `make` makes of this evidence; kept for the next detector that asks."""
        if make not in self._made:
            self._made[make] = make(self)
        made: T = self._made[make]
        return made

    @cached_property
    def _made(self) -> dict[Callable[["Evidence"], Any], Any]:
        return {}

    def promised(self, code: str, otherwise: Level = Level.POTENTIAL) -> Level:
        """The level of a breach that no rule of a policy forbids: a violation where one of its promises names the
        detector ("detector:CODE" among `keptBy`), else as given."""
        return self.breach if code in self._promises else otherwise

    @cached_property
    def _promises(self) -> frozenset[str]:
        promises = (promise for part in self.policy.each for promise in part.document.get("promises", ()))
        return frozenset(_kept_by_detectors(promises))

    @cached_property
    def requests(self) -> tuple[Sighting, ...]:
        """Requests to others. A page the visitor goes to is none, even where it is only guessed to be a page."""
        return tuple(seen for seen in self.delivered if seen.exchange.kind is not Kind.DOCUMENT)

    @cached_property
    def delivered(self) -> tuple[Sighting, ...]:
        """Every request, pages of the site included. What the policy excludes is not its matter.

        The ruling is on who was contacted. What a request carried, and whether it was encrypted, have detectors of
        their own, and do not hide that somebody was contacted who may not be.
        """
        policy = _of_recipients(self.policy)
        ruled = (self._staged(_request(self.policy, policy, step, exchange)) for step, exchange in self._delivered())
        return tuple(seen for seen in ruled if seen.ruling.reason is not Reason.OUT_OF_SCOPE)

    @cached_property
    def pages(self) -> tuple[Sighting, ...]:
        """Pages of the site that the visitor went to."""
        return tuple(seen for seen in self.delivered if seen.exchange.kind is Kind.DOCUMENT)

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        """Every request with what it says, in the order of the capture."""
        return tuple(self._messages())

    def _messages(self) -> Iterator[Message]:
        referrers: dict[str, Referrer] = {}
        for at, seen in enumerate(self.delivered):
            entry, exchange = seen.step.entry, seen.exchange
            referrer = referrers.get(exchange.referrer)
            if referrer is None:
                referrer = referrers[exchange.referrer] = Referrer(exchange.referrer)
            said = Said(exchange, entry.body, entry.body_type, referrer)
            third = party_of(self.policy, exchange) is Party.THIRD
            yield Message(at, seen, said, self.party(exchange), third)

    def party(self, exchange: Exchange) -> str:
        """Who stands behind the host: the policy itself for its sites, a company of it, else the registrable domain."""
        if self.policy.sites and party_of(self.policy, exchange) is Party.FIRST:
            return self.policy.id
        rule = self.policy.requests.find(exchange.url, exchange.page)
        if rule is not None and rule.host:
            return self.policy.vendors[rule.vendor].company
        return exchange.host_site

    @cached_property
    def cookies(self) -> tuple[Sighting, ...]:
        """Cookies sent, once an exchange and name, and set. Taking a cookie away is none of them.

        Our own endpoints are asked with every cookie, to see which must go, and never hand one on.
        """
        passed = (seen for seen in self.delivered if seen.exchange.kind is not Kind.CONSENT)
        found = (cookie for seen in passed for cookie in _cookies(self.policy, seen.step, seen.exchange))
        return tuple(self._staged(cookie) for cookie in found)

    def _staged(self, seen: Sighting) -> Sighting:
        """What was refused only after it had been granted was withdrawn."""
        if seen.stage is not Stage.AFTER_REJECT:
            return seen
        withdrawn = self._withdrawn.get(seen.step.entry.index, ())
        if seen.ruling.category not in withdrawn and f"vendor:{seen.ruling.vendor}" not in withdrawn:
            return seen
        return seen._replace(stage=Stage.AFTER_WITHDRAWAL)

    @cached_property
    def _withdrawn(self) -> Mapping[int, frozenset[str]]:
        """By entry, what its visitor had granted earlier in the capture and has refused since.

        Recordings of our own hold visits of several people: only those that are linked can be told apart.
        """
        granted: dict[tuple[str, str], frozenset[str]] = {}
        found: dict[int, frozenset[str]] = {}
        for step in self.replay.steps:
            recorded, visitor = step.entry.recorded, step.visitor
            key = (recorded.visit if recorded is not None else "", step.entry.asked.page_site)
            before = granted.get(key, frozenset())
            refused = visitor.refused if step.rival is None else visitor.refused | step.rival.refused
            if gone := before & refused:
                found[step.entry.index] = gone
            if visitor.granted:
                granted[key] = before | visitor.granted
        return found

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


# The policy says so of the vendor, and whether the visitor agreed was not even asked.
_WHOEVER_AGREES = frozenset({Reason.OUTSIDE_REGION, Reason.UNAUTHORISED})


def stage_of(policy: Policy, visitor: Visitor, exchange: Exchange, ruling: Ruling) -> Stage | None:
    """When the breach happened; None where the ruling permits it, or nothing is known of what it is for."""
    if ruling.allowed or ruling.category is None:
        return None
    reason = ruling.reason
    if reason in _WHOEVER_AGREES:
        asked = [part for part in policy.each if ruling.category in part.categories]
        answers = [permit(part, visitor, exchange.signals, ruling.category, ruling.vendor) for part in asked]
        refusal = next((answer for answer in answers if not answer.allowed), None)
        if refusal is None:
            # decl.region tells of those outside.
            return Stage.DESPITE_NEVER if reason is Reason.UNAUTHORISED else None
        reason = refusal.reason
    if reason is Reason.REFUSED:
        return Stage.AFTER_REJECT
    if reason is Reason.NEVER and visitor.decided:
        return Stage.DESPITE_NEVER if visitor.granted else Stage.AFTER_REJECT
    # Where the policy waits for consent anyway, a visitor who has not been asked is the plainer breach.
    signal = {Reason.GPC: Stage.DESPITE_GPC, Reason.DNT: Stage.DESPITE_DNT}.get(reason)
    if signal is not None and (visitor.decided or policy.categories[ruling.category].default):
        return signal
    return Stage.BEFORE


def _of_recipients(policy: Policy) -> Policy:
    if not any(part.require_https for part in (policy, *policy.parts)):
        # The same one knows its rulings already.
        return policy
    parts = tuple(replace(part, require_https=False) for part in policy.parts)
    return replace(policy, require_https=False, parts=parts)


def _of_recipient(exchange: Exchange) -> Exchange:
    if not exchange.carries:
        return exchange
    # What the body is like tells whose request it is.
    return replace(exchange, carries=frozenset(name for name in exchange.carries if name.startswith("body:")))


def _request(policy: Policy, of_recipients: Policy, step: Step, exchange: Exchange) -> Sighting:
    if _is_ruled_alike(policy, step, exchange):
        ruling = step.decision.ruling
        return Sighting(step, exchange, ruling, stage_of(policy, step.visitor, exchange, ruling))
    recipient = _of_recipient(exchange)
    judged = _judged(policy, step, exchange, lambda visitor: rule_on_request(of_recipients, visitor, recipient))
    return Sighting(step, exchange, judged.ruling, judged.stage, race=judged.race)


def _is_ruled_alike(policy: Policy, step: Step, exchange: Exchange) -> bool:
    """Whether the decision on the step rules on the recipient too: it was made on the same exchange, of which neither
    what it carries nor its transport counted."""
    return (
        exchange is step.entry.asked
        and step.rival is None
        and not exchange.carries
        and not policy.parts
        and step.decision.ruling.reason is not Reason.INSECURE
    )


class _Judged(NamedTuple):
    ruling: Ruling
    stage: Stage | None
    race: bool = False


def _judged(
    policy: Policy, step: Step, exchange: Exchange, rule: Callable[[Visitor], Ruling], *, answer: bool = False
) -> _Judged:
    """What holds for the visitor. Where a choice was made meanwhile: an `answer` comes after it, so that what either
    state forbids is a breach; a request came before it, as far as anybody can tell."""
    ruling = rule(step.visitor)
    stage = stage_of(policy, step.visitor, exchange, ruling)
    if step.rival is None:
        return _Judged(ruling, stage)
    other = rule(step.rival)
    other_stage = stage_of(policy, step.rival, exchange, other)
    if stage is None and answer and other_stage is not None:
        return _Judged(other, other_stage, race=True)
    # Forbidden either way is no matter of which came first.
    return _Judged(ruling, stage, race=stage is not None and other_stage is None)


def _kept_by_detectors(promises: Iterable[Any]) -> Iterator[str]:
    """The detectors that promises of a policy rest on, in either mode."""
    for promise in promises:
        kept_by = promise.get("keptBy", ())
        for names in kept_by.values() if isinstance(kept_by, Mapping) else (kept_by,):
            yield from (name.removeprefix("detector:") for name in names if name.startswith("detector:"))


def _cookies(policy: Policy, step: Step, exchange: Exchange) -> Iterator[Sighting]:
    sent: dict[str, str] = {}
    for pair in exchange.cookies:
        sent.setdefault(pair.name, pair.value)
    for name, value in sent.items():
        read = partial(_on_cookie, policy, exchange, name)
        ruling, stage, race = _judged(policy, step, exchange, read)
        yield Sighting(step, exchange, ruling, stage, name, value, None, declared_cookie(policy, exchange, name), race)
    for cookie in exchange.set_cookies:
        if deletes(cookie, exchange):
            continue
        written = partial(_on_set_cookie, policy, exchange, cookie)
        ruling, stage, race = _judged(policy, step, exchange, written, answer=True)
        declared = declared_cookie(policy, exchange, cookie.read_as)
        yield Sighting(step, exchange, ruling, stage, cookie.name, cookie.value, cookie, declared, race)


def _on_cookie(policy: Policy, exchange: Exchange, name: str, visitor: Visitor) -> Ruling:
    return rule_on_cookie(policy, visitor, exchange, name)


def _on_set_cookie(policy: Policy, exchange: Exchange, cookie: SetCookie, visitor: Visitor) -> Ruling:
    return rule_on_set_cookie(policy, visitor, exchange, cookie)
