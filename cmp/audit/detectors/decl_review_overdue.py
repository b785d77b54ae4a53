"""decl.review-overdue

What it finds
    A policy that says when it was last reviewed and how often it is to be, and that was overdue when the capture was
    made.
Why it matters
    "Last reviewed" tells readers that somebody still answers for what they read.
Example
    `"reviewed": "2024-10-01", "reviewEvery": "12 months"`, and a capture of 2026.
Does not see
    Whether a review took place that the policy does not mention, or was worth the name.
Sources
    The policy itself.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding
from cmp.core.exchange import Unseen
from cmp.core.lifetimes import in_words, read_lifetime

CODE = "decl.review-overdue"
MEANING = "the policy's own review is overdue"
NEEDS = frozenset({Unseen.TIME})


def find(evidence: Evidence) -> Iterator[Finding]:
    times = [seen.time for seen in evidence.delivered if seen.time is not None]
    if not times:
        return
    for part in evidence.policy.each:
        document = part.document
        if "reviewed" not in document or "reviewEvery" not in document:
            continue
        reviewed = datetime.fromisoformat(document["reviewed"]).replace(tzinfo=UTC).timestamp()
        overdue = max(times) - reviewed - (read_lifetime(document["reviewEvery"]).seconds or 0)
        if overdue > 0:
            yield Finding(
                code=CODE,
                level=evidence.breach,
                capture=evidence.replay.capture.file,
                time=max(times),
                rule="reviewEvery",
                evidence={
                    "what": "policy",
                    "policy": part.id,
                    "reviewed": document["reviewed"],
                    "every": document["reviewEvery"],
                    "overdue": in_words(overdue),
                },
            )
