"""The steps on the way to a ruling on a request: what each stops or lets pass, and which comes first."""

from dataclasses import replace
from typing import Any

import pytest

from cmp.core.consent import NO_CHOICE, Visitor, supposed_visitor
from cmp.core.decide import decide
from cmp.core.decision import Action, EditKind, Reason, Ruling
from cmp.core.exchange import Exchange, Kind, Unseen
from cmp.core.on_requests import REQUEST_STEPS, rule_on_request
from cmp.core.policy import Policy
from cmp.lists.abp import AbpSource, read_abp
from cmp.lists.content import Filing
from tests.core.examples import compiled, exchange, shop

SITE = {"sites": ["shop.test"]}
SHOP = "https://www.shop.test/"


def vendors(**changes: dict[str, Any]) -> list[dict[str, Any]]:
    """The shop's vendors, some of them changed."""
    return [{**vendor, **changes.get(vendor["id"], {})} for vendor in shop()["vendors"]]


def ruled(policy: Policy, asked: Exchange, choice: str = "none") -> Ruling:
    return rule_on_request(policy, supposed_visitor(policy, choice, asked.signals), asked)


def test_the_order_of_the_steps() -> None:
    assert [name for name, _ in REQUEST_STEPS] == [
        "our own endpoint",
        "path the policy excludes",
        "sensitive data",
        "confined cookie",
        "transport",
        "page the visitor goes to",
        "declared vendor",
        "list",
        "other name of a vendor's host",
        "hyperlink auditing",
        "page the visitor may go to",
        "own site",
        "unknown host",
    ]


# -- scope


@pytest.mark.parametrize(
    "rule, url, excluded",
    [
        pytest.param({"paths": ["/hooks/*"]}, f"{SHOP}hooks/pay", True, id="a path"),
        pytest.param({"paths": ["/hooks/*"]}, f"{SHOP}x/../hooks/pay", True, id="whatever way it is written"),
        pytest.param({"paths": ["/hooks/*"]}, f"{SHOP}shop", False, id="another path"),
        pytest.param({"host": "api.shop.test", "paths": ["/*"]}, "https://api.shop.test/x", True, id="a host"),
        pytest.param({"host": "api.shop.test", "paths": ["/*"]}, f"{SHOP}x", False, id="another host"),
        pytest.param({"paths": ["/hooks/*"]}, "https://stats.test/hooks/x", False, id="never somebody else's"),
    ],
)
def test_an_excluded_path_passes_untouched(rule: dict[str, Any], url: str, excluded: bool) -> None:
    policy = compiled(**SITE, exclude=[rule])
    decision = decide(policy, NO_CHOICE, exchange(url, SHOP, cookie="nobody=1", set_cookies=["nobody=1"]))
    assert (decision.ruling.reason is Reason.OUT_OF_SCOPE) == excluded
    assert (decision.action is Action.ALLOW) == excluded


# -- what a request carries


@pytest.mark.parametrize(
    "to, url, allowed",
    [
        pytest.param(["vendor:pay"], "https://pay.test/charge", True, id="the vendor named"),
        pytest.param(["vendor:pay"], "https://stats.test/", False, id="another vendor"),
        pytest.param(["vendor:pay"], f"{SHOP}order", False, id="not the site itself"),
        pytest.param(["own"], f"{SHOP}order", True, id="the site, where it is named"),
        pytest.param(["bank.test"], "https://www.bank.test/", False, id="a host that is unknown otherwise"),
        pytest.param([], "https://pay.test/", False, id="nobody"),
    ],
)
def test_a_card_number_goes_where_the_policy_says(to: list[str], url: str, allowed: bool) -> None:
    policy = compiled(**SITE, sensitive=[{"data": "card-number", "to": to}])
    asked = replace(exchange(url, SHOP), carries=frozenset({"card-number"}))
    assert ruled(policy, asked, "accept").allowed is allowed


def test_a_card_number_is_not_carried_away_by_a_page_the_visitor_goes_to() -> None:
    policy = compiled(**SITE, sensitive=[{"data": "card-number", "to": []}])
    asked = replace(exchange("https://elsewhere.test/?q=1", kind=Kind.DOCUMENT), carries=frozenset({"card-number"}))
    assert ruled(policy, asked) == Ruling(False, Reason.SENSITIVE, "sensitive:card-number")


def test_data_no_rule_is_about_stops_nothing() -> None:
    policy = compiled(**SITE, sensitive=[{"data": "card-number", "to": []}])
    asked = replace(exchange("https://pay.test/", SHOP), carries=frozenset({"email-address"}))
    assert ruled(policy, asked).allowed


