"""Which rule a request or a cookie falls under."""

import pytest

from cmp.core.classify import Party, QueryRule, RequestIndex, RequestRule, host_suffixes
from cmp.core.globs import Glob
from cmp.core.urls import parse_url
from tests.core.examples import compiled, shop


def rule(id_: str, host: str = "", path: str = "", query: str = "") -> RequestRule:
    return RequestRule(id_, id_, "analytics", host, Glob(path) if path else None, QueryRule(frozenset(query.split())))


def index(*rules: RequestRule) -> RequestIndex:
    by_host: dict[str, tuple[RequestRule, ...]] = {}
    for each in sorted(rules, key=lambda r: r.specificity, reverse=True):
        by_host[each.host] = (*by_host.get(each.host, ()), each)
    return RequestIndex(by_host, by_host.pop("", ()))


@pytest.mark.parametrize(
    "host, suffixes",
    [
        ("a.b.test", ["a.b.test", "b.test", "test"]),
        ("test", ["test"]),
        pytest.param("127.0.0.1", ["127.0.0.1"], id="an IPv4 address has no parents"),
        pytest.param("[::1]", ["[::1]"], id="nor has an IPv6 address"),
        pytest.param(
            "1.2.3.4.test", ["1.2.3.4.test", "2.3.4.test", "3.4.test", "4.test", "test"], id="a name with digits"
        ),
        pytest.param("", [""], id="no host"),
    ],
)
def test_a_host_falls_under_itself_and_its_parents(host: str, suffixes: list[str]) -> None:
    assert list(host_suffixes(host)) == suffixes


RULES = index(
    rule("whole", "big.test"),
    rule("sub", "ads.big.test"),
    rule("sub-path", "ads.big.test", "/only/*"),
    rule("path", "big.test", "/tr*"),
    rule("longer-path", "big.test", "/tr/deep*"),
    rule("path-and-query", "big.test", "/tr*", "id"),
    rule("two-names", "big.test", "/tr*", "id ev"),
    rule("query", "big.test", "", "uid"),
    rule("address", "10.0.0.1"),
    rule("endpoint", "", "/collect", "tid v"),
    rule("longer-endpoint", "", "/collect*", "tid v"),
)


@pytest.mark.parametrize(
    "url, expected",
    [
        ("https://big.test/", "whole"),
        ("https://www.big.test/", "whole"),
        pytest.param("https://notbig.test/", None, id="a suffix ends at a dot"),
        pytest.param("https://big.test.evil.test/", None, id="a suffix stands at the end"),
        pytest.param("https://BIG.test./", "whole", id="case and a trailing dot do not hide it"),
        pytest.param("https://b%69g.test/", "whole", id="nor does percent encoding"),
        pytest.param("https://big.test:8443/", "whole", id="nor a port"),
        pytest.param("https://user@big.test/", "whole", id="nor a user"),
        pytest.param("https://ads.big.test/", "sub", id="the longest suffix wins"),
        pytest.param("https://x.ads.big.test/only/1", "sub-path", id="and its path before it alone"),
        pytest.param("https://ads.big.test/tr/deep", "sub", id="even over a path of a shorter suffix"),
        pytest.param("https://big.test/track", "path", id="a path before the host alone"),
        pytest.param("https://big.test/tr/deep/x", "longer-path", id="the longer path"),
        pytest.param("https://big.test/tr?id=1", "path-and-query", id="the same path with a name before it without"),
        pytest.param("https://big.test/tr?ev=1&id=2", "two-names", id="more names before fewer"),
        pytest.param("https://big.test/tr?ev=1", "path", id="all names must be there"),
        pytest.param("https://big.test/tr?i%64=", "path-and-query", id="names are decoded, values do not matter"),
        pytest.param("https://big.test/x?uid", "query", id="a name without a value"),
        pytest.param("https://big.test/x?xuid=1", "whole", id="a name is compared whole"),
        pytest.param("https://big.test/TR", "whole", id="paths keep their case"),
        pytest.param("https://big.test/a/../tr", "path", id="dot segments do not hide a path"),
        pytest.param("https://10.0.0.1/", "address", id="an address"),
        pytest.param("https://0xa000001/", "address", id="in any notation"),
        pytest.param("https://1.10.0.0.1.test/", None, id="a name that looks like one"),
        pytest.param("https://any.test/collect?v=2&tid=x", "longer-endpoint", id="an endpoint on any host"),
        pytest.param("https://any.test/collect?v=2", None, id="not without all its names"),
        pytest.param("https://big.test/collect?v=2&tid=x", "whole", id="a rule for the host comes before an endpoint"),
        pytest.param("wss://any.test/collecting?v=2&tid=x", "longer-endpoint", id="over a WebSocket too"),
    ],
)
def test_the_rule_for_a_url(url: str, expected: str | None) -> None:
    found = RULES.find(parse_url(url))
    assert (found.id if found else None) == expected


