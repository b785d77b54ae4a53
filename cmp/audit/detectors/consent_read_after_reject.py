"""consent.read-after-reject

What it finds
    A `Cookie` header that carries a cookie of a category, or of a vendor, that the visitor has refused.
Why it matters
    ePrivacy Directive Art. 5(3) covers access as well as storage; a refused cookie that is still sent still works.
Example
    After "refuse all" the browser sends `Cookie: _fbp=...` to the site on every request.
Does not see
    First-party cookies are sent by the browser on its own, so the finding asks for their removal, and for a proxy that
    strips them until then.
Sources
    EDPB Guidelines 2/2023; Bollinger et al. 2022, violation 8.
"""

from collections.abc import Iterator

from cmp.audit.evidence import Evidence, Stage
from cmp.audit.finding import Finding
from cmp.audit.gather import cookies_found
from cmp.core.exchange import Unseen

CODE = "consent.read-after-reject"
MEANING = "cookies sent although the visitor refused"
NEEDS = frozenset({Unseen.COOKIES})


def find(evidence: Evidence) -> Iterator[Finding]:
    refused = (seen for seen in evidence.cookies if seen.stage is Stage.AFTER_REJECT and seen.set_cookie is None)
    return cookies_found(evidence, CODE, refused, evidence.breach)
