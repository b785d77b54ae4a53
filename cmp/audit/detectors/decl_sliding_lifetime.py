"""decl.sliding-lifetime

What it finds
    A cookie that is set again with the value the browser just sent, so that its life begins anew, though it may not be
    prolonged: the policy declares its renewal `fixed`, or its category rests on the exemption `audience-measurement`.
    And a cookie of such an exemption that lives longer than 13 months.
Why it matters
    A life of 13 months that every visit begins anew has no end. The French exemption asks for cookies that end 13
    months after the first visit.
Example
    `Cookie: _am=91c0ffee27aa`, and in the answer `Set-Cookie: _am=91c0ffee27aa; Max-Age=33696000`.
Does not see
    Cookies that scripts prolong; cookies that are sent to one host and set by another; ordinary cookies with consent,
    which may slide unless the policy says otherwise.
Sources
    CNIL, deliberation 2020-091, paragraphs 51 and 52.
"""

from collections.abc import Iterator
from dataclasses import replace

from cmp.audit.evidence import Evidence, Sighting
from cmp.audit.finding import Finding
from cmp.audit.gather import cookies_found
from cmp.core.exchange import Unseen
from cmp.core.lifetimes import UNIT_SECONDS

CODE = "decl.sliding-lifetime"
MEANING = "cookies prolonged, or living longer, than their exemption or declaration lets them"
NEEDS = frozenset({Unseen.COOKIES, Unseen.SET_COOKIES})

_LONGEST = 13 * UNIT_SECONDS["month"]
_DAY = UNIT_SECONDS["day"]


def find(evidence: Evidence) -> Iterator[Finding]:
    exempt = _exempt(evidence)
    held = [seen for seen in evidence.cookies if _fixed(seen) or seen.ruling.category in exempt]
    prolonged = [seen for seen in held if _prolonged(seen)]
    yield from _told("set again with the same value", evidence, prolonged)
    exempted = (seen for seen in held if seen.ruling.category in exempt)
    lasting = [seen for seen in exempted if (seen.lifetime or 0) > _LONGEST + _DAY]
    yield from _told("longer than 13 months", evidence, lasting)


def _told(how: str, evidence: Evidence, group: list[Sighting]) -> Iterator[Finding]:
    for finding in cookies_found(evidence, CODE, group, evidence.breach):
        yield replace(finding, evidence={**finding.evidence, "how": how})


def _prolonged(seen: Sighting) -> bool:
    cookie = seen.set_cookie
    if cookie is None or (cookie.max_age is None and cookie.expires is None):
        return False
    return any(pair.name == seen.name and pair.value == seen.value for pair in seen.exchange.cookies)


def _fixed(seen: Sighting) -> bool:
    return seen.declared is not None and seen.declared.fixed


def _exempt(evidence: Evidence) -> frozenset[str]:
    """The categories that rest on the French exemption; others say nothing of how long a cookie lives."""
    declared = (part.document["categories"].items() for part in evidence.policy.each)
    return frozenset(
        id_ for each in declared for id_, category in each if category.get("exemption") == "audience-measurement"
    )
