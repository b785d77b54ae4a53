"""Decisions and visitors as plain JSON values, and back.

May go in here: the field names of the command-line contract and of what a recorded flow carries. May not: wording for
people (`cmp.policy.explain`). Values of cookies never stand in a form: it may end up in a report.
"""

from collections.abc import Mapping
from typing import Any

from cmp.core.consent import Visitor
from cmp.core.decision import Decision, Edit, Ruling
from cmp.core.signals import Signals


def decision_form(decision: Decision) -> dict[str, Any]:
    """The decision as the line `consentry explain --batch` prints and a recorded flow carries."""
    return {
        "action": decision.action.value,
        **ruling_form(decision.ruling),
        "edits": [_edit_form(edit) for edit in decision.edits],
        "reported": [ruling_form(ruling) for ruling in decision.reported],
        **({"events": list(decision.events)} if decision.events else {}),
    }


def ruling_form(ruling: Ruling) -> dict[str, Any]:
    return {
        "category": ruling.category,
        "vendor": ruling.vendor,
        "rule": ruling.rule,
        "reason": ruling.reason.value,
    }


def _edit_form(edit: Edit) -> dict[str, Any]:
    form: dict[str, Any] = {"edit": edit.kind.value, "name": edit.name, **ruling_form(edit.ruling)}
    if edit.index is not None:
        form["index"] = edit.index
    if edit.max_age is not None:
        form["max_age"] = edit.max_age
    if edit.target:
        form["target"] = edit.target
    return form


def visitor_form(visitor: Visitor) -> dict[str, Any]:
    """The consent state, without anything that would tell one visitor from another with the same choices."""
    return {
        "granted": sorted(visitor.granted),
        "refused": sorted(visitor.refused),
        "decided_at": visitor.decided_at,
        "policy": visitor.policy,
        "shown_with": {"gpc": visitor.shown_with.gpc, "dnt": visitor.shown_with.dnt},
        "place": visitor.place,
        "events": sorted(visitor.events),
        "tell_me": visitor.tell_me,
    }


def read_visitor_form(form: Mapping[str, Any]) -> Visitor:
    """The visitor of a form. Raises KeyError or TypeError for anything that `visitor_form` did not write."""
    shown = form["shown_with"]
    return Visitor(
        granted=frozenset(form["granted"]),
        refused=frozenset(form["refused"]),
        decided_at=form["decided_at"],
        policy=form["policy"],
        shown_with=Signals(gpc=shown["gpc"], dnt=shown["dnt"]),
        # Captures from before these were recorded say nothing of them.
        place=form.get("place", ""),
        events=frozenset(form.get("events", ())),
        tell_me=form.get("tell_me", False),
    )
