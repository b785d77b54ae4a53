"""The consent cookie of a visitor who made a choice, without a server that sets it.

May go in here: that cookie. May not: assertions.
"""

from cmp.core.consent import Visitor, supposed_visitor
from cmp.core.policy import Policy
from cmp.seal.cookie import write_cookie
from cmp.seal.keys import SigningKeys
from cmp.seal.site import ConsentSite


def sealed_choice(keys: SigningKeys, site: ConsentSite, policy: Policy, choice: str, at: float) -> str:
    """The pair of a Cookie header for "refuse", "accept" or categories, made at `at` (Unix seconds)."""
    supposed = supposed_visitor(policy, choice)
    visitor = Visitor(supposed.granted, supposed.refused, at, policy.fingerprint)
    return f"{site.cookie_name}={write_cookie(keys, site, visitor)}"
