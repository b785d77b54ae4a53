"""track.beacon

What it finds
    A message of the page to a third party that nothing knows, for which no answer is wanted: hyperlink auditing,
    `navigator.sendBeacon`, or a POST that is answered without a body. It looks like a tracking beacon.
Why it matters
    Beacons tell others what a visitor does, most of all when leaving, and show in no page.
Example
    `navigator.sendBeacon("https://rum.test/b", ...)` when the tab is hidden.
Does not see
    Beacons whose empty answer states a type, for that is what a body that was not kept looks like; messages over
    WebSockets. Error reports and measurements of speed look the same: a person has to look.
    Reports that the browser itself sends (CSP, Reporting API, certificate status) are no finding.
Sources
    W3C Beacon; HTML standard, section 4.6.8; Fouad et al. 2020.

Level: potential where the request carries what may identify somebody, else a note; a violation where a promise of the
policy names this detector.
"""

from collections.abc import Iterator

from cmp.audit.behaviour import is_beacon, may_identify, unknown_third_parties
from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding
from cmp.audit.gather import looks_like
from cmp.capture.capture import Gap
from cmp.core.exchange import Unseen

CODE = "track.beacon"
MEANING = "looks like a tracking beacon, of nobody that is known"
NEEDS: frozenset[Unseen | Gap] = frozenset({Unseen.PAGE, Gap.DETAILS})


def find(evidence: Evidence) -> Iterator[Finding]:
    found = [message for message in unknown_third_parties(evidence) if is_beacon(message.seen)]
    return looks_like(evidence, CODE, found, may_identify)
