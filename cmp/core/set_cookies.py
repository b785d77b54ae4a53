"""What is changed in the Set-Cookies of an answer: dropped, cut short, ended with the session, made secure.

May go in here: edits on answers. May not: whether the cookie may be set at all (`on_cookies.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from cmp.core.classify import CookieRule, Party
from cmp.core.consent import Visitor
from cmp.core.cookies import SetCookie
from cmp.core.decision import Edit, EditKind, Reason, Ruling
from cmp.core.exchange import Exchange
from cmp.core.on_cookies import declared_cookies, lifetime_of
from cmp.core.parties import party_of
from cmp.core.policy import Policy


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer under a policy; `events` are those its request is."""

    policy: Policy
    visitor: Visitor
    exchange: Exchange
    events: tuple[str, ...]


def set_cookie_edits(answer: Answer, index: int, cookie: SetCookie, ruling: Ruling) -> Iterator[Edit]:
    """The edits on the `index`th Set-Cookie, on which `ruling` was made."""
    if not ruling.allowed:
        yield Edit(EditKind.STRIP_SET_COOKIE, cookie.name, ruling, index)
        return
    lifetime = cookie.lifetime(answer.exchange.time)
    if lifetime is not None and lifetime <= 0:
        return
    rules = tuple(declared_cookies(answer.policy, answer.exchange, cookie.read_as))
    if lifetime is not None:
        if (renewed := _renewed(answer.exchange, cookie, rules)) is not None:
            yield Edit(EditKind.STRIP_SET_COOKIE, cookie.name, renewed, index)
            return
        yield from _shortened(answer, index, cookie, rules)
    if _needs_secure(answer, cookie):
        secured = Ruling(True, Reason.TRANSPORT, "transport.secureCookies", ruling.category, ruling.vendor)
        yield Edit(EditKind.SECURE_SET_COOKIE, cookie.name, secured, index)


def marks(answer: Answer) -> Iterator[Edit]:
    """What has to be remembered of this visitor: the events that were not observed before."""
    for event in answer.events:
        if event not in answer.visitor.events:
            ruling = Ruling(True, Reason.EVENT, f"event:{event}", answer.policy.each[0].own_category)
            yield Edit(EditKind.MARK_EVENT, event, ruling)


def _renewed(exchange: Exchange, cookie: SetCookie, rules: tuple[CookieRule, ...]) -> Ruling | None:
    """Whether this only prolongs a cookie whose life is counted from the first time it was set."""
    for rule in rules:
        if rule.fixed and any(sent.name == cookie.name and sent.value == cookie.value for sent in exchange.cookies):
            return Ruling(False, Reason.RENEWAL, rule.id, rule.category, rule.vendor)
    return None


def _shortened(answer: Answer, index: int, cookie: SetCookie, rules: tuple[CookieRule, ...]) -> Iterator[Edit]:
    """The shortest lifetime that any of the rules allows."""
    found = [(lt, rule) for rule in rules if (lt := lifetime_of(rule, answer.visitor, answer.events)) is not None]
    if not found:
        return
    limit, rule = min(found, key=lambda pair: -1 if pair[0].seconds is None else pair[0].seconds)
    ruling = Ruling(True, Reason.LIFETIME, rule.id, rule.category, rule.vendor)
    if limit.seconds is None:
        yield Edit(EditKind.SESSION_SET_COOKIE, cookie.name, ruling, index)
    elif (cookie.lifetime(answer.exchange.time) or 0) > limit.seconds:
        yield Edit(EditKind.CAP_SET_COOKIE, cookie.name, ruling, index, limit.seconds)


def _needs_secure(answer: Answer, cookie: SetCookie) -> bool:
    return (
        answer.policy.secure_cookies
        and not cookie.secure
        and answer.exchange.url.scheme in ("https", "wss")
        and party_of(answer.policy, answer.exchange) is Party.FIRST
    )
