"""Reading lists: what each format gives, what is malformed, and what is no list at all."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from cmp.core.classify import Party
from cmp.core.exchange import Kind
from cmp.core.listed import Found, Source
from cmp.core.urls import parse_url
from cmp.lists.content import SHOWN_AT_MOST, Content, Filing, FormatError
from cmp.lists.formats import READERS, format_of, read_list
from tests.lists.world import DIGEST, usual

ABP = b"""[Adblock Plus 2.0]
! Title: made up
||ads.example^
||stats.example^$third-party
/pixel.gif?
||shop.example/own-metrics.js
@@||ads.example/needed.js
site.example##.banner
||x.example^$nonsense
||window.example^$popup
*
"""
HOSTS = b"""# made up
127.0.0.1 localhost
0.0.0.0 ads.example tracker.example # two
whole.example
"""
DDG = {
    "trackers": {
        "ads.example": {
            "default": "block",
            "owner": {"name": "Ads Inc"},
            "categories": ["Content Delivery", "Advertising"],
            "rules": [
                {"rule": "ads\\.example\\/fine", "action": "ignore"},
                {"rule": "ads\\.example\\/(a|b)+"},
                {"rule": "ads\\.example\\/odd", "action": "mystery"},
            ],
        },
        "quiet.example": {"default": "ignore", "owner": {"name": "Quiet"}},
        "bad.example": {"default": "perhaps"},
    },
    "domains": {"ads.example": "Ads Inc", "adsfamily.example": "Ads Inc"},
    "cnames": {"metrics.shop.example": "shop.ads.example"},
}
DISCONNECT = {
    "categories": {
        "Advertising": [{"Ads Inc": {"https://ads.example": ["ads.example", "both.example"], "dnt": "eff"}}],
        "Analytics": [{"Both": {"https://both.example": ["both.example", "search.example/hit"]}}],
        "Content": [{"Files": {"https://files.example": ["files.example", "not a host"]}}],
    }
}
ENTITIES = {"entities": {"Ads Inc": {"properties": ["adsfamily.example"], "resources": ["ads.example"]}}}
OCD = b"""ID,Platform,Category,Cookie / Data Key name,Domain,Description,Retention,Data Controller,X,Wildcard match
1,A,Marketing,adid,ads.example (3rd party) or .other.example,x,1 year,Ads Inc,,0
2,A,Analytics,stat_,,x,1 year,Stats Inc,,1
3,A,Necessary,sess,,x,1 year,Shop,,0
4,A,,lost,,x,1 year,Shop,,0
5,A,Analytics,_,,x,1 year,Shop,,1
"""


def text(value: Any) -> bytes:
    return json.dumps(value).encode()


WHOLE: dict[str, bytes] = {"abp": ABP, "ddg": text(DDG), "disconnect": text(DISCONNECT), "hosts": HOSTS, "ocd": OCD}


def source(format_: str, category: str = "", companion: bytes = b"") -> Source:
    content = read_list(format_, WHOLE[format_], companion)
    return content.source(Filing("made-up", DIGEST, category, usual(content)))


def asked(
    source: Source, url: str, page: str = "https://shop.example/", *, third: bool = True, kind: Kind = Kind.SCRIPT
) -> list[Found]:
    found = source.request(parse_url(url), parse_url(page), kind, third_party=third)
    return [one for one in found if not one.exception]


@pytest.mark.parametrize("format_", WHOLE)
def test_a_format_is_told_by_its_look(format_: str) -> None:
    assert format_of(WHOLE[format_]) == format_


@pytest.mark.parametrize(
    "format_, rules, malformed",
    [("abp", 5, 2), ("ddg", 2, 3), ("disconnect", 4, 1), ("hosts", 3, 0), ("ocd", 3, 2)],
)
def test_what_can_be_read_is_kept_and_the_rest_is_counted(format_: str, rules: int, malformed: int) -> None:
    content = read_list(format_, WHOLE[format_])
    assert (content.rules, content.malformed) == (rules, malformed)
    assert len(content.shown) == malformed


@pytest.mark.parametrize(
    "format_, place",
    [
        ("abp", "line 11"),
        ("ddg", "/trackers/ads.example/rules/1"),
        ("disconnect", "/categories/Content/0/Files"),
        ("ocd", "line 5"),
    ],
)
def test_a_malformed_line_is_shown_with_its_place(format_: str, place: str) -> None:
    assert place in [one.place for one in read_list(format_, WHOLE[format_]).shown]


def test_only_so_many_malformed_lines_are_shown_and_each_is_cut() -> None:
    bad = b"\n".join(b"0.0.0.0 bad_" + b"\xc3\xa4" * 300 + b"%" for _ in range(200))
    good = b"\n".join(b"0.0.0.0 h%d.example" % n for n in range(300))
    content = read_list("hosts", good + b"\n" + bad)
    assert (content.malformed, len(content.shown)) == (200, SHOWN_AT_MOST)
    assert max(len(one.text) for one in content.shown) <= 120


@pytest.mark.parametrize("format_", READERS)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<!doctype html><title>404</title>",
        b"\x00\x01binary",
        b"[" * 100_000,
        b"{}",
        b'{"trackers": 3, "categories": []}',
    ],
    ids=["empty", "html", "binary", "deep", "empty-object", "wrong-shape"],
)
def test_what_is_no_list_is_one_clear_error(format_: str, data: bytes) -> None:
    with pytest.raises(FormatError) as error:
        read_list(format_, data)
    assert "\n" not in str(error.value)
    assert 0 < len(str(error.value)) < 250


@pytest.mark.parametrize("format_", READERS)
@pytest.mark.parametrize("other", WHOLE)
def test_a_list_of_another_format_is_refused(format_: str, other: str) -> None:
    if other != format_:
        with pytest.raises(FormatError):
            read_list(format_, WHOLE[other])


def test_bytes_that_are_no_utf8_spoil_their_line_only() -> None:
    content = read_list("hosts", b"\xff\xfe.example\n0.0.0.0 ads.example\n")
    assert (content.rules, content.malformed) == (1, 1)


@pytest.mark.parametrize(
    "make, url, found",
    [
        (lambda: source("abp", "any"), "https://sub.ads.example/a.js", "||ads.example^"),
        (lambda: source("abp", "any"), "https://ads.example/needed.js", None),
        (lambda: source("abp", "any"), "https://other.example/pixel.gif?id=1", "/pixel.gif?"),
        (lambda: source("abp", "any"), "https://other.example/pixel.gif?", "/pixel.gif?"),
        (lambda: source("abp", "any"), "https://other.example/pixel.gif", None),
        (lambda: source("hosts", "any"), "https://ads.example/", "ads.example"),
        (lambda: source("hosts", "any"), "https://sub.ads.example/", None),
        (lambda: source("hosts", "any"), "https://sub.whole.example/", "whole.example"),
        (lambda: source("ddg"), "https://sub.ads.example/x", "ads.example"),
        (lambda: source("ddg"), "https://ads.example/fine", None),
        (lambda: source("ddg"), "https://quiet.example/", None),
        (lambda: source("disconnect"), "https://sub.ads.example/x", "ads.example"),
        (lambda: source("disconnect"), "https://search.example/hit?x", "search.example/hit"),
        (lambda: source("disconnect"), "https://search.example/page", None),
        (lambda: source("disconnect"), "https://files.example/x", None),
        (lambda: source("ocd"), "https://ads.example/x", None),
    ],
)
def test_a_request_is_known_by_its_rule(make: Callable[[], Source], url: str, found: str | None) -> None:
    rules = [one.rule for one in asked(make(), url)]
    assert rules == ([f"list:made-up@01234567:{found}"] if found else [])


def test_a_site_knows_rules_for_its_own_paths_only_where_a_list_has_them() -> None:
    assert asked(source("abp", "any"), "https://shop.example/own-metrics.js", third=False)
    assert not asked(source("abp", "any"), "https://stats.example/", "https://stats.example/", third=False)
    assert not asked(source("hosts", "any"), "https://whole.example/", "https://www.whole.example/", third=False)
    assert not asked(source("disconnect"), "https://ads.example/", "https://www.ads.example/", third=False)


def test_a_host_of_the_site_that_is_a_tracker_in_disguise_is_known() -> None:
    found = asked(source("ddg"), "https://metrics.shop.example/x", third=False)
    assert [(one.vendor, one.category) for one in found] == [("Ads Inc", "advertising")]


@pytest.mark.parametrize("format_, companion", [("ddg", b""), ("disconnect", text(ENTITIES))])
def test_what_belongs_to_the_owner_of_the_page_is_not_known(format_: str, companion: bytes) -> None:
    made = source(format_, companion=companion)
    assert not asked(made, "https://ads.example/", "https://www.adsfamily.example/")
    assert asked(made, "https://ads.example/", "https://shop.example/")


def test_the_strictest_of_several_categories_counts() -> None:
    assert asked(source("ddg"), "https://ads.example/x")[0].category == "advertising"
    assert asked(source("disconnect"), "https://both.example/x")[0].category == "advertising"


@pytest.mark.parametrize(
    "name, host, found",
    [
        ("adid", "ads.example", ("adid", "advertising", "Ads Inc")),
        ("adid", "x.other.example", ("adid", "advertising", "Ads Inc")),
        ("adid", "shop.example", None),
        ("stat_1", "shop.example", ("stat_*", "analytics", "Stats Inc")),
        # A list makes nothing necessary.
        ("sess", "shop.example", None),
        ("unknown", "shop.example", None),
    ],
)
def test_a_cookie_is_known_by_name_and_host(name: str, host: str, found: tuple[str, str, str] | None) -> None:
    answer = source("ocd").cookie(name, parse_url(f"https://{host}/"), None, Party.FIRST)
    assert [(one.rule.rpartition(":")[2], one.category, one.vendor) for one in answer] == ([found] if found else [])


def test_cookies_of_a_tracker_are_known_though_its_requests_pass() -> None:
    url = parse_url("https://quiet.example/")
    page = parse_url("https://shop.example/")
    assert source("ddg").cookie("any", url, page, Party.THIRD)
    assert not source("ddg").cookie("any", url, page, Party.FIRST)


def test_a_category_given_holds_for_every_rule() -> None:
    for format_ in ("ddg", "disconnect"):
        assert asked(source(format_, "social"), "https://ads.example/x")[0].category == "social"


def test_reading_again_passes_over_what_was_counted() -> None:
    first, again = read_list("abp", ABP), read_list("abp", ABP, again=True)
    assert isinstance(again, Content)
    made = again.source(Filing("made-up", DIGEST, "any"))
    assert first.malformed == 2
    assert asked(made, "https://x.example/") == []
    assert asked(made, "https://anything.example/") == []