@pytest.mark.parametrize(
    "url, choice, reason",
    [
        pytest.param(f"{SHOP}near", "none", Reason.DEFAULT_DENIED, id="not before a choice"),
        pytest.param(f"{SHOP}near", "refuse", Reason.REFUSED, id="not after a refusal"),
        pytest.param(f"{SHOP}near", "comfort", Reason.FIRST_PARTY, id="once it was agreed to"),
        pytest.param("https://pay.test/", "comfort", Reason.SENSITIVE, id="and to nobody else even then"),
    ],
)
def test_coordinates_need_permission_and_the_right_destination(url: str, choice: str, reason: Reason) -> None:
    policy = compiled(**SITE, location={"category": "comfort", "to": ["own"]})
    asked = replace(exchange(url, SHOP), carries=frozenset({"coordinates"}))
    assert ruled(policy, asked, choice).reason is reason


def test_the_value_of_a_confined_cookie_does_not_travel() -> None:
    asked = replace(exchange("https://pay.test/?x=1", SHOP), carries=frozenset({"cookie:sid"}))
    assert ruled(compiled(), asked, "accept") == Ruling(False, Reason.CONFINED, "cookie:sid", vendor="pay")


# -- transport


@pytest.mark.parametrize(
    "asked, stopped",
    [
        pytest.param(exchange("http://pay.test/x.js", SHOP), True, id="from an HTTPS page to plain HTTP"),
        pytest.param(exchange("ws://pay.test/x", SHOP, kind=Kind.WEBSOCKET), True, id="a plain WebSocket"),
        pytest.param(exchange("https://pay.test/x.js", SHOP), False, id="HTTPS all the way"),
        pytest.param(exchange("http://pay.test/x.js", "http://www.shop.test/"), False, id="a plain page: no downgrade"),
        pytest.param(
            replace(exchange("http://www.shop.test/order", kind=Kind.DOCUMENT), method="POST"), True, id="a form"
        ),
        pytest.param(exchange("http://www.shop.test/", kind=Kind.DOCUMENT), False, id="a page by plain HTTP"),
    ],
)
def test_nothing_goes_back_to_plain_http(asked: Exchange, stopped: bool) -> None:
    policy = compiled(**SITE, transport={"https": "require"})
    assert (ruled(policy, asked).reason is Reason.INSECURE) is stopped


# -- vendors


def test_with_listed_authorisation_only_vendors_that_were_authorised_pass() -> None:
    policy = compiled(authorisation="listed", vendors=vendors(stats={"authorised": True}))
    assert ruled(policy, exchange("https://stats.test/"), "accept").allowed
    assert ruled(policy, exchange("https://ads.test/"), "accept").reason is Reason.UNAUTHORISED


def test_a_vendor_that_is_not_authorised_never_passes() -> None:
    policy = compiled(vendors=vendors(stats={"authorised": False}))
    assert ruled(policy, exchange("https://stats.test/"), "accept").rule == "authorisation"


@pytest.mark.parametrize(
    "country, transfers, allowed",
    [
        pytest.param("IE", {"within": ["IE"]}, True, id="in the country"),
        pytest.param("NO", {"within": ["EEA"]}, True, id="in the group of countries"),
        pytest.param("CH", {"within": ["EEA"]}, False, id="not in it"),
        pytest.param("ZZ", {"within": ["EEA"]}, False, id="nobody knows where"),
        pytest.param("US", {"within": ["EEA"], "otherwise": "report"}, True, id="reported only"),
        pytest.param("US", {"within": ["EEA"], "except": ["stats"]}, True, id="an exception"),
    ],
)
def test_a_vendor_outside_the_regions_is_refused(country: str, transfers: dict[str, Any], allowed: bool) -> None:
    policy = compiled(transfers=transfers, vendors=vendors(stats={"country": country}))
    ruling = ruled(policy, exchange("https://stats.test/"), "accept")
    assert ruling.allowed is allowed
    assert allowed or (ruling.reason, ruling.rule) == (Reason.OUTSIDE_REGION, "transfers")


PAGES = {"uses": [{"category": "payment", "pages": ["/billing*"]}]}


