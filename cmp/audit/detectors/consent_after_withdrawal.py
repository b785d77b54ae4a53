"""consent.after-withdrawal

What it finds
    Requests, and cookies set or sent, of a category or vendor that the visitor had granted earlier in the capture and
    has refused since.
Why it matters
    Withdrawing consent must be as easy as giving it, and must have an effect: GDPR Art. 7(3). What was set with consent
    is to be removed, or at least not read any more.
Example
    A page after "accept", then the preferences page and "refuse all"; the next page still carries `Cookie: _ga=...`.
Does not see
    A consent that was given before the capture begins: then it is `consent.*-after-reject`. Cookies that nothing sends
    any more, though they still lie in the browser. Visits of several people in one recording of our proxy, unless they
    were linked as audit visits. Against a supposed choice nobody withdraws anything.
Sources
    GDPR Art. 7(3); EDPB Guidelines 05/2020, paragraphs 112 to 119; CNIL guidelines of 17 September 2020.
"""

from collections.abc import Iterator

from cmp.audit.evidence import Evidence, Stage
from cmp.audit.finding import Finding
from cmp.audit.gather import cookies_found, requests_found
from cmp.core.exchange import Unseen

CODE = "consent.after-withdrawal"
MEANING = "used although the visitor withdrew consent"
NEEDS = frozenset({Unseen.COOKIES, Unseen.SET_COOKIES})


def find(evidence: Evidence) -> Iterator[Finding]:
    requests = (seen for seen in evidence.requests if seen.stage is Stage.AFTER_WITHDRAWAL)
    cookies = (seen for seen in evidence.cookies if seen.stage is Stage.AFTER_WITHDRAWAL)
    yield from requests_found(evidence, CODE, requests, evidence.breach)
    yield from cookies_found(evidence, CODE, cookies, evidence.breach)
