"""track.first-party-id-leak

What it finds
    An identifier out of a cookie of the visited site, found in a request to a third party: as it is, percent-encoded,
    in base64, or hashed (MD5, SHA-1, SHA-256).
Why it matters
    A cookie that the browser sends to one site alone becomes a label that others know the visitor by, also where they
    may set no cookie themselves.
Example
    The site's `visitor=91c0ffee27aa`, and `https://stats.test/hit?cid=91c0ffee27aa`.
Does not see
    What `track.cookie-sync` does not see. No finding: a cookie that the policy declares for the very company that
    receives it, as long as the company may be contacted with identifiers; a company that the site is called after.
Sources
    Papadogiannakis et al. 2021 ("first-party ID leak"); Chen et al. 2021.

Level: potential. A violation where the policy declares the cookie, and so said what it is for, and where a promise
names this detector.
"""

from collections.abc import Iterator

from cmp.audit.evidence import Evidence, Message
from cmp.audit.finding import Finding
from cmp.audit.gather import values_found
from cmp.audit.known import handed_over
from cmp.audit.search import Hit
from cmp.capture.capture import Gap
from cmp.core.exchange import Unseen

CODE = "track.first-party-id-leak"
MEANING = "the site's own identifiers handed to a third party"
NEEDS: frozenset[Unseen | Gap] = frozenset({Unseen.COOKIES, Unseen.PAGE, Gap.DETAILS})


def find(evidence: Evidence) -> Iterator[Finding]:
    leaks = [
        (message, hit)
        for message, hit in handed_over(evidence, own=True)
        if message.third and not _meant_for(evidence, message, hit)
    ]
    declared = [pair for pair in leaks if pair[1].known.rule is not None]
    others = [pair for pair in leaks if pair[1].known.rule is None]
    yield from values_found(evidence, CODE, declared, evidence.breach)
    yield from values_found(evidence, CODE, others, evidence.promised(CODE))


def _meant_for(evidence: Evidence, message: Message, hit: Hit) -> bool:
    """Whether the cookie is declared for the company that got it, and that may be contacted with identifiers."""
    rule, ruling = hit.known.rule, message.seen.ruling
    if rule is None or rule.vendor is None or not ruling.allowed or ruling.reduced:
        return False
    return evidence.policy.vendors[rule.vendor].company == message.party
