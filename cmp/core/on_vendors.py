"""What a policy says of a vendor, whatever the request or the cookie: authorised, inside the regions, permitted.

May go in here: the ruling that requests and cookies of a vendor share. May not: which rule they fall under.
"""

from cmp.core.cases import vendor_case
from cmp.core.classify import CookieRule, RequestRule
from cmp.core.consent import Visitor, permit
from cmp.core.decision import Reason, Ruling
from cmp.core.policy import Policy, Vendor
from cmp.core.signals import Signals


def restriction(policy: Policy, vendor: Vendor) -> tuple[Reason, str] | None:
    """Why a vendor never passes under one policy, whatever the visitor chose, and which rule says so."""
    if vendor.authorised is False or (policy.authorisation_listed and not vendor.authorised):
        return Reason.UNAUTHORISED, "authorisation"
    if policy.transfers is not None and policy.transfers.deny and not policy.transfers.covers(vendor):
        return Reason.OUTSIDE_REGION, "transfers"
    return None


def rule_on_vendor(policy: Policy, visitor: Visitor, signals: Signals, rule: RequestRule | CookieRule) -> Ruling:
    """The ruling of one policy, none of its parts asked, on what falls under one of its rules."""
    case = vendor_case(visitor, signals, rule)
    found = policy.settled_vendors.get(case)
    if found is None:
        found = _rule_on_vendor(policy, visitor, signals, rule)
        policy.settled_vendors.put(case, found)
    return found


def _rule_on_vendor(policy: Policy, visitor: Visitor, signals: Signals, rule: RequestRule | CookieRule) -> Ruling:
    def ruling(allowed: bool, reason: Reason, id_: str = rule.id) -> Ruling:
        return Ruling(allowed, reason, id_, rule.category, rule.vendor)

    if rule.vendor is not None and not policy.categories[rule.category].never:
        restricted = restriction(policy, policy.vendors[rule.vendor])
        if restricted is not None:
            return ruling(False, *restricted)
    permission = permit(policy, visitor, signals, rule.category, rule.vendor)
    return ruling(permission.allowed, permission.reason)
