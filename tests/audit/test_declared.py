"""What a policy declares of cookies, countries and itself, held against what happens."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cmp.audit.audit import find_all
from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding, Level
from cmp.audit.replay import replay
from cmp.core.consent import Visitor
from cmp.core.policy import Policy
from tests.audit.hars import POLICY, START, Json, captured, document, findings, of, policy, request, under
from tests.audit.test_tracking import promising

SESSION, CONDITIONAL, CONFINED = "decl.session-persistent", "decl.conditional-lifetime", "decl.confined-cookie"
REGION, OBSOLETE, REVIEW = "decl.region", "decl.transfer-obsolete", "decl.review-overdue"

DAY = 86_400


def told(code: str, *entries: Json, **more: Any) -> list[Finding]:
    return of(code, findings(document(), *entries, **{"choice": "accept", **more}))


# ------------------------------------------------------------------------------------------- session or not

LIFETIMES = [
    pytest.param("session=1; Max-Age=2592000", Level.VIOLATION, "30 day", id="a-month-instead-of-the-session"),
    pytest.param(
        "session=1; Expires=Fri, 01 Jan 2100 00:00:00 GMT",
        Level.VIOLATION,
        "month",
        id="by-date-instead-of-the-session",
    ),
    pytest.param("session=1; Max-Age=60", Level.POTENTIAL, "1 minute", id="a-minute-may-be-over-before"),
    pytest.param("language=de", Level.NOTE, "session", id="the-session-instead-of-a-month"),
]


@pytest.mark.parametrize("set_cookie,level,actual", LIFETIMES)
def test_session_against_lifetime(set_cookie: str, level: Level, actual: str) -> None:
    (found,) = told(SESSION, document(set_cookie=[set_cookie]))
    assert found.level is level
    assert actual in found.evidence["actual"]
    assert found.evidence["declared"] == ("30 days" if level is Level.NOTE else "session")


@pytest.mark.parametrize(
    "set_cookie",
    [
        pytest.param("session=1", id="session-as-declared"),
        pytest.param("session=; Max-Age=0", id="taken-away"),
        pytest.param("language=de; Max-Age=60", id="shorter-than-declared"),
        pytest.param("theme=1; Max-Age=2592000", id="declared-by-nobody"),
    ],
)
def test_lifetimes_as_declared(set_cookie: str) -> None:
    assert told(SESSION, document(set_cookie=[set_cookie])) == []


def test_the_longest_of_a_cookie_is_told_once() -> None:
    set_ = [document(set_cookie=[f"session=1; Max-Age={age}"]) for age in (60, 3 * DAY, 2 * DAY)]
    (found,) = told(SESSION, *set_)
    assert (found.evidence["count"], found.evidence["actual"], found.entry) == (3, "3 days", 2)


def test_a_session_cookie_that_lives_long_is_one_finding_and_not_two() -> None:
    found = findings(document(set_cookie=["session=1; Max-Age=2592000"]), choice="accept")
    assert [f.code for f in found] == [SESSION]


def test_against_the_baseline_nobody_declared_a_lifetime() -> None:
    (found,) = told(SESSION, document(set_cookie=["session=1; Max-Age=2592000", "language=de"]), baseline=True)
    assert (found.level, found.evidence["cookie"]) == (Level.NOTE, "session")


# ------------------------------------------------------------------------------------------- until an event

CHAT = policy(
    events={"chat-message": {"path": "/api/messages*", "method": "POST"}},
    cookies=[
        *POLICY["cookies"],
        {
            "name": "chat",
            "category": "necessary",
            "lifetime": "12 months",
            "before": {"event": "chat-message", "lifetime": "30 minutes"},
        },
    ],
)
MESSAGE = request("https://shop.example/api/messages", "empty", body="text=hi")
LONG = document(set_cookie=[f"chat=1; Max-Age={300 * DAY}"])
BEFORE = [
    pytest.param([LONG], True, id="before-any-message"),
    pytest.param([LONG, MESSAGE], True, id="message-afterwards"),
    pytest.param([request("https://shop.example/api/messages", "empty"), LONG], True, id="only-reading-messages"),
    pytest.param([MESSAGE, LONG], False, id="after-a-message"),
    pytest.param(
        [request("https://shop.example/api/messages", body="a=1", set_cookie=[f"chat=1; Max-Age={300 * DAY}"])],
        False,
        id="with-the-message",
    ),
    pytest.param([document(set_cookie=["chat=1; Max-Age=1800"])], False, id="as-short-as-declared"),
    pytest.param([document(set_cookie=["chat=1; Max-Age=1850"])], False, id="a-minute-of-slack"),
    pytest.param([document(set_cookie=["chat=1"])], False, id="session"),
    pytest.param([document(set_cookie=[f"language=1; Max-Age={20 * DAY}"])], False, id="without-a-condition"),
]


@pytest.mark.parametrize("entries,found", BEFORE)
def test_a_cookie_lives_shortly_until_something_happens(entries: list[Json], found: bool) -> None:
    assert [f.level for f in told(CONDITIONAL, *entries, under=CHAT)] == [Level.VIOLATION] * found


def test_an_event_that_our_proxy_remembers_counts() -> None:
    chatted = Visitor(events=frozenset({"chat-message"}))
    assert of(CONDITIONAL, under(CHAT, LONG, visitors={0: chatted})) == []
    (found,) = of(CONDITIONAL, under(CHAT, LONG))
    assert (found.evidence["event"], found.evidence["declared"]) == ("chat-message", "30 minutes")


# ------------------------------------------------------------------------------------------- confined cookies

SECRET = "conversation of jane"
SECURED = policy(
    cookies=[
        *POLICY["cookies"],
        {"name": "chat", "category": "necessary", "confined": True},
        {"name": "talk", "category": "necessary", "confined": True, "hosts": ["chat.shop.example"]},
    ]
)
HAS = document(cookie=f"chat={SECRET.replace(' ', '%20')}")
STRAYS = [
    pytest.param(request("https://api.shop.example/?v=conversation%20of%20jane"), "url", id="another-host-of-the-site"),
    pytest.param(request("https://cdn.test/?v=conversation%20of%20jane"), "url", id="in-an-address"),
    pytest.param(request("https://stats.test/", "empty", body=f"v {SECRET}"), "body", id="to-a-vendor-agreed-to"),
    pytest.param(request("https://cdn.test/", cookie="x=conversation%20of%20jane"), "cookie", id="in-a-cookie"),
]


@pytest.mark.parametrize("entry,where", STRAYS)
def test_the_value_of_a_confined_cookie_elsewhere(entry: Json, where: str) -> None:
    (found,) = told(CONFINED, HAS, entry, under=SECURED)
    assert (found.level, found.evidence["cookie"], found.evidence["where"]) == (Level.VIOLATION, "chat", [where])
    assert SECRET not in repr(found)


def test_what_our_proxy_found_in_a_body_it_did_not_keep_counts() -> None:
    capture = captured(HAS, request("https://cdn.test/", "empty"))
    noted = replace(capture.entries[1].asked, carries=frozenset({"cookie:chat"}))
    entries = (capture.entries[0], replace(capture.entries[1], asked=noted, delivered=noted))
    done = replay(SECURED, replace(capture, entries=entries))
    (found,) = of(CONFINED, find_all(Evidence(done, False)))
    assert (found.entry, found.evidence["where"]) == (1, ["body"])
    assert done.steps[1].decision.ruling.reason == "confined-cookie"


def test_a_confined_cookie_with_hosts_keeps_to_them() -> None:
    talk = document("https://chat.shop.example/", cookie="talk=11223344")
    assert told(CONFINED, talk, request("https://a.chat.shop.example/?v=11223344"), under=SECURED) == []
    (found,) = told(CONFINED, talk, request("https://www.shop.example/?v=11223344"), under=SECURED)
    assert found.evidence["recipient"] == "shop.example"


KEPT = [
    pytest.param([HAS, request("https://shop.example/?v=conversation%20of%20jane")], id="to-the-same-host"),
    pytest.param(
        [document(set_cookie=[f"chat={SECRET}; Domain=shop.example"]), request(f"https://a.shop.example/?v={SECRET}")],
        id="to-a-host-of-its-domain",
    ),
    pytest.param([document(cookie="chat=1234567"), request("https://cdn.test/?v=1234567")], id="seven-characters"),
    pytest.param(
        [document(cookie="language=1122334455"), request("https://cdn.test/?v=1122334455")], id="not-confined"
    ),
    pytest.param([HAS, request("https://cdn.test/?v=conversation%20of%20janet")], id="part-of-a-longer-word"),
]


@pytest.mark.parametrize("entries", KEPT)
def test_a_confined_cookie_that_stays_where_it_is(entries: list[Json]) -> None:
    assert told(CONFINED, *entries, under=SECURED) == []


# ------------------------------------------------------------------------------------------- countries

IRISH, AMERICAN, NOWHERE = (request(f"https://{host}/") for host in ("stats.test", "ads.test", "consent.test"))


def within(**transfers: Any) -> Policy:
    return policy(transfers={"within": ["EEA"], **transfers})


COUNTRIES = [
    pytest.param(within(), IRISH, [], id="within"),
    pytest.param(within(), AMERICAN, [Level.VIOLATION], id="outside-and-denied"),
    pytest.param(within(otherwise="report"), AMERICAN, [Level.NOTE], id="outside-and-reported"),
    pytest.param(within(**{"except": ["ads"]}), AMERICAN, [], id="excepted"),
    pytest.param(within(), NOWHERE, [Level.VIOLATION], id="a-country-not-known"),
    pytest.param(within(), request("https://cdn.test/"), [], id="nobody-s-vendor"),
    pytest.param(policy(), AMERICAN, [], id="nothing-is-said-of-countries"),
]


@pytest.mark.parametrize("base,entry,levels", COUNTRIES)
def test_data_stays_where_the_policy_says(base: Policy, entry: Json, levels: list[Level]) -> None:
    assert [f.level for f in told(REGION, entry, under=base)] == levels


def test_a_vendor_outside_is_told_with_its_country_and_once() -> None:
    assert [f.code for f in findings(document(), AMERICAN, AMERICAN, choice="accept", under=within())] == [REGION]
    (found,) = told(REGION, AMERICAN, AMERICAN, under=within())
    assert (found.vendor, found.evidence["country"], found.evidence["count"]) == ("ads", "US", 2)


def test_a_vendor_outside_that_was_refused_too_is_both() -> None:
    found = findings(document(), AMERICAN, choice="refuse", under=within())
    assert [f.code for f in found] == ["consent.request-after-reject", REGION]


def test_a_vendor_that_nobody_authorised_is_used_against_the_promise() -> None:
    listed = policy(authorisation="listed")
    assert [f.code for f in findings(document(), AMERICAN, choice="accept", under=listed)] == ["decl.despite-never"]
    assert [f.code for f in findings(document(), AMERICAN, choice="refuse", under=listed)] == [
        "consent.request-after-reject"
    ]


# ------------------------------------------------------------------------------------------- transfer bases


def at(date: str, base: Policy, *entries: Json) -> list[Finding]:
    """What is found in a capture of that day (noon, UTC)."""
    moment = f"{date}T12:00:00+00:00"
    dated = captured(*({**entry, "startedDateTime": moment} for entry in entries), times=False)
    return find_all(Evidence(replay(base, dated, "accept"), False))


def resting_on(basis: str) -> Policy:
    ads = {**POLICY["vendors"][1], "transferBasis": basis}
    return policy(vendors=[POLICY["vendors"][0], ads, POLICY["vendors"][2]])


DAYS = [
    pytest.param("safe-harbor", "2015-10-05", False, id="safe-harbor-the-day-before"),
    pytest.param("safe-harbor", "2015-10-06", True, id="safe-harbor-on-the-day"),
    pytest.param("privacy-shield", "2020-07-15", False, id="privacy-shield-the-day-before"),
    pytest.param("privacy-shield", "2020-07-16", True, id="privacy-shield-on-the-day"),
    pytest.param("scc-2010", "2022-12-27", False, id="clauses-of-2010-on-the-last-day"),
    pytest.param("scc-2010", "2022-12-28", True, id="clauses-of-2010-the-day-after"),
    pytest.param("scc-2021", "2026-11-01", False, id="clauses-of-2021"),
    pytest.param("dpf", "2026-11-01", False, id="data-privacy-framework"),
]


@pytest.mark.parametrize("basis,date,obsolete", DAYS)
def test_a_transfer_basis_is_judged_at_the_time_of_the_capture(basis: str, date: str, obsolete: bool) -> None:
    found = of(OBSOLETE, at(date, resting_on(basis), document(), AMERICAN))
    assert [(f.level, f.vendor, f.evidence["basis"]) for f in found] == [(Level.POTENTIAL, "ads", basis)] * obsolete


def test_a_vendor_that_was_not_contacted_transfers_nothing() -> None:
    assert of(OBSOLETE, at("2026-11-01", resting_on("safe-harbor"), document(), IRISH)) == []


@pytest.mark.parametrize("date,obsolete", [("2015-10-05", False), ("2026-11-01", True)])
def test_the_basis_of_the_whole_policy(date: str, obsolete: bool) -> None:
    transfers = {"within": ["EEA", "US"], "basis": "safe-harbor"}
    found = of(OBSOLETE, at(date, promising(OBSOLETE, transfers=transfers), document()))
    assert [(f.level, f.rule, f.vendor) for f in found] == [(Level.VIOLATION, "transfers", None)] * obsolete


def test_without_times_no_basis_is_judged() -> None:
    found = findings(document(), AMERICAN, under=resting_on("safe-harbor"), times=False)
    assert of(OBSOLETE, found) == []
    assert OBSOLETE in of("cap.incomplete", found)[0].evidence["not_assessed"]


# ------------------------------------------------------------------------------------------- reviews

CAPTURED = datetime.fromtimestamp(START, UTC).date().isoformat()


@pytest.mark.parametrize(
    "reviewed,every,overdue",
    [
        pytest.param("2024-06-01", "12 months", True, id="overdue"),
        pytest.param("2024-06-01", "24 months", False, id="not-yet"),
        pytest.param(CAPTURED, "1 day", False, id="on-the-day"),
        pytest.param("2026-01-01", "1 day", False, id="later-than-the-capture"),
    ],
)
def test_a_review_that_is_overdue(reviewed: str, every: str, overdue: bool) -> None:
    found = told(REVIEW, under=policy(reviewed=reviewed, reviewEvery=every))
    assert [(f.level, f.evidence["reviewed"]) for f in found] == [(Level.VIOLATION, reviewed)] * overdue


def test_a_policy_that_promises_no_review_is_never_overdue() -> None:
    assert told(REVIEW, under=policy(reviewed="2001-01-01")) == []
