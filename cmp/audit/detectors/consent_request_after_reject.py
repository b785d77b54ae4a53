"""consent.request-after-reject

What it finds
    Requests to a vendor whose category, or who itself, the visitor has refused.
Why it matters
    A choice that changes nothing is none. GDPR Art. 7; ePrivacy Directive Art. 5(3); CNIL SAN-2025-005 (Shein).
Example
    After "refuse all" the page still loads `https://connect.facebook.net/en_US/fbevents.js`.
Does not see
    What a vendor does with the request: "cookieless" pings count like any other. Requests that left before the choice
    and were answered after it are told apart only where a ledger gives the moment of the choice.
Sources
    Bollinger et al. 2022, violation 8; Bouhoula et al. 2024 (65 % of sites with a reject button).
"""

from collections.abc import Iterator

from cmp.audit.evidence import Evidence, Stage
from cmp.audit.finding import Finding
from cmp.audit.gather import requests_found
from cmp.core.exchange import Unseen

CODE = "consent.request-after-reject"
MEANING = "contacted although the visitor refused"
# A known vendor is known by its host alone, whatever else is missing.
NEEDS: frozenset[Unseen] = frozenset()


def find(evidence: Evidence) -> Iterator[Finding]:
    refused = (seen for seen in evidence.requests if seen.stage is Stage.AFTER_REJECT)
    return requests_found(evidence, CODE, refused, evidence.breach)
