"""A decision in words.

May go in here: sentences for reasons, edits and categories. May not: deciding anything. The words follow from the
decision's data alone, so the same decision reads the same in `explain`, in reports and in logs.
"""

from collections.abc import Iterator

from cmp.core.decision import Action, Decision, Edit, EditKind, Reason, Ruling
from cmp.core.lifetimes import in_words
from cmp.core.policy import Policy

WHY = {
    Reason.NECESSARY: "strictly necessary, so no choice switches it off",
    Reason.FIRST_PARTY: "the site's own request",
    Reason.NAVIGATION: "a page the visitor goes to",
    Reason.NEVER: "the policy promises this never happens, whatever is chosen",
    Reason.REFUSED: "the visitor refused it",
    Reason.GRANTED: "the visitor agreed",
    Reason.GRANTED_OVER_SIGNAL: "the visitor agreed while the browser's signal was shown",
    Reason.GPC: "the browser sends Global Privacy Control",
    Reason.DNT: "the browser sends Do Not Track",
    Reason.DEFAULT_DENIED: "the visitor has not agreed to it",
    Reason.DEFAULT_ALLOWED: "the policy allows it until it is refused",
    Reason.UNKNOWN_DENIED: "no rule knows it, and the policy denies what is unknown",
    Reason.UNKNOWN_REPORTED: "no rule knows it; the policy lets it pass and lists it",
    Reason.UNKNOWN_ALLOWED: "no rule knows it, and the policy allows what is unknown",
    Reason.PRESUMED_NECESSARY: "a session cookie that scripts cannot read, presumed necessary",
    Reason.DELETION: "it takes a cookie away",
    Reason.LIFETIME: "it would live longer than declared",
    Reason.FALLBACK: "deciding failed, so only what is known to be necessary passes",
}

_VERB = {Action.ALLOW: "passes", Action.EDIT: "passes, edited", Action.BLOCK: "is stopped"}


def lines(policy: Policy, decision: Decision) -> Iterator[str]:
    """The decision for a reader: first line the answer, then one line for each edit and each report."""
    yield f"{decision.action.value}: the request {_VERB[decision.action]}: {WHY[decision.ruling.reason]}"
    yield f"  {place(policy, decision.ruling)}"
    for edit in decision.edits:
        yield f"  {_edit(edit)}: {WHY[edit.ruling.reason]}"
        yield f"    {place(policy, edit.ruling)}"
    for ruling in decision.reported:
        yield f"  reported: {WHY[ruling.reason]} ({ruling.rule})"


def place(policy: Policy, ruling: Ruling) -> str:
    """Rule, vendor and category of a ruling, as far as there are any."""
    parts = [f"rule {ruling.rule}"]
    if ruling.vendor is not None:
        vendor = policy.vendors[ruling.vendor]
        parts.append(f"{vendor.name} ({vendor.company}, {vendor.country})")
    if ruling.category is not None:
        parts.append(f"category {ruling.category}")
    return " · ".join(parts)


def _edit(edit: Edit) -> str:
    match edit.kind:
        case EditKind.STRIP_COOKIE:
            return f"cookie {edit.name or '(no name)'} is not sent"
        case EditKind.STRIP_SET_COOKIE:
            return f"cookie {edit.name or '(no name)'} is not set"
        case EditKind.SESSION_SET_COOKIE:
            return f"cookie {edit.name} ends with the browser session"
        case EditKind.CAP_SET_COOKIE:
            return f"cookie {edit.name} lives at most {in_words(edit.max_age or 0)}"
