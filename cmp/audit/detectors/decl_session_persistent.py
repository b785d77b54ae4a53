"""decl.session-persistent

What it finds
    A cookie that the policy declares to end with the browser session and that is set with a lifetime, and the reverse:
    one declared with a lifetime and set without.
Why it matters
    "Vanishes when you close the browser" is a promise that people act on: CJEU C-673/17 (Planet49), GDPR
    Art. 13(2)(a). The reverse harms nobody, but what was declared is not what happens.
Example
    Declared "session", set with `Max-Age=2592000`.
Does not see
    Cookies that scripts set; browsers that restore a session, and with it its cookies; a lifetime given as a date in a
    capture without times.
Sources
    Bollinger et al. 2022, violation 6 (3.8 % of sites, the reverse 3.1 %).

Level: a violation for more than a day; potential for less, which may well be over before the browser is closed; the
reverse is a note. Against the baseline, where the site declared no lifetime, a note, and the reverse nothing.
"""

from collections.abc import Iterator
from dataclasses import replace

from cmp.audit.evidence import Evidence, Sighting
from cmp.audit.finding import Finding, Level
from cmp.audit.gather import cookies_found
from cmp.core.exchange import Unseen
from cmp.core.lifetimes import in_words

CODE = "decl.session-persistent"
MEANING = "cookies that outlive the session against what is declared, or the reverse"
NEEDS = frozenset({Unseen.SET_COOKIES, Unseen.TIME})

_DAY = 86_400


def find(evidence: Evidence) -> Iterator[Finding]:
    session = [seen for seen in evidence.cookies if _declared(seen, session=True)]
    kept = [seen for seen in session if (seen.lifetime or 0) > 0]
    # One that is set for long at least once is not also one that is set for short.
    longest = {_key(seen) for seen in kept if (seen.lifetime or 0) > _DAY}
    lasting = [seen for seen in kept if _key(seen) in longest]
    declared = not evidence.baseline
    yield from _found(evidence, lasting, evidence.breach if declared else Level.NOTE)
    brief = [seen for seen in kept if _key(seen) not in longest]
    yield from _found(evidence, brief, Level.POTENTIAL if declared else Level.NOTE)
    if not evidence.baseline:
        ending = [seen for seen in evidence.cookies if _declared(seen, session=False) and _ends_with_session(seen)]
        yield from _found(evidence, ending, Level.NOTE)


def _found(evidence: Evidence, group: list[Sighting], level: Level) -> Iterator[Finding]:
    # The longest of a cookie is the one to tell.
    group = sorted(group, key=lambda seen: -(seen.lifetime or 0))
    firsts = {_key(seen): seen for seen in reversed(group)}
    for finding in cookies_found(evidence, CODE, group, level):
        first = firsts[finding.evidence["cookie"], finding.evidence["site"]]
        declared = first.declared.lifetime if first.declared else None
        actual = "session" if first.lifetime is None else in_words(first.lifetime)
        words = {"declared": declared.text if declared else "", "actual": actual}
        yield replace(finding, evidence={**finding.evidence, **words})


def _declared(seen: Sighting, *, session: bool) -> bool:
    lifetime = seen.declared.lifetime if seen.declared else None
    return seen.set_cookie is not None and lifetime is not None and lifetime.session is session


def _ends_with_session(seen: Sighting) -> bool:
    cookie = seen.set_cookie
    return cookie is not None and cookie.max_age is None and cookie.expires is None


def _key(seen: Sighting) -> tuple[str, str]:
    return seen.name or "", seen.exchange.host_site
