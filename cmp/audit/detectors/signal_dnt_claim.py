"""signal.dnt-claim

What it finds
    A tracking status (`N` not tracking, `C` tracking with consent, `D` disregarding) stated in the policy, in a `Tk`
    header of the site or in its `/.well-known/dnt/` resource, that does not fit what happens: "not tracking" while
    vendors that are not necessary are contacted; "with consent" while they are contacted without; "disregarding" though
    the policy denies something under Do Not Track; and answers that state another status than the policy does.
Why it matters
    A status is a statement in the site's own name. One that is wrong misleads whoever relies on it.
Example
    The site answers with `Tk: N` and its page loads an advertising pixel.
Does not see
    What the site does with data it has; status values of third parties, which speak for themselves; "dynamic" (`?`),
    which promises nothing yet.
Sources
    W3C Tracking Preference Expression, section 6.2 (tracking status values).
"""

from collections.abc import Iterator
from dataclasses import replace

from cmp.audit.evidence import Evidence, Sighting
from cmp.audit.finding import Finding
from cmp.audit.gather import requests_found
from cmp.capture.capture import Gap
from cmp.core.classify import Party
from cmp.core.decide import party_of
from cmp.core.decision import Reason
from cmp.core.exchange import Unseen

CODE = "signal.dnt-claim"
MEANING = "the tracking status stated is not what happens"
NEEDS: frozenset[Unseen | Gap] = frozenset({Gap.DETAILS})

_WITHOUT_A_CHOICE = (Reason.DEFAULT_ALLOWED, Reason.REGION_ALLOWED)


def find(evidence: Evidence) -> Iterator[Finding]:
    declared = ""
    for part in evidence.policy.each:
        status = part.document.get("signals", {}).get("dnt", {}).get("status", "")
        declared = declared or status
        rule = part.signals.get("dnt")
        if status == "D" and rule is not None and rule.denies:
            text = {"what": "policy", "stated": "D", "by": ["policy"], "denies": sorted(rule.denies)}
            yield Finding(CODE, evidence.breach, evidence.replay.capture.file, rule="signal:dnt", evidence=text)
    stated = {"policy": declared} if declared else {}
    answers = [seen for seen in evidence.delivered if _own_status(evidence, seen)]
    for seen in answers:
        stated.setdefault("answer", _status(seen))
    tracking = [seen for seen in evidence.requests if _tracks(evidence, seen)]
    for status, wrong in (("N", tracking), ("C", [seen for seen in tracking if _unasked(seen)])):
        by = sorted(source for source, found in stated.items() if found == status)
        for finding in requests_found(evidence, CODE, wrong if by else (), evidence.breach):
            yield replace(finding, evidence={**finding.evidence, "stated": status, "by": by})
    differing = [seen for seen in answers if declared and _status(seen) not in (declared, "?", "U")]
    for finding in requests_found(evidence, CODE, differing, evidence.breach):
        yield replace(finding, evidence={**finding.evidence, "stated": _status(differing[0]), "by": ["answer"]})


def _own_status(evidence: Evidence, seen: Sighting) -> bool:
    return bool(_status(seen)) and party_of(evidence.policy, seen.exchange) is Party.FIRST


def _status(seen: Sighting) -> str:
    answer = seen.step.entry.answer
    return answer.tracking if answer else ""


def _tracks(evidence: Evidence, seen: Sighting) -> bool:
    category = seen.ruling.category
    return (
        seen.ruling.vendor is not None
        and category is not None
        and not evidence.policy.categories[category].necessary
        and not seen.ruling.reduced
    )


def _unasked(seen: Sighting) -> bool:
    return not seen.ruling.allowed or seen.ruling.reason in _WITHOUT_A_CHOICE
