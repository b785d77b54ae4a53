"""consent.set-after-reject

What it finds
    A `Set-Cookie` of a category, or of a vendor, that the visitor has refused.
Why it matters
    ePrivacy Directive Art. 5(3); CNIL SAN-2025-005 (Shein): cookies set in spite of "refuse all".
Example
    After "refuse all", `Set-Cookie: IDE=...; Max-Age=34128000` from doubleclick.net.
Does not see
    Cookies that scripts set; whether a cookie holds an identifier or only the refusal itself, unless the policy
    declares the latter as necessary.
Sources
    Bollinger et al. 2022, violation 8 (21.3 % of sites).
"""

from collections.abc import Iterator

from cmp.audit.evidence import Evidence, Stage
from cmp.audit.finding import Finding
from cmp.audit.gather import cookies_found
from cmp.core.exchange import Unseen

CODE = "consent.set-after-reject"
MEANING = "cookies set although the visitor refused"
NEEDS = frozenset({Unseen.SET_COOKIES})


def find(evidence: Evidence) -> Iterator[Finding]:
    refused = (seen for seen in evidence.cookies if seen.stage is Stage.AFTER_REJECT and seen.set_cookie is not None)
    return cookies_found(evidence, CODE, refused, evidence.breach)
