"""Which declared rule a request or a cookie falls under.

May go in here: the compiled lookup tables and the lookups. May not: whether the rule lets it pass (`consent.py`,
`decide.py`). Lookups walk the labels of a host and literal prefixes of a name, never the whole list of rules.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache, partial

from cmp.core.globs import Glob
from cmp.core.kept import COOKIES, HOSTS, LONGEST
from cmp.core.lifetimes import Lifetime
from cmp.core.sieve import Sieve
from cmp.core.urls import Url, is_ip, plain_path, query_names, query_pairs


class Party(StrEnum):
    """First: the site the visitor is on. Third: anybody else, and everything nobody can place."""

    FIRST = "first"
    THIRD = "third"


@dataclass(frozen=True, slots=True)
class QueryRule:
    """What must stand in a query or a body: all of `names`, and for each of `values` one of that name that fits."""

    names: frozenset[str] = frozenset()
    values: tuple[tuple[str, Glob], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.names or self.values)

    def __len__(self) -> int:
        return len(self.names) + len(self.values)

    def matches(self, query: str) -> bool:
        if not self.names <= query_names(query):
            return False
        return not self.values or _values_fit(self.values, query_pairs(query))

    def fits(self, members: Sequence[tuple[tuple[str, ...], str]]) -> bool:
        """The same of members that were read already: the names that lead to a value, outermost first, and the value.
        A name may stand anywhere on the way, one with a value right before it."""
        if not self.names <= {name for names, _ in members for name in names}:
            return False
        return not self.values or _values_fit(self.values, [(names[-1], value) for names, value in members])


def _values_fit(wanted: tuple[tuple[str, Glob], ...], pairs: Sequence[tuple[str, str]]) -> bool:
    return all(any(name == key and glob.matches(value) for key, value in pairs) for name, glob in wanted)


ANY_QUERY = QueryRule()


@dataclass(frozen=True, slots=True)
class RequestRule:
    """Requests that belong to a vendor: by host suffix, path, query and body, and by the page they are made for.

    `host` is "" for an endpoint on the site's own host (first-party collection). `pages` are patterns for the path of
    the page, on the operator's own site; a request whose page is not known fits none. `always`: it matches whatever is
    asked for.
    """

    id: str
    vendor: str
    category: str
    host: str = ""
    path: Glob | None = None
    query: QueryRule = ANY_QUERY
    pages: tuple[Glob, ...] = ()
    body: QueryRule = ANY_QUERY
    always: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "always", self.whole_host and not self.pages)

    @property
    def specificity(self) -> tuple[int, int, int]:
        """Orders the rules of one host: those for certain pages first, then longer paths, then more of a query."""
        return (len(self.pages), len(self.path.text) if self.path else 0, len(self.query) + len(self.body))

    @property
    def whole_host(self) -> bool:
        """Whether every request to the host falls under it, on the pages it is for."""
        return self.path is None and not self.query and not self.body

    @property
    def in_body(self) -> str:
        """What `Exchange.carries` holds where the body is of the form that the rule is about."""
        return f"body:{self.id}"

    def holds_on(self, page: Url | None) -> bool:
        """Whether it is a rule for requests of this page."""
        return not self.pages or (page is not None and any(glob.matches(plain_path(page.path)) for glob in self.pages))

    def matches(self, url: Url, page: Url | None = None, carries: frozenset[str] = frozenset()) -> bool:
        """Whether it is a rule for this request. One about bodies is for those that were seen to be of that form."""
        if self.always:
            return True
        if self.body and self.in_body not in carries:
            return False
        return self.may_match(url, page)

    def may_match(self, url: Url, page: Url | None = None) -> bool:
        """Whether it is a rule for this request as far as its body does not matter."""
        if self.path is not None and not self.path.matches(plain_path(url.path)):
            return False
        return (not self.query or self.query.matches(url.query)) and (not self.pages or self.holds_on(page))


@dataclass(frozen=True, slots=True)
class PathRule:
    """Paths of the site: on a host suffix ("" for every host of the site), any of `paths` (none: every path)."""

    host: str = ""
    paths: tuple[Glob, ...] = ()

    def matches(self, url: Url) -> bool:
        if self.host and self.host not in host_suffixes(url.host):
            return False
        return not self.paths or any(glob.matches(plain_path(url.path)) for glob in self.paths)


@dataclass(frozen=True, slots=True)
class EventRule:
    """Something a visitor does that shows in a request: it is the event that `id` names.

    `host` is a host suffix, "" for the site's own; `method` "" for any.
    """

    id: str
    host: str = ""
    path: Glob | None = None
    method: str = ""
    query: QueryRule = ANY_QUERY

    def matches(self, method: str, url: Url, party: Party) -> bool:
        if self.method and method.upper() != self.method:
            return False
        if not (self.host in host_suffixes(url.host) if self.host else party is Party.FIRST):
            return False
        if self.path is not None and not self.path.matches(plain_path(url.path)):
            return False
        return not self.query or self.query.matches(url.query)


@dataclass(frozen=True, slots=True)
class HostRules:
    """What is looked at for requests to one host: `rules`, of which the first that matches counts.

    The last of them may match whatever is asked for: then it is `otherwise`. `sieve` tells which paths the others may
    be for, None where there are none.
    """

    rules: tuple[RequestRule, ...]
    sieve: Sieve | None
    otherwise: RequestRule | None


@dataclass(frozen=True, slots=True)
class RequestIndex:
    """Request rules by host suffix, and endpoints that hold on every host; each list most specific first.

    `by_page` is whether any of them is for certain pages only.
    """

    by_host: Mapping[str, tuple[RequestRule, ...]]
    endpoints: tuple[RequestRule, ...]
    by_page: bool = field(init=False)
    _of_host: Callable[[str], HostRules] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        lists = (*self.by_host.values(), self.endpoints)
        object.__setattr__(self, "by_page", any(rule.pages for rules in lists for rule in rules))
        object.__setattr__(self, "_of_host", lru_cache(HOSTS)(partial(_rules_of, self.by_host, self.endpoints)))

    def find(
        self, url: Url, page: Url | None = None, *, by_host: bool = True, carries: frozenset[str] = frozenset()
    ) -> RequestRule | None:
        """The rule for a URL asked for by a page: the longest host suffix with a matching rule, then the endpoints.

        `carries` is what is known of the body (`Exchange.carries`).
        """
        found = self.of_host(url.host, by_host=by_host)
        if found.sieve is None or not found.sieve.may_hold(url.path):
            return found.otherwise
        return next((rule for rule in found.rules if rule.matches(url, page, carries)), None)

    def candidates(self, url: Url, *, by_host: bool = True) -> Iterator[RequestRule]:
        """Every rule that may be for a URL, in that order."""
        if by_host:
            for suffix in host_suffixes(url.host):
                yield from self.by_host.get(suffix, ())
        sieve = self.of_host("").sieve
        if sieve is not None and sieve.may_hold(url.path):
            yield from self.endpoints

    def of_host(self, host: str, *, by_host: bool = True) -> HostRules:
        """The rules for requests to a host; with `by_host` false those that hold on every host."""
        return self._of_host(host if by_host else "")


def _rules_of(
    by_host: Mapping[str, tuple[RequestRule, ...]], endpoints: tuple[RequestRule, ...], host: str
) -> HostRules:
    rules: list[RequestRule] = []
    for rule in (*(rule for suffix in host_suffixes(host) for rule in by_host.get(suffix, ())), *endpoints):
        if rule.always:
            return HostRules((*rules, rule), Sieve(map(_path_of, rules)) if rules else None, rule)
        rules.append(rule)
    return HostRules(tuple(rules), Sieve(map(_path_of, rules)) if rules else None, None)


def _path_of(rule: RequestRule) -> Glob:
    return rule.path or _ANY_PATH


_ANY_PATH = Glob("*")


@dataclass(frozen=True, slots=True)
class Before:
    """A shorter lifetime that holds until an event was observed."""

    event: str
    lifetime: Lifetime


@dataclass(frozen=True, slots=True)
class CookieRule:
    """A declared cookie: a name or pattern, what it is for, and how long it may live.

    `hosts` limits it to host suffixes (empty: any host), `paths` to request paths (empty: any path); `party` to one
    side (None: both). `fixed`: setting it again may not make it live longer. `confined`: its value may not travel to
    another host by any other way.
    """

    id: str
    name: Glob
    category: str
    vendor: str | None = None
    hosts: frozenset[str] = frozenset()
    party: Party | None = None
    lifetime: Lifetime | None = None
    purpose: str = ""
    paths: tuple[Glob, ...] = ()
    before: Before | None = None
    fixed: bool = False
    confined: bool = False

    def fit(self, name: str, host: str, path: str, party: Party) -> tuple[int, int, int] | None:
        """How closely it fits a cookie, or None: by the length of the pattern, of the host, of the path it names."""
        if (self.party is not None and party is not self.party) or not self.name.matches(name):
            return None
        length, place, way = len(self.name.text), 0, 0
        if self.paths:
            way = max((len(glob.text) for glob in self.paths if glob.matches(plain_path(path))), default=0)
            if not way:
                return None
        if self.hosts:
            place = next((len(suffix) for suffix in host_suffixes(host) if suffix in self.hosts), 0)
            if not place:
                return None
        return (length, place, way)


@dataclass(frozen=True, slots=True)
class CookieIndex:
    """Cookie rules by exact name, and patterns by what they begin with before the first star.

    Each list longest pattern first; among equals the one that begins with more counts, then the one given first.
    `by_path` is whether any of them is for certain paths only, `confined` whether any cookie is.
    """

    exact: Mapping[str, tuple[CookieRule, ...]]
    patterns: Mapping[str, tuple[CookieRule, ...]]
    by_path: bool = field(init=False)
    confined: bool = field(init=False)
    _lengths: tuple[int, ...] = field(init=False, repr=False)
    _kept: Callable[[str, str, Party], CookieRule | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_lengths", tuple(sorted({len(start) for start in self.patterns}, reverse=True)))
        lists = (*self.exact.values(), *self.patterns.values())
        object.__setattr__(self, "by_path", any(rule.paths for rules in lists for rule in rules))
        object.__setattr__(self, "confined", any(rule.confined for rules in lists for rule in rules))
        object.__setattr__(self, "_kept", lru_cache(COOKIES)(self._look_up))

    def find(self, name: str, host: str, party: Party, path: str = "/") -> CookieRule | None:
        """The rule for a cookie called `name` sent to or set by `host` at `path`: an exact name before any pattern,
        then the longest pattern, then the longest host, then the longest path."""
        if self.by_path or len(name) > LONGEST:
            return self._look_up(name, host, party, path)
        return self._kept(name, host, party)

    def _look_up(self, name: str, host: str, party: Party, path: str = "/") -> CookieRule | None:
        found = _closest(self.exact.get(name, ()), name, host, path, party)
        if found is None:
            found = max(
                (fit for rules in self._starting(name) if (fit := _closest(rules, name, host, path, party))),
                key=lambda fit: fit[0],
                default=None,
            )
        return found[1] if found else None

    def _starting(self, name: str) -> Iterator[tuple[CookieRule, ...]]:
        """The lists of patterns that may fit a name, those that begin with more of it first."""
        for length in self._lengths:
            if length <= len(name) and (rules := self.patterns.get(name[:length])):
                yield rules


def _closest(
    rules: tuple[CookieRule, ...], name: str, host: str, path: str, party: Party
) -> tuple[tuple[int, int, int], CookieRule] | None:
    best: tuple[tuple[int, int, int], CookieRule] | None = None
    for rule in rules:
        if best is not None and len(rule.name.text) < best[0][0]:
            break
        fit = rule.fit(name, host, path, party)
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