@pytest.mark.parametrize(
    "page, category",
    [
        pytest.param("https://www.shop.test/billing/card", "payment", id="on the page named"),
        pytest.param("https://www.shop.test/x/%2e%2e/billing", "payment", id="whatever way it is written"),
        pytest.param("https://www.shop.test/", "analytics", id="on another"),
        pytest.param(None, "analytics", id="where nobody knows the page"),
    ],
)
def test_a_vendor_serves_another_purpose_on_some_pages(page: str | None, category: str) -> None:
    policy = compiled(vendors=vendors(stats=PAGES))
    unseen = [Unseen.PAGE] if page is None else []
    assert ruled(policy, exchange("https://stats.test/", page, unseen=unseen)).category == category


def test_a_vendor_serves_another_purpose_on_some_hosts_and_paths() -> None:
    use = {"category": "comfort", "hosts": ["survey.stats.test"], "paths": ["/s/*"]}
    policy = compiled(vendors=vendors(stats={"uses": [use]}))
    found = {
        url: ruled(policy, exchange(url)).category
        for url in ("https://survey.stats.test/s/1", "https://survey.stats.test/t", "https://www.stats.test/s/1")
    }
    assert list(found.values()) == ["comfort", "analytics", "analytics"]


def test_who_lets_a_vendor_load_agreed_to_what_it_is_shown_as() -> None:
    use = {"category": "advertising", "paths": ["/tr*"]}
    policy = compiled(vendors=vendors(stats={"uses": [use]}))
    who = Visitor(granted=frozenset({"vendor:stats"}), refused=frozenset({"advertising", "analytics"}))
    reasons = [rule_on_request(policy, who, exchange(f"https://stats.test/{path}")).reason for path in ("x", "tr")]
    assert reasons == [Reason.GRANTED, Reason.REFUSED]


def test_a_name_of_the_site_that_leads_to_a_vendor_is_the_vendors() -> None:
    policy = compiled(**SITE, vendors=vendors(stats={"aliases": ["metrics.shop.test"]}))
    assert ruled(policy, exchange("https://metrics.shop.test/", SHOP)).vendor == "stats"
    assert ruled(policy, exchange("https://www.shop.test/", SHOP)).vendor is None


@pytest.mark.parametrize(
    "aliases, vendor",
    [
        pytest.param(("edge.pay.test",), "pay", id="a necessary one"),
        pytest.param(("edge.pay.test", "x.stats.test"), "stats", id="a tracker by way of a necessary one"),
        pytest.param(("x.stats.test", "edge.pay.test"), "stats", id="a tracker on a necessary one's machines"),
        pytest.param(("nobody.test", "x.stats.test"), "stats", id="a tracker by way of nobody known"),
    ],
)
def test_of_several_vendors_a_name_leads_to_the_strictest_answer_counts(aliases: tuple[str, ...], vendor: str) -> None:
    asked = replace(exchange("https://metrics.shop.test/", SHOP), aliases=aliases)
    ruling = ruled(compiled(**SITE), asked, "refuse")
    assert (ruling.vendor, ruling.allowed) == (vendor, vendor == "pay")


@pytest.mark.parametrize(
    "alias, rule, allowed",
    [
        pytest.param("x.stats.test", "vendor:stats", False, id="a refused vendor"),
        pytest.param("edge.nobody.test", "list:", True, id="nobody known"),
    ],
)
def test_that_a_list_lets_a_name_pass_says_nothing_of_whom_it_leads_to(alias: str, rule: str, allowed: bool) -> None:
    filters = read_abp(b"[Adblock Plus 2.0]\n||metrics.shop.test^")
    policy = replace(compiled(**SITE), lists=(AbpSource([(filters, Filing("ours", "0" * 64, "comfort"))]),))
    asked = replace(exchange("https://metrics.shop.test/", SHOP), aliases=(alias,))
    who = Visitor(granted=frozenset({"comfort"}), refused=frozenset({"analytics"}))
    ruling = rule_on_request(policy, who, asked)
    assert (ruling.rule.startswith(rule), ruling.allowed) == (True, allowed)


@pytest.mark.parametrize(
    "query, fits",
    [
        pytest.param("v=2&tid=G-1", True, id="all of it"),
        pytest.param("tid=G-1&v=2&x=3", True, id="in any order, with more"),
        pytest.param("v=1&tid=G-1", False, id="another value"),
        pytest.param("v=2&v=1&tid=G-1", True, id="one of several"),
        pytest.param("v=2", False, id="a name missing"),
        pytest.param("v=2&tid=UA-1", False, id="a value that does not fit"),
    ],
)
def test_a_signature_by_values(query: str, fits: bool) -> None:
    signature = {"path": "/g", "query": ["v=2", "tid=G-*"]}
    policy = compiled(vendors=vendors(stats={"signatures": [signature]}))
    found = ruled(policy, exchange(f"https://www.shop.test/g?{query}"))
    assert (found.vendor == "stats") is fits


