"""proxy.overblock

What it finds
    A recording of our own proxy in which something was stopped that the policy calls necessary: a request that was
    never forwarded, a cookie that was taken out.
Why it matters
    A refusal costs the visitor nothing: what the page needs passes, whatever was chosen.
Example
    The proxy ran with an older policy and blocked `https://cdn.libshare.test/app.js`, which is necessary.
Does not see
    What the site needs and the policy does not say; pages of the site, which are `consent.cookie-wall`; requests that
    a browser never made because a tag before them was stopped.
Sources
    docs/architecture.md.
"""

from collections.abc import Iterator

from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding
from cmp.audit.gather import of_our_own
from cmp.audit.replay import Step
from cmp.core.decide import rule_on_cookie, rule_on_request
from cmp.core.decision import EditKind, Ruling
from cmp.core.exchange import Kind, Unseen
from cmp.core.forms import ruling_form

CODE = "proxy.overblock"
MEANING = "necessary, and stopped by our own proxy all the same"
NEEDS: frozenset[Unseen] = frozenset()


def find(evidence: Evidence) -> Iterator[Finding]:
    groups: dict[tuple[str, str], list[tuple[Step, Ruling]]] = {}
    for step in evidence.replay.steps:
        for name, ruling in _stopped(evidence, step):
            if ruling.allowed and _necessary(evidence, ruling):
                groups.setdefault((name, step.entry.asked.host_site), []).append((step, ruling))
    for (name, site), group in groups.items():
        step, ruling = group[0]
        what = {"what": "cookie taken out", "cookie": name} if name else {"what": "request"}
        told = {**what, "site": site, "count": len(group)}
        yield of_our_own(evidence, CODE, step.entry, step.entry.asked, decided=ruling_form(ruling), told=told)


def _stopped(evidence: Evidence, step: Step) -> Iterator[tuple[str, Ruling]]:
    """What our proxy stopped of an entry, each with the audited policy's ruling on it: "" for the request itself."""
    recorded, asked = step.entry.recorded, step.entry.asked
    if recorded is None or not recorded.enforced:
        return
    if recorded.decision["action"] == "block":
        if asked.kind is not Kind.DOCUMENT:
            yield "", rule_on_request(evidence.policy, step.visitor, asked)
        return
    for edit in recorded.decision.get("edits", ()):
        if edit["edit"] == EditKind.STRIP_COOKIE.value:
            yield edit["name"], rule_on_cookie(evidence.policy, step.visitor, asked, edit["name"])


def _necessary(evidence: Evidence, ruling: Ruling) -> bool:
    return ruling.category is not None and evidence.policy.categories[ruling.category].necessary
