"""The CSP admits what `decide` allows, and nothing else that a CSP could keep out."""

from collections.abc import Callable, Collection
from functools import cache, lru_cache, partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmp.core.classify import host_suffixes
from cmp.core.consent import NO_CHOICE, Visitor, supposed_visitor
from cmp.core.decide import decide
from cmp.core.exchange import Exchange, Kind
from cmp.core.policy import Policy
from cmp.core.signals import NO_SIGNALS, Signals
from cmp.core.urls import Url, parse_url
from cmp.policy.load import policy_of
from cmp.sites import registrable_domain
from cmp.wire.csp import CSP_LIMIT, strict_csp
from tests.core.examples import compiled, shop
from tests.sampled import examples
from tests.shipped import shipped_policy

PAGE = parse_url("https://www.shop.test/")
# Denied hosts below permitted ones, and below the site.
BELOW = [
    *shop()["vendors"],
    {"id": "other", "name": "Other", "category": "advertising", "hosts": ["bad.pay.test", "track.shop.test"]},
]
POLICIES: list[Callable[[], Policy]] = [
    compiled,
    partial(compiled, sites=["shop.test"]),
    partial(compiled, sites=["shop.test"], vendors=BELOW),
    partial(shipped_policy, "strict"),
    partial(shipped_policy, "customerly"),
]


@cache
def policy_by(number: int) -> Policy:
    return POLICIES[number]()


def directives(csp: str) -> dict[str, list[str]]:
    return {name: sources for name, *sources in (part.split() for part in csp.split(";"))}


def admits(csp: str, host: str, page: Url, directive: str = "default-src") -> bool:
    """CSP 3, section 6.7.2.8, as far as our sources go: 'self', HOST:* and *.HOST:*."""
    sources = _sources(csp, directive)
    if host == page.host and "'self'" in sources:
        return True
    above = [host[at + 1 :] for at, character in enumerate(host) if character == "."]
    return f"{host}:*" in sources or any(f"*.{name}:*" in sources for name in above)


@lru_cache(maxsize=8)
def _sources(csp: str, directive: str) -> frozenset[str]:
    # A header is asked about thousands of hosts.
    return frozenset(directives(csp)[directive])


def allowed(policy: Policy, visitor: Visitor, signals: Signals, host: str, kind: Kind = Kind.SCRIPT) -> bool:
    asked = Exchange(
        method="GET",
        url=Url("https", host, 443, "/", ""),
        host_site=registrable_domain(host),
        page=PAGE,
        page_site=registrable_domain(PAGE.host),
        kind=kind,
        signals=signals,
    )
    return decide(policy, visitor, asked).ruling.allowed


