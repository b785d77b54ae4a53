"""Which findings touch which promise of the policy.

May go in here: that match. May not: what keeps a promise (`cmp.policy.promises`), layout.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cmp.audit.audit import Audit
from cmp.audit.finding import Finding, Level
from cmp.policy.references import kept_by


@dataclass(frozen=True, slots=True)
class Promised:
    """One promise: what keeps it, and the findings that touch it.

    `unassessed`: no finding touches it, and a detector it rests on could not assess a capture.
    """

    id: str
    title: str
    by: tuple[str, ...]
    findings: tuple[Finding, ...]
    unassessed: bool

    @property
    def gravest(self) -> Level | None:
        return min((finding.level for finding in self.findings), key=lambda level: level.rank, default=None)


def promises_touched(audit: Audit) -> list[Promised]:
    """Every promise of the policy in its order, those of the policies it is composed of one after the other."""
    blind = {code for finding in audit.findings for code in finding.evidence.get("not_assessed", ())}
    seen = [finding for finding in audit.findings if finding.level is not Level.NOT_ASSESSABLE]
    documents = (part.document for part in audit.policy.each)
    return [_promised(promise, seen, blind) for document in documents for promise in document.get("promises", ())]


def _promised(promise: Mapping[str, Any], findings: Sequence[Finding], blind: set[str]) -> Promised:
    by = tuple(dict.fromkeys(name for names in kept_by(promise).values() for name in names))
    own = tuple(finding for finding in findings if _names(finding).intersection(by))
    title = next(iter(promise["title"].values())) if isinstance(promise["title"], Mapping) else promise["title"]
    rests_on = {name.removeprefix("detector:") for name in by if name.startswith("detector:")}
    return Promised(promise["id"], title, by, own, not own and bool(rests_on & blind))


def _names(finding: Finding) -> set[str]:
    """What a promise may call the things that the finding is about."""
    return {
        f"detector:{finding.code}",
        *(f"{kind}:{name}" for kind, name in (("category", finding.category), ("vendor", finding.vendor)) if name),
        *((finding.rule,) if finding.rule else ()),
    }
