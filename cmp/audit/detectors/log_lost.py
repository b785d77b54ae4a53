"""log.lost

Level: not assessable
What it finds
    What a decision log says of itself that it lacks: decisions for which there was no room in the queue or on the disk,
    and an end that was never closed, as after `kill -9`.
Why it matters
    That something is not in such a log does not mean that it did not happen.
Example
    1,200 decisions were not written (disk).
Does not see
    How many decisions a proxy had in memory when it was killed, beyond what it noted of them once a minute.
Sources
    docs/decision-log.md.
"""

from collections.abc import Iterator

from cmp.audit.decision_log import Review
from cmp.audit.finding import Finding, Level

CODE = "log.lost"
MEANING = "decisions that the decision log itself says it lacks"


def find(log: Review) -> Iterator[Finding]:
    if log.lacks:
        missing = {"missing": "decisions in the decision log", "not_assessed": ["log.differs"]}
        evidence = {**missing, "decisions": log.lost, "what": list(log.lacks[:10])}
        yield Finding(CODE, Level.NOT_ASSESSABLE, log.checked.folder, evidence=evidence)