def has_path_rules(policy: Policy, host: str) -> bool:
    """The exception that docs list: a CSP admits a host for the sake of one of its paths."""
    return any(
        rule.path is not None or rule.query
        for suffix in host_suffixes(host)
        for rule in policy.requests.by_host.get(suffix, ())
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[int, Visitor, Signals, list[str]]:
    # By number: Hypothesis writes out what it draws, and a policy is long.
    number = draw(st.integers(0, len(POLICIES) - 1))
    policy = policy_by(number)
    things = st.lists(
        st.sampled_from([*policy.categories, *(f"vendor:{id_}" for id_ in list(policy.vendors)[:60])]), max_size=4
    )
    visitor = Visitor(frozenset(draw(things)), frozenset(draw(things)), shown_with=Signals(gpc=draw(st.booleans())))
    known = sorted(policy.requests.by_host)
    host = st.sampled_from(
        [*known, "unknown.test", "shop.test", "www.shop.test", "cdn.shop.test", "192.0.2.1", "[::1]"]
    )
    named = draw(
        st.lists(st.builds(lambda sub, h: sub + h if h[0] not in "[1" else h, st.sampled_from(["", "x."]), host))
    )
    return number, visitor, Signals(gpc=draw(st.booleans())), named


Case = tuple[int, Visitor, Signals, list[str]]


# Thousands of hosts in each case.
@settings(derandomize=True, max_examples=30, deadline=None)
@given(cases())
def test_a_host_is_admitted_if_and_only_if_it_is_allowed(case: Case) -> None:
    _check_what_is_admitted(case)


@pytest.mark.soak
@settings(derandomize=True, max_examples=1_000, deadline=None)
@given(cases())
def test_over_many_cases_a_host_is_admitted_if_and_only_if_it_is_allowed(case: Case) -> None:
    _check_what_is_admitted(case)


def _check_what_is_admitted(case: Case) -> None:
    policy, visitor, signals, named = policy_by(case[0]), *case[1:]
    csp = strict_csp(policy, visitor, signals, PAGE, named, reserved="/.consent/")
    assert csp is not None
    assert len(csp) <= CSP_LIMIT
    full = len(csp) > CSP_LIMIT - 300
    known: Collection[str] = {*policy.requests.by_host, *named, *policy.sites}
    for host in {
        *known,
        *(f"y.{h}" for h in known if not h.startswith("[") and not h[0].isdigit()),
        "never-named.test",
    }:
        permitted = allowed(policy, visitor, signals, host)
        if admits(csp, host, PAGE):
            assert permitted or has_path_rules(policy, host), host
        elif permitted and not full and not host.startswith("["):
            # What nobody named: a host of the site's own, or one below a declared domain where something is denied.
            declared = {*policy.requests.by_host, *policy.sites}
            below = any(suffix in declared for suffix in list(host_suffixes(host))[1:])
            assert host not in {*named, *policy.sites}, host
            assert below or registrable_domain(host) == "shop.test", host


@examples(60, 200)
@given(cases())
def test_every_kind_but_a_navigation_is_alike_to_the_decision(case: tuple[int, Visitor, Signals, list[str]]) -> None:
    policy, visitor, signals, named = policy_by(case[0]), *case[1:]
    for host in named:
        kinds = set(Kind) - {Kind.DOCUMENT, Kind.CONSENT}
        assert len({allowed(policy, visitor, signals, host, kind) for kind in kinds}) == 1


@pytest.mark.parametrize(
    "changes, choice, named, host, expected",
    [
        pytest.param({}, "none", [], "www.shop.test", True, id="the page itself"),
        pytest.param({}, "none", [], "pay.test", True, id="a necessary vendor, unnamed"),
        pytest.param({}, "none", [], "js.pay.test", True, id="and below it"),
        pytest.param({}, "none", ["stats.test"], "stats.test", False, id="a denied vendor, named"),
        pytest.param({}, "accept", [], "stats.test", True, id="a granted vendor, unnamed: loaded later"),
        pytest.param({}, "none", ["unknown.test"], "unknown.test", False, id="unknown, named"),
        pytest.param({}, "none", ["cdn.shop.test"], "cdn.shop.test", True, id="the site's other host, named"),
        pytest.param({}, "none", [], "cdn.shop.test", False, id="unnamed: exact hosts, where no sites are declared"),
        pytest.param({}, "none", ["cdn.shop.test"], "cname.shop.test", False, id="naming one admits no other"),
        pytest.param({"sites": ["shop2.test"]}, "none", [], "cdn.shop2.test", True, id="a declared site, throughout"),
        pytest.param({"sites": ["shop.test"]}, "none", [], "help.shop.test", False, id="a vendor below it, not"),
        pytest.param({}, "advertising", [], "social.test", True, id="for the sake of a path"),
        pytest.param({}, "refuse", [], "social.test", False, id="and not without"),
    ],
)
def test_examples(changes: dict[str, Any], choice: str, named: list[str], host: str, expected: bool) -> None:
    policy = compiled(**changes)
    csp = strict_csp(policy, supposed_visitor(policy, choice), NO_SIGNALS, PAGE, named, reserved="/.consent/")
    assert csp is not None
    assert admits(csp, host, PAGE) is expected


def test_a_vendor_is_admitted_whose_use_begins_with_asking_it() -> None:
    categories = shop()["categories"]
    categories["comfort"] |= {
        "after": "asked",
        "claimed": "necessary",
        "claim": {"en": "Help"},
        "reason": {"en": "Asked"},
    }
    csp = strict_csp(
        compiled(categories=categories, events={"asked": {"host": "chat.test", "path": "*"}}),
        NO_CHOICE,
        NO_SIGNALS,
        PAGE,
        [],
        reserved="/.x/",
    )
    assert csp is not None
    assert (admits(csp, "chat.test", PAGE), admits(csp, "stats.test", PAGE)) == (True, False)


@pytest.mark.parametrize("unknown", ["report", "allow"])
def test_there_is_none_where_the_unknown_may_pass(unknown: str) -> None:
    policy = compiled(unknown={"host": unknown, "cookie": "deny"})
    assert strict_csp(policy, NO_CHOICE, NO_SIGNALS, PAGE, [], reserved="/.consent/") is None


def test_what_else_it_says() -> None:
    csp = strict_csp(compiled(), NO_CHOICE, NO_SIGNALS, PAGE, ["pay.test"], reserved="/.x/")
    assert csp is not None
    found = directives(csp)
    assert found["default-src"][:6] == [
        "'self'",
        "'unsafe-inline'",
        "'unsafe-eval'",
        "data:",
        "blob:",
        "wss://www.shop.test",
    ]
    assert found["object-src"] == ["'none'"]
    assert found["base-uri"] == ["'self'"]
    assert found["report-uri"] == ["/.x/report"]
    assert found["form-action"] == ["'self'", "pay.test:*", "*.pay.test:*"]


@pytest.mark.parametrize(
    "host", ["a b.test", "a;b.test", "a,b.test", "ü.test", "a\r\nX: y", "[::1]", "*.test", "'self'", ""]
)
def test_a_host_that_no_csp_can_name_is_left_out(host: str) -> None:
    everything = compiled(
        categories={"necessary": {"basis": "necessary", "title": {"en": "N"}}}, vendors=[], cookies=[], signals=None
    )
    plain = strict_csp(everything, NO_CHOICE, NO_SIGNALS, PAGE, [], reserved="/.consent/")
    assert strict_csp(everything, NO_CHOICE, NO_SIGNALS, PAGE, [host], reserved="/.consent/") == plain


def test_what_does_not_fit_is_denied_and_what_the_page_names_comes_first() -> None:
    vendors = [
        {"id": f"v{n}", "name": "V", "category": "necessary", "hosts": [f"{'x' * 40}{n}.test"]} for n in range(300)
    ]
    policy = policy_of(
        {
            "consentry": 1,
            "id": "big",
            "version": "1",
            "title": {"en": "Big"},
            "categories": {"necessary": {"basis": "necessary", "title": {"en": "N"}}},
            "vendors": vendors,
        },
        "big",
    )
    last = f"{'x' * 40}299.test"
    csp = strict_csp(policy, NO_CHOICE, NO_SIGNALS, PAGE, [last], reserved="/.consent/")
    assert csp is not None
    assert CSP_LIMIT - 60 < len(csp) <= CSP_LIMIT
    assert admits(csp, last, PAGE)
    assert not all(admits(csp, f"{'x' * 40}{n}.test", PAGE) for n in range(300))


def test_same_page_same_policy() -> None:
    names = [f"{n}.pay.test" for n in range(20)] + [f"cdn{n}.shop.test" for n in range(20)]
    first = strict_csp(compiled(), NO_CHOICE, NO_SIGNALS, PAGE, names, reserved="/.consent/")
    assert strict_csp(compiled(), NO_CHOICE, NO_SIGNALS, PAGE, frozenset(names), reserved="/.consent/") == first
