"""What recorded traffic shows of a site: who is known, and what somebody has to decide on, with the evidence.

May go in here: sorting captures into the found things of a draft. May not: the draft itself (`cmp.policy.drafting`),
what behaves like tracking (`behaviour.py`), reading captures (`cmp.capture`).

The result depends on what the captures hold, never on their order: everything is counted, then sorted. A draft may be
passed on, so it holds names and addresses without their query; values of cookies and parts of a path that may identify
somebody never get into it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from urllib.parse import unquote

from cmp.audit.behaviour import is_beacon, is_identifier_cookie, is_pixel, passed_on
from cmp.audit.evidence import Evidence, Message, Sighting
from cmp.audit.fields import MAIL
from cmp.audit.identifying import identifying_parts
from cmp.audit.logged import Logged
from cmp.audit.replay import replay
from cmp.capture.capture import Capture, Entry
from cmp.capture.observe import media_type
from cmp.core.classify import Party, host_suffixes
from cmp.core.consent import NO_CHOICE
from cmp.core.decide import party_of, rule_on_request
from cmp.core.exchange import Exchange, Kind, Unseen
from cmp.core.policy import Policy
from cmp.core.urls import Url, UrlError, parse_url, plain_path
from cmp.policy.drafting import (
    Answers,
    LeftOpen,
    UndecidedCookie,
    UndecidedVendor,
    declarable,
    draft,
    lifetime_text,
    named_host,
    proposed,
    proposed_signals,
    site_host,
    whole_catalogue,
)
from cmp.policy.recognising import recognising
from cmp.sites import is_public_suffix, registrable_domain
from cmp.wire.csp_reports import read_violations

# So many names of a sort stand in the evidence of one thing.
_NAMES = 10
_EXAMPLE = 200
# The first folder of a path: on hosts that are everybody's, the name of a tenant.
_TENANT = re.compile(r"/([A-Za-z0-9._-]{1,63})/")
_MEMBER = re.compile(r"[\w.\[\]-]{1,64}", re.ASCII)
# The end of a cookie's name that differs from visitor to visitor or from site to site: a number, hexadecimal, a UUID.
_OWN_END = re.compile(r"(.{2,}?[._-])(?=[0-9a-fA-F-]*[0-9])(?:[0-9]{5,}|[0-9a-fA-F]{8,}|[0-9a-fA-F-]{36})(?:[._-].*)?")


@dataclass(frozen=True, slots=True)
class Placed:
    """A vendor of the catalogue that took part, and the category of the draft it goes into."""

    vendor: str
    name: str
    category: str
    requests: int
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Learned:
    """What was found. `unnameable` are hosts that no policy can name, because everybody's sites are below them;
    `elsewhere` other sites that were visited, which this policy is not about."""

    sites: tuple[str, ...]
    placed: tuple[Placed, ...]
    left_open: LeftOpen
    unnameable: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()

    @property
    def vendors(self) -> dict[str, str]:
        return {one.vendor: one.category for one in self.placed}


@dataclass(slots=True)
class _Vendor:
    requests: int = 0
    hosts: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Stranger:
    """A site nobody knows, as it is seen; `logged` also in a decision log, which tells of no pages and no addresses."""

    requests: int = 0
    logged: bool = False
    hosts: set[str] = field(default_factory=set)
    pages: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)
    cookies: set[str] = field(default_factory=set)
    identifiers: set[str] = field(default_factory=set)
    looks_like: set[str] = field(default_factory=set)
    examples: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Cookie:
    """A cookie nobody knows, as it is seen. `lifetimes` are those it was set for, None for the session."""

    requests: int = 0
    logged: bool = False
    pages: set[str] = field(default_factory=set)
    lifetimes: set[float | None] = field(default_factory=set)
    hidden: set[bool] = field(default_factory=set)
    identifies: bool = False


def learn(captures: Sequence[Capture], sites: Sequence[str] = (), logs: Iterable[Logged] = ()) -> Learned:
    """What the captures show of the site at `sites` (host suffixes); without any, of the site that was visited most.

    `logs` are decision logs of the proxy before that site; they do not name it. What counts is what was asked for, in a
    recording of our own proxy too: what it stopped there has to be decided on as well.
    """
    asked = [_as_asked(capture) for capture in captures]
    visited = _visited(asked)
    own = tuple(sorted(sites)) or _most_visited(asked, visited)
    elsewhere = frozenset(site for site in visited if not _is_own(site, own)) if own else frozenset()
    found = _Found(own, elsewhere)
    for capture in asked:
        found.look_at(Evidence(replay(recognising(own), capture), baseline=True))
    for log in logs:
        found.look_into(log, recognising(own))
    return found.learned()


def _as_asked(capture: Capture) -> Capture:
    return replace(capture, entries=tuple(replace(entry, delivered=entry.asked) for entry in capture.entries))


def _visited(captures: Iterable[Capture]) -> frozenset[str]:
    """The sites whose pages were surely gone to: where only guessed, a page may be a frame of somebody's."""
    exchanges = (entry.asked for capture in captures for entry in capture.entries)
    return frozenset(
        exchange.host_site
        for exchange in exchanges
        if exchange.kind is Kind.DOCUMENT and Unseen.KIND not in exchange.unseen
    )


