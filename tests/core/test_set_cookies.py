"""Cookies by path, by event, by renewal and by transport."""

from dataclasses import replace
from typing import Any

import pytest

from cmp.core.consent import NO_CHOICE, Visitor
from cmp.core.decide import decide
from cmp.core.decision import Decision, EditKind, Reason
from cmp.core.exchange import Exchange, Phase
from cmp.core.policy import Policy
from tests.core.examples import compiled, exchange, shop

MINUTE, MONTH = 60, 31 * 86_400
SITE = {"sites": ["shop.test"]}
CHAT: dict[str, Any] = {
    "events": {"message": {"path": "/api/messages*", "method": "POST"}},
    "cookies": [
        {
            "name": "chat",
            "category": "necessary",
            "lifetime": "12 months",
            "before": {"event": "message", "lifetime": "30 minutes"},
        }
    ],
}


def edits(decision: Decision) -> list[tuple[EditKind, str, int | None]]:
    return [(edit.kind, edit.name, edit.max_age) for edit in decision.edits]


def answered(url: str, *set_cookies: str, cookie: str = "", method: str = "GET") -> Exchange:
    asked = exchange(url, "https://www.shop.test/", cookie=cookie, set_cookies=set_cookies)
    return replace(asked, method=method, phase=Phase.RESPONSE)


# -- lifetimes that depend on an event


@pytest.mark.parametrize(
    "seconds, visitor, expected",
    [
        pytest.param(400 * 86_400, NO_CHOICE, 30 * MINUTE, id="before: half an hour"),
        pytest.param(60, NO_CHOICE, None, id="what is shorter stays"),
        pytest.param(400 * 86_400, Visitor(events=frozenset({"message"})), 12 * MONTH, id="after: twelve months"),
        pytest.param(30 * 86_400, Visitor(events=frozenset({"message"})), None, id="after: what is shorter stays"),
    ],
)
def test_a_lifetime_depends_on_an_observed_event(seconds: int, visitor: Visitor, expected: int | None) -> None:
    decision = decide(compiled(**SITE, **CHAT), visitor, answered("https://shop.test/", f"chat=1; Max-Age={seconds}"))
    assert [edit.max_age for edit in decision.edits] == ([] if expected is None else [expected])


def test_the_answer_to_the_event_itself_counts_as_after_it() -> None:
    asked = answered("https://shop.test/api/messages", "chat=1; Max-Age=99999999", method="POST")
    decision = decide(compiled(**SITE, **CHAT), NO_CHOICE, asked)
    assert decision.events == ("message",)
    assert edits(decision) == [(EditKind.CAP_SET_COOKIE, "chat", 12 * MONTH), (EditKind.MARK_EVENT, "message", None)]


def test_an_event_is_marked_once() -> None:
    asked = answered("https://shop.test/api/messages", method="POST")
    decision = decide(compiled(**SITE, **CHAT), Visitor(events=frozenset({"message"})), asked)
    assert (decision.events, decision.edits) == (("message",), ())


def test_a_request_is_decided_on_alike_before_and_after_its_answer() -> None:
    asked = replace(answered("https://shop.test/api/messages", method="POST"), phase=Phase.REQUEST)
    decision = decide(compiled(**SITE, **CHAT), NO_CHOICE, asked)
    assert (decision.events, decision.edits) == (("message",), ())


@pytest.mark.parametrize(
    "event, url, method, seen",
    [
        pytest.param({"path": "/open"}, "https://shop.test/open", "GET", True, id="path on the own site"),
        pytest.param({"path": "/open"}, "https://pay.test/open", "GET", False, id="not on others'"),
        pytest.param({"host": "pay.test"}, "https://api.pay.test/x", "GET", True, id="a host"),
        pytest.param({"path": "/open", "method": "POST"}, "https://shop.test/open", "GET", False, id="another method"),
        pytest.param({"path": "/open", "method": "POST"}, "https://shop.test/open", "post", True, id="any case"),
        pytest.param({"path": "/a", "query": ["do=open"]}, "https://shop.test/a?do=open", "GET", True, id="a query"),
        pytest.param({"path": "/a", "query": ["do=open"]}, "https://shop.test/a?do=shut", "GET", False, id="not that"),
    ],
)
def test_an_event_shows_in_a_request(event: dict[str, Any], url: str, method: str, seen: bool) -> None:
    policy = compiled(**SITE, events={"opened": event})
    assert decide(policy, NO_CHOICE, answered(url, method=method)).events == (("opened",) if seen else ())


@pytest.mark.parametrize(
    "change, seen",
    [
        pytest.param({"fetch_site": "same-origin"}, True, id="the page itself"),
        pytest.param({"fetch_site": "none"}, True, id="the person, by address or bookmark"),
        pytest.param({"fetch_site": "cross-site"}, False, id="another site's page"),
        pytest.param({"method": "OPTIONS"}, False, id="a question before the request"),
        pytest.param({"method": "HEAD"}, False, id="a look"),
        pytest.param({"header_names": frozenset({"sec-purpose"})}, False, id="fetched before anybody asked"),
    ],
)
def test_only_the_visitor_makes_an_event(change: dict[str, Any], seen: bool) -> None:
    policy = compiled(**SITE, events={"opened": {"path": "/open"}})
    asked = replace(answered("https://shop.test/open"), **change)
    assert decide(policy, NO_CHOICE, asked).events == (("opened",) if seen else ())


