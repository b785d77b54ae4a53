"""track.id-cookie

What it finds
    A cookie that no rule and no list knows, set for 90 days or more with a value that may tell one visitor from
    another: it looks like an identifier to recognise people by.
Why it matters
    Recognising a person at the next visit needs consent, whoever does it, unless the person asked for it.
Example
    `Set-Cookie: vtoken=9f86d081884c7d65; Max-Age=31536000` on a host that no vendor names.
Does not see
    Cookies that scripts set: their lifetime never goes over the wire. One capture cannot show that a value differs from
    visitor to visitor, and a signed setting or a shopping basket looks the same: a person has to look.
Sources
    Acar et al. 2014, Englehardt and Narayanan 2016 (lifetime of 90 days, value of 8 characters and more).

Level: potential where a third party sets it, a note where the visited site does (it may be a sign-in that lasts); a
violation where a promise of the policy names this detector.
"""

from collections.abc import Iterator

from cmp.audit.behaviour import is_identifier_cookie
from cmp.audit.evidence import Evidence, Sighting
from cmp.audit.finding import Finding, Level
from cmp.audit.gather import cookies_found
from cmp.core.classify import Party
from cmp.core.decide import party_of
from cmp.core.exchange import Unseen

CODE = "track.id-cookie"
MEANING = "looks like a cookie to recognise people by, of nobody that is known"
NEEDS = frozenset({Unseen.SET_COOKIES})


def find(evidence: Evidence) -> Iterator[Finding]:
    found = [seen for seen in evidence.cookies if _unknown(seen) and _lasting_identifier(seen)]
    others = [seen for seen in found if party_of(evidence.policy, seen.exchange) is Party.THIRD]
    own = [seen for seen in found if party_of(evidence.policy, seen.exchange) is Party.FIRST]
    yield from cookies_found(evidence, CODE, others, evidence.promised(CODE))
    yield from cookies_found(evidence, CODE, own, evidence.promised(CODE, Level.NOTE))


def _unknown(seen: Sighting) -> bool:
    return seen.declared is None and seen.ruling.category is None


def _lasting_identifier(seen: Sighting) -> bool:
    return seen.set_cookie is not None and is_identifier_cookie(seen.set_cookie, seen.lifetime)
