"""From a complete policy document to the compiled value that decisions are made from.

May go in here: building the lookup tables and the fallback. May not: checks (`meaning.py`) and defaults
(`complete.py`): what arrives here is right and whole.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from cmp.core.classify import (
    Before,
    CookieIndex,
    CookieRule,
    EventRule,
    Party,
    PathRule,
    QueryRule,
    RequestIndex,
    RequestRule,
)
from cmp.core.globs import Glob
from cmp.core.lifetimes import read_lifetime
from cmp.core.listed import Source
from cmp.core.policy import (
    Basis,
    Category,
    Fallback,
    ForwardedFor,
    Insert,
    OnError,
    Outgoing,
    Policy,
    Referrer,
    Rollout,
    SensitiveRule,
    SignalRule,
    Transfers,
    Treatment,
    Unknown,
    Vendor,
    own_category,
)
from cmp.core.regions import NO_REGIONS, Region, Regions
from cmp.core.urls import is_ip
from cmp.policy.complete import complete, fingerprint
from cmp.policy.terms import terms_of

# The names our own cookies can have (`cmp.seal`): the consent cookie, without which nobody's choice could be
# remembered, and the one that remembers events.
CONSENT_COOKIES = tuple(
    f"{prefix}{name}" for name in ("consent", "consent-events") for prefix in ("__Host-", "__Secure-", "")
)

# Longer header values are cut off or refused by servers and proxies on the way.
CSP_LIMIT = 6_000


def compile_policy(
    document: Mapping[str, Any], lists: tuple[Source, ...] = (), digests: Mapping[str, str] = MappingProxyType({})
) -> Policy:
    """The policy of a document in which `check` finds no fault, with the lists it names and their digests by name."""
    whole = complete(document, digests)
    categories = {id_: _category(id_, category) for id_, category in whole["categories"].items()}
    vendors = {vendor["id"]: _vendor(vendor) for vendor in whole["vendors"]}
    requests = [rule for vendor in whole["vendors"] for rule in _request_rules(vendor)]
    own = own_category(categories)
    cookies = [_cookie_rule(cookie, cookie["category"], None) for cookie in whole["cookies"]]
    cookies += [CookieRule(f"cookie:{name}", Glob(name), own) for name in CONSENT_COOKIES]
    cookies += [
        _cookie_rule(cookie, vendor["category"], vendor["id"])
        for vendor in whole["vendors"]
        for cookie in vendor["cookies"]
    ]
    sites = frozenset(whole["sites"])
    return Policy(
        id=whole["id"],
        version=whole["version"],
        fingerprint=fingerprint(whole),
        titles=MappingProxyType(whole["title"]),
        languages=tuple(whole["languages"]),
        controller=(whole["controller"] or {}).get("name", ""),
        contact=(whole["controller"] or {}).get("contact", ""),
        categories=MappingProxyType(categories),
        vendors=MappingProxyType(vendors),
        requests=_request_index(requests),
        cookies=_cookie_index(cookies),
        signals=MappingProxyType(
            {
                name: SignalRule(
                    frozenset(signal["denies"]), signal["grantOverrides"], Insert(signal.get("insert", Insert.NEVER))
                )
                for name, signal in whole["signals"].items()
            }
        ),
        fallback=_fallback(categories, requests, cookies, sites),
        sites=sites,
        unknown_host=Unknown(whole["unknown"]["host"]),
        unknown_cookie=Unknown(whole["unknown"]["cookie"]),
        presume_http_only_session="http-only-session" in whole["presume"],
        events=tuple(_event(id_, event) for id_, event in whole["events"].items()),
        excluded=tuple(PathRule(rule["host"], _globs(rule["paths"])) for rule in whole["exclude"]),
        authorisation_listed=whole["authorisation"] == "listed",
        transfers=_transfers(whole["transfers"]),
        sensitive=MappingProxyType(_sensitive(whole)),
        location_category=whole["location"]["category"] if whole["location"] else None,
        outgoing=_outgoing(whole["outgoing"]),
        identifiers=_globs(whole["identifiers"]),
        secure_cookies=whole["transport"]["secureCookies"],
        require_https=whole["transport"]["https"] == "require",
        regions=_regions(whole["regions"]),
        ask_again=_seconds(whole["consent"]["askAgain"]),
        tell_me=whole["consent"]["tellMe"],
        terms=MappingProxyType(terms_of(whole)),
        effective=moment_of(whole["effective"]) if "effective" in whole else None,
        mode=whole.get("mode"),
        rollout=Rollout(float(whole["rollout"]["share"]), _globs(whole["rollout"]["paths"])),
        on_error=OnError(whole["onError"]),
        lists=lists,
        document=MappingProxyType(whole),
    )


def moment_of(date: str) -> float:
    """The beginning of a day in UTC, Unix seconds."""
    return datetime.strptime(date, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()


def _globs(texts: Iterable[str]) -> tuple[Glob, ...]:
    return tuple(Glob(text) for text in texts)


def _seconds(duration: str) -> int:
    return read_lifetime(duration).seconds or 0


def _query(texts: Iterable[str]) -> QueryRule:
    pairs = [text.partition("=") for text in texts]
    return QueryRule(
        frozenset(name for name, equals, _ in pairs if not equals),
        tuple((name, Glob(value)) for name, equals, value in pairs if equals),
    )


def _event(id_: str, event: Mapping[str, Any]) -> EventRule:
    path = Glob(event["path"]) if event["path"] else None
    return EventRule(id_, event["host"], path, event["method"], _query(event["query"]))


def _regions(regions: Mapping[str, Any] | None) -> Regions:
    if regions is None:
        return NO_REGIONS
    return Regions(
        defined=tuple(
            Region(
                id=region["id"],
                places=frozenset(region["places"]),
                defaults=MappingProxyType({id_: said == "allow" for id_, said in region["defaults"].items()}),
                ask_again=_seconds(region["askAgain"]) if "askAgain" in region else None,
            )
            for region in regions["defined"]
        ),
        header=regions["header"],
        fixed=regions["fixed"],
    )


def _transfers(transfers: Mapping[str, Any] | None) -> Transfers | None:
    if transfers is None:
        return None
    return Transfers(frozenset(transfers["within"]), transfers["otherwise"] == "deny", frozenset(transfers["except"]))


def _sensitive(whole: Mapping[str, Any]) -> dict[str, SensitiveRule]:
    rules = {rule["data"]: _sensitive_rule(f"sensitive:{rule['data']}", rule) for rule in whole["sensitive"]}
    if whole["location"]:
        rules["coordinates"] = _sensitive_rule("location", whole["location"])
    return rules


def _sensitive_rule(id_: str, rule: Mapping[str, Any]) -> SensitiveRule:
    to = rule["to"]
    return SensitiveRule(
        id_,
        own="own" in to,
        hosts=frozenset(dest for dest in to if dest != "own" and ":" not in dest),
        vendors=frozenset(dest.removeprefix("vendor:") for dest in to if dest.startswith("vendor:")),
        category=rule.get("category"),
    )


def _outgoing(outgoing: Mapping[str, Any]) -> Outgoing:
    return Outgoing(
        Referrer(outgoing["referrer"]),
        _globs(outgoing["drop"]),
        ForwardedFor(outgoing["forwardedFor"]),
        outgoing.get("pings"),
        outgoing.get("clickIds"),
        outgoing.get("adFeatures"),
    )


def _category(id_: str, category: Mapping[str, Any]) -> Category:
    return Category(
        id=id_,
        basis=Basis(category["basis"]),
        default=category["default"] == "allow",
        never=category["never"],
        after=category.get("after"),
        treatment=Treatment(category["treatment"]),
        titles=MappingProxyType(category["title"]),
        reasons=MappingProxyType(category.get("reason", {})),
        retention=MappingProxyType(category.get("retention", {})),
    )


def _vendor(vendor: Mapping[str, Any]) -> Vendor:
    return Vendor(
        id=vendor["id"],
        name=vendor["name"],
        company=vendor["company"],
        category=vendor["category"],
        country=vendor["country"],
        techniques=tuple(vendor["techniques"]),
        transfer_basis=vendor["transferBasis"],
        authorised=vendor["authorised"],
    )


def _request_rules(vendor: Mapping[str, Any]) -> Iterable[RequestRule]:
    id_, category = vendor["id"], vendor["category"]
    hosts = [*vendor["hosts"], *vendor["aliases"]]
    for host in hosts:
        yield RequestRule(f"vendor:{id_}", id_, category, host)
    for use in vendor["uses"]:
        for host in use["hosts"] or hosts:
            for path in use["paths"] or [""]:
                rule = f"vendor:{id_}#{use['category']}"
                yield RequestRule(
                    rule, id_, use["category"], host, Glob(path) if path else None, pages=_globs(use["pages"])
                )
    for signature in vendor["signatures"]:
        path, query, body = signature["path"], signature["query"], signature.get("body", [])
        rule = f"vendor:{id_}#{signature['host']}{path}{'?' if query else ''}{'&'.join(query)}"
        rule += f" with {'&'.join(body)} in the body" if body else ""
        yield RequestRule(
            rule,
            id_,
            signature["category"] or category,
            signature["host"],
            Glob(path) if path else None,
            _query(query),
            _globs(signature["pages"]),
            _query(body),
        )


def _request_index(rules: Iterable[RequestRule]) -> RequestIndex:
    by_host: dict[str, list[RequestRule]] = defaultdict(list)
    for rule in rules:
        by_host[rule.host].append(rule)
    ordered = {
        host: tuple(sorted(found, key=lambda rule: rule.specificity, reverse=True)) for host, found in by_host.items()
    }
    endpoints = ordered.pop("", ())
    return RequestIndex(MappingProxyType(ordered), endpoints)


def _cookie_rule(cookie: Mapping[str, Any], category: str, vendor: str | None) -> CookieRule:
    owner = f"{vendor}/" if vendor else ""
    return CookieRule(
        id=f"cookie:{owner}{cookie['name']}",
        name=Glob(cookie["name"]),
        category=category,
        vendor=vendor,
        hosts=frozenset(cookie["hosts"]),
        party=Party(cookie["party"]) if "party" in cookie else None,
        lifetime=read_lifetime(cookie["lifetime"]) if "lifetime" in cookie else None,
        purpose=cookie.get("purpose", ""),
        paths=_globs(cookie["paths"]),
        before=Before(cookie["before"]["event"], read_lifetime(cookie["before"]["lifetime"]))
        if "before" in cookie
        else None,
        fixed=cookie["renewal"] == "fixed",
        confined=cookie["confined"],
    )


def _cookie_index(rules: Iterable[CookieRule]) -> CookieIndex:
    exact: dict[str, list[CookieRule]] = defaultdict(list)
    patterns: dict[str, list[CookieRule]] = defaultdict(list)
    for rule in rules:
        if rule.name.exact:
            exact[rule.name.text].append(rule)
        else:
            patterns[rule.name.prefix].append(rule)
    # The policy's own rules were given first and the sort is stable: they win over a vendor's of the same form.
    return CookieIndex(_longest_first(exact), _longest_first(patterns))


def _longest_first(found: Mapping[str, list[CookieRule]]) -> Mapping[str, tuple[CookieRule, ...]]:
    return MappingProxyType(
        {key: tuple(sorted(rules, key=lambda rule: -len(rule.name.text))) for key, rules in found.items()}
    )


def _fallback(
    categories: Mapping[str, Category],
    requests: Iterable[RequestRule],
    cookies: Iterable[CookieRule],
    sites: frozenset[str],
) -> Fallback:
    necessary = {id_ for id_, category in categories.items() if category.necessary}
    hosts = {
        rule.host
        for rule in requests
        if rule.category in necessary and rule.host and rule.whole_host and not rule.pages
    }
    # A rule limited to hosts says nothing of a cookie of that name elsewhere, and the fallback does not look.
    names = [rule.name for rule in cookies if rule.category in necessary and not rule.hosts and not rule.paths]
    return Fallback(
        hosts=frozenset(hosts | sites),
        cookies=frozenset(glob.text for glob in names if glob.exact),
        cookie_patterns=tuple(glob for glob in names if not glob.exact),
        csp=_fallback_csp(sorted(sites) + sorted(hosts - sites)),
    )


def _fallback_csp(hosts: Iterable[str]) -> str:
    """A policy that lets a page reach its own host and the necessary ones, and run what stands in it.

    Inline code may run because the header is there to stop requests to others, not to find injected code; what
    exceeds the limit is left out, that is, denied.
    """
    rest = "; object-src 'none'; base-uri 'self'"
    value = "default-src 'self' 'unsafe-inline' data: blob:"
    for host in hosts:
        sources = f" {host}" if is_ip(host) else f" {host} *.{host}"
        if len(value) + len(sources) + len(rest) > CSP_LIMIT:
            break
        value += sources
    return value + rest
