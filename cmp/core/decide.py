"""The one decision: what may pass of an exchange for this visitor under this policy.

May go in here: the order in which the rulings on request and cookies are made, and what follows from them together.
May not: anything that depends on who asks. The live proxy, the auditor's replay, `explain` and the page rewriting all
call `decide`, so what an auditor replays is what the visitor got.
"""

from cmp.core.answers import answer_edits, bounced, needs_a_look
from cmp.core.consent import Visitor
from cmp.core.decision import Decision, Edit, EditKind, Reason
from cmp.core.exchange import Exchange, Kind, Phase
from cmp.core.on_cookies import declared_cookie, rule_on_cookie, rule_on_set_cookie
from cmp.core.on_requests import decide_request, rule_on_request
from cmp.core.outgoing import outgoing_edits, reducing_edits
from cmp.core.parties import observed_events, party_of
from cmp.core.policy import Policy
from cmp.core.set_cookies import Answer, marks, set_cookie_edits

__all__ = ["decide", "declared_cookie", "observed_events", "party_of"]
__all__ += ["rule_on_cookie", "rule_on_request", "rule_on_set_cookie"]


# The first status that says the request was not done (RFC 9110, section 15).
_FAILED = 400
# Once: before 3.12 Python looks a member of an Enum up in Python code each time.
_CONSENT, _OUT_OF_SCOPE = Kind.CONSENT, Reason.OUT_OF_SCOPE


def decide(policy: Policy, visitor: Visitor, exchange: Exchange) -> Decision:
    """Decide one exchange.

    With `Phase.REQUEST` there are no Set-Cookies yet; the decision on the same exchange with its answer has the same
    ruling and the same request edits, and those on the answer besides.
    """
    decision = decide_request(policy, visitor, exchange)
    ruling = decision.ruling
    if not ruling.allowed or exchange.kind is _CONSENT or ruling.reason is _OUT_OF_SCOPE:
        # Our own endpoints never pass through the site: they need every cookie to see which must go.
        return decision
    answered = bool(exchange.set_cookies) or needs_a_look(exchange)
    if not (exchange.cookies or answered or ruling.reduced or policy.edits_requests):
        return decision
    reported = list(decision.reported)
    # What the server refused did not happen.
    events = observed_events(policy, exchange) if exchange.status < _FAILED else ()
    edits: list[Edit] = []
    for name in dict.fromkeys(cookie.name for cookie in exchange.cookies):
        cookie_ruling = ruling if ruling.reduced else rule_on_cookie(policy, visitor, exchange, name)
        if ruling.reduced or not cookie_ruling.allowed:
            edits.append(Edit(EditKind.STRIP_COOKIE, name, cookie_ruling))
        elif cookie_ruling.reported:
            reported.append(cookie_ruling)
    if ruling.reduced:
        edits.extend(reducing_edits(policy, exchange, ruling))
    if policy.edits_requests:
        done = {(edit.kind, edit.name) for edit in edits}
        outgoing = outgoing_edits(policy, visitor, exchange, party_of(policy, exchange))
        edits.extend(edit for edit in outgoing if (edit.kind, edit.name) not in done)
    answer = Answer(policy, visitor, exchange, events)
    bounce = bounced(policy, visitor, exchange) if exchange.named else None
    nothing = ruling if ruling.reduced else bounce
    for index, cookie in enumerate(exchange.set_cookies):
        if nothing is not None:
            edits.append(Edit(EditKind.STRIP_SET_COOKIE, cookie.name, nothing, index))
            continue
        cookie_ruling = rule_on_set_cookie(policy, visitor, exchange, cookie)
        if cookie_ruling.reported:
            reported.append(cookie_ruling)
        edits.extend(set_cookie_edits(answer, index, cookie, cookie_ruling))
    if exchange.phase is Phase.RESPONSE:
        edits.extend(answer_edits(policy, visitor, exchange, ruling, bounce))
        edits.extend(marks(answer))
    return Decision(ruling, tuple(edits), tuple(dict.fromkeys(reported)), events)
