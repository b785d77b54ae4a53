"""Which findings touch which promise of the policy.

May go in here: that match. May not: what keeps a promise (`cmp.policy.promises`), layout.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cmp.audit.audit import Audit
from cmp.audit.finding import Finding, Level
from cmp.policy.references import kept_by


@dataclass(frozen=True, slots=True)
class Promised:
    """One promise: what keeps it, and the findings that touch it, counted by code in the order they were met.

    `gravest` is the gravest level of them, None without any. `unassessed`: no finding touches it, and a detector it
    rests on could not assess a capture.
    """

    id: str
    title: str
    by: tuple[str, ...]
    found: Mapping[str, int]
    gravest: Level | None
    unassessed: bool


def promises_touched(audit: Audit) -> list[Promised]:
    """Every promise of the policy in its order, those of the policies it is composed of one after the other."""
    blind: set[str] = set()
    # Of ten thousand captures no finding is kept: what may touch a promise is counted, and a policy has so many names.
    seen = Counter[tuple[frozenset[str], str, Level]]()
    for finding in audit.findings:
        blind.update(finding.evidence.get("not_assessed", ()))
        if finding.level is not Level.NOT_ASSESSABLE:
            seen[_names(finding), finding.code, finding.level] += 1
    documents = (part.document for part in audit.policy.each)
    return [_promised(promise, seen, blind) for document in documents for promise in document.get("promises", ())]


def _promised(
    promise: Mapping[str, Any], seen: Mapping[tuple[frozenset[str], str, Level], int], blind: set[str]
) -> Promised:
    by = tuple(dict.fromkeys(name for names in kept_by(promise).values() for name in names))
    title = next(iter(promise["title"].values())) if isinstance(promise["title"], Mapping) else promise["title"]
    found = Counter[str]()
    levels = set()
    for (names, code, level), count in seen.items():
        if names.intersection(by):
            found[code] += count
            levels.add(level)
    gravest = min(levels, key=lambda level: level.rank, default=None)
    rests_on = {name.removeprefix("detector:") for name in by if name.startswith("detector:")}
    return Promised(promise["id"], title, by, found, gravest, not found and bool(rests_on & blind))


def _names(finding: Finding) -> frozenset[str]:
    """What a promise may call the things that the finding is about."""
    kinds = (("category", finding.category), ("vendor", finding.vendor))
    named = (f"{kind}:{name}" for kind, name in kinds if name)
    return frozenset((f"detector:{finding.code}", *named, *((finding.rule,) if finding.rule else ())))
