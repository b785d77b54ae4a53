"""transport.insecure

What it finds
    Of the visited site: requests over plain HTTP from one of its HTTPS pages or by a form, cookies sent over plain
    HTTP, and cookies set over HTTPS without `Secure`, which the browser would send over plain HTTP too. Where the
    policy requires HTTPS, what its pages load from others over plain HTTP as well.
Why it matters
    Whoever carries the traffic reads and changes what is not encrypted, and takes over the session with its cookie.
Example
    An HTTPS page with `<form action="http://shop.example/login" method="post">`.
Does not see
    The strength of the encryption; HSTS, with which a browser asks by HTTPS after all; cookies of others. A page opened
    over plain HTTP that leads on to HTTPS is the ordinary beginning of a visit, and no finding. Nor is the question of
    the browser itself whether a certificate is still good (OCSP), which is asked over plain HTTP and answered signed.
Sources
    RFC 6265bis, section 4.1.2.5; W3C Mixed Content; GDPR Art. 32(1)(a).

Level: a note, as no policy need promise it. A violation where the policy says so: `transport.secureCookies` for
cookies, `"https": "require"` for requests and for what is sent with them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from cmp.audit.behaviour import is_about_certificates
from cmp.audit.evidence import Evidence, Sighting
from cmp.audit.finding import Finding, Level
from cmp.audit.gather import cookies_found, requests_found
from cmp.capture.capture import Gap
from cmp.core.classify import Party
from cmp.core.decide import party_of
from cmp.core.exchange import Exchange, Unseen

CODE = "transport.insecure"
MEANING = "the site's requests or cookies not confined to encrypted connections"
NEEDS: frozenset[Unseen | Gap] = frozenset({Unseen.COOKIES, Unseen.SET_COOKIES, Unseen.PAGE, Gap.DETAILS})

_PLAIN = ("http", "ws")


def find(evidence: Evidence) -> Iterator[Finding]:
    policy = evidence.policy
    encrypted = evidence.breach if policy.require_https else Level.NOTE
    confined = evidence.breach if policy.secure_cookies else Level.NOTE
    insecure = (seen for seen in evidence.delivered if _mixed(seen.exchange) and not is_about_certificates(seen))
    mixed = [seen for seen in insecure if policy.require_https or _own(evidence, seen)]
    yield from _told("request over plain HTTP", requests_found(evidence, CODE, mixed, encrypted))
    cookies = [seen for seen in evidence.cookies if _own(evidence, seen)]
    sent = [seen for seen in cookies if seen.set_cookie is None and seen.exchange.url.scheme in _PLAIN]
    either = evidence.breach if policy.require_https or policy.secure_cookies else Level.NOTE
    yield from _told("cookie sent over plain HTTP", cookies_found(evidence, CODE, sent, either))
    bare = [seen for seen in cookies if _without_secure(seen)]
    yield from _told("cookie set without Secure", cookies_found(evidence, CODE, bare, confined))


def _told(how: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    return (replace(finding, evidence={**finding.evidence, "how": how}) for finding in findings)


def _own(evidence: Evidence, seen: Sighting) -> bool:
    return party_of(evidence.policy, seen.exchange) is Party.FIRST


def _mixed(exchange: Exchange) -> bool:
    if exchange.url.scheme not in _PLAIN:
        return False
    posted = exchange.method.upper() == "POST"
    return posted or (exchange.page is not None and exchange.page.scheme == "https")


def _without_secure(seen: Sighting) -> bool:
    return seen.set_cookie is not None and not seen.set_cookie.secure and seen.exchange.url.scheme == "https"
