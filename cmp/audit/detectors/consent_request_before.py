"""consent.request-before

What it finds
    Requests to a vendor whose category needs consent, made before the visitor chose anything.
Why it matters
    The request itself hands the vendor an IP address, the page and whatever the URL carries. ePrivacy Directive
    Art. 5(3) with EDPB Guidelines 2/2023; Bouhoula 2024 saw it on 73 % of sites.
Example
    A page loads `https://www.google-analytics.com/analytics.js` while the banner is still open.
Does not see
    Hosts that no vendor names (`decl.undeclared-host`); connections opened without a request (preconnect); vendors
    reached through the site's own server; a hidden frame that a capture without Fetch Metadata shows as a page.
Sources
    detector list: Bouhoula et al. 2024; Papadogiannakis et al. 2021.
"""

from collections.abc import Iterator

from cmp.audit.evidence import Evidence, Stage
from cmp.audit.finding import Finding
from cmp.audit.gather import requests_found
from cmp.core.exchange import Unseen

CODE = "consent.request-before"
MEANING = "contacted before the visitor chose anything"
# A known vendor is known by its host alone, whatever else is missing.
NEEDS: frozenset[Unseen] = frozenset()


def find(evidence: Evidence) -> Iterator[Finding]:
    early = (seen for seen in evidence.requests if seen.stage is Stage.BEFORE)
    return requests_found(evidence, CODE, early, evidence.breach)
