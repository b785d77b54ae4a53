"""Several policies as one: the union of what they declare, and the parts that `decide` asks.

May go in here: building the union. May not: whose answer counts (`cmp.core.composed`), reading files (`load.py`).

Who works for a client is on the client's business: every part is about the sites of all.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from cmp.core.classify import CookieIndex, CookieRule, RequestIndex, RequestRule
from cmp.core.policy import Category, Fallback, Policy, Unknown

_STRICTEST_FIRST = (Unknown.DENY, Unknown.REPORT, Unknown.ALLOW)


def compose(policies: Sequence[Policy]) -> Policy:
    """One policy of several; the first is the operator's own and gives what is shown. Needs at least two."""
    sites = frozenset().union(*(policy.sites for policy in policies))
    parts = tuple(replace(policy, sites=sites) for policy in policies)
    own = parts[0]
    joint = "\n".join(policy.fingerprint for policy in policies)
    return replace(
        own,
        fingerprint=hashlib.sha256(joint.encode("ascii")).hexdigest(),
        parts=parts,
        categories=MappingProxyType(_categories(parts)),
        vendors=MappingProxyType({id_: v for part in reversed(parts) for id_, v in part.vendors.items()}),
        requests=_requests(parts),
        cookies=_cookies(parts),
        fallback=_fallback(parts),
        events=tuple({event.id: event for part in reversed(parts) for event in part.events}.values()),
        sensitive=MappingProxyType({data: r for part in reversed(parts) for data, r in part.sensitive.items()}),
        location_category=next((part.location_category for part in parts if part.location_category), None),
        secure_cookies=any(part.secure_cookies for part in parts),
        require_https=any(part.require_https for part in parts),
        unknown_host=min((part.unknown_host for part in parts), key=_STRICTEST_FIRST.index),
        unknown_cookie=min((part.unknown_cookie for part in parts), key=_STRICTEST_FIRST.index),
        ask_again=min(part.ask_again for part in parts),
        tell_me=any(part.tell_me for part in parts),
        terms=MappingProxyType(_terms(parts)),
    )


def _categories(parts: Iterable[Policy]) -> dict[str, Category]:
    """A category is necessary only where all that have it agree, and never passes where one of them says so."""
    found: dict[str, Category] = {}
    for part in parts:
        for id_, category in part.categories.items():
            before = found.setdefault(id_, category)
            if category.never or (before.necessary and not category.necessary):
                found[id_] = replace(category, titles=before.titles, reasons=before.reasons)
    return found


def _terms(parts: Iterable[Policy]) -> dict[str, str]:
    joint: dict[str, list[str]] = {}
    for part in parts:
        for id_, terms in part.terms.items():
            joint.setdefault(id_, []).append(terms)
    return {
        id_: terms[0] if len(terms) == 1 else hashlib.sha256("".join(terms).encode("ascii")).hexdigest()[:16]
        for id_, terms in joint.items()
    }


def _requests(parts: Iterable[Policy]) -> RequestIndex:
    by_host: dict[str, tuple[RequestRule, ...]] = {}
    endpoints: tuple[RequestRule, ...] = ()
    for part in parts:
        for host, rules in part.requests.by_host.items():
            by_host[host] = by_host.get(host, ()) + rules
        endpoints += part.requests.endpoints
    return RequestIndex(MappingProxyType(by_host), endpoints)


def _cookies(parts: Iterable[Policy]) -> CookieIndex:
    def joined(tables: Iterable[Mapping[str, tuple[CookieRule, ...]]]) -> Mapping[str, tuple[CookieRule, ...]]:
        found: dict[str, tuple[CookieRule, ...]] = {}
        for table in tables:
            for key, rules in table.items():
                found[key] = tuple(sorted(found.get(key, ()) + rules, key=lambda rule: -len(rule.name.text)))
        return MappingProxyType(found)

    each = tuple(parts)
    return CookieIndex(joined(p.cookies.exact for p in each), joined(p.cookies.patterns for p in each))


def _fallback(parts: Sequence[Policy]) -> Fallback:
    """When deciding fails only what every part keeps passes; the CSP is the one that names the fewest hosts."""
    own, *others = (part.fallback for part in parts)
    sites = parts[0].sites
    return Fallback(
        hosts=frozenset(h for h in own.hosts if h in sites or all(h in other.hosts for other in others)),
        cookies=frozenset(name for name in own.cookies if all(other.keeps_cookie(name) for other in others)),
        cookie_patterns=tuple(g for g in own.cookie_patterns if all(g in other.cookie_patterns for other in others)),
        csp=min((part.fallback.csp for part in parts), key=len),
    )
