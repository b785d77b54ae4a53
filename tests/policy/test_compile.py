"""From a document to the value decisions are made from: completing, fingerprint, look-ups, fallback."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from cmp.core.classify import Party
from cmp.core.policy import Unknown
from cmp.core.urls import parse_url
from cmp.policy.catalogue import catalogue
from cmp.policy.compile import CSP_LIMIT, compile_policy
from cmp.policy.complete import adopted, complete, fingerprint
from tests.core.examples import compiled, shop


def vendor(id_: str = "v", **fields: Any) -> dict[str, Any]:
    return {"id": id_, "name": "V", "category": "analytics", **fields}


def vendors(**changes: Any) -> dict[str, dict[str, Any]]:
    return {vendor["id"]: vendor for vendor in complete(shop(**changes))["vendors"]}


# -- completing


def test_what_is_left_out_is_filled_in() -> None:
    whole = complete(shop(languages=None, unknown=None, vendors=[vendor()]))
    assert whole["languages"] == ["en"]
    assert whole["unknown"] == {"host": "deny", "cookie": "deny"}
    assert whole["presume"] == []
    assert whole["categories"]["analytics"]["default"] == "deny"
    assert whole["signals"]["dnt"]["grantOverrides"] is False
    assert whole["vendors"] == [
        vendor(
            company="V",
            country="ZZ",
            techniques=[],
            transferBasis="",
            authorised=None,
            hosts=[],
            aliases=[],
            uses=[],
            signatures=[],
            cookies=[],
        ),
    ]


def test_hosts_are_written_one_way_and_once() -> None:
    whole = complete(shop(sites=["Bücher.test", "a.test.", "A.test", "0x7f.1"]))
    assert whole["sites"] == ["127.0.0.1", "a.test", "xn--bcher-kva.test"]


def test_a_signal_about_all_denies_every_category_that_needs_consent() -> None:
    whole = complete(shop(signals={"gpc": {"denies": "all"}}))
    assert whole["signals"]["gpc"]["denies"] == ["advertising", "analytics", "comfort", "profiling", "research"]


@pytest.mark.parametrize(
    "adopt, categories",
    [
        pytest.param(["*"], {vendor["category"] for vendor in catalogue().values()}, id="everything"),
        pytest.param(["media", "social"], {"media", "social"}, id="catalogue categories"),
        pytest.param(["stripe"], {"infrastructure"}, id="one vendor"),
        pytest.param([], set(), id="nothing"),
    ],
)
def test_adopts(adopt: list[str], categories: set[str]) -> None:
    found = adopted(shop(catalogue={"adopt": adopt}))
    assert {vendor["category"] for vendor in found.values()} == categories


def test_an_adopted_vendor_gets_the_category_of_the_policy() -> None:
    found = adopted(shop(catalogue={"adopt": ["stripe"], "categories": {"infrastructure": "payment"}}))
    assert [(id_, vendor["category"]) for id_, vendor in found.items()] == [("stripe", "payment")]


CATALOGUE = {"adopt": ["stripe"], "categories": {"infrastructure": "payment"}}


def test_a_vendor_of_the_policy_replaces_the_one_of_the_same_id() -> None:
    found = vendors(catalogue=CATALOGUE, vendors=[vendor("stripe", hosts=["mine.test"])])
    assert (found["stripe"]["category"], found["stripe"]["hosts"]) == ("analytics", ["mine.test"])


def test_a_vendor_with_facts_of_the_catalogue_replaces_what_it_was_taken_from() -> None:
    found = vendors(
        catalogue=CATALOGUE, vendors=[{"id": "till", "catalogue": "stripe", "category": "payment", "name": "Till"}]
    )
    assert list(found) == ["till"]
    assert found["till"]["name"] == "Till"
    assert "stripe.com" in found["till"]["hosts"]


def test_a_host_the_policy_gives_to_a_vendor_is_taken_from_the_adopted_one() -> None:
    found = vendors(catalogue=CATALOGUE, vendors=[vendor("mine", hosts=["STRIPE.com"])])
    assert found["mine"]["hosts"] == ["stripe.com"]
    assert "stripe.com" not in found["stripe"]["hosts"]


# -- fingerprint


def of(document: dict[str, Any]) -> str:
    return compile_policy(document).fingerprint


def test_a_fingerprint_is_a_sha_256_in_hex() -> None:
    assert len(of(shop())) == 64
    assert int(of(shop()), 16)
    assert of(shop()) == fingerprint(complete(shop()))


def turned(value: Any) -> Any:
    """The same document with every object's keys the other way round."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    return [turned(item) for item in value] if isinstance(value, list) else value


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda d: d.update(json.loads(json.dumps(d, indent=7))), id="white space"),
        pytest.param(lambda d: d.update({"$schema": "elsewhere.json"}), id="where the schema is"),
        pytest.param(lambda d: d.update(languages=["en"]), id="a default written out"),
        pytest.param(lambda d: d["categories"]["comfort"].update(never=False, default="deny"), id="more defaults"),
        pytest.param(lambda d: d["vendors"].reverse(), id="the order of vendors"),
        pytest.param(
            lambda d: d["vendors"][0].update(company="Pay", country="ZZ"), id="a company called like the product"
        ),
        pytest.param(lambda d: d["vendors"][0].update(hosts=["PAY.test."]), id="how a host is spelt"),
        pytest.param(lambda d: d["vendors"][0].update(hosts=["pay.test", "Pay.Test"]), id="a host given twice"),
        pytest.param(lambda d: d["signals"]["dnt"]["denies"].reverse(), id="the order of what a signal denies"),
        pytest.param(lambda d: d.update(catalogue={"adopt": []}), id="adopting nothing"),
        pytest.param(lambda d: d["signals"]["dnt"].update(grantOverrides=False), id="a signal's default"),
    ],
)
def test_the_fingerprint_stays_with(change: Change) -> None:
    document = shop()
    change(document)
    assert of(document) == of(shop())


