"""consent.read-before

What it finds
    A `Cookie` header that carries a cookie of a category that needs consent, before the visitor chose anything.
Why it matters
    Gaining access to what is stored needs consent as storing it does: ePrivacy Directive Art. 5(3), EDPB Guidelines
    2/2023. About half of all sites receive a cookie set elsewhere before consent (Rasaii 2025).
Example
    `Cookie: IDE=...` to doubleclick.net on the first page of a fresh visit.
Does not see
    Cookies left over from an earlier valid consent: a capture alone does not show it, so record with a fresh profile.
Sources
    Rasaii et al., PETS 2025.
"""

from collections.abc import Iterator

from cmp.audit.evidence import Evidence, Stage
from cmp.audit.finding import Finding
from cmp.audit.gather import cookies_found
from cmp.core.exchange import Unseen

CODE = "consent.read-before"
MEANING = "cookies sent before the visitor chose anything"
NEEDS = frozenset({Unseen.COOKIES})


def find(evidence: Evidence) -> Iterator[Finding]:
    early = (seen for seen in evidence.cookies if seen.stage is Stage.BEFORE and seen.set_cookie is None)
    return cookies_found(evidence, CODE, early, evidence.breach)
