"""Whose host a request goes to, which events it is, and what the policy says of what it does not know.

May go in here: the questions that rulings on requests and on cookies share. May not: rulings on what is declared.
"""

from functools import lru_cache

from cmp.core.classify import Party, host_suffixes
from cmp.core.decision import Reason, Ruling
from cmp.core.exchange import Exchange
from cmp.core.kept import HOSTS
from cmp.core.policy import Policy, Unknown

_UNKNOWN_REASON = {
    Unknown.DENY: Reason.UNKNOWN_DENIED,
    Unknown.REPORT: Reason.UNKNOWN_REPORTED,
    Unknown.ALLOW: Reason.UNKNOWN_ALLOWED,
}
# Once: before 3.12 Python looks a member of an Enum up in Python code each time.
_FIRST, _THIRD = Party.FIRST, Party.THIRD
# Methods by which nothing is done, and fields of requests made before anybody asked.
_ASKING_ONLY = frozenset({"HEAD", "OPTIONS"})
_PREFETCH = frozenset({"sec-purpose", "purpose", "x-moz"})


def party_of(policy: Policy, exchange: Exchange) -> Party:
    """Whose host it is. Where the policy names its sites they alone are first; else the page's own site is."""
    own = is_below(policy.sites, exchange.url.host) if policy.sites else exchange.same_site
    return _FIRST if own else _THIRD


@lru_cache(HOSTS)
def is_below(suffixes: frozenset[str], host: str) -> bool:
    """Whether a host is one of `suffixes` or below one."""
    return any(suffix in suffixes for suffix in host_suffixes(host))


@lru_cache(64)
def of_the_unknown(treatment: Unknown, rule: str) -> Ruling:
    """The ruling on what no rule knows."""
    return Ruling(treatment is not Unknown.DENY, _UNKNOWN_REASON[treatment], rule, reported=treatment is Unknown.REPORT)


def observed_events(policy: Policy, exchange: Exchange) -> tuple[str, ...]:
    """The ids of the events that this request is, in the order of the policy."""
    if not policy.events or exchange.method.upper() in _ASKING_ONLY or not _PREFETCH.isdisjoint(exchange.header_names):
        return ()
    party = party_of(policy, exchange)
    if party is Party.FIRST and _from_elsewhere(exchange):
        # Another site can make a browser ask for anything: the person did nothing here.
        return ()
    return tuple(event.id for event in policy.events if event.matches(exchange.method, exchange.url, party))


def _from_elsewhere(exchange: Exchange) -> bool:
    if exchange.fetch_site == "cross-site":
        return True
    return exchange.page is not None and not exchange.same_site
