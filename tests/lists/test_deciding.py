"""Decisions by lists: asked after the policy's own rules, by category, the strictest answer of all."""

import pytest

from cmp.core.decide import decide
from cmp.core.decision import EditKind, Reason
from cmp.core.listed import Source
from cmp.lists.abp import AbpSource, read_abp
from cmp.lists.content import Filing
from cmp.lists.cookie_table import read_ocd
from tests.lists.test_reading import OCD
from tests.lists.world import policy_with, request, usual, visitor

OTHER = "fedcba9876543210" * 4
DIGEST = "0123456789abcdef" * 4


def abp(ads: str = "||ads.example^", stats: str = "||stats.example^") -> Source:
    return AbpSource(
        [
            (read_abp(b"[Adblock Plus 2.0]\n" + ads.encode()), Filing("ads", DIGEST, "advertising")),
            (read_abp(b"[Adblock Plus 2.0]\n" + stats.encode()), Filing("stats", OTHER, "analytics")),
        ]
    )


@pytest.mark.parametrize(
    "url, granted, allowed, rule, category",
    [
        ("https://ads.example/", (), False, "list:ads@01234567:||ads.example^", "advertising"),
        ("https://ads.example/", ("advertising",), True, "list:ads@01234567:||ads.example^", "advertising"),
        ("https://ads.example/", ("analytics",), False, "list:ads@01234567:||ads.example^", "advertising"),
        ("https://stats.example/", ("analytics",), True, "list:stats@fedcba98:||stats.example^", "analytics"),
        ("https://else.example/", (), True, "unknown.host", None),
    ],
)
def test_a_listed_request_needs_its_category(
    url: str, granted: tuple[str, ...], allowed: bool, rule: str, category: str | None
) -> None:
    policy = policy_with(abp())
    ruling = decide(policy, visitor(policy, *granted), request(url)).ruling
    assert (ruling.allowed, ruling.rule, ruling.category) == (allowed, rule, category)


def test_a_rule_of_the_policy_comes_before_any_list() -> None:
    needed = {"id": "pay", "name": "Pay", "category": "necessary", "hosts": ["ads.example"]}
    policy = policy_with(abp(), vendors=[needed])
    assert decide(policy, visitor(policy), request("https://ads.example/")).ruling.rule == "vendor:pay"


def test_a_request_in_lists_of_two_categories_needs_both() -> None:
    policy = policy_with(abp(stats="||ads.example^$third-party"))
    for granted, allowed in (((), False), (("advertising",), False), (("analytics",), False)):
        assert decide(policy, visitor(policy, *granted), request("https://ads.example/")).ruling.allowed is allowed
    both = visitor(policy, "advertising", "analytics")
    assert decide(policy, both, request("https://ads.example/")).ruling.allowed


def test_an_exception_of_one_adblock_list_holds_for_the_rules_of_all() -> None:
    policy = policy_with(abp(stats="@@||ads.example/needed^"))
    assert decide(policy, visitor(policy), request("https://ads.example/needed/x")).ruling.rule == "unknown.host"
    assert decide(policy, visitor(policy), request("https://ads.example/other")).blocked


def test_a_rule_for_the_sites_own_path_stops_the_sites_own_request() -> None:
    policy = policy_with(abp(ads="/own-metrics."))
    assert decide(policy, visitor(policy), request("https://shop.example/own-metrics.js")).blocked
    assert not decide(policy, visitor(policy), request("https://shop.example/app.js")).blocked


def test_the_page_the_visitor_goes_to_is_never_a_list_s_business() -> None:
    policy = policy_with(abp())
    ruling = decide(policy, visitor(policy), request("https://ads.example/", top_level=True)).ruling
    assert (ruling.allowed, ruling.reason) == (True, Reason.NAVIGATION)


def test_an_empty_query_is_told_from_none() -> None:
    policy = policy_with(abp(ads="/count?"))
    assert decide(policy, visitor(policy), request("https://x.example/count?")).blocked
    assert not decide(policy, visitor(policy), request("https://x.example/count")).blocked


def test_cookies_on_a_listed_host_belong_to_its_category() -> None:
    policy = policy_with(abp(), unknown={"host": "deny", "cookie": "deny"})
    sent = request("https://ads.example/", headers=[("cookie", "id=1")])
    assert decide(policy, visitor(policy, "advertising"), sent).edits == ()


def test_cookies_on_a_host_that_no_list_knows_stay_unknown() -> None:
    policy = policy_with(abp(), unknown={"host": "allow", "cookie": "deny"})
    sent = request("https://else.example/", headers=[("cookie", "id=1")])
    edits = decide(policy, visitor(policy, "advertising"), sent).edits
    assert [edit.ruling.rule for edit in edits] == ["unknown.cookie"]


def test_a_listed_cookie_needs_its_category_on_the_site_too() -> None:
    content = read_ocd(OCD)
    policy = policy_with(content.source(Filing("ocd", DIGEST, categories=usual(content))))
    sent = request("https://shop.example/", headers=[("cookie", "stat_1=1; mine=2")])
    edits = decide(policy, visitor(policy), sent).edits
    assert [(edit.kind, edit.name, edit.ruling.reason) for edit in edits] == [
        (EditKind.STRIP_COOKIE, "stat_1", Reason.REFUSED)
    ]
    assert edits[0].ruling.rule == "list:ocd@01234567:stat_*"
    assert decide(policy, visitor(policy, "analytics"), sent).edits == ()


def test_rules_that_the_engine_joins_are_still_named_one_by_one() -> None:
    rules = "\n".join(f"/{name}-beacon." for name in ("north", "south", "east", "west"))
    policy = policy_with(abp(ads=rules))
    for name in ("north", "south", "east", "west"):
        ruling = decide(policy, visitor(policy), request(f"https://x.example/{name}-beacon.js")).ruling
        assert ruling.rule == f"list:ads@01234567:/{name}-beacon."


def test_the_same_question_gets_the_same_answer() -> None:
    url = "https://ads.example/a/b?c=d"
    rulings = {
        decide(policy, visitor(policy), request(url)).ruling for policy in (policy_with(abp()) for _ in range(5))
    }
    assert len(rulings) == 1