def _most_visited(captures: Iterable[Capture], visited: frozenset[str]) -> tuple[str, ...]:
    """The site whose pages asked for the most. Without any page gone to: none, each page's own site is the first."""
    pages = Counter(entry.asked.page_site for capture in captures for entry in capture.entries)
    for site in sorted(visited, key=lambda site: (-pages[site], site)):
        if name := _nameable(site):
            return (name,)
    return ()


def _is_own(host: str, sites: Iterable[str]) -> bool:
    return not set(sites).isdisjoint(host_suffixes(host))


def _nameable(host: str) -> str:
    """The host as a policy names it, "" where none can."""
    try:
        return site_host(host)
    except ValueError:
        return ""


class _Whose(NamedTuple):
    """Under what a policy can name a stranger: its site, or a folder of a host that is everybody's; both "" if not."""

    site: str
    folder: str = ""


def _whose(url: Url) -> _Whose:
    if site := _nameable(registrable_domain(url.host)):
        return _Whose(site)
    tenant = _TENANT.match(plain_path(url.path))
    if is_public_suffix(url.host) and tenant and not _personal(tenant[1]):
        return _Whose(url.host, f"/{tenant[1]}")
    return _Whose("")


class _Found:
    """What one capture after the other adds."""

    def __init__(self, sites: tuple[str, ...], elsewhere: frozenset[str]) -> None:
        self._sites, self._elsewhere = sites, elsewhere
        self._vendors: dict[str, _Vendor] = {}
        self._strangers: dict[_Whose, _Stranger] = {}
        self._cookies: dict[tuple[str, str], _Cookie] = {}

    def look_at(self, evidence: Evidence) -> None:
        for message in evidence.messages:
            exchange = message.seen.exchange
            for url, kind in _told_by_our_proxy(message.seen.step.entry):
                self._named(evidence.policy, url, exchange.page, kind)
            if exchange.kind is not Kind.CONSENT and not self._of_another_site(exchange):
                self._request(message)
                self._led_to(evidence.policy, message)
        for seen in evidence.cookies:
            if not self._of_another_site(seen.exchange):
                self._cookie(evidence.policy, seen)

    def look_into(self, log: Logged, policy: Policy) -> None:
        """Whoever the log names is looked up anew: the policy it was written under may have known less, or others."""
        for (vendor, site), count in log.vendors.items():
            rule = policy.requests.find(_front_page(site)) if site else None
            known = rule.vendor if rule is not None and rule.host else vendor if vendor in policy.vendors else ""
            if known:
                found = self._vendors.setdefault(known, _Vendor())
                found.requests += count
                found.hosts.update([site] if site else [])
            elif site:
                self._logged_stranger(site, count, ())
        for site, count in log.unknown.items():
            rule = policy.requests.find(_front_page(site))
            if rule is not None and rule.host:
                found = self._vendors.setdefault(rule.vendor, _Vendor())
                found.requests += count
                found.hosts.add(site)
            else:
                self._logged_stranger(site, count, log.kinds.get(site, ()))
        for name, count in log.cookies.items():
            self._logged_cookie(policy, name, count)

    def _logged_stranger(self, site: str, count: int, kinds: Iterable[str]) -> None:
        if _is_own(site, self._sites) or site in self._elsewhere:
            return
        stranger = self._strangers.setdefault(_whose(_front_page(site)), _Stranger())
        stranger.requests += count
        stranger.logged = True
        stranger.hosts.add(site)
        stranger.kinds.update(kinds)

    def _logged_cookie(self, policy: Policy, name: str, count: int) -> None:
        declared = policy.cookies.find(name, self._sites[0] if self._sites else "", Party.FIRST)
        if declared is not None:
            if declared.vendor is not None:
                self._vendors.setdefault(declared.vendor, _Vendor())
        elif declarable(name):
            cookie = self._cookies.setdefault((_general(name), ""), _Cookie())
            cookie.requests += count
            cookie.logged = True

    def _of_another_site(self, exchange: Exchange) -> bool:
        return exchange.page_site in self._elsewhere

    # ------------------------------------------------------------------------------------------- requests

    def _request(self, message: Message) -> None:
        seen, exchange = message.seen, message.seen.exchange
        if seen.ruling.vendor is not None:
            vendor = self._vendors.setdefault(seen.ruling.vendor, _Vendor())
            vendor.requests += 1
            vendor.hosts.add(exchange.url.host)
        elif message.third and seen.ruling.rule == "unknown.host" and exchange.kind is not Kind.DOCUMENT:
            stranger = self._stranger(exchange.url)
            stranger.requests += 1
            stranger.kinds.add(exchange.kind.value)
            if exchange.page is not None:
                stranger.pages.add(_address(exchange.page))
            names = [pair.name for pair in exchange.cookies] + [cookie.name for cookie in exchange.set_cookies]
            stranger.cookies.update(filter(declarable, names))
            stranger.identifiers.update(one.name for one in passed_on(message) if _MEMBER.fullmatch(one.name))
            stranger.looks_like.update(_looks_like(message))

    def _led_to(self, policy: Policy, message: Message) -> None:
        """Where a request leads or comes from takes part as well, though the capture may lack it: the target of a
        redirect, the frame that its referrer names."""
        exchange, answer = message.seen.exchange, message.seen.step.entry.answer
        if exchange.kind is Kind.DOCUMENT:
            return
        for text in (answer.location if answer is not None else "", exchange.referrer):
            try:
                url = parse_url(text, exchange.url) if text else exchange.url
            except UrlError:
                continue
            if url.is_network and registrable_domain(url.host) not in (exchange.host_site, exchange.page_site):
                self._named(policy, url)

    def _named(self, policy: Policy, url: Url, page: Url | None = None, kind: str = "") -> None:
        """Somebody else's address that is not asked for in the capture itself; with a `kind` it would have been."""
        if _is_own(url.host, self._sites) or registrable_domain(url.host) in self._elsewhere:
            return
        if (rule := policy.requests.find(url)) is not None and rule.host:
            vendor = self._vendors.setdefault(rule.vendor, _Vendor())
            vendor.requests += bool(kind)
            vendor.hosts.add(url.host)
            return
        stranger = self._stranger(url)
        if kind:
            stranger.requests += 1
            stranger.kinds.add(kind)
            stranger.pages.update([] if page is None else [_address(page)])

    def _stranger(self, url: Url) -> _Stranger:
        stranger = self._strangers.setdefault(_whose(url), _Stranger())
        stranger.hosts.add(url.host)
        stranger.examples[_address(url)] += 1
        return stranger

    # ------------------------------------------------------------------------------------------- cookies

    def _cookie(self, policy: Policy, seen: Sighting) -> None:
        name, exchange = seen.name or "", seen.exchange
        third = party_of(policy, exchange) is Party.THIRD
        if seen.declared is not None:
            if seen.declared.vendor is not None:
                self._vendors.setdefault(seen.declared.vendor, _Vendor())
            return
        lasting = seen.set_cookie is not None and is_identifier_cookie(seen.set_cookie, seen.lifetime)
        if third and seen.ruling.vendor is None:
            if lasting and (stranger := self._strangers.get(_whose(exchange.url))) is not None:
                stranger.looks_like.add("id-cookie")
                stranger.identifiers.update(filter(declarable, [name]))
            return
        if third and proposed(policy.vendors[seen.ruling.vendor or ""].category) != "necessary":
            # It comes along with the vendor on whose host it is.
            return
        if not declarable(name):
            return
        key = (_general(name), _nameable(exchange.host_site) or exchange.url.host if third else "")
        cookie = self._cookies.setdefault(key, _Cookie())
        cookie.requests += 1
        if exchange.page is not None:
            cookie.pages.add(_address(exchange.page))
        if seen.set_cookie is not None:
            if seen.lifetime is not None or seen.set_cookie.expires is None:
                cookie.lifetimes.add(seen.lifetime)
            cookie.hidden.add(seen.set_cookie.http_only)
        cookie.identifies |= lasting

    # ------------------------------------------------------------------------------------------- the result

    def learned(self) -> Learned:
        placed = tuple(self._placed(id_, one) for id_, one in sorted(self._vendors.items()))
        strangers = {whose: one for whose, one in self._strangers.items() if whose.site}
        unnameable = {host for whose, one in self._strangers.items() if not whose.site for host in one.hosts}
        used = {one.category for one in placed}
        left_open = LeftOpen(
            tuple(self._undecided(whose, one) for whose, one in sorted(strangers.items())),
            tuple(_undecided_cookie(*key, one) for key, one in sorted(self._cookies.items())),
            whole_catalogue(used),
        )
        return Learned(self._sites, placed, left_open, tuple(sorted(unnameable)), tuple(sorted(self._elsewhere)))

    def _placed(self, id_: str, one: _Vendor) -> Placed:
        known = recognising(self._sites).vendors[id_]
        return Placed(id_, known.name, proposed(known.category) or "", one.requests, tuple(sorted(one.hosts)))

    def _undecided(self, whose: _Whose, one: _Stranger) -> UndecidedVendor:
        if any(_own_name(site) in whose.site for site in self._sites if _own_name(site)):
            one.looks_like.add("own-domain")
        evidence: dict[str, Any] = {
            "requests": one.requests,
            **_pages(one),
            "kinds": sorted(one.kinds),
            "cookies": sorted(one.cookies)[:_NAMES],
            "identifiers": sorted(one.identifiers)[:_NAMES],
            "looksLike": sorted(one.looks_like),
        }
        if one.examples:
            evidence["example"] = min(one.examples, key=lambda text: (-one.examples[text], text))
        return UndecidedVendor(whose.site, _without_empty(evidence), whose.folder)