def test_the_fingerprint_stays_with_the_order_of_keys() -> None:
    assert of(turned(shop())) == of(shop())


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda d: d.update(id="shop2"), id="id"),
        pytest.param(lambda d: d.update(version="2"), id="version"),
        pytest.param(lambda d: d["title"].update(en="Else"), id="title"),
        pytest.param(lambda d: d["categories"]["comfort"]["title"].update(en="Else"), id="a category's title"),
        pytest.param(lambda d: d["categories"]["comfort"].update(reason={"en": "So"}), id="a category's reason"),
        pytest.param(lambda d: d["categories"]["comfort"].update(default="allow"), id="a default"),
        pytest.param(lambda d: d["categories"]["comfort"].update(never=True), id="never"),
        pytest.param(lambda d: d["categories"]["comfort"].update(basis="necessary"), id="a basis"),
        pytest.param(lambda d: d["vendors"][0].update(category="comfort"), id="a vendor's category"),
        pytest.param(lambda d: d["vendors"][0].update(country="US"), id="a vendor's country"),
        pytest.param(lambda d: d["vendors"][0]["hosts"].append("pay2.test"), id="a vendor's host"),
        pytest.param(lambda d: d["vendors"][1]["signatures"][0].update(path="/c"), id="a path"),
        pytest.param(lambda d: d["vendors"][1]["signatures"][0]["query"].append("z"), id="a query name"),
        pytest.param(lambda d: d["vendors"][1]["cookies"][0].update(lifetime="2 years"), id="a lifetime"),
        pytest.param(lambda d: d["cookies"].reverse(), id="the order of cookies, which settles ties"),
        pytest.param(lambda d: d["cookies"][0].update(party="first"), id="a cookie's party"),
        pytest.param(lambda d: d["cookies"].pop(), id="a cookie less"),
        pytest.param(lambda d: d["unknown"].update(host="report"), id="unknown hosts"),
        pytest.param(lambda d: d["unknown"].update(cookie="allow"), id="unknown cookies"),
        pytest.param(lambda d: d.update(presume=["http-only-session"]), id="a presumption"),
        pytest.param(lambda d: d["signals"]["gpc"].update(grantOverrides=False), id="what overrides a signal"),
        pytest.param(lambda d: d["signals"]["gpc"].update(denies="all"), id="what a signal denies"),
        pytest.param(lambda d: d["signals"].pop("dnt"), id="a signal less"),
        pytest.param(lambda d: d.update(sites=["shop.test"]), id="sites"),
        pytest.param(lambda d: d.update(catalogue=CATALOGUE), id="an adopted vendor"),
        pytest.param(lambda d: d.update(languages=["de", "en"]), id="languages"),
    ],
)
def test_the_fingerprint_changes_with(change: Change) -> None:
    document = shop()
    change(document)
    assert of(document) != of(shop())


