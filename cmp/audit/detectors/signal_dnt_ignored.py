"""signal.dnt-ignored

What it finds
    Requests and cookies that Do Not Track forbids under the policy, though no refusal of the banner does.
Why it matters
    Do Not Track binds a site only by its own promise; a policy that lists it has promised.
Example
    The policy says `"dnt": {"denies": ["analytics"]}`; with `DNT: 1` the counter is loaded all the same.
Does not see
    Where consent was missing anyway, the `consent.*` finding is reported instead, once; its reason is then "dnt".
Sources
    W3C Tracking Preference Expression, section 5.2.
"""

from collections.abc import Iterator

from cmp.audit.evidence import Evidence, Stage
from cmp.audit.finding import Finding
from cmp.audit.gather import cookies_found, requests_found
from cmp.core.exchange import Unseen

CODE = "signal.dnt-ignored"
MEANING = "used although the browser sends Do Not Track"
NEEDS = frozenset({Unseen.COOKIES, Unseen.SET_COOKIES})


def find(evidence: Evidence) -> Iterator[Finding]:
    requests = (seen for seen in evidence.requests if seen.stage is Stage.DESPITE_DNT)
    cookies = (seen for seen in evidence.cookies if seen.stage is Stage.DESPITE_DNT)
    yield from requests_found(evidence, CODE, requests, evidence.breach)
    yield from cookies_found(evidence, CODE, cookies, evidence.breach)
