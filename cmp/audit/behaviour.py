"""What behaves like tracking though nobody knows it: the signs by which a request or a cookie is told.

May go in here: the rules for that, each a question about one sighting. May not: who is asked about (`detectors/`,
`learning.py`), what an identifier looks like (`identifying.py`).

Lists are a floor: they miss a quarter to a third of the trackers that are found by behaviour (Fouad et al. 2020). A
sign is no proof either; what is found by one is said as "looks like", and a person decides.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from cmp.audit.evidence import Evidence, Message, Sighting
from cmp.audit.identifying import identifying_parts
from cmp.core.cookies import SetCookie
from cmp.core.exchange import Exchange, Kind, Unseen
from cmp.core.identifiers import identifies
from cmp.core.lifetimes import UNIT_SECONDS
from cmp.core.members import Member

# Bytes. A picture of one pixel has 35 to 43 as GIF, 26 to 44 as WebP and 67 to 95 as PNG; no picture worth seeing fits.
_PIXEL_BYTES = 100
# Seconds. What is to be recognised at the next visit lives longer than a season's session; the studies take 90 days.
LASTING = 90 * UNIT_SECONDS["day"]
# What captures write for an answer that states no type.
_NO_TYPE = frozenset({"", "x-unknown"})
# Answers without a body, and the types of a browser's own reports, which nobody's script sent.
_EMPTY = frozenset({204, 205})
_REPORTS = frozenset(
    {
        "application/csp-report",
        "application/reports+json",
        "application/expect-ct-report+json",
        "application/ocsp-request",
    }
)
# RFC 6960, appendix C; RFC 5280, section 4.2.1.13. Both are signed, and are asked for over plain HTTP.
_CERTIFICATE_STATUS = frozenset({"application/ocsp-request", "application/ocsp-response", "application/pkix-crl"})
_DONE = range(200, 300)
# The names of members repeat from request to request. A longer name is no name, and is not kept.
_NAMES, _LONGEST_NAME = 4_096, 200
_FRACTION = re.compile(r"0?\.[0-9]+")


def unknown_third_parties(evidence: Evidence) -> Iterator[Message]:
    """Requests to others that neither the policy nor one of its lists knows, where the page is known."""
    for message in evidence.messages:
        seen = message.seen
        if seen.ruling.rule == "unknown.host" and message.third and _placed(evidence, seen.exchange):
            yield message


def _placed(evidence: Evidence, exchange: Exchange) -> bool:
    return Unseen.PAGE not in exchange.unseen or bool(evidence.policy.sites)


def is_pixel(seen: Sighting) -> bool:
    """Whether a picture was asked for and nothing to look at came back, while the request told something.

    A spacer has the same size: what tells them apart is a query with a value, or a cookie in either direction.
    """
    exchange, answer = seen.exchange, seen.step.entry.answer
    if exchange.kind is not Kind.IMAGE or answer is None or answer.status not in _DONE:
        return False
    small = answer.status in _EMPTY or (answer.size is not None and 0 < answer.size <= _PIXEL_BYTES)
    if not small or (answer.media_type and not answer.media_type.startswith("image/") and answer.status not in _EMPTY):
        return False
    return "=" in exchange.url.query or bool(exchange.cookies) or bool(exchange.set_cookies)


def is_beacon(seen: Sighting) -> bool:
    """Whether the page sent something and wanted nothing back: a ping, `sendBeacon`, or a POST answered without a body.

    A browser's own reports (CSP, Reporting API) are no beacon of the page.
    """
    exchange, answer = seen.exchange, seen.step.entry.answer
    if exchange.content_type in _REPORTS:
        return False
    if exchange.kind in (Kind.BEACON, Kind.PING):
        return True
    if exchange.method.upper() != "POST" or exchange.kind is Kind.FRAME or answer is None:
        return False
    # A body that was only not kept has size 0 in some captures too, but then the answer says what type it is of.
    return answer.status in _EMPTY or (answer.status == 200 and answer.size == 0 and answer.media_type in _NO_TYPE)


def is_about_certificates(seen: Sighting) -> bool:
    """Whether the browser itself asked if a certificate is still good, which it does without cookie and referrer."""
    exchange, answer = seen.exchange, seen.step.entry.answer
    types = {exchange.content_type, "" if answer is None else answer.media_type}
    return not (exchange.cookies or exchange.referrer) and not _CERTIFICATE_STATUS.isdisjoint(types)


def is_identifier_cookie(cookie: SetCookie, lifetime: float | None) -> bool:
    """Whether a cookie holds what may tell one visitor from another (by its form) for 90 days or more."""
    return lifetime is not None and lifetime >= LASTING and bool(identifying_parts(cookie.value))


class Passed(NamedTuple):
    """An identifier in a request: the member's name, where it stands ("url" or "referrer"), and its value."""

    name: str
    where: str
    value: str


def passed_on(message: Message) -> Iterator[Passed]:
    """Members of the query, and of the referrer's, whose name says identifier and whose value has the form of one."""
    yield from _named(message.said.in_url, "url")
    if message.seen.exchange.referrer:
        yield from _named(message.said.referrer.members, "referrer")


def _may_be_one(value: str) -> bool:
    """A fraction alone is what a script draws anew for each request, to get past a cache."""
    return not _FRACTION.fullmatch(value) and bool(identifying_parts(value))


def may_identify(message: Message) -> bool:
    """Whether the request, or a cookie its answer sets, carries what may tell one visitor from another."""
    exchange = message.seen.exchange
    values = [pair.value for pair in exchange.cookies] + [cookie.value for cookie in exchange.set_cookies]
    return any(identifying_parts(value) for value in values) or next(passed_on(message), None) is not None


@lru_cache(maxsize=_NAMES)
def _short_name_identifies(name: str) -> bool:
    return identifies(name)


def _name_identifies(name: str) -> bool:
    return _short_name_identifies(name) if len(name) <= _LONGEST_NAME else identifies(name)


def _named(members: Iterable[Member], where: str) -> Iterator[Passed]:
    for member in members:
        if member.names and not member.in_path and _name_identifies(member.names[-1]) and _may_be_one(member.value):
            yield Passed(member.names[-1], where, member.value)
