"""decl.region

What it finds
    Requests to vendors whose country is not among those that the policy says data stays in, unless it excepts them.
Why it matters
    "Data never leaves the EU" is checked by whoever is contacted: GDPR Art. 13(1)(f) and 44 to 49.
Example
    `"transfers": {"within": ["EEA"]}`, and a page that loads a script of a vendor in the US.
Does not see
    Hosts that no vendor names (`decl.undeclared-host`); where a server of the vendor stands, and where the vendor sends
    the data on. The country is the one the policy, or the catalogue it uses, gives; "ZZ" is none that is known.
Sources
    CJEU C-362/14 and C-311/18 (Schrems I and II); GDPR Art. 44.

Level: a violation where the policy denies such transfers, a note where it only reports them.
"""

from collections.abc import Iterator
from dataclasses import replace

from cmp.audit.evidence import Evidence, Sighting
from cmp.audit.finding import Finding, Level
from cmp.audit.gather import requests_found
from cmp.core.exchange import Unseen

CODE = "decl.region"
MEANING = "vendors outside the countries the policy says data stays in"
# A known vendor is known by its host alone, whatever else is missing.
NEEDS: frozenset[Unseen] = frozenset()


def find(evidence: Evidence) -> Iterator[Finding]:
    if all(part.transfers is None for part in evidence.policy.each):
        return
    outside = [(seen, denied) for seen in evidence.requests if (denied := _outside(evidence, seen)) is not None]
    for level, wanted in ((evidence.breach, True), (Level.NOTE, False)):
        for finding in requests_found(evidence, CODE, (seen for seen, denied in outside if denied is wanted), level):
            vendor = evidence.policy.vendors[finding.vendor or ""]
            known = {"country": vendor.country, "basis": vendor.transfer_basis}
            yield replace(finding, evidence={**finding.evidence, **known})


def _outside(evidence: Evidence, seen: Sighting) -> bool | None:
    """Whether a policy denies the vendor for its country; None where its country is fine, or nothing is said of it."""
    id_ = seen.ruling.vendor or ""
    parts = [part for part in evidence.policy.each if part.transfers is not None]
    vendors = [(part.transfers, part.vendors.get(id_) or evidence.policy.vendors.get(id_)) for part in parts]
    outside = [said.deny for said, vendor in vendors if said and vendor and not said.covers(vendor)]
    return max(outside, default=None)