def test_without_hosts_only_endpoints_are_looked_at() -> None:
    assert RULES.find(parse_url("https://big.test/tr"), by_host=False) is None
    found = RULES.find(parse_url("https://big.test/collect?tid=1&v=1"), by_host=False)
    assert found is not None
    assert found.id == "longer-endpoint"


COOKIES = compiled(
    vendors=[
        {
            "id": "stats",
            "name": "Stats",
            "category": "analytics",
            "hosts": ["stats.test"],
            "cookies": [{"name": "_s"}, {"name": "_s_*"}, {"name": "*_tracking_id"}, {"name": "shared"}],
        }
    ],
    cookies=[
        {"name": "shared", "category": "necessary"},
        {"name": "_*", "category": "comfort"},
        {"name": "_s_keep", "category": "necessary"},
        {"name": "token", "category": "comfort"},
        {"name": "token", "category": "analytics", "hosts": ["shop.test"]},
        {"name": "token", "category": "necessary", "hosts": ["login.shop.test"]},
        {"name": "side", "category": "necessary", "party": "first"},
        {"name": "side", "category": "advertising", "party": "third"},
        {"name": "pre*", "category": "comfort", "hosts": ["other.test"]},
        {"name": "pre*x", "category": "analytics", "hosts": ["shop.test"]},
    ],
).cookies


@pytest.mark.parametrize(
    "name, host, party, category, rule_id",
    [
        ("_s", "shop.test", Party.FIRST, "analytics", "cookie:stats/_s"),
        pytest.param("_S", "shop.test", Party.FIRST, "comfort", "cookie:_*", id="names keep their case"),
        pytest.param("_s_1", "a.test", Party.FIRST, "analytics", "cookie:stats/_s_*", id="the longer pattern"),
        pytest.param(
            "_s_keep", "a.test", Party.FIRST, "necessary", "cookie:_s_keep", id="an exact name before a pattern"
        ),
        pytest.param("_x", "a.test", Party.FIRST, "comfort", "cookie:_*", id="the shorter pattern where no other fits"),
        pytest.param(
            "_x_tracking_id",
            "a.test",
            Party.FIRST,
            "analytics",
            "cookie:stats/*_tracking_id",
            id="the longer pattern also where it begins with a star",
        ),
        pytest.param(
            "shared", "a.test", Party.FIRST, "necessary", "cookie:shared", id="the policy's own before a vendor's"
        ),
        pytest.param("token", "a.test", Party.THIRD, "comfort", "cookie:token", id="without a host: anywhere"),
        pytest.param("token", "www.shop.test", Party.FIRST, "analytics", "cookie:token", id="limited to a host"),
        pytest.param("token", "login.shop.test", Party.FIRST, "necessary", "cookie:token", id="the longest host wins"),
        pytest.param("side", "a.test", Party.FIRST, "necessary", "cookie:side", id="on the site's side"),
        pytest.param("side", "a.test", Party.THIRD, "advertising", "cookie:side", id="on the other side"),
        pytest.param("prefix", "shop.test", Party.FIRST, "analytics", "cookie:pre*x", id="a pattern limited to hosts"),
        pytest.param(
            "prefix", "other.test", Party.FIRST, "comfort", "cookie:pre*", id="a shorter one for another host"
        ),
    ],
)
def test_the_rule_for_a_cookie(name: str, host: str, party: Party, category: str, rule_id: str) -> None:
    found = COOKIES.find(name, host, party)
    assert found is not None
    assert (found.category, found.id) == (category, rule_id)


@pytest.mark.parametrize(
    "name, host",
    [("unknown", "shop.test"), ("", "shop.test"), ("prefix", "third.test"), ("token2", "shop.test")],
)
def test_a_cookie_no_rule_names_has_none(name: str, host: str) -> None:
    assert COOKIES.find(name, host, Party.FIRST) is None


def test_an_address_is_no_suffix_of_another() -> None:
    cookies = compiled(
        cookies=[*shop()["cookies"], {"name": "ip", "category": "necessary", "hosts": ["0.0.1"]}]
    ).cookies
    assert cookies.find("ip", "10.0.0.1", Party.FIRST) is None
