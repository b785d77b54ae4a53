"""log.differs

Level: potential: the log may be of another proxy or another time
What it finds
    Decisions of a recording, taken again, that are not among those that the decision log beside it counts: the same
    choice, policy, rule, reason, kind and changes, as often. Of an audit visit the same place too.
Why it matters
    Recording and log come from one proxy. Where they differ, one of them is not what it is said to be.
Example
    3 of the 57 decisions of visit.flow are not in decisions/.
Does not see
    Decisions that the log has and the recording lacks: a log is of all visitors. Nothing is said of a log that is still
    written or lost something, and of captures that our proxy did not record.
Sources
    docs/decision-log.md.
"""

from collections.abc import Iterator

from cmp.audit.decision_log import Review
from cmp.audit.finding import Finding, Level

CODE = "log.differs"
MEANING = "decisions of a recording that the decision log lacks"


def find(log: Review) -> Iterator[Finding]:
    found = log.agreement
    if found is not None and found.lacking and not log.lacks and not log.checked.running:
        evidence = {"compared": found.compared, "lacking": found.lacking}
        yield Finding(CODE, Level.POTENTIAL, log.checked.folder, evidence=evidence)
