"""decl.lifetime-exceeds

What it finds
    A cookie set to live longer than declared: more than half as long again, and more than a day.
Why it matters
    Visitors have to be told how long a cookie lives: CJEU C-673/17 (Planet49), GDPR Art. 13(2)(a).
Example
    Declared "13 months", set with `Max-Age=94608000` (three years).
Does not see
    Cookies that scripts set; `Expires` in a capture without times (`Max-Age` is still compared); a short cookie that is
    renewed with every page. Cookies declared to end with the session are those of `decl.session-persistent`.
Sources
    Bollinger et al. 2022, violation 6 (13.5 % of sites), whose thresholds are used.

Level: a violation; a note against the baseline, as the site declared no lifetime and the catalogue tells the usual one.
"""

from collections.abc import Iterator
from dataclasses import replace

from cmp.audit.evidence import Evidence, Sighting
from cmp.audit.finding import Finding, Level
from cmp.audit.gather import cookies_found
from cmp.core.exchange import Unseen
from cmp.core.lifetimes import in_words

CODE = "decl.lifetime-exceeds"
MEANING = "cookies that live longer than declared"
NEEDS = frozenset({Unseen.SET_COOKIES, Unseen.TIME})

_DAY = 86_400
_FACTOR = 1.5


def find(evidence: Evidence) -> Iterator[Finding]:
    longer = [seen for seen in evidence.cookies if _exceeds(seen)]
    # The finding tells of the first of its group.
    firsts = {(seen.name, seen.exchange.host_site): seen for seen in reversed(longer)}
    level = Level.NOTE if evidence.baseline else evidence.breach
    for finding in cookies_found(evidence, CODE, longer, level):
        first = firsts[finding.evidence["cookie"], finding.evidence["site"]]
        yield replace(finding, evidence={**finding.evidence, **_in_words(first)})


def _in_words(seen: Sighting) -> dict[str, str]:
    declared = seen.declared.lifetime if seen.declared else None
    return {"declared": declared.text if declared else "", "actual": in_words(seen.lifetime or 0)}


def _exceeds(seen: Sighting) -> bool:
    lifetime = seen.lifetime
    declared = seen.declared.lifetime.seconds if seen.declared and seen.declared.lifetime else None
    if declared is None or lifetime is None:
        return False
    return lifetime > declared * _FACTOR and lifetime - declared > _DAY
