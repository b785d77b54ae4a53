"""decl.undeclared-host

What it finds
    Requests to third parties that no vendor of the policy names, one finding for each registrable domain.
Why it matters
    Visitors have to be told who receives their data: GDPR Art. 13(1)(e).
Example
    A page loads a font from `cdn.example`, which the policy does not mention.
Does not see
    Who stands behind a host: a site's own second domain looks like a third party until the policy names it under
    "sites". Requests whose page is unknown, to a site that was visited too. Hidden names behind the site's own host
    (CNAME).
Sources
    detector list; Bollinger et al. 2022 for cookies.

Level: potential where the policy denies unknown hosts; a note against the baseline and where it reports them.
"""

from collections.abc import Iterator

from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding, Level
from cmp.audit.gather import requests_found
from cmp.core.exchange import Unseen
from cmp.core.policy import Unknown

CODE = "decl.undeclared-host"
MEANING = "third parties that the policy does not name"
NEEDS = frozenset({Unseen.PAGE})


def find(evidence: Evidence) -> Iterator[Finding]:
    if evidence.policy.unknown_host is Unknown.ALLOW or _blind(evidence):
        return
    denied = evidence.policy.unknown_host is Unknown.DENY and not evidence.baseline
    pages = {seen.exchange.page_site for seen in evidence.requests}
    unknown = (
        seen
        for seen in evidence.requests
        # Of a request that no page is known for, one to a site that others were made for may be that very page.
        if seen.ruling.rule == "unknown.host"
        and not (Unseen.PAGE in seen.exchange.unseen and seen.exchange.host_site in pages)
    )
    yield from requests_found(evidence, CODE, unknown, Level.POTENTIAL if denied else Level.NOTE)


def _blind(evidence: Evidence) -> bool:
    """Whether nothing tells the visited site from others: no page known, and no sites named."""
    return Unseen.PAGE in evidence.replay.capture.unseen and not evidence.policy.sites
