"""The decision as a Content-Security-Policy: which hosts a page of this visitor may send requests to.

May go in here: writing down what `decide` allows, host by host. May not: rules of its own, the site's own policies
(ours is always a header field beside them; a browser holds to both).

It restricts where requests go, nothing else: inline code, eval, data: and blob: stay allowed, because the site's own
pages are built with them and the site's own policy is there to forbid them.

Where the unknown is not denied there is no such policy: a CSP can only list what is allowed, and "everybody but
these" cannot be listed. There a known tracker that a script inserts is stopped by the client guard alone.

What a CSP cannot say, so that it differs from `decide` (each by letting through what the rewriting, the guard, or on
our own host the proxy, then stops):

- rules with a path or names in the query: the host is admitted for every path where the rule permits, since a redirect
  ignores paths anyway (CSP 3, section 7.6) and patterns are not prefixes; a denied path on an admitted host is
  admitted.
- rules for a path on every host (endpoints): nothing is admitted for them.
- what depends on the request itself: sensitive data, confined cookies, hyperlink auditing.

and by keeping out what `decide` would let pass:

- plugins (`object-src 'none'`), IPv6 addresses (no CSP can name them), hosts whose names no CSP can hold, hosts nobody
  named before, what exceeds the limit on size;
- a `base` or a plug-in on other hosts; forms and refreshes go where frames may go.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cmp.core.classify import RequestRule, host_suffixes
from cmp.core.consent import Visitor
from cmp.core.exchange import Exchange, Kind
from cmp.core.on_requests import rule_on_request
from cmp.core.on_vendors import rule_on_vendor
from cmp.core.policy import Policy, Unknown
from cmp.core.signals import Signals
from cmp.core.urls import Url, is_ip
from cmp.sites import is_public_suffix, registrable_domain

# Longer header values are cut off or refused by servers and proxies on the way.
CSP_LIMIT: Final = 6_000

# To `decide` every kind that is not a navigation is alike (a test holds that), so one stands for all and `default-src`
# says it all; a policy with rules by kind would need a directive for each.
_ANY_KIND: Final = Kind.SCRIPT
_INLINE: Final = "'unsafe-inline' 'unsafe-eval' data: blob:"
# So many hosts are remembered for visitors with the same choices.
_REMEMBERED: Final = 20_000
# CSP 3, section 2.3.1 (host-part); browsers take the underscore too, which is in use.
_NAMEABLE: Final = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")


def strict_csp(
    policy: Policy, visitor: Visitor, signals: Signals, page: Url, named_hosts: Collection[str], *, reserved: str
) -> str | None:
    """The field value for a page, None where the policy does not deny the unknown.

    `named_hosts` are the hosts the page names (`html.py`). Admitted are, of those and of every host of a permitted
    vendor, the ones `decide` allows; the ones that the page names first, so that a limit cuts what is needed least.
    """
    if policy.unknown_host is not Unknown.DENY:
        return None
    judge = _judge_of(policy, visitor, signals, _as_far_as_it_counts(policy, page))
    own = dict.fromkeys(judge.of_page(named_hosts))
    start = f"default-src 'self' {_INLINE}{_own_sockets(page)}"
    # Forms are in the page, so the hosts it names are all they need; the list of all would take half of the room.
    forms = _fitting(own, (CSP_LIMIT - len(start)) // 2)
    rest = f"; form-action 'self'{forms}; object-src 'none'; base-uri 'self'; report-uri {reserved}report"
    return start + _fitting(_distinct(own, judge.of_vendors(named_hosts)), CSP_LIMIT - len(start) - len(rest)) + rest


def _as_far_as_it_counts(policy: Policy, page: Url) -> Url:
    """The page without what no rule looks at, so that what was found for one page serves for the next."""
    path = page.path if policy.requests.by_page else "/"
    return Url(page.scheme, page.host, page.port, path, "")


@lru_cache(maxsize=256)
def _judge_of(policy: Policy, visitor: Visitor, signals: Signals, page: Url) -> "_Judge":
    """What was found out for visitors with the same choices on pages that no rule tells apart."""
    return _Judge(policy, visitor, signals, page)


def _distinct(*lists: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for source in (source for sources in lists for source in sources):
        if source not in seen:
            seen.add(source)
            yield source


def _fitting(sources: Iterable[str], room: int) -> str:
    """The sources up to the first that does not fit: what is left out is denied."""
    parts: list[str] = []
    for source in sources:
        room -= len(source) + 1
        if room < 0:
            break
        parts.append(f" {source}")
    return "".join(parts)


def _own_sockets(page: Url) -> str:
    """'self' is not everywhere read to take in the WebSockets of the same host (CSP 3, section 6.7.2.8)."""
    if not _NAMEABLE.fullmatch(page.host):
        return ""
    port = f":{page.port}" if page.port not in (80, 443, None) else ""
    return f" {'wss' if page.scheme == 'https' else 'ws'}://{page.host}{port}"


@dataclass(frozen=True, slots=True)
class _Declared:
    """The hosts that a policy has rules for: by each domain above them, and by vendor."""

    below: Mapping[str, Sequence[str]]
    of_vendor: Mapping[str, Sequence[str]]


@lru_cache(maxsize=16)
def _declared(policy: Policy) -> _Declared:
    below: dict[str, list[str]] = {}
    of_vendor: dict[str, list[str]] = {}
    for host, rules in policy.requests.by_host.items():
        for suffix in list(host_suffixes(host))[1:]:
            below.setdefault(suffix, []).append(host)
        for vendor in {rule.vendor for rule in rules}:
            of_vendor.setdefault(vendor, []).append(host)
    return _Declared(below, of_vendor)


class _Judge:
    def __init__(self, policy: Policy, visitor: Visitor, signals: Signals, page: Url) -> None:
        self._policy, self._visitor, self._signals, self._page = policy, visitor, signals, page
        self._site = registrable_domain(page.host)
        self._declared = _declared(policy)
        self._known: dict[str, bool] = {}
        self._vendors: dict[tuple[str, str, str], bool] = {}
        self._wides: dict[str, bool] = {}
        self._ranked: Sequence[str] | None = None
        self._of_vendors: dict[str, Sequence[str]] = {}

    def of_page(self, named: Collection[str]) -> Iterator[str]:
        """Source expressions for what is allowed of the hosts the page names and of the site's own."""
        yield from self._of(self._policy.sites)
        yield from self._of(named)

    def of_vendors(self, named: Collection[str]) -> Iterator[str]:
        """Those for every host of a permitted vendor: vendors the page names first, then necessary ones."""
        if self._ranked is None:
            self._ranked = self._rank()
        by_host = self._policy.requests.by_host
        present = {rule.vendor for host in named for suffix in host_suffixes(host) for rule in by_host.get(suffix, ())}
        for vendor in sorted(self._ranked, key=lambda vendor: vendor not in present):
            if vendor not in self._of_vendors:
                self._of_vendors[vendor] = tuple(self._of(self._declared.of_vendor[vendor]))
            yield from self._of_vendors[vendor]

    def _rank(self) -> Sequence[str]:
        """Permitted vendors, necessary ones first."""

        def rank(vendor: str) -> tuple[bool, str]:
            return not self._policy.categories[self._policy.vendors[vendor].category].necessary, vendor

        return sorted(self._permitted() & self._declared.of_vendor.keys(), key=rank)

    def _permitted(self) -> set[str]:
        """Vendors that a page may ask under one of their rules at least."""
        return {
            rule.vendor
            for part in self._policy.each
            for host, rules in part.requests.by_host.items()
            for rule in rules
            if rule.holds_on(self._page) and (self._direct(part, rule) or self._by_asking(host))
        }

    def _by_asking(self, host: str) -> bool:
        """Whether the request itself is what its vendor waits for (`after`)."""
        return bool(self._policy.events) and self._decided(host)

    def _direct(self, part: Policy, rule: RequestRule) -> bool:
        key = (part.fingerprint, rule.category, rule.vendor)
        if key not in self._vendors:
            self._vendors[key] = rule_on_vendor(part, self._visitor, self._signals, rule).direct
        return self._vendors[key]

    def _of(self, hosts: Iterable[str]) -> Iterator[str]:
        # In one order whatever the set's: same page, same policy.
        for named in sorted(hosts):
            # A declared domain that is allowed throughout says the same of all its hosts in one.
            host = next((suffix for suffix in host_suffixes(named) if self._wide(suffix)), named)
            if not _NAMEABLE.fullmatch(host) or not self._allowed(host):
                continue
            # decide() does not look at ports, so neither does a source.
            yield f"{host}:*"
            if self._wide(host):
                yield f"*.{host}:*"

    def _allowed(self, host: str) -> bool:
        """Whether the host may be asked at all, on any path."""
        if self._decided(host):
            return True
        # By a rule for a path: of every policy that has rules for the host, one.
        knowing = [(part, rules) for part in self._policy.each if (rules := self._for_paths(part, host))]
        return bool(knowing) and all(any(self._direct(part, rule) for rule in rules) for part, rules in knowing)

    def _for_paths(self, part: Policy, host: str) -> list[RequestRule]:
        """The rules for some requests to the host, up to one that every request falls under."""
        found: list[RequestRule] = []
        for suffix in host_suffixes(host):
            rules = [rule for rule in part.requests.by_host.get(suffix, ()) if rule.holds_on(self._page)]
            found += [rule for rule in rules if not rule.whole_host]
            if any(rule.whole_host for rule in rules):
                break
        return found

    def _decided(self, host: str) -> bool:
        if host not in self._known:
            if len(self._known) > _REMEMBERED:
                # Pages can name hosts without end.
                self._known.clear()
            asked = Exchange(
                method="GET",
                url=Url(self._page.scheme, host, self._page.port, "/", ""),
                host_site=registrable_domain(host),
                page=self._page,
                page_site=self._site,
                kind=_ANY_KIND,
                signals=self._signals,
            )
            self._known[host] = rule_on_request(self._policy, self._visitor, asked).direct
        return self._known[host]

    def _wide(self, host: str) -> bool:
        """Whether everything below the host is allowed as well.

        Only where the policy names it, as a vendor's or as the site's: what a page names is that host alone. Not where
        a denied rule holds for something below.
        """
        declared = host in self._policy.sites or any(
            rule.whole_host and rule.holds_on(self._page) for rule in self._policy.requests.by_host.get(host, ())
        )
        if not declared:
            return False
        if host not in self._wides:
            # A host nobody names below this one is judged as any of them would be.
            self._wides[host] = (
                not (is_ip(host) or "." not in host or is_public_suffix(host))
                and self._decided(host)
                and self._decided(f"any-other.{host}")
                and all(map(self._decided, self._declared.below.get(host, ())))
            )
        return self._wides[host]
