"""What JSON Schema cannot say: each check finds its fault, and lets its near miss be."""

from typing import Any

import pytest

from cmp.policy.load import find_faults
from cmp.policy.meaning import faults_of_meaning
from cmp.policy.references import known_rules
from tests.core.examples import shop

CATEGORIES: dict[str, Any] = shop()["categories"]


def category(**fields: Any) -> dict[str, Any]:
    return {"basis": "consent", "title": {"en": "X"}, **fields}


def vendor(id_: str = "v", **fields: Any) -> dict[str, Any]:
    return {"id": id_, "name": "V", "category": "analytics", **fields}


def promise(**fields: Any) -> dict[str, Any]:
    return {"id": "XX-1", "title": "Something", "shows": ["enforced"], **fields}


@pytest.mark.parametrize(
    "changes, pointer, what, remedy",
    [
        pytest.param(
            {"vendors": [vendor(category="analytic")]},
            *("/vendors/0/category", 'no category "analytic"', 'did you mean "analytics"?'),
            id="vendor of no category",
        ),
        pytest.param(
            {"cookies": [{"name": "a", "category": "zzz"}]},
            *("/cookies/0/category", 'no category "zzz"', "known here: advertising"),
            id="cookie of no category",
        ),
        pytest.param(
            {"signals": {"gpc": {"denies": ["adverts"]}}},
            *("/signals/gpc/denies/0", 'no category "adverts"', "advertising"),
            id="signal about no category",
        ),
        pytest.param(
            {"signals": {"dnt": {"denies": ["advertising", "necessary"]}}},
            *("/signals/dnt/denies/1", '"necessary" is necessary', "take it out"),
            id="signal about a necessary category",
        ),
        pytest.param(
            {"catalogue": {"adopt": ["analitics"]}},
            *("/catalogue/adopt/0", 'no catalogue category or vendor "analitics"', 'did you mean "analytics"?'),
            id="adopts nothing there is",
        ),
        pytest.param(
            {"catalogue": {"adopt": [], "categories": {"adverts": "advertising"}}},
            *("/catalogue/categories/adverts", 'no catalogue category "adverts"', "advertising"),
            id="maps a catalogue category there is not",
        ),
        pytest.param(
            {"catalogue": {"adopt": [], "categories": {"media": "videos"}}},
            *("/catalogue/categories/media", 'no category "videos"', "comfort"),
            id="maps to a category there is not",
        ),
        pytest.param(
            {"vendors": [{"id": "s", "catalogue": "strype", "category": "payment"}]},
            *("/vendors/0/catalogue", 'no catalogue vendor "strype"', 'did you mean "stripe"?'),
            id="facts of a vendor there is not",
        ),
        pytest.param(
            {"catalogue": {"adopt": ["media"]}},
            *(
                "/catalogue",
                'catalogue category "media", which the policy does not have',
                '"categories": {"media": "..."}',
            ),
            id="adopts into a category the policy lacks",
        ),
        pytest.param({"sites": ["shop..test"]}, "/sites/0", "is no host: ", "example.test", id="no host"),
        pytest.param({"sites": ["\ud800.test"]}, "/sites/0", "is no host: ", "example.test", id="a lone surrogate"),
        pytest.param(
            {"vendors": [vendor(hosts=["ok.test", "300.1.1.1"])]},
            *("/vendors/0/hosts/1", "bad IPv4 address", "example.test"),
            id="no address",
        ),
        pytest.param(
            {"sites": ["co.uk"]}, "/sites/0", '"co.uk" is a public suffix', "example.co.uk", id="public suffix"
        ),
        pytest.param(
            {"vendors": [vendor(signatures=[{"host": "GitHub.io", "path": "/x"}])]},
            *("/vendors/0/signatures/0/host", "is a public suffix", "name the site itself"),
            id="public suffix in a signature",
        ),
        pytest.param(
            {"vendors": [vendor(signatures=[{"host": "github.io", "path": "/*/x"}])]},
            *("/vendors/0/signatures/0/host", "is a public suffix", '"/bucket/*"'),
            id="any folder of a public suffix",
        ),
        pytest.param(
            {"cookies": [{"name": "a", "category": "necessary", "hosts": ["com"]}]},
            *("/cookies/0/hosts/0", "is a public suffix", "name the site itself"),
            id="public suffix in a cookie",
        ),
        pytest.param(
            {"vendors": [vendor(cookies=[{"name": "a", "hosts": ["a..b"]}])]},
            *("/vendors/0/cookies/0/hosts/0", "is no host", "example.test"),
            id="no host in a vendor's cookie",
        ),
        pytest.param(
            {"vendors": [vendor(), vendor()]}, "/vendors/1/id", '"v" is there twice', "its own id", id="a vendor twice"
        ),
        pytest.param(
            {"promises": [promise(), promise()]},
            "/promises/1/id",
            '"XX-1" is there twice',
            "its own",
            id="a promise twice",
        ),
        pytest.param(
            {"cookies": [{"name": "a", "category": "necessary"}, {"name": "a", "category": "comfort"}]},
            *("/cookies/1", '"a" is declared already at /cookies/0', "join the two"),
            id="a cookie twice",
        ),
        pytest.param(
            {
                "cookies": [
                    {"name": "a", "category": "necessary", "hosts": ["a.test", "b.test"]},
                    {"name": "a", "category": "comfort", "hosts": ["B.test.", "a.test"]},
                ]
            },
            *("/cookies/1", "is declared already at /cookies/0", "join the two"),
            id="a cookie twice, its hosts spelt differently",
        ),
        pytest.param(
            {"vendors": [vendor("a", hosts=["x.test"]), vendor("b", hosts=["y.test", "X.TEST."])]},
            *("/vendors/1/hosts/1", '"X.TEST." belongs to the vendor "a" already', "a signature with a path"),
            id="a host of two vendors",
        ),
        pytest.param(
            {
                "vendors": [
                    {"id": "stripe", "catalogue": "stripe", "category": "payment"},
                    vendor("b", hosts=["stripe.com"]),
                ]
            },
            *("/vendors/1/hosts/0", '"stripe.com" belongs to the vendor "stripe" already', "leave it with one"),
            id="a host of two vendors, one by the catalogue",
        ),
        pytest.param(
            {"vendors": [vendor(signatures=[{"path": "/*"}])]},
            *("/vendors/0/signatures/0", 'the path "/*" fits every page of the site itself', "add a host"),
            id="an endpoint that is everything",
        ),
        pytest.param(
            {"categories": {"stats": category()}, "vendors": None, "cookies": None, "signals": None},
            *("/categories", "no category is necessary", '"basis": "necessary"'),
            id="nothing necessary",
        ),
        pytest.param(
            {"categories": {**CATEGORIES, "odd": category(basis="necessary", never=True)}},
            *("/categories/odd", "is necessary and never passes at once", 'drop "never"'),
            id="necessary and never",
        ),
        pytest.param(
            {"categories": {**CATEGORIES, "odd": category(never=True, default="allow")}},
            *("/categories/odd", "never passes and is allowed by default", 'drop "default"'),
            id="never and allowed",
        ),
        pytest.param(
            {"categories": {**CATEGORIES, "odd": category(basis="necessary", default="deny")}},
            *("/categories/odd/default", "is necessary, so a default says nothing", 'drop "default"'),
            id="necessary with a default",
        ),
        pytest.param(
            {
                "languages": ["en", "de"],
                "categories": {"necessary": category(basis="necessary", title={"en": "N", "de": "N"})},
            }
            | {"vendors": None, "cookies": None, "signals": None},
            *("/title", 'has no text in "de"', 'add "de": "..."'),
            id="a title not in every language",
        ),
        pytest.param(
            {"categories": {**CATEGORIES, "x": category(reason={"de": "Weil"})}},
            *("/categories/x/reason", 'has no text in "en"', 'add "en": "..."'),
            id="a reason not in every language",
        ),
        pytest.param(
            {"promises": [promise(keptBy=["vendor:stast"])]},
            *("/promises/0/keptBy/0", 'no rule "vendor:stast"', 'did you mean "vendor:stats"?'),
            id="kept by no rule",
        ),
        pytest.param(
            {"promises": [promise(shows=["declared"])]},
            *("/promises/0", "XX-1 is declared only, without a reason", 'add "reason"'),
            id="declared without reason",
        ),
        pytest.param(
            {"title": {"en": "Shop\r\nSet-Cookie: a=1"}},
            *("/title/en", "holds the control character U+000D", "write it without"),
            id="a header in a title",
        ),
        pytest.param(
            {"vendors": [vendor(name="V\x1b[2J")]},
            *("/vendors/0/name", "holds the control character U+001B", "write it without"),
            id="a terminal escape in a name",
        ),
        pytest.param(
            {"vendors": [vendor(signatures=[{"path": "/a", "query": ["x\n"]}])]},
            *("/vendors/0/signatures/0/query/0", "holds the control character U+000A", "write it without"),
            id="a line feed in a parameter",
        ),
        pytest.param(
            {"controller": {"name": "Shop\x85"}},
            *("/controller/name", "holds the control character U+0085", "write it without"),
            id="a C1 control",
        ),
    ],
)
def test_finds(changes: dict[str, Any], pointer: str, what: str, remedy: str) -> None:
    faults = find_faults(shop(**changes))
    assert [fault.pointer for fault in faults] == [pointer]
    assert what in faults[0].what
    assert remedy in faults[0].remedy


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="the example"),
        pytest.param(
            {"vendors": [vendor(hosts=["x.test"], signatures=[{"host": "x.test", "path": "/a"}])]}, id="own host"
        ),
        pytest.param(
            {"vendors": [vendor("a", hosts=["x.test"]), vendor("b", hosts=["sub.x.test"])]},
            id="a sub-domain of another's",
        ),
        pytest.param({"vendors": [vendor("a", hosts=["x.test", "X.test"])]}, id="one vendor, one host, two spellings"),
        pytest.param(
            {
                "cookies": [
                    {"name": "a", "category": "necessary", "party": "first"},
                    {"name": "a", "category": "comfort", "party": "third"},
                    {"name": "a", "category": "comfort", "hosts": ["a.test"]},
                ]
            },
            id="a cookie told apart by party and host",
        ),
        pytest.param(
            {"sites": ["127.0.0.1", "localhost", "bücher.test", "xn--bcher-kva.example"]}, id="all sorts of hosts"
        ),
        pytest.param({"sites": ["shop.co.uk", "me.github.io"]}, id="sites below public suffixes"),
        pytest.param(
            {"vendors": [vendor(signatures=[{"path": "/*", "query": ["tid"]}])]}, id="an endpoint told by query"
        ),
        pytest.param({"vendors": [vendor(signatures=[{"host": "x.test", "path": "/*"}])]}, id="every path of one host"),
        pytest.param(
            {"vendors": [vendor(signatures=[{"host": "s3-eu-west-1.amazonaws.com", "path": "/bucket/*"}])]},
            id="one folder of a public suffix",
        ),
        pytest.param({"signals": {"gpc": {"denies": "all"}}}, id="a signal about all"),
        pytest.param({"signals": {"gpc": {"denies": ["profiling"]}}}, id="a signal about what never passes anyway"),
        pytest.param({"signals": {"gpc": {"denies": []}}}, id="a signal about nothing"),
        pytest.param({"languages": ["en"], "title": {"en": "x", "de": "y"}}, id="more languages than needed"),
        pytest.param(
            {"promises": [promise(keptBy=["unknown.host", "category:comfort", "cookie:csrf_*", "signal:gpc"])]},
            id="kept by several",
        ),
        pytest.param({"promises": [promise(shows=["declared"], reason="Nothing shows")]}, id="declared with reason"),
        pytest.param({"promises": [promise(shows=["declared", "served"])]}, id="declared and more"),
        pytest.param({"catalogue": {"adopt": []}}, id="adopts nothing"),
        pytest.param({"catalogue": {"adopt": ["media"], "categories": {"media": "comfort"}}}, id="adopts and maps"),
        pytest.param(
            {"catalogue": {"adopt": ["stripe"], "categories": {"infrastructure": "payment"}}}, id="one vendor"
        ),
        pytest.param(
            {"vendors": [{"id": "stripe", "catalogue": "stripe", "category": "payment"}]}, id="facts of the catalogue"
        ),
    ],
)
def test_lets_be(changes: dict[str, Any]) -> None:
    assert find_faults(shop(**changes)) == []


def test_a_site_can_keep_a_promise_only_where_sites_are_named() -> None:
    kept = [promise(keptBy=["sites"])]
    assert [fault.pointer for fault in find_faults(shop(promises=kept))] == ["/promises/0/keptBy/0"]
    assert find_faults(shop(promises=kept, sites=["shop.test"])) == []


def test_rules_a_promise_may_name() -> None:
    assert {"unknown.host", "category:payment", "vendor:ads", "cookie:csrf_*", "signal:dnt"} <= known_rules(shop())


def test_the_whole_is_looked_at_only_once_the_references_hold() -> None:
    faults = faults_of_meaning(shop(catalogue={"adopt": ["nobody", "media"]}))
    assert [fault.pointer for fault in faults] == ["/catalogue/adopt/0"]
