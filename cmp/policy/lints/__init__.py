"""Advice on policies that are usable: faults keep a policy from loading, lints do not.

May go in here: the table of lints, and running them. May not: the lints themselves (one module for each theme), and
what has to be measured further up, such as the size of a Content-Security-Policy (`cmp.commands.check`).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from cmp.core.policy import Policy
from cmp.policy.complete import complete
from cmp.policy.faults import pointer
from cmp.policy.lints import claims, consent, dates, patterns, places, reach, texts, trackers, undecided
from cmp.policy.lints.advice import Advice, Found, Level, Lint, Subject

__all__ = ["LINTS", "Advice", "Found", "Level", "Lint", "Subject", "advice_of", "subject_of"]

# In the order they are printed within a level.
LINTS: tuple[Lint, ...] = (
    *reach.LINTS,
    *trackers.LINTS,
    *claims.LINTS,
    *patterns.LINTS,
    *consent.LINTS,
    *places.LINTS,
    *dates.LINTS,
    *texts.LINTS,
    *undecided.LINTS,
)

_WORST_FIRST = (Level.ERROR, Level.WARNING, Level.NOTE)


def subject_of(document: Mapping[str, Any], policy: Policy, now: float, *, announced: bool = False) -> Subject:
    """What lints look at. `document` is one without faults, `policy` what it compiles to; `now` in Unix seconds."""
    return Subject(document, complete(document), policy, now, announced)


def advice_of(subject: Subject, lints: Iterable[Lint] = LINTS) -> list[Advice]:
    """All advice, the worst first; within a level in the order of the lints and of the document."""
    found = [
        Advice(lint.code, lint.level, pointer(where), what, remedy, lint.source)
        for lint in lints
        for where, what, remedy in lint.find(subject)
    ]
    return sorted(found, key=lambda advice: _WORST_FIRST.index(advice.level))
