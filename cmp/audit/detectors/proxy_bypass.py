"""proxy.bypass

What it finds
    Vendors that a browser's own capture shows as contacted and that the decision log beside it never counts: what went
    there did not go through the proxy.
Why it matters
    A proxy that is passed by enforces nothing, and its log shows a clean site.
Example
    The HAR of the visit has 12 answered requests to `stats.test`, and the log of that day has none.
Does not see
    Hosts that no vendor names, as the log leaves out the names of rare ones; a vendor that was reached both ways. In
    front of one's own site the browser talks to others directly, and the log knows only what the site's pages name.
Sources
    docs/decision-log.md; detector list.

Level: potential: the log may be of another proxy or another time. Nothing is said of a log that is still written or
lost something.
"""

from collections.abc import Iterator

from cmp.audit.decision_log import Review
from cmp.audit.finding import Finding, Level

CODE = "proxy.bypass"
MEANING = "contacted past the proxy: the decision log does not know of it"


def find(log: Review) -> Iterator[Finding]:
    if log.lacks or log.checked.running:
        return
    counted = {one.vendor for one in log.counted}
    for one in log.contacted:
        if one.vendor not in counted:
            yield Finding(
                code=CODE,
                level=Level.POTENTIAL,
                capture=one.capture,
                entry=one.first,
                host=one.host,
                vendor=one.vendor,
                evidence={"what": "request", "count": one.count, "first": one.first},
            )
