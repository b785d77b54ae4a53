"""decl.undeclared-cookie

What it finds
    A cookie, sent or set, that no rule of the policy declares, and that is not on a host of a declared vendor.
Why it matters
    Visitors have to be told of every cookie, its purpose and its life: GDPR Art. 13, CJEU C-673/17 (Planet49).
Example
    `Set-Cookie: abtest=b` on the visited site, and no rule for "abtest" in the policy.
Does not see
    Cookies that scripts set and that are never sent; what else a declared vendor keeps on its own hosts; storage other
    than cookies.
Sources
    Bollinger et al. 2022, violation 5 (82.5 % of sites).

Level: potential; a note against the baseline (nobody declared anything), where the policy allows unknown cookies, and
for a session cookie hidden from scripts that the policy presumes necessary.
"""

from collections.abc import Iterator

from cmp.audit.evidence import Evidence, Sighting
from cmp.audit.finding import Finding, Level
from cmp.audit.gather import cookies_found
from cmp.core.decision import Reason
from cmp.core.exchange import Unseen
from cmp.core.policy import Unknown

CODE = "decl.undeclared-cookie"
MEANING = "cookies that the policy does not name"
NEEDS = frozenset({Unseen.COOKIES, Unseen.SET_COOKIES})


def find(evidence: Evidence) -> Iterator[Finding]:
    undeclared = [seen for seen in evidence.cookies if seen.declared is None and seen.ruling.vendor is None]
    presumed = {_key(seen) for seen in undeclared if seen.ruling.reason is Reason.PRESUMED_NECESSARY}
    # One that was also set in another way is not what the presumption is for.
    presumed -= {
        _key(seen)
        for seen in undeclared
        if seen.set_cookie is not None and seen.ruling.reason is not Reason.PRESUMED_NECESSARY
    }
    open_ = evidence.baseline or evidence.policy.unknown_cookie is Unknown.ALLOW
    level = Level.NOTE if open_ else Level.POTENTIAL
    yield from cookies_found(evidence, CODE, (seen for seen in undeclared if _key(seen) not in presumed), level)
    yield from cookies_found(evidence, CODE, (seen for seen in undeclared if _key(seen) in presumed), Level.NOTE)


def _key(seen: Sighting) -> tuple[str | None, str]:
    return seen.name, seen.exchange.host_site
