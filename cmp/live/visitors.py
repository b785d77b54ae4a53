"""Who asks: choices from the consent cookie, events from the marker cookie, the place from where the policy says.

May go in here: reading a `Visitor` off a live request, and writing down what was observed of it. May not: what follows
from it (`cmp.core`), the form of the cookies (`cmp.seal`).
"""

from collections.abc import Sequence
from dataclasses import replace

from mitmproxy import http

from cmp.capture.flow_exchange import header_list
from cmp.capture.observe import field_lines, request_cookies, set_cookie_lines
from cmp.core.consent import NO_CHOICE, Visitor
from cmp.core.cookies import RequestCookie, read_set_cookie
from cmp.core.decision import Decision, EditKind
from cmp.core.exchange import Exchange, Kind
from cmp.core.on_cookies import declared_cookies
from cmp.core.policy import Policy
from cmp.core.urls import Url
from cmp.live.enforcement import Enforcement
from cmp.seal.cookie import read_cookie
from cmp.seal.marker import marker_line, marker_name, read_marker, write_marker
from cmp.seal.place import place_of
from cmp.seal.site import ConsentSite

# Browsers keep no cookie longer (RFC 6265bis, section 5.6.1): 400 days.
_LONGEST = 400 * 86_400
# Every name the marker can have. It is between the browser and us, so nobody else is sent it.
MARKERS = frozenset({"consent-events", "__Secure-consent-events", "__Host-consent-events"})


class Visitors:
    """Reads and marks visitors. `secret` seals the marker where the operator gave none: it ends with the process."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def visitor(
        self, now: Enforcement, flow: http.HTTPFlow, url: Url, *, reverse: bool, chosen: str | None = None
    ) -> Visitor:
        """Who asks for `url`. Only the operator's own site has our consent cookie; elsewhere nobody made a choice.

        `chosen` is the consent cookie's value by now, where it is another than the request's.
        """
        headers = header_list(flow.request.headers)
        # The operator's edge stands in front of the operator's site only; a header says nothing elsewhere.
        place = place_of(now.policy, lambda name: field_lines(headers, name) if reverse else ())
        needed = (reverse and now.consent is not None) or bool(now.policy.events)
        cookies = request_cookies(headers) if needed else ()
        visitor = replace(NO_CHOICE, place=place) if place else NO_CHOICE
        if reverse and now.consent is not None:
            consent = now.consent
            if chosen is not None:
                cookies = _with_choice(cookies, consent.site.cookie_name, chosen)
            found = read_cookie(consent.keys, consent.site, cookies, now.clock(), now.policy, place=place)
            visitor = found.visitor
        if now.policy.events:
            site, secret = self._marking(now, url, reverse=reverse)
            known = {event.id for event in now.policy.events}
            if events := known & read_marker(secret, site.audience, marker_name(site), cookies):
                visitor = replace(visitor, events=visitor.events | events)
        return visitor

    def record(self, now: Enforcement, asked: http.HTTPFlow) -> str:
        """The id of the consent that the request on the operator's site comes with, "" without one."""
        if now.consent is None:
            return ""
        cookies = request_cookies(header_list(asked.request.headers))
        return read_cookie(now.consent.keys, now.consent.site, cookies, now.clock(), now.policy).record

    def record_of(self, now: Enforcement, chosen: str) -> str:
        """The id of the consent in a consent cookie's value, "" without one."""
        if now.consent is None:
            return ""
        cookies = _with_choice((), now.consent.site.cookie_name, chosen)
        return read_cookie(now.consent.keys, now.consent.site, cookies, now.clock(), now.policy).record

    def chosen(self, now: Enforcement, answer: http.Response) -> str | None:
        """The consent cookie's value that an answer of the consent server sets, "" where it takes the cookie away."""
        if now.consent is None:
            return None
        found = [read_set_cookie(line) for line in set_cookie_lines(header_list(answer.headers))]
        values = [
            "" if one.deletes(now.clock()) else one.value for one in found if one.name == now.consent.site.cookie_name
        ]
        return values[-1] if values else None

    def marker(
        self, now: Enforcement, visitor: Visitor, exchange: Exchange, decision: Decision, url: Url, *, reverse: bool
    ) -> str | None:
        """The Set-Cookie that remembers what was observed, None where there is nothing new to say.

        It is set again when a cookie is whose life depends on it: that one would outlive it otherwise.
        """
        new = {edit.name for edit in decision.edits if edit.kind is EditKind.MARK_EVENT}
        again = visitor.events & (set(decision.events) | _depended_on(now.policy, exchange, decision))
        if not (new or again):
            return None
        events = visitor.events | new
        site, secret = self._marking(now, url, reverse=reverse)
        value = write_marker(secret, site.audience, events)
        embedded = not reverse and exchange.kind is not Kind.DOCUMENT and not exchange.same_site
        return marker_line(site, value, _lifetime(now.policy, events, visitor.place), embedded=embedded)

    def _marking(self, now: Enforcement, url: Url, *, reverse: bool) -> tuple[ConsentSite, bytes]:
        """Whom the marker is made out to, and the secret it is sealed with."""
        if reverse and now.consent is not None and now.consent.marker is not None:
            return now.consent.site, now.consent.marker
        scheme = {"ws": "http", "wss": "https"}.get(url.scheme, url.scheme)
        return ConsentSite(f"{scheme}://{url.host}"), self._secret


def _with_choice(cookies: Sequence[RequestCookie], name: str, chosen: str) -> tuple[RequestCookie, ...]:
    """The cookies with this value for the consent cookie, without it where the value is empty."""
    others = tuple(cookie for cookie in cookies if cookie.name != name)
    return (*others, RequestCookie(name, chosen)) if chosen else others


def _depended_on(policy: Policy, exchange: Exchange, decision: Decision) -> set[str]:
    """The events that the lifetime of a cookie this answer sets depends on."""
    gone = {edit.index for edit in decision.edits if edit.kind is EditKind.STRIP_SET_COOKIE}
    return {
        rule.before.event
        for index, cookie in enumerate(exchange.set_cookies)
        if index not in gone and not cookie.deletes(exchange.time)
        for rule in declared_cookies(policy, exchange, cookie.name)
        if rule.before is not None
    }


def _lifetime(policy: Policy, events: frozenset[str] | set[str], place: str) -> int | None:
    """Seconds that events are remembered: as long as anything that depends on one of them."""
    found: list[int] = []
    for part in policy.each:
        for rules in (*part.cookies.exact.values(), *part.cookies.patterns.values()):
            for rule in rules:
                if rule.before is None or rule.before.event not in events:
                    continue
                found.append(_LONGEST if rule.lifetime is None else rule.lifetime.seconds or 0)
        if any(category.after in events for category in part.categories.values()):
            found.append(part.regions.ask_again(place, part.ask_again, min))
    return min(max(found, default=0), _LONGEST) or None
