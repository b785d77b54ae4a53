"""decl.despite-never

What it finds
    Requests and cookies of a category that the policy says never passes, for a visitor who agreed to something.
Why it matters
    "We never ..." is a promise that no consent of the visitor lifts.
Example
    The policy marks the category advertising `"never": true`; after "accept all" an ad server is contacted.
Does not see
    For a visitor who has not chosen, or granted nothing, the `consent.*` finding is reported instead, once.
Sources
    The policy itself.
"""

from collections.abc import Iterator

from cmp.audit.evidence import Evidence, Stage
from cmp.audit.finding import Finding
from cmp.audit.gather import cookies_found, requests_found
from cmp.core.exchange import Unseen

CODE = "decl.despite-never"
MEANING = "used although the policy promises it never happens"
NEEDS = frozenset({Unseen.COOKIES, Unseen.SET_COOKIES})


def find(evidence: Evidence) -> Iterator[Finding]:
    requests = (seen for seen in evidence.requests if seen.stage is Stage.DESPITE_NEVER)
    cookies = (seen for seen in evidence.cookies if seen.stage is Stage.DESPITE_NEVER)
    yield from requests_found(evidence, CODE, requests, evidence.breach)
    yield from cookies_found(evidence, CODE, cookies, evidence.breach)
