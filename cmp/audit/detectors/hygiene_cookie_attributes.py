"""hygiene.cookie-attributes

What it finds
    Cookies of the visited site whose attributes contradict each other, so that a browser refuses or shortens them, and
    sign-in and session cookies that scripts may read: `SameSite=None` or `Partitioned` without `Secure`; the prefixes
    `__Secure-` and `__Host-` without what they promise; a `Domain` the host is not part of; a name that says session or
    sign-in, an identifying value, and no `HttpOnly`.
Why it matters
    A cookie that browsers take differently protects some visitors only. One that scripts may read is gone with the
    first script that is not the site's own.
Example
    `Set-Cookie: PHPSESSID=3f9c...; path=/` without `HttpOnly`.
Does not see
    Missing `SameSite`, which browsers by now take for `Lax`, and missing `Secure`, which is `transport.insecure`;
    cookies of others; cookies that scripts set. Some sites read their session cookie by script on purpose.
Sources
    RFC 6265bis, sections 4.1.3, 5.7 and 8.3; OWASP Session Management Cheat Sheet.

Level: a note; a violation where a promise of the policy names this detector.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from cmp.audit.evidence import Evidence, Sighting
from cmp.audit.finding import Finding, Level
from cmp.audit.gather import cookies_found
from cmp.audit.identifying import identifying_parts
from cmp.core.classify import Party, host_suffixes
from cmp.core.cookies import SetCookie
from cmp.core.decide import party_of
from cmp.core.exchange import Unseen

CODE = "hygiene.cookie-attributes"
MEANING = "the site's cookies with attributes that protect nobody"
NEEDS = frozenset({Unseen.SET_COOKIES})

_SESSION = re.compile(
    r"(?i)(?!.*[cx]srf)(?:.*[_.-])?(?:(?:php|asp|j|asp\.net_)?sess(?:ion)?(?:[_-]?(?:id|token|key))?|sid|s?auth|auth[_-]?token|jwt|"
    r"access[_-]?token|refresh[_-]?token|remember[_-]?(?:me|token)|connect\.sid|\.aspxauth|aspsessionid[a-z]+|cfid|cftoken)"
)


def find(evidence: Evidence) -> Iterator[Finding]:
    groups: dict[str, list[Sighting]] = {}
    for seen in evidence.cookies:
        if seen.set_cookie is not None and party_of(evidence.policy, seen.exchange) is Party.FIRST:
            for how in _faults(seen, seen.set_cookie):
                groups.setdefault(how, []).append(seen)
    for how, group in groups.items():
        for finding in cookies_found(evidence, CODE, group, evidence.promised(CODE, Level.NOTE)):
            yield replace(finding, evidence={**finding.evidence, "how": how})


def _faults(seen: Sighting, cookie: SetCookie) -> Iterator[str]:
    host = seen.exchange.url.host
    if cookie.same_site == "none" and not cookie.secure:
        yield "SameSite=None without Secure"
    if cookie.partitioned and not cookie.secure:
        yield "Partitioned without Secure"
    lower = cookie.name.lower()
    if lower.startswith("__secure-") and not cookie.secure:
        yield "__Secure- without Secure"
    if lower.startswith("__host-") and (not cookie.secure or cookie.domain or cookie.path != "/"):
        yield "__Host- without Secure and Path=/, or with a Domain"
    if cookie.domain and cookie.domain not in host_suffixes(host):
        yield "a Domain that the host is not part of"
    if not cookie.http_only and _SESSION.fullmatch(cookie.name) and identifying_parts(cookie.value):
        yield "session or sign-in readable by scripts"
