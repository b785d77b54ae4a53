"""decl.party-mismatch

What it finds
    A cookie that the policy declares for one side only and that is seen on the other: declared as the site's own and
    kept by another site, or the reverse.
Why it matters
    "Only our own site reads this cookie" tells visitors who can recognise them. A cookie of the same name elsewhere is
    another cookie, or the promise is wrong.
Example
    `{"name": "visitor", "party": "first"}`, and `Set-Cookie: visitor=...` from `stats.test`.
Does not see
    Cookies declared without a party; a host that is a company's own under the site's name (CNAME); names that are so
    common that two parties use them by chance ("session", "lang"): a person has to look.
Sources
    The policy itself.

Level: potential; a note against the baseline.
"""

from collections.abc import Iterator
from dataclasses import replace

from cmp.audit.evidence import Evidence, Sighting
from cmp.audit.finding import Finding, Level
from cmp.audit.gather import cookies_found
from cmp.core.classify import Party
from cmp.core.decide import party_of
from cmp.core.exchange import Unseen

CODE = "decl.party-mismatch"
MEANING = "cookies on another side than the policy says"
NEEDS = frozenset({Unseen.COOKIES, Unseen.SET_COOKIES, Unseen.PAGE})


def find(evidence: Evidence) -> Iterator[Finding]:
    level = Level.NOTE if evidence.baseline else evidence.promised(CODE)
    for declared in Party:
        wrong = [seen for seen in evidence.cookies if _is_for(evidence, seen, declared)]
        for finding in cookies_found(evidence, CODE, wrong, level):
            yield replace(finding, evidence={**finding.evidence, "declared": declared.value})


def _is_for(evidence: Evidence, seen: Sighting, declared: Party) -> bool:
    if seen.declared is not None or party_of(evidence.policy, seen.exchange) is declared:
        return False
    url = seen.exchange.url
    rules = (part.cookies.find(seen.name or "", url.host, declared, url.path) for part in evidence.policy.each)
    # A pattern of few letters says nothing about a cookie elsewhere.
    return any(rule is not None and rule.party is declared and "*" not in rule.name.text for rule in rules)
