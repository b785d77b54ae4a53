"""decl.transfer-obsolete

What it finds
    A transfer basis that was no longer valid when the capture was made: of a vendor that was contacted, or of the
    policy altogether. Safe Harbor is void since 6 October 2015, Privacy Shield since 16 July 2020; the standard clauses
    of 2010 could be relied on until 27 December 2022.
Why it matters
    A document that names a basis which is gone names none: GDPR Art. 44 and 46.
Example
    A policy of 2018 with `"transferBasis": "scc-2010"` for its mail service, audited in 2026.
Does not see
    Whether another basis exists that the policy does not name; bases that were doubtful but never struck down; vendors
    that are declared and were not contacted.
Sources
    CJEU C-362/14 (Schrems I); CJEU C-311/18 (Schrems II); Implementing Decision (EU) 2021/914, Art. 4(4).

Level: potential, as this is a matter of law; a violation where a promise of the policy names this detector.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding
from cmp.audit.gather import requests_found
from cmp.core.exchange import Unseen
from cmp.core.policy import Policy

CODE = "decl.transfer-obsolete"
MEANING = "transfers that rest on a basis which is no longer valid"
NEEDS = frozenset({Unseen.TIME})

# The first day without it, and what took it away.
OBSOLETE = {
    "safe-harbor": ("2015-10-06", "CJEU C-362/14"),
    "privacy-shield": ("2020-07-16", "CJEU C-311/18"),
    "scc-2010": ("2022-12-28", "Implementing Decision (EU) 2021/914, Art. 4(4)"),
}


def find(evidence: Evidence) -> Iterator[Finding]:
    level = evidence.promised(CODE)
    for part in evidence.policy.each:
        late = [seen for seen in evidence.requests if _gone(_basis(part, seen.ruling.vendor), seen.time)]
        for finding in requests_found(evidence, CODE, late, level):
            yield replace(finding, evidence={**finding.evidence, **_in_words(_basis(part, finding.vendor))})
        basis = (part.document.get("transfers") or {}).get("basis", "")
        first = next((seen for seen in evidence.delivered if _gone(basis, seen.time)), None)
        if first is not None:
            text = {"what": "policy", "policy": part.id, **_in_words(basis)}
            yield Finding(CODE, level, evidence.replay.capture.file, time=first.time, rule="transfers", evidence=text)


def _basis(policy: Policy, vendor: str | None) -> str:
    found = policy.vendors.get(vendor or "")
    return found.transfer_basis if found else ""


def _gone(basis: str, time: float | None) -> bool:
    if basis not in OBSOLETE or time is None:
        return False
    return time >= datetime.fromisoformat(OBSOLETE[basis][0]).replace(tzinfo=UTC).timestamp()


def _in_words(basis: str) -> dict[str, Any]:
    since, source = OBSOLETE[basis]
    return {"basis": basis, "obsolete_since": since, "by": source}
