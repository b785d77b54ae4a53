"""What holds for every decision, over the shipped policies and exchanges nobody thought of."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from cmp import resources
from cmp.core.consent import NO_CHOICE, Visitor, supposed_visitor
from cmp.core.cookies import RequestCookie, read_set_cookie
from cmp.core.decide import decide
from cmp.core.decision import Decision, EditKind
from cmp.core.exchange import Exchange, Kind, Phase, Unseen
from cmp.core.forms import decision_form, read_visitor_form, visitor_form
from cmp.core.policy import Policy
from cmp.core.signals import Signals
from cmp.core.urls import UrlError, parse_url
from cmp.policy.catalogue import catalogue
from cmp.policy.explain import lines
from cmp.sites import registrable_domain
from tests.sampled import examples
from tests.shipped import SHIPPED, shipped_policy

HOSTS = [host for vendor in catalogue().values() for host in vendor.get("hosts", [])]
NAMES = [cookie["name"].replace("*", "1") for vendor in catalogue().values() for cookie in vendor.get("cookies", [])]
PATHS = [
    (signature.get("path", "/").replace("*", "x"), "&".join(signature.get("query", [])))
    for vendor in catalogue().values()
    for signature in vendor.get("signatures", [])
]

each = examples(60, 150, suppress_health_check=list(HealthCheck))

signals = st.builds(Signals, gpc=st.booleans(), dnt=st.none() | st.booleans())
hosts = st.sampled_from(
    [*HOSTS, "shop.test", "www.shop.test", "customerly.io", "messenger.customerly.io", "192.0.2.1", ""]
)
urls = st.builds(
    lambda host, path, sub: parse_url(f"https://{sub}{host or 'x.test'}{path[0]}?{path[1]}"),
    hosts,
    st.sampled_from([*PATHS, ("/", ""), ("/a.js", "q=1")]),
    st.sampled_from(["", "", "www.", "a.b."]).filter(lambda _: True),
).filter(lambda url: bool(url.host))
names = st.sampled_from(
    [*NAMES, "sid", "PHPSESSID", "", "_", "survey_session1", "customerly_x", "hc_visitor"]
) | st.text(max_size=4)
set_cookies = st.builds(
    lambda name, tail: read_set_cookie(f"{name}=1{tail}"),
    names,
    st.sampled_from(["", "; HttpOnly", "; Max-Age=0", "; Max-Age=99999999", "; Expires=Thu, 15 Jan 2037 08:00:00 GMT"]),
)


@st.composite
def exchanges(draw: st.DrawFn, phase: Phase | None = None) -> Exchange:
    url, page = draw(urls), draw(st.none() | urls)
    kind = draw(st.sampled_from(Kind))
    page = url if kind is Kind.DOCUMENT else page
    answered = (phase or draw(st.sampled_from(Phase))) is Phase.RESPONSE
    return Exchange(
        method=draw(st.sampled_from(["GET", "POST", "\x00"])),
        url=url,
        host_site=registrable_domain(url.host),
        page=page,
        page_site=registrable_domain(page.host) if page else "",
        kind=kind,
        phase=Phase.RESPONSE if answered else Phase.REQUEST,
        time=draw(st.sampled_from([0.0, 1_800_000_000.0, -1.0, 1e18])),
        signals=draw(signals),
        cookies=tuple(RequestCookie(name, "1") for name in draw(st.lists(names, max_size=4))),
        set_cookies=tuple(draw(st.lists(set_cookies, max_size=4))) if answered else (),
        unseen=frozenset(draw(st.lists(st.sampled_from(Unseen), max_size=2))),
    )


@st.composite
def visitors(draw: st.DrawFn, policy: Policy) -> Visitor:
    things = st.lists(
        st.sampled_from([*policy.categories, "nonsense", *(f"vendor:{id_}" for id_ in list(policy.vendors)[:40])]),
        max_size=5,
    )
    return Visitor(frozenset(draw(things)), frozenset(draw(things)), shown_with=draw(signals))


def passes(decision: Decision, asked: Exchange) -> set[str]:
    """What gets through: the request, each cookie sent, each cookie set (by place)."""
    if decision.blocked:
        return set()
    stripped = {edit.name for edit in decision.edits if edit.kind is EditKind.STRIP_COOKIE}
    dropped = {edit.index for edit in decision.edits if edit.kind is EditKind.STRIP_SET_COOKIE}
    return (
        {"request"}
        | {f"cookie {cookie.name}" for cookie in asked.cookies if cookie.name not in stripped}
        | {f"set {n}" for n in range(len(asked.set_cookies)) if n not in dropped}
    )


policies = st.sampled_from(SHIPPED).map(shipped_policy)


@each
@given(st.data(), policies, exchanges())
def test_every_exchange_has_a_decision_that_can_be_told_and_repeated(
    data: st.DataObject, policy: Policy, asked: Exchange
) -> None:
    visitor = data.draw(visitors(policy))
    decision = decide(policy, visitor, asked)
    assert decide(policy, visitor, asked) == decision
    assert list(lines(policy, decision))
    assert json.loads(json.dumps(decision_form(decision)))["action"] == decision.action
    assert read_visitor_form(json.loads(json.dumps(visitor_form(visitor)))) == visitor


@each
@given(st.data(), policies, exchanges(Phase.RESPONSE))
def test_the_answer_only_adds_edits_of_the_answer(data: st.DataObject, policy: Policy, asked: Exchange) -> None:
    visitor = data.draw(visitors(policy))
    whole = decide(policy, visitor, asked)
    early = decide(policy, visitor, replace(asked, phase=Phase.REQUEST, set_cookies=()))
    assert early.ruling == whole.ruling
    assert early.edits == tuple(edit for edit in whole.edits if edit.kind is EditKind.STRIP_COOKIE)
    assert early.reported == whole.reported[: len(early.reported)]


@each
@given(policies, exchanges())
def test_a_refusal_never_lets_more_pass_than_no_choice(policy: Policy, asked: Exchange) -> None:
    refused = supposed_visitor(policy, "refuse", asked.signals)
    assert passes(decide(policy, refused, asked), asked) <= passes(decide(policy, NO_CHOICE, asked), asked)


@each
@given(policies, exchanges())
def test_accepting_never_lets_less_pass_than_refusing(policy: Policy, asked: Exchange) -> None:
    refused, accepted = (supposed_visitor(policy, choice, asked.signals) for choice in ("refuse", "accept"))
    assert passes(decide(policy, refused, asked), asked) <= passes(decide(policy, accepted, asked), asked)


@each
@given(st.data(), policies, exchanges())
def test_a_signal_never_lets_more_pass(data: st.DataObject, policy: Policy, asked: Exchange) -> None:
    visitor = data.draw(visitors(policy))
    without = passes(decide(policy, visitor, replace(asked, signals=Signals())), asked)
    for more in (Signals(gpc=True), Signals(dnt=True), Signals(gpc=True, dnt=True)):
        assert passes(decide(policy, visitor, replace(asked, signals=more)), asked) <= without


@each
@given(st.data(), policies, exchanges())
def test_dnt_0_changes_nothing(data: st.DataObject, policy: Policy, asked: Exchange) -> None:
    visitor = data.draw(visitors(policy))
    gpc = asked.signals.gpc
    assert decide(policy, visitor, replace(asked, signals=Signals(gpc, False))) == decide(
        policy, visitor, replace(asked, signals=Signals(gpc, None))
    )


@each
@given(policies, exchanges())
def test_what_is_never_allowed_passes_for_nobody(policy: Policy, asked: Exchange) -> None:
    everything = Visitor(granted=frozenset([*policy.categories, *(f"vendor:{id_}" for id_ in policy.vendors)]))
    ruling = decide(policy, everything, asked).ruling
    assert not (ruling.vendor is not None and ruling.allowed and policy.categories[ruling.category or ""].never)


@each
@given(policies, exchanges(Phase.RESPONSE))
def test_no_edit_names_a_cookie_that_is_not_there(policy: Policy, asked: Exchange) -> None:
    for edit in decide(policy, NO_CHOICE, asked).edits:
        if edit.kind is EditKind.STRIP_COOKIE:
            assert edit.index is None
            assert edit.name in {cookie.name for cookie in asked.cookies}
        else:
            assert edit.index is not None
            assert asked.set_cookies[edit.index].name == edit.name
        assert (edit.max_age is not None) is (edit.kind is EditKind.CAP_SET_COOKIE)


@pytest.mark.parametrize("text", ["data:text/plain,x", "about:blank", "blob:https://a.test/1", "file:///etc/passwd"])
def test_an_exchange_without_a_host_is_nobodys_site(text: str) -> None:
    url = parse_url(text)
    asked = Exchange("GET", url, host_site="", page=url, page_site="", kind=Kind.SCRIPT)
    assert not asked.same_site
    for name in SHIPPED:
        assert decide(shipped_policy(name), NO_CHOICE, asked).ruling.rule == "unknown.host"


@each
@given(st.text(max_size=30))
def test_any_text_that_is_a_url_gets_a_decision(text: str) -> None:
    try:
        url = parse_url(text, base=parse_url("https://shop.test/"))
    except UrlError:
        return
    decision = decide(shipped_policy(SHIPPED[0]), NO_CHOICE, Exchange("GET", url, registrable_domain(url.host)))
    assert decision.ruling.rule


def test_every_shipped_policy_is_among_those_tested() -> None:
    assert len(SHIPPED) == 7
    assert Path(resources.policies() / "default.json").is_file()
