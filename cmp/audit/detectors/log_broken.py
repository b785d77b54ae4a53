"""log.broken

Level: a violation: evidence was changed, whatever it would have shown
What it finds
    Lines of a decision log that are not as they were written: changed, dropped, repeated, moved, cut off, or a missing
    file; one finding for each place.
Why it matters
    The log is the evidence that promises were kept. One that somebody worked on proves nothing from there on.
Example
    Lines 212 to 230 are missing in segment 7.
Does not see
    A log that was computed anew as a whole, heads and all: keep its end elsewhere (`consentry log verify --end`).
Sources
    docs/decision-log.md; RFC 9162, section 2.1 (what a chain of hashes shows).
"""

from collections.abc import Iterator

from cmp.audit.decision_log import Review
from cmp.audit.finding import Finding, Level

CODE = "log.broken"
MEANING = "the decision log was changed, cut or put together anew"


def find(log: Review) -> Iterator[Finding]:
    for fault in log.checked.faults:
        if fault.broken:
            evidence = {"fault": fault.code, "what": fault.what, "segment": fault.segment, "line": fault.line}
            yield Finding(CODE, Level.VIOLATION, log.checked.folder, evidence=evidence)
