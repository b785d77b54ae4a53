"""What the lists a policy names say of a request or a cookie that no rule of the policy itself knows.

May go in here: asking the lists, and the strictest of their answers. May not: when they are asked (`on_requests.py`,
`on_cookies.py`).
"""

from collections.abc import Iterable, Iterator

from cmp.core.classify import Party
from cmp.core.consent import Visitor, permit
from cmp.core.decision import Ruling
from cmp.core.exchange import Exchange
from cmp.core.listed import Found
from cmp.core.policy import Policy


def rule_by_lists(policy: Policy, visitor: Visitor, exchange: Exchange, party: Party) -> Ruling | None:
    """The ruling on a request by the policy's lists; None where none of them says anything.

    Every list is asked. Where two say different things the stricter counts: the first that is not permitted.
    """
    if not policy.lists:
        return None
    return _strictest(policy, visitor, exchange, _of_request(policy, exchange, party))


def rule_cookie_by_lists(
    policy: Policy, visitor: Visitor, exchange: Exchange, party: Party, name: str
) -> Ruling | None:
    """The ruling on a cookie by the policy's lists; None where none of them says anything.

    A cookie that no list knows belongs to what the lists say of somebody else's host it is on, as with vendors.
    """
    if not policy.lists:
        return None
    found: Iterable[Found]
    found = [one for source in policy.lists for one in source.cookie(name, exchange.url, exchange.page, party)]
    if not any(not one.exception for one in found) and party is Party.THIRD:
        found = _of_request(policy, exchange, party)
    return _strictest(policy, visitor, exchange, found)


def _of_request(policy: Policy, exchange: Exchange, party: Party) -> Iterator[Found]:
    third = party is Party.THIRD
    for source in policy.lists:
        yield from source.request(exchange.url, exchange.page, exchange.kind, third_party=third)


def _strictest(policy: Policy, visitor: Visitor, exchange: Exchange, found: Iterable[Found]) -> Ruling | None:
    ruling: Ruling | None = None
    for one in found:
        if one.exception:
            continue
        # Whom a list names is nobody the visitor could choose, unless the policy knows a vendor by that id.
        vendor = one.vendor if one.vendor in policy.vendors else None
        permission = permit(policy, visitor, exchange.signals, one.category, vendor)
        answer = Ruling(permission.allowed, permission.reason, one.rule, one.category, vendor)
        if not answer.allowed:
            return answer
        ruling = ruling or answer
    return ruling
