"""track.cname-cloak

What it finds
    A host under the site's own name that is another name for a vendor's (CNAME in the DNS), used without the consent
    the vendor needs. Our proxy looks the names up and records them.
Why it matters
    Browsers, lists and people take the host for the site itself, and send it the site's cookies, sign-in included.
Example
    `metrics.shop.example` is an alias of `shop.example.stats.test`, and Stats is a vendor for analytics.
Does not see
    Names in captures of browsers, which hold no DNS; vendors that are not in the policy or its catalogue; hosts whose
    own address record points at a vendor. Networks that deliver pages for everybody are reached in the same way and are
    no finding, unless the policy calls them by a category that needs consent.
Sources
    Dimova et al. 2021; Ren et al. 2021; NextDNS, cname-cloaking-blocklist.

Level: a violation where the policy asks for consent; a note where it lets the vendor be contacted.
"""

from collections.abc import Iterator
from dataclasses import replace

from cmp.audit.evidence import Evidence, Sighting
from cmp.audit.finding import Finding, Level
from cmp.audit.gather import requests_found
from cmp.core.exchange import Unseen

CODE = "track.cname-cloak"
MEANING = "a vendor behind a name of the site's own"
NEEDS: frozenset[Unseen] = frozenset()


def find(evidence: Evidence) -> Iterator[Finding]:
    hidden = [seen for seen in evidence.requests if seen.exchange.aliases and _is_vendors(evidence, seen)]
    refused = [seen for seen in hidden if not seen.ruling.allowed]
    allowed = [seen for seen in hidden if seen.ruling.allowed]
    for group, level in ((refused, evidence.breach), (allowed, evidence.promised(CODE, Level.NOTE))):
        aliases = {seen.step.entry.index: seen.exchange.aliases for seen in group}
        for finding in requests_found(evidence, CODE, group, level):
            yield replace(finding, evidence={**finding.evidence, "aliases": list(aliases[finding.evidence["first"]])})


def _is_vendors(evidence: Evidence, seen: Sighting) -> bool:
    exchange, ruling = seen.exchange, seen.ruling
    if not exchange.same_site or ruling.vendor is None or ruling.category is None:
        return False
    return not evidence.policy.categories[ruling.category].necessary
