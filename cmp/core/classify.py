"""Which declared rule a request or a cookie falls under.

May go in here: the compiled lookup tables and the lookups. May not: whether the rule lets it pass (`consent.py`,
`decide.py`). Lookups walk the labels of a host and literal prefixes of a name, never the whole list of rules.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from cmp.core.globs import Glob
from cmp.core.lifetimes import Lifetime
from cmp.core.urls import Url, is_ip, plain_path, query_names


class Party(StrEnum):
    """First: the site the visitor is on. Third: anybody else, and everything nobody can place."""

    FIRST = "first"
    THIRD = "third"


@dataclass(frozen=True, slots=True)
class RequestRule:
    """Requests that belong to a vendor: by host suffix, path and names that must all stand in the query.

    `host` is "" for an endpoint on the site's own host (first-party collection).
    """

    id: str
    vendor: str
    category: str
    host: str = ""
    path: Glob | None = None
    query: frozenset[str] = frozenset()

    @property
    def specificity(self) -> tuple[int, int]:
        """Orders the rules of one host: longer literal paths first, then more query names."""
        return (len(self.path.text) if self.path else 0, len(self.query))

    def matches(self, url: Url) -> bool:
        if self.path is not None and not self.path.matches(plain_path(url.path)):
            return False
        return not self.query or self.query <= query_names(url.query)


@dataclass(frozen=True, slots=True)
class RequestIndex:
    """Request rules by host suffix, and endpoints that hold on every host; each list most specific first."""

    by_host: Mapping[str, tuple[RequestRule, ...]]
    endpoints: tuple[RequestRule, ...]

    def find(self, url: Url, *, by_host: bool = True) -> RequestRule | None:
        """The rule for a URL: the longest host suffix with a matching rule, then the endpoints."""
        if by_host:
            for suffix in host_suffixes(url.host):
                for rule in self.by_host.get(suffix, ()):
                    if rule.matches(url):
                        return rule
        return next((rule for rule in self.endpoints if rule.matches(url)), None)


@dataclass(frozen=True, slots=True)
class CookieRule:
    """A declared cookie: a name or pattern, what it is for, and how long it may live.

    `hosts` limits it to host suffixes (empty: any host); `party` to one side (None: both).
    """

    id: str
    name: Glob
    category: str
    vendor: str | None = None
    hosts: frozenset[str] = frozenset()
    party: Party | None = None
    lifetime: Lifetime | None = None
    purpose: str = ""

    def fit(self, name: str, host: str, party: Party) -> tuple[int, int] | None:
        """How closely it fits a cookie, or None: by the length of the pattern, then of the host it is limited to."""
        if (self.party is not None and party is not self.party) or not self.name.matches(name):
            return None
        length = len(self.name.text)
        if not self.hosts:
            return (length, 0)
        return next(((length, len(suffix)) for suffix in host_suffixes(host) if suffix in self.hosts), None)


@dataclass(frozen=True, slots=True)
class CookieIndex:
    """Cookie rules by exact name, and patterns by their first character ("" where they begin with a star).

    Each list longest pattern first; among equals the one given first counts.
    """

    exact: Mapping[str, tuple[CookieRule, ...]]
    patterns: Mapping[str, tuple[CookieRule, ...]]

    def find(self, name: str, host: str, party: Party) -> CookieRule | None:
        """The rule for a cookie called `name` sent to or set by `host`: an exact name before any pattern, then the
        longest pattern, then the longest host."""
        found = _closest(self.exact.get(name, ()), name, host, party)
        if found is None:
            starts = (name[:1], "") if name else ("",)
            found = max(
                (fit for start in starts if (fit := _closest(self.patterns.get(start, ()), name, host, party))),
                key=lambda fit: fit[0],
                default=None,
            )
        return found[1] if found else None


def _closest(
    rules: tuple[CookieRule, ...], name: str, host: str, party: Party
) -> tuple[tuple[int, int], CookieRule] | None:
    best: tuple[tuple[int, int], CookieRule] | None = None
    for rule in rules:
        if best is not None and len(rule.name.text) < best[0][0]:
            break
        fit = rule.fit(name, host, party)
        if fit is not None and (best is None or fit > best[0]):
            best = (fit, rule)
    return best


def host_suffixes(host: str) -> Iterator[str]:
    """The host itself, then each parent domain: "a.b.test" gives a.b.test, b.test, test. An IP address has none."""
    yield host
    if is_ip(host):
        return
    at = host.find(".")
    while at >= 0:
        yield host[at + 1 :]
        at = host.find(".", at + 1)
