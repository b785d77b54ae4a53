"""track.cookie-sync

What it finds
    An identifier out of a cookie of one third party, found in the address, the referrer or the body of a request to
    another party: as it is, percent-encoded, in base64, or hashed (MD5, SHA-1, SHA-256).
Why it matters
    Two companies that share an identifier can join what each knows of a person; "a site reads only the cookies it
    created" is then no longer true.
Example
    ads.test has set `uid=7f3a9c21be`; the page then loads `https://bids.test/match?partner=ads&id=7f3a9c21be`.
Does not see
    Identifiers handed over between servers, encrypted, salted, cut in pieces, or glued to other letters and digits;
    those shorter than 8 characters and those that look like a word, a time or a version; cookies that no answer sets
    for longer than a minute; redirects of the whole page through another site. One capture cannot show that a value
    differs from visitor to visitor: a person has to look.
Sources
    Acar et al. 2014; Papadopoulos et al. 2019 (97 % of users met it); Englehardt and Narayanan 2016.

Level: potential; a violation where a promise of the policy names this detector.
"""

from collections.abc import Iterator

from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding
from cmp.audit.gather import values_found
from cmp.audit.known import handed_over
from cmp.capture.capture import Gap
from cmp.core.exchange import Unseen

CODE = "track.cookie-sync"
MEANING = "identifiers of one third party handed to another"
NEEDS: frozenset[Unseen | Gap] = frozenset({Unseen.COOKIES, Unseen.SET_COOKIES, Unseen.PAGE, Gap.DETAILS})


def find(evidence: Evidence) -> Iterator[Finding]:
    return values_found(evidence, CODE, handed_over(evidence, own=False), evidence.promised(CODE))