def _undecided_cookie(name: str, host: str, one: _Cookie) -> UndecidedCookie:
    session = one.lifetimes == {None} and one.hidden == {True} and not host
    signs = {"id-cookie": one.identifies, "http-only-session": session}
    evidence = {
        "requests": one.requests,
        **_pages(one),
        "looksLike": sorted(sign for sign, shown in signs.items() if shown),
    }
    lasting = [seconds for seconds in one.lifetimes if seconds is not None]
    lifetime = lifetime_text(max(lasting)) if lasting else "session" if one.lifetimes else ""
    return UndecidedCookie(
        name,
        lifetime,
        "third" if host else "first",
        _without_empty(evidence),
        # What scripts cannot read and the browser forgets is hardly ever anything but a sign-in or a basket.
        "necessary" if session else "",
        [host] if host else [],
    )


def _pages(one: _Stranger | _Cookie) -> dict[str, int]:
    return {} if one.logged and not one.pages else {"pages": len(one.pages)}


def _front_page(site: str) -> Url:
    return Url("https", site, 443, "/", "")


def _told_by_our_proxy(entry: Entry) -> Iterator[tuple[Url, str]]:
    """What our proxy in front of a site tells of requests that never come its way: the tags it found in a page, and
    what the browser reports of our policy (a report to our own path). With each the kind of resource."""
    tags = entry.recorded.tags if entry.recorded is not None else ()
    told = [(str(tag.get("url", "")), str(tag.get("kind", ""))) for tag in tags]
    if entry.asked.kind is Kind.CONSENT and entry.body:
        reports = read_violations(media_type(entry.body_type), entry.body) or ()
        told += [(one.blocked, _BY_DIRECTIVE.get(one.directive, Kind.OTHER).value) for one in reports]
    for address, kind in told:
        try:
            url = parse_url(address)
        except UrlError:
            continue
        if url.is_network:
            yield url, kind


