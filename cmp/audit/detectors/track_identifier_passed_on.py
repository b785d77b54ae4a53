"""track.identifier-passed-on

What it finds
    An identifier in the query or the referrer of a request to a third party that nothing knows: a member whose name
    says what it is (a person, browser, session, click, device or advertising id), and a value that has the form of one.
Why it matters
    Whoever is told the same identifier twice knows that it is the same person, with cookies switched off too.
Example
    `https://cdp.test/e?visitorId=91c0ffee27aa&ev=view`; a page whose address has `?gclid=...`, named in the Referer.
Does not see
    Identifiers under names that say nothing ("x", "id"); in paths and bodies; those of vendors that the policy knows,
    which `track.cookie-sync` and `track.first-party-id-leak` follow. Numbers of a session or of a video may have such a
    name and form: a person has to look.
Sources
    W3C TAG, "Unsanctioned Web Tracking"; Papadogiannakis et al. 2021; DuckDuckGo on link decoration.

Level: potential where two parties or more are told the same value, else a note; a violation where a promise of the
policy names this detector.
"""

from collections.abc import Iterator

from cmp.audit.behaviour import passed_on, unknown_third_parties
from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding, Level
from cmp.audit.gather import members_found
from cmp.capture.capture import Gap
from cmp.core.exchange import Unseen

CODE = "track.identifier-passed-on"
MEANING = "looks like an identifier, told to somebody nobody knows"
NEEDS: frozenset[Unseen | Gap] = frozenset({Unseen.PAGE, Gap.DETAILS})


def find(evidence: Evidence) -> Iterator[Finding]:
    found = [(message, passed) for message in unknown_third_parties(evidence) for passed in passed_on(message)]
    told: dict[str, set[str]] = {}
    for message, passed in found:
        told.setdefault(passed.value, set()).add(message.party)
    for joins, level in ((True, Level.POTENTIAL), (False, Level.NOTE)):
        pairs = [pair for pair in found if (len(told[pair[1].value]) > 1) is joins]
        yield from members_found(evidence, CODE, pairs, evidence.promised(CODE, level))
