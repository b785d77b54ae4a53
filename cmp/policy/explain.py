"""A decision in words.

May go in here: sentences for reasons, edits and what was considered. May not: deciding anything. The words follow from
the decision's data alone, so the same decision reads the same in `explain`, in reports and in logs.
"""

from collections.abc import Iterable, Iterator

from cmp.core.considered import Asking, Considered, Outcome
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
    Reason.OUT_OF_SCOPE: "the policy leaves this path alone",
    Reason.ASKED_FOR: "the visitor has used the service it is for",
    Reason.REGION_ALLOWED: "it is allowed until refused where the visitor is",
    Reason.REGION_DENIED: "the visitor has not agreed to it, and that is needed where the visitor is or may be",
    Reason.UNAUTHORISED: "the policy does not authorise this vendor",
    Reason.OUTSIDE_REGION: "it would leave the countries that data may go to",
    Reason.SENSITIVE: "it carries data that may not go there",
    Reason.CONFINED: "it carries the value of a cookie that may not leave its host",
    Reason.INSECURE: "it would go over plain HTTP",
    Reason.REDUCED: "the visitor has not agreed to it, so it goes without what identifies",
    Reason.RENEWAL: "setting it again would make it live longer than declared",
    Reason.OUTGOING: "the policy asks for it on requests that leave",
    Reason.TRANSPORT: "the policy asks for cookies over HTTPS only",
    Reason.EVENT: "something the policy waits for happened",
    Reason.SIGNAL: "the visitor has refused what the signal is about, and the policy has it said",
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


def considered_lines(policy: Policy, each: Iterable[Considered]) -> Iterator[str]:
    """Every rule that was considered, one a line; what is inside a step is set in below it."""
    before: tuple[str, str] | None = None
    for one in each:
        if (one.policy, one.about) != before and one.asking is not Asking.POLICY:
            before = (one.policy, one.about)
            yield f"asked of {one.policy} for {_about(one.about)}"
        indent = "      " if one.asking in (Asking.RULE, Asking.PRECEDENCE) else "  "
        yield f"{indent}{_asked(one)}: {_outcome(policy, one)}"


def _about(about: str) -> str:
    kind, _, rest = about.partition(" ")
    match kind:
        case "request":
            return "the request"
        case "cookie":
            return f"the cookie {rest or NAMELESS} that is sent"
        case _:
            return f"the cookie {rest.partition(' ')[2] or NAMELESS} that is set"


def _asked(one: Considered) -> str:
    match one.asking:
        case Asking.RULE:
            return f"rule {one.name}"
        case Asking.POLICY:
            return f"of several policies {one.name}"
        case _:
            return one.name


def _outcome(policy: Policy, one: Considered) -> str:
    if one.ruling is None:
        missing = f" ({', '.join(one.missing)})" if one.missing else ""
        return f"{_OUTCOME[one.outcome]}{missing}"
    verdict = "passes" if one.ruling.allowed else "stopped"
    text = f"{verdict}: {WHY[one.ruling.reason]}"
    if one.asking is Asking.STEP:
        return f"{text} ({place(policy, one.ruling)})"
    return f"the strictest: {text}" if one.outcome is Outcome.STRICTEST else text


_OUTCOME = {
    Outcome.SILENT: "nothing to say",
    Outcome.UNFIT: "does not fit",
    Outcome.OUTDONE: "fits, but a closer one counts",
    Outcome.FITS: "fits",
    Outcome.ANSWERS: "answers",
    Outcome.STRICTEST: "counts",
}

NAMELESS = "(no name)"


def _edit(edit: Edit) -> str:
    return EDITS[edit.kind].format(name=edit.name or NAMELESS, lifetime=in_words(edit.max_age or 0), target=edit.target)


EDITS = {
    EditKind.STRIP_COOKIE: "cookie {name} is not sent",
    EditKind.STRIP_SET_COOKIE: "cookie {name} is not set",
    EditKind.CAP_SET_COOKIE: "cookie {name} lives at most {lifetime}",
    EditKind.SESSION_SET_COOKIE: "cookie {name} ends with the browser session",
    EditKind.SECURE_SET_COOKIE: "cookie {name} is kept to HTTPS",
    EditKind.MARK_EVENT: "event {name} is remembered of this visitor",
    EditKind.STRIP_QUERY: "{name} is taken out of the query",
    EditKind.TRIM_REFERRER: "the Referer is cut down ({name})",
    EditKind.STRIP_HEADER: "the header {name} is not sent",
    EditKind.SHORTEN_ADDRESS: "the address in the header {name} is shortened",
    EditKind.REDUCE_BODY: "what identifies is taken out of the body ({name})",
    EditKind.ADD_SIGNAL: "the signal {name} is sent for the visitor",
    EditKind.STRIP_ANSWER_HEADER: "the answer's header {name} does not arrive",
    EditKind.STRIP_FROM_ANSWER_HEADER: "the answer's header {name} does not name {target}",
}