# CSP Level 3, section 6.1: what a directive is about.
_BY_DIRECTIVE = {
    **dict.fromkeys(("script-src", "script-src-elem", "worker-src"), Kind.SCRIPT),
    **dict.fromkeys(("style-src", "style-src-elem"), Kind.STYLE),
    **dict.fromkeys(("frame-src", "child-src"), Kind.FRAME),
    "img-src": Kind.IMAGE,
    "font-src": Kind.FONT,
    "media-src": Kind.MEDIA,
    "connect-src": Kind.FETCH,
    "object-src": Kind.OBJECT,
    "manifest-src": Kind.MANIFEST,
}


def _without_empty(evidence: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in evidence.items() if value != []}


def _looks_like(message: Message) -> Iterator[str]:
    if is_pixel(message.seen):
        yield "pixel"
    if is_beacon(message.seen):
        yield "beacon"
    if next(passed_on(message), None) is not None:
        yield "identifier-passed-on"


def _own_name(site: str) -> str:
    """What a site is called besides its ending; "" for what stands in other names by chance."""
    name = site.partition(".")[0]
    return name if len(name) >= 4 else ""


def _general(name: str) -> str:
    """A cookie's name, a star for the end that is a number of the visitor's or the site's."""
    found = _OWN_END.fullmatch(name)
    return f"{found[1]}*" if found else name