def test_what_the_server_refused_did_not_happen() -> None:
    asked = answered("https://shop.test/api/messages", "chat=1; Max-Age=99999999", method="POST")
    decision = decide(compiled(**SITE, **CHAT), NO_CHOICE, replace(asked, status=503))
    assert decision.events == ()
    assert edits(decision) == [(EditKind.CAP_SET_COOKIE, "chat", 30 * MINUTE)]


def test_a_request_of_another_sites_page_is_no_event() -> None:
    policy = compiled(**SITE, events={"opened": {"path": "/open"}})
    asked = exchange("https://shop.test/open", "https://evil.test/", set_cookies=["x=1"])
    assert decide(policy, NO_CHOICE, asked).events == ()


def test_the_request_that_asks_for_a_service_is_part_of_it() -> None:
    categories = shop()["categories"]
    categories["comfort"]["after"] = "opened"
    policy = compiled(categories=categories, events={"opened": {"host": "chat.test", "path": "/open"}})
    assert decide(policy, NO_CHOICE, answered("https://chat.test/open")).ruling.reason is Reason.ASKED_FOR
    assert decide(policy, NO_CHOICE, answered("https://chat.test/x")).ruling.reason is Reason.DEFAULT_DENIED


def test_that_a_host_is_necessary_makes_no_undeclared_cookie_so() -> None:
    asked = exchange("https://pay.test/", "https://www.shop.test/", cookie="x=1", set_cookies=["y=1; Max-Age=9"])
    kinds = [(edit.kind, edit.ruling.reason) for edit in decide(compiled(), NO_CHOICE, asked).edits]
    assert kinds == [
        (EditKind.STRIP_COOKIE, Reason.UNKNOWN_DENIED),
        (EditKind.STRIP_SET_COOKIE, Reason.UNKNOWN_DENIED),
    ]


def test_a_request_that_is_stopped_is_no_event() -> None:
    policy = compiled(events={"opened": {"host": "ads.test"}})
    assert decide(policy, NO_CHOICE, answered("https://ads.test/")).events == ()


# -- renewal


def fixed() -> Policy:
    return compiled(cookies=[{"name": "sid", "category": "necessary", "lifetime": "13 months", "renewal": "fixed"}])


@pytest.mark.parametrize(
    "sent, line, dropped",
    [
        pytest.param("sid=1", "sid=1; Max-Age=3600", True, id="the same value again"),
        pytest.param("sid=1", "sid=2; Max-Age=3600", False, id="a new value is a new cookie"),
        pytest.param("", "sid=1; Max-Age=3600", False, id="the first time"),
        pytest.param("sid=1", "sid=1", False, id="as a session cookie"),
        pytest.param("sid=1", "sid=1; Max-Age=0", False, id="taken away"),
    ],
)
def test_a_fixed_life_is_not_prolonged(sent: str, line: str, dropped: bool) -> None:
    decision = decide(fixed(), NO_CHOICE, answered("https://www.shop.test/", line, cookie=sent))
    assert (EditKind.STRIP_SET_COOKIE in [edit.kind for edit in decision.edits]) is dropped


def test_a_sliding_life_is() -> None:
    decision = decide(compiled(), NO_CHOICE, answered("https://www.shop.test/", "cart=1; Max-Age=60", cookie="cart=1"))
    assert decision.edits == ()


# -- paths


@pytest.mark.parametrize(
    "url, category",
    [
        pytest.param("https://shop.test/survey/1", "analytics", id="on the path"),
        pytest.param("https://shop.test/", "necessary", id="elsewhere"),
        pytest.param("https://opinions.shop.test/", "comfort", id="on the host"),
        pytest.param("https://opinions.shop.test/survey/1", "comfort", id="the host counts before the path"),
    ],
)
def test_one_name_is_for_different_things_by_host_and_path(url: str, category: str) -> None:
    policy = compiled(
        **SITE,
        cookies=[
            {"name": "id", "category": "necessary"},
            {"name": "id", "category": "analytics", "paths": ["/survey/*"]},
            {"name": "id", "category": "comfort", "hosts": ["opinions.shop.test"]},
        ],
    )
    nobody = Visitor(refused=frozenset({"analytics", "comfort"}))
    found = [edit.ruling.category for edit in decide(policy, nobody, answered(url, cookie="id=1")).edits]
    assert found == ([] if category == "necessary" else [category])


# -- transport


@pytest.mark.parametrize(
    "url, line, secured",
    [
        pytest.param("https://shop.test/", "sid=1", True, id="over HTTPS"),
        pytest.param("https://shop.test/", "sid=1; Secure", False, id="it has it already"),
        pytest.param("http://shop.test/", "sid=1", False, id="over plain HTTP a browser would refuse it"),
        pytest.param("https://pay.test/", "sid=1", False, id="another's cookie"),
        pytest.param("https://shop.test/", "sid=; Max-Age=0", False, id="taken away"),
    ],
)
def test_cookies_of_the_site_are_made_secure(url: str, line: str, secured: bool) -> None:
    policy = compiled(**SITE, transport={"secureCookies": True}, cookies=shop()["cookies"])
    decision = decide(policy, NO_CHOICE, answered(url, line))
    assert (edits(decision) == [(EditKind.SECURE_SET_COOKIE, "sid", None)]) is secured
