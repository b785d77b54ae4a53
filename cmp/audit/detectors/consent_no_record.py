"""consent.no-record

What it finds
    Vendors or cookies used on a consent whose record the ledger read beside the capture (`--ledger`) does not hold: the
    consent cookie names a record, and there is none of that name.
Why it matters
    Whoever relies on consent has to be able to show it: GDPR Art. 7(1).
Example
    The capture's cookie names a record; the ledger of that year has none of it, and the page loads an advertiser.
Does not see
    Captures in which no consent cookie names a record, which may be of visitors who never agreed. A record that was
    erased at the person's wish, or whose time to be kept is over, is gone rightly; a cookie of another site's ledger
    names none of this one: a person has to look.
Sources
    GDPR Art. 7(1); EDPB Guidelines 05/2020, paragraphs 104 to 108.

Level: potential; a violation where a promise of the policy names this detector.
"""

from collections.abc import Iterator

from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding
from cmp.audit.gather import cookies_found, requests_found
from cmp.audit.named import records_named
from cmp.core.decision import Reason
from cmp.core.exchange import Unseen

CODE = "consent.no-record"
MEANING = "used on a consent that the ledger has no record of"
NEEDS = frozenset({Unseen.COOKIES, Unseen.TIME})

_ON_CONSENT = frozenset({Reason.GRANTED, Reason.GRANTED_OVER_SIGNAL})


def find(evidence: Evidence) -> Iterator[Finding]:
    done = evidence.replay
    if not any(note.code == "ledger-silent" for note in done.told) or not records_named(done.capture):
        return
    requests = (seen for seen in evidence.requests if seen.ruling.reason in _ON_CONSENT)
    cookies = (seen for seen in evidence.cookies if seen.ruling.reason in _ON_CONSENT)
    yield from requests_found(evidence, CODE, requests, evidence.promised(CODE))
    yield from cookies_found(evidence, CODE, cookies, evidence.promised(CODE))