# -- treatments


def reducing(**changes: Any) -> Policy:
    categories = shop()["categories"]
    categories["analytics"]["treatment"] = "reduce"
    return compiled(categories=categories, **changes)


def test_reduced_a_request_passes_without_what_identifies() -> None:
    asked = replace(
        exchange("https://stats.test/v?q=1&uid=7&respondent_id=8", cookie="_st=1; x=2", set_cookies=["_st=1", "y=2"]),
        referrer="https://www.shop.test/order/7",
        header_names=frozenset({"x-forwarded-for", "referer"}),
    )
    decision = decide(reducing(identifiers=["respondent*"]), NO_CHOICE, asked)
    assert (decision.action, decision.ruling.reason) == (Action.EDIT, Reason.REDUCED)
    assert [(edit.kind, edit.name) for edit in decision.edits] == [
        (EditKind.STRIP_COOKIE, "_st"),
        (EditKind.STRIP_COOKIE, "x"),
        (EditKind.STRIP_QUERY, "respondent_id"),
        (EditKind.STRIP_QUERY, "uid"),
        (EditKind.TRIM_REFERRER, "origin"),
        (EditKind.STRIP_HEADER, "x-forwarded-for"),
        (EditKind.STRIP_SET_COOKIE, "_st"),
        (EditKind.STRIP_SET_COOKIE, "y"),
    ]


@pytest.mark.parametrize(
    "content_type, reduced",
    [
        pytest.param("", True, id="no body"),
        pytest.param("application/json", True, id="JSON"),
        pytest.param("application/x-www-form-urlencoded", True, id="a form"),
        pytest.param("text/plain", False, id="anything else is stopped"),
    ],
)
def test_a_body_that_cannot_be_reduced_stops_the_request(content_type: str, reduced: bool) -> None:
    ruling = ruled(reducing(), replace(exchange("https://stats.test/"), content_type=content_type))
    assert (ruling.allowed, ruling.reduced) == (reduced, reduced)


def test_once_agreed_to_nothing_is_reduced() -> None:
    decision = decide(reducing(), Visitor(granted=frozenset({"analytics"})), exchange("https://stats.test/?uid=7"))
    assert decision.action is Action.ALLOW


def test_where_nothing_of_ours_stands_between_reduced_is_no_permission() -> None:
    assert not ruled(reducing(), exchange("https://stats.test/")).direct


@pytest.mark.parametrize(
    "url, choice, allowed",
    [
        pytest.param("https://www.shop.test/exit", "none", False, id="the site's own, before a choice"),
        pytest.param("https://www.shop.test/exit", "analytics", True, id="with permission"),
        pytest.param("https://stats.test/exit", "advertising", False, id="a vendor that is refused"),
        pytest.param("https://pay.test/exit", "none", False, id="a necessary vendor: it is no necessary request"),
    ],
)
def test_hyperlink_auditing_is_a_purpose_of_its_own(url: str, choice: str, allowed: bool) -> None:
    policy = compiled(outgoing={"pings": "analytics"})
    assert ruled(policy, exchange(url, kind=Kind.PING), choice).allowed is allowed


# -- what the visitor asked for


def test_using_a_service_is_asking_for_what_it_needs() -> None:
    categories = shop()["categories"]
    categories["comfort"]["after"] = "chat-opened"
    policy = compiled(categories=categories, events={"chat-opened": {"path": "/chat/open"}})
    asked = exchange("https://chat.test/")
    opened = Visitor(events=frozenset({"chat-opened"}))
    refused = Visitor(events=frozenset({"chat-opened"}), refused=frozenset({"comfort"}))
    reasons = [rule_on_request(policy, who, asked).reason for who in (NO_CHOICE, opened, refused)]
    assert reasons == [Reason.DEFAULT_DENIED, Reason.ASKED_FOR, Reason.REFUSED]


def test_an_exempt_category_passes_until_it_is_refused() -> None:
    categories = shop()["categories"]
    categories["analytics"] |= {"basis": "exempt", "exemption": "uk-statistics"}
    policy = compiled(categories=categories)
    asked = exchange("https://stats.test/")
    assert [ruled(policy, asked, choice).allowed for choice in ("none", "refuse", "accept")] == [True, False, True]