def test_compiling_leaves_the_document_alone() -> None:
    document = shop(catalogue=CATALOGUE)
    before = copy.deepcopy(document)
    compile_policy(document)
    assert document == before


# -- look-ups


def test_a_compiled_policy_holds_what_was_declared() -> None:
    policy = compiled(sites=["Shop.test"])
    assert (policy.id, policy.version, policy.sites) == ("shop", "1", frozenset({"shop.test"}))
    assert (policy.unknown_host, policy.unknown_cookie) == (Unknown.DENY, Unknown.DENY)
    assert list(policy.optional_categories) == ["comfort", "analytics", "advertising", "research"]
    assert policy.vendors["ads"].category == "advertising"
    assert policy.categories["profiling"].never
    assert policy.categories["research"].default
    assert policy.signals["gpc"].grant_overrides


@pytest.mark.parametrize(
    "url, rule",
    [
        ("https://pay.test/", "vendor:pay"),
        ("https://www.social.test/track", "vendor:ads#social.test/tr*"),
        ("https://any.test/collect?v=1&tid=2", "vendor:stats#/collect?tid&v"),
    ],
)
def test_a_rule_says_where_it_stands(url: str, rule: str) -> None:
    found = compiled().requests.find(parse_url(url))
    assert found is not None
    assert found.id == rule


def test_a_cookie_rule_has_its_lifetime() -> None:
    found = compiled().cookies.find("_st", "shop.test", Party.FIRST)
    assert found is not None
    assert found.lifetime is not None
    assert (found.id, found.lifetime.text, found.vendor) == ("cookie:stats/_st", "1 year", "stats")


# -- fallback


def test_the_fallback_keeps_what_is_necessary_and_nothing_else() -> None:
    fallback = compiled(sites=["shop.test"]).fallback
    assert fallback.hosts == {"shop.test", "pay.test"}
    assert [name for name in ("sid", "cart", "csrf_1", "theme", "_st", "ad_id", "") if fallback.keeps_cookie(name)] == [
        "sid",
        "cart",
        "csrf_1",
    ]


def test_the_fallback_takes_no_host_that_only_a_path_makes_necessary() -> None:
    pay = {"id": "pay", "name": "Pay", "category": "payment", "signatures": [{"host": "mixed.test", "path": "/pay*"}]}
    assert compiled(vendors=[pay]).fallback.hosts == frozenset()


def test_the_fallback_takes_no_cookie_that_is_necessary_on_one_host_only() -> None:
    cookies = [{"name": "a", "category": "necessary", "hosts": ["x.test"]}]
    assert not compiled(cookies=cookies).fallback.keeps_cookie("a")


def test_the_fallbacks_csp() -> None:
    assert compiled(sites=["shop.test"]).fallback.csp == (
        "default-src 'self' 'unsafe-inline' data: blob: shop.test *.shop.test pay.test *.pay.test"
        "; object-src 'none'; base-uri 'self'"
    )


def test_an_address_in_the_csp_has_no_sub_domains() -> None:
    assert " 127.0.0.1; " in compiled(sites=["127.0.0.1"], vendors=None, cookies=None).fallback.csp


def test_the_csp_stays_below_the_limit_and_denies_the_excess() -> None:
    hosts = [f"host-number-{n}.test" for n in range(2000)]
    csp = compiled(sites=["shop.test"], vendors=[vendor("pay", category="payment", hosts=hosts)]).fallback.csp
    assert CSP_LIMIT - 100 < len(csp) <= CSP_LIMIT
    assert " shop.test " in csp
    assert csp.endswith("; object-src 'none'; base-uri 'self'")


def test_nothing_but_printable_ascii_reaches_the_csp() -> None:
    policy = compiled(
        sites=["bücher.test", "a_b.test"],
        catalogue={"adopt": ["infrastructure"]} | {"categories": {"infrastructure": "payment"}},
    )
    assert policy.fallback.csp.isascii()
    assert policy.fallback.csp.isprintable()
    assert "," not in policy.fallback.csp
