"""Every rule that was asked for one exchange, up to those that answered."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp.core.consent import NO_CHOICE, PRECEDENCE, Visitor, supposed_visitor
from cmp.core.considered import DECLARED, PING, SENSITIVE, Asking, Considered, Outcome, considered, considered_form
from cmp.core.decide import decide
from cmp.core.decision import EditKind, Reason
from cmp.core.exchange import Exchange, Kind
from cmp.core.on_requests import REQUEST_STEPS
from cmp.core.policy import Policy
from cmp.policy.compose import compose
from tests.core.examples import compiled, exchange, shop
from tests.core.test_properties import each, exchanges, visitors
from tests.shipped import SHIPPED, shipped_policy

COMPOSED = compose([compiled(), compiled(id="client", vendors=[], unknown={"host": "report", "cookie": "report"})])


def told(policy: Policy, asked: Exchange, visitor: Visitor = NO_CHOICE, about: str = "request") -> list[Considered]:
    return [one for one in considered(policy, visitor, asked) if one.about == about]


def short(each_: list[Considered], asking: Asking) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.name, one.outcome.value, one.missing) for one in each_ if one.asking is asking]


def test_each_step_up_to_the_one_that_answers() -> None:
    steps = short(told(compiled(), exchange("https://who.test/")), Asking.STEP)
    assert [name for name, _, _ in steps] == [name for name, _ in REQUEST_STEPS]
    assert [outcome for _, outcome, _ in steps] == ["silent"] * (len(steps) - 1) + ["answers"]


def test_nothing_is_asked_after_the_answer() -> None:
    steps = short(told(compiled(), exchange("https://www.shop.test/", kind=Kind.DOCUMENT)), Asking.STEP)
    assert steps[-1] == ("page the visitor goes to", "answers", ())
    assert len(steps) < len(REQUEST_STEPS)


def test_steps_that_ask_further_are_called_as_they_are_in_the_table() -> None:
    assert {SENSITIVE, DECLARED, PING} <= {name for name, _ in REQUEST_STEPS}


SIGNED: dict[str, Any] = {
    "vendors": [
        *shop()["vendors"],
        {
            "id": "many",
            "name": "Many",
            "category": "analytics",
            "hosts": ["many.test"],
            "signatures": [
                {"host": "many.test", "path": "/collect/long/*", "query": ["a"]},
                {"host": "many.test", "path": "/collect/*", "query": ["b=1"]},
                {"host": "many.test", "path": "/x", "pages": ["/billing*"]},
            ],
        },
    ]
}


def test_each_candidate_says_what_of_it_did_not_fit() -> None:
    found = told(compiled(**SIGNED), exchange("https://many.test/collect/1?b=2"))
    assert short(found, Asking.RULE) == [
        ("vendor:many#many.test/x", "unfit", ("path", "page")),
        ("vendor:many#many.test/collect/long/*?a", "unfit", ("path", "query")),
        ("vendor:many#many.test/collect/*?b=1", "unfit", ("query",)),
        ("vendor:many", "fits", ()),
    ]


def test_each_step_of_the_precedence_up_to_the_answer() -> None:
    policy = compiled()
    found = told(policy, exchange("https://ads.test/", gpc=True), supposed_visitor(policy, "none"))
    steps = [one for one in found if one.asking is Asking.PRECEDENCE]
    names = [name for name, _ in PRECEDENCE]
    assert [one.name for one in steps] == names[: names.index("privacy signal") + 1]
    assert steps[-1].ruling is not None
    assert steps[-1].ruling.reason is Reason.GPC


@pytest.mark.parametrize(
    "changes, name",
    [
        ({"authorisation": "listed"}, "authorisation"),
        ({"transfers": {"within": ["EEA"]}}, "transfers"),
    ],
)
def test_a_vendor_that_may_not_be_used_at_all_is_asked_about_first(changes: dict[str, Any], name: str) -> None:
    found = told(compiled(**changes), exchange("https://ads.test/"))
    assert short(found, Asking.RULE) == [("vendor:ads", "fits", ()), (name, "answers", ())]
    assert short(found, Asking.PRECEDENCE) == []


def test_gates_that_let_a_vendor_pass_are_told_too() -> None:
    vendors = [{**vendor, "authorised": True, "country": "IE"} for vendor in shop()["vendors"]]
    policy = compiled(authorisation="listed", transfers={"within": ["EEA"]}, vendors=vendors)
    found = told(policy, exchange("https://ads.test/"))
    assert short(found, Asking.RULE)[1:] == [("authorisation", "silent", ()), ("transfers", "silent", ())]


def test_where_data_may_go_is_told_for_what_was_found() -> None:
    policy = compiled(sensitive=[{"data": "card-number", "to": ["vendor:pay"]}, {"data": "email-address", "to": []}])
    asked = replace(exchange("https://pay.test/"), carries=frozenset({"card-number", "email-address"}))
    assert short(told(policy, asked), Asking.RULE) == [
        ("sensitive:card-number", "silent", ()),
        ("sensitive:email-address", "answers", ()),
    ]


def test_a_place_asks_for_its_category() -> None:
    policy = compiled(location={"category": "comfort", "to": ["vendor:pay"]})
    asked = replace(exchange("https://pay.test/"), carries=frozenset({"coordinates"}))
    found = told(policy, asked)
    assert short(found, Asking.RULE) == [("location", "silent", ())]
    assert short(found, Asking.PRECEDENCE)[-1] == ("policy default", "answers", ())


def test_hyperlink_auditing_asks_for_a_category_of_its_own() -> None:
    policy = compiled(outgoing={"pings": "analytics"})
    found = told(policy, exchange("https://pay.test/", kind=Kind.PING))
    rules = {one.ruling.rule for one in found if one.asking is Asking.PRECEDENCE and one.ruling is not None}
    assert rules == {"vendor:pay", "outgoing.pings"}


def test_each_rule_for_a_cookie_of_that_name() -> None:
    cookies = [
        {"name": "a*", "category": "necessary"},
        {"name": "ab*", "category": "comfort", "party": "third"},
        {"name": "abc*", "category": "comfort", "hosts": ["elsewhere.test"], "paths": ["/x"]},
        {"name": "z*", "category": "comfort"},
        {"name": "*d", "category": "comfort"},
    ]
    found = told(compiled(cookies=cookies), exchange("https://www.shop.test/", cookie="abcd=1"), about="cookie abcd")
    assert short(found, Asking.RULE) == [
        ("cookie:abc*", "unfit", ("path", "host")),
        ("cookie:ab*", "unfit", ("party",)),
        ("cookie:a*", "fits", ()),
        ("cookie:*d", "outdone", ()),
    ]


def test_where_an_exact_name_fits_no_pattern_is_asked() -> None:
    cookies = [{"name": "sid*", "category": "comfort"}, {"name": "sid", "category": "necessary"}]
    found = told(compiled(cookies=cookies), exchange("https://www.shop.test/", cookie="sid=1"), about="cookie sid")
    assert short(found, Asking.RULE) == [("cookie:sid", "fits", ())]


@pytest.mark.parametrize(
    "url, cookie, steps",
    [
        ("https://www.shop.test/", "sid", ["declared cookie"]),
        ("https://pay.test/", "x", ["declared cookie", "vendor of the host"]),
        ("https://www.shop.test/", "x", ["declared cookie", "unknown cookie"]),
    ],
)
def test_what_a_cookie_is_known_by(url: str, cookie: str, steps: list[str]) -> None:
    found = told(compiled(), exchange(url, cookie=f"{cookie}=1"), about=f"cookie {cookie}")
    assert [name for name, _, _ in short(found, Asking.STEP)] == steps


@pytest.mark.parametrize(
    "line, step",
    [("x=; Max-Age=0", "cookie taken away"), ("x=1; HttpOnly", "presumption"), ("x=1", "unknown cookie")],
)
def test_what_lets_a_cookie_be_set_all_the_same(line: str, step: str) -> None:
    policy = compiled(presume=["http-only-session"], unknown={"host": "deny", "cookie": "report"})
    found = told(policy, exchange("https://www.shop.test/", set_cookies=[line]), about="set-cookie 0 x")
    answers = [one.name for one in found if one.asking is Asking.STEP and one.outcome is Outcome.ANSWERS]
    assert answers[-1] == step


def test_of_a_stopped_request_no_cookie_is_asked_about() -> None:
    found = considered(compiled(), NO_CHOICE, exchange("https://ads.test/", cookie="x=1"))
    assert {one.about for one in found} == {"request"}


def test_of_several_policies_each_is_asked_and_the_strictest_named() -> None:
    found = told(COMPOSED, exchange("https://ads.test/"))
    assert [one.policy for one in found if one.outcome is Outcome.ANSWERS and one.asking is Asking.STEP] == [
        "shop",
        "client",
    ]
    assert (found[-1].asking, found[-1].name, found[-1].outcome) == (Asking.POLICY, "shop", Outcome.STRICTEST)
    assert found[-1].ruling == decide(COMPOSED, NO_CHOICE, exchange("https://ads.test/")).ruling


def test_the_form_is_plain_json() -> None:
    form = considered_form(considered(COMPOSED, NO_CHOICE, exchange("https://who.test/")))
    assert json.loads(json.dumps(form)) == form
    assert form[0] == {
        "policy": "shop",
        "about": "request",
        "asking": "step",
        "name": "our own endpoint",
        "outcome": "silent",
        "missing": [],
        "ruling": None,
    }


@each
@given(
    st.data(),
    st.sampled_from([*SHIPPED, ""]).map(lambda name: shipped_policy(name) if name else COMPOSED),
    exchanges(),
)
def test_what_is_told_is_what_is_decided(data: st.DataObject, policy: Policy, asked: Exchange) -> None:
    visitor = data.draw(visitors(policy))
    decision = decide(policy, visitor, asked)
    last: dict[str, Considered] = {}
    for one in considered(policy, visitor, asked):
        if one.outcome in (Outcome.ANSWERS, Outcome.STRICTEST) and one.asking in (Asking.STEP, Asking.POLICY):
            last[one.about] = one
    assert last["request"].ruling == decision.ruling
    for edit in decision.edits:
        if edit.kind is EditKind.STRIP_COOKIE and not decision.ruling.reduced:
            assert last[f"cookie {edit.name}"].ruling == edit.ruling
        if edit.kind is EditKind.STRIP_SET_COOKIE and edit.ruling.reason not in (Reason.RENEWAL, Reason.REDUCED):
            assert last[f"set-cookie {edit.index} {edit.name}"].ruling == edit.ruling
