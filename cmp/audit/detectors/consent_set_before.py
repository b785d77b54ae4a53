"""consent.set-before

What it finds
    A `Set-Cookie` of a category that needs consent, before the visitor chose anything. One finding for each name and
    site, however often the cookie is refreshed.
Why it matters
    Storing on the visitor's device needs consent first: ePrivacy Directive Art. 5(3), CJEU C-673/17 (Planet49).
Example
    `Set-Cookie: _ga=GA1.2.1.1; Max-Age=63072000` in the answer to the very first page.
Does not see
    Cookies that scripts set (they show up when they are read); undeclared cookies (`decl.undeclared-cookie`); a
    returning visitor whose earlier consent the capture does not show.
Sources
    Bollinger et al. 2022, violation 7 (69.7 % of sites).
"""

from collections.abc import Iterator

from cmp.audit.evidence import Evidence, Stage
from cmp.audit.finding import Finding
from cmp.audit.gather import cookies_found
from cmp.core.exchange import Unseen

CODE = "consent.set-before"
MEANING = "cookies set before the visitor chose anything"
NEEDS = frozenset({Unseen.SET_COOKIES})


def find(evidence: Evidence) -> Iterator[Finding]:
    early = (seen for seen in evidence.cookies if seen.stage is Stage.BEFORE and seen.set_cookie is not None)
    return cookies_found(evidence, CODE, early, evidence.breach)
