"""signal.gpc-ignored

What it finds
    Requests and cookies that Global Privacy Control forbids under the policy, though no refusal of the banner does:
    a category allowed by default, or a consent older than the signal.
Why it matters
    `Sec-GPC: 1` is an opt-out with legal force in several US states; 11 CCR 7025.
Example
    An opt-out site with `Sec-GPC: 1` in its requests still loads its advertising pixel.
Does not see
    Where consent was missing anyway, the `consent.*` finding is reported instead, once; its reason is then "gpc".
Sources
    Global Privacy Control specification; Hausladen et al., USENIX Security 2025.
"""

from collections.abc import Iterator

from cmp.audit.evidence import Evidence, Stage
from cmp.audit.finding import Finding
from cmp.audit.gather import cookies_found, requests_found
from cmp.core.exchange import Unseen

CODE = "signal.gpc-ignored"
MEANING = "used although the browser sends Global Privacy Control"
NEEDS = frozenset({Unseen.COOKIES, Unseen.SET_COOKIES})


def find(evidence: Evidence) -> Iterator[Finding]:
    requests = (seen for seen in evidence.requests if seen.stage is Stage.DESPITE_GPC)
    cookies = (seen for seen in evidence.cookies if seen.stage is Stage.DESPITE_GPC)
    yield from requests_found(evidence, CODE, requests, evidence.breach)
    yield from cookies_found(evidence, CODE, cookies, evidence.breach)
