"""cap.incomplete

What it finds
    That a capture cannot show something detectors need, one finding for each missing part, with their codes. Those
    that need cookies sent as well as set are named when either is missing.
Why it matters
    No finding means nothing where nothing could be seen. Chrome's ordinary HAR export leaves out every cookie.
Example
    A HAR exported without "sensitive data": 210 requests, not one Cookie or Set-Cookie header.
Does not see
    Parts that are missing in some entries only; the notes of the capture count those.
Sources
    devtools-frontend acd96a60 (sanitised export).

Level: not assessable.
"""

from collections.abc import Iterator

from cmp.audit import detectors
from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding, Level
from cmp.capture.capture import Gap
from cmp.core.exchange import Unseen

CODE = "cap.incomplete"
MEANING = "evidence is missing: no verdict, and not clean"
NEEDS: frozenset[Unseen] = frozenset()


def find(evidence: Evidence) -> Iterator[Finding]:
    capture = evidence.replay.capture
    if not capture.entries:
        yield _finding(evidence, "entries", [d.CODE for d in detectors.DETECTORS if d.CODE != CODE])
        return
    for part in sorted(capture.unseen):
        # What was forwarded is what every detector looks at.
        if codes := [
            d.CODE for d in detectors.DETECTORS if part in d.NEEDS or (part is Gap.DELIVERED and d.CODE != CODE)
        ]:
            yield _finding(evidence, part.value, codes)


def _finding(evidence: Evidence, missing: str, codes: list[str]) -> Finding:
    found = {"missing": missing, "not_assessed": codes}
    return Finding(CODE, Level.NOT_ASSESSABLE, evidence.replay.capture.file, evidence=found)