def _address(url: Url) -> str:
    """The address without its query, and without what in its path may be somebody's."""
    segments = ("…" if _personal(segment) else segment for segment in url.path.split("/"))
    text = url.origin + "/".join(segments)
    return text if len(text) <= _EXAMPLE else f"{text[: _EXAMPLE - 1]}…"


def _personal(segment: str) -> bool:
    return bool(identifying_parts(segment)) or MAIL.search(unquote(segment)) is not None


def draft_of(learned: Learned, preset: str, languages: Sequence[str]) -> dict[str, Any]:
    """The draft policy: a document without faults, in observe mode, with nothing in it that nobody has seen or said.

    Nobody has reviewed it, so it names no day; who runs the site is called by the site's name.
    """
    answers = Answers(
        name=named_host(learned.sites[0]) if learned.sites else "site",
        contact="",
        preset=preset,
        sites=learned.sites,
        languages=languages,
        cookies={},
        vendors=learned.vendors,
        signals=proposed_signals(preset),
        keep_records="5 years",
        minimum_age=None,
    )
    return draft(answers, [], None, learned.left_open)


# ------------------------------------------------------------------------------------------------ how much is covered


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many hosts of third parties captures hold, and which of them the policy does not know."""

    hosts: int
    unknown: tuple[str, ...]

    @property
    def share(self) -> float:
        return len(self.unknown) / self.hosts if self.hosts else 0.0


def coverage(policy: Policy, captures: Iterable[Capture]) -> Coverage:
    """Every host of a third party counts once, however often it was asked; pages that were gone to are none of them."""
    known: dict[str, bool] = {}
    for capture in captures:
        for entry in capture.entries:
            exchange = entry.asked
            if exchange.kind in (Kind.DOCUMENT, Kind.CONSENT) or party_of(policy, exchange) is Party.FIRST:
                continue
            ruling = rule_on_request(policy, NO_CHOICE, exchange)
            host = exchange.url.host
            known[host] = known.get(host, True) and ruling.rule != "unknown.host"
    return Coverage(len(known), tuple(sorted(host for host, is_known in known.items() if not is_known)))
