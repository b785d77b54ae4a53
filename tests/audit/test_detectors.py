"""Each detector: what it finds, and what comes close and is none."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cmp.audit.audit import find_all
from cmp.audit.detectors import DETECTORS, LOG_DETECTORS
from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding, Level
from cmp.audit.replay import replay
from cmp.core.exchange import Kind
from cmp.core.policy import Policy
from cmp.policy.compose import compose
from tests.audit.hars import POLICY, Json, captured, document, findings, policy, request

TRACKER = "https://stats.test/s.js?id=secret"
PIXEL = "https://ads.test/p"
YEAR = 366 * 86_400


def codes(found: list[Finding]) -> list[str]:
    return [finding.code for finding in found]


def shortened(found: list[Finding]) -> list[tuple[str, str | None]]:
    return [(finding.code, finding.evidence.get("cookie")) for finding in found]


# ------------------------------------------------------------------------------------------- requests

REQUESTS = [
    pytest.param(request(TRACKER), "none", ["consent.request-before"], id="tracker-before-choice"),
    pytest.param(request(TRACKER), "refuse", ["consent.request-after-reject"], id="tracker-after-refusal"),
    pytest.param(request(TRACKER), "advertising", ["consent.request-after-reject"], id="tracker-left-out-of-choice"),
    pytest.param(request(TRACKER), "analytics", [], id="tracker-agreed-to"),
    pytest.param(request(TRACKER), "accept", [], id="tracker-after-accept"),
    pytest.param(request("https://cdn.stats.test/s.js"), "none", ["consent.request-before"], id="sub-domain-of-vendor"),
    pytest.param(request("https://notstats.test/s.js"), "accept", ["decl.undeclared-host"], id="name-ends-alike"),
    pytest.param(
        request("https://shop.example/collect?v=1&tid=2"),
        "none",
        ["consent.request-before"],
        id="collected-by-the-site",
    ),
    pytest.param(request("https://shop.example/collect?v=1"), "none", [], id="own-path-without-the-tracker's-names"),
    pytest.param(request("https://cdn.shop.example/a.js"), "refuse", [], id="own-sub-domain"),
    pytest.param(request("https://consent.test/banner.js"), "refuse", [], id="necessary-vendor"),
    pytest.param(document(TRACKER, page="page_2"), "refuse", [], id="visit-to-the-vendor's-own-page"),
    pytest.param(document("https://other.test/", page="page_2"), "refuse", [], id="visit-to-an-unknown-page"),
    pytest.param(request(TRACKER, "iframe"), "refuse", ["consent.request-after-reject"], id="frame-of-a-tracker"),
    pytest.param(request("https://cdn.test/a.js"), "accept", ["decl.undeclared-host"], id="unknown-third-party"),
]


@pytest.mark.parametrize("entry,choice,expected", REQUESTS)
def test_requests(entry: Json, choice: str, expected: list[str]) -> None:
    assert codes(findings(document(), entry, choice=choice)) == expected


def test_the_visited_site_asked_for_with_no_page_known_is_no_third_party() -> None:
    page = request("https://shop.example/", "", page="")
    image = request("https://shop.example/i.png", "image", page="", Referer="https://shop.example/")
    other = request("https://cdn.test/a.js", page="", Referer="https://shop.example/")
    unknown = [f.host for f in findings(page, image, other, choice="accept") if f.code == "decl.undeclared-host"]
    assert unknown == ["cdn.test"]


def test_one_finding_for_each_vendor_with_count_and_no_query_values() -> None:
    found = findings(document(), request(TRACKER), request("https://b.stats.test/?x=secret"), request(PIXEL))
    first, second = found
    assert (first.vendor, first.category, first.rule, first.entry) == ("stats", "analytics", "vendor:stats", 1)
    assert first.host == "stats.test"
    assert first.evidence["count"] == 2
    assert first.evidence["first"] == 1
    assert first.evidence["url"] == "https://stats.test/s.js?id"
    assert first.evidence["hosts"] == ["stats.test", "b.stats.test"]
    assert second.vendor == "ads"
    assert "secret" not in repr(found)


def test_request_without_any_answer_is_only_potential() -> None:
    assert [f.level for f in findings(document(), request(PIXEL, answered=False))] == [Level.POTENTIAL]
    answered_once = findings(document(), request(PIXEL, answered=False), request(PIXEL))
    assert [f.level for f in answered_once] == [Level.VIOLATION]


# ------------------------------------------------------------------------------------------- cookies

LONG = f"Max-Age={YEAR}"
COOKIES = [
    pytest.param({"set_cookie": ["_st=1; Max-Age=60"]}, "none", [("consent.set-before", "_st")], id="set-before"),
    pytest.param(
        {"set_cookie": ["_st=1; Max-Age=60"]}, "refuse", [("consent.set-after-reject", "_st")], id="set-after-refusal"
    ),
    pytest.param({"set_cookie": ["_st=1; Max-Age=60"]}, "analytics", [], id="set-with-consent"),
    pytest.param({"set_cookie": ["_st=; Max-Age=0"]}, "refuse", [], id="deletion-by-max-age"),
    pytest.param(
        {"set_cookie": ["_st=x; Expires=Thu, 01 Jan 1970 00:00:10 GMT"]}, "refuse", [], id="deletion-by-expires"
    ),
    pytest.param({"cookie": "session=1; _st=2"}, "none", [("consent.read-before", "_st")], id="read-before"),
    pytest.param({"cookie": "_st=2"}, "refuse", [("consent.read-after-reject", "_st")], id="read-after-refusal"),
    pytest.param({"cookie": "_st=2; _st=3"}, "refuse", [("consent.read-after-reject", "_st")], id="duplicate-cookie"),
    pytest.param({"cookie": "session=1; language=de"}, "refuse", [], id="necessary-cookies"),
    pytest.param({"cookie": "choice-2=x"}, "refuse", [], id="cookie-of-the-consent-platform"),
    pytest.param({"cookie": "theme=dark"}, "accept", [("decl.undeclared-cookie", "theme")], id="undeclared-sent"),
    pytest.param({"set_cookie": ["theme=1"]}, "accept", [("decl.undeclared-cookie", "theme")], id="undeclared-set"),
    pytest.param({"set_cookie": ["theme=; Max-Age=0"]}, "accept", [], id="undeclared-taken-away"),
    pytest.param({"cookie": "Session=1"}, "accept", [("decl.undeclared-cookie", "Session")], id="other-letter-case"),
    pytest.param({"cookie": "=x"}, "accept", [("decl.undeclared-cookie", "")], id="cookie-without-a-name"),
    pytest.param(
        {"set_cookie": [f"language=de; {LONG}"]}, "accept", [("decl.lifetime-exceeds", "language")], id="too-long"
    ),
    pytest.param({"set_cookie": [f"language=de; Max-Age={44 * 86_400}"]}, "accept", [], id="less-than-half-longer"),
    pytest.param(
        {"set_cookie": [f"language=de; Max-Age={46 * 86_400}"]},
        "accept",
        [("decl.lifetime-exceeds", "language")],
        id="more-than-half-longer",
    ),
    pytest.param(
        {"set_cookie": ["session=1; Max-Age=80000"]},
        "accept",
        [("decl.session-persistent", "session")],
        id="session-for-less-than-a-day",
    ),
    pytest.param(
        {"set_cookie": ["session=1; Max-Age=90000"]},
        "accept",
        [("decl.session-persistent", "session")],
        id="declared-session-found-persistent",
    ),
    pytest.param(
        {"set_cookie": ["language=de"]},
        "accept",
        [("decl.session-persistent", "language")],
        id="declared-persistent-found-session",
    ),
    pytest.param(
        {"set_cookie": ["language=de; Max-Age=60; Expires=Fri, 01 Jan 2100 00:00:00 GMT"]},
        "accept",
        [],
        id="max-age-wins-over-expires",
    ),
    pytest.param(
        {"set_cookie": ["language=de; Expires=Fri, 01 Jan 2100 00:00:00 GMT"]},
        "accept",
        [("decl.lifetime-exceeds", "language")],
        id="too-long-by-expires",
    ),
]


@pytest.mark.parametrize("page,choice,expected", COOKIES)
def test_cookies_of_the_site(page: Json, choice: str, expected: list[tuple[str, str]]) -> None:
    assert shortened(findings(document(**page), document(), choice=choice)) == expected


THIRD_PARTY_COOKIES = [
    pytest.param(
        {"set_cookie": ["uid=1; Max-Age=60"]}, "consent.set-after-reject", "uid", "cookie:ads/uid", id="declared"
    ),
    pytest.param({"set_cookie": ["x=1"]}, "consent.set-after-reject", "x", "vendor:ads", id="covered-by-its-host"),
    pytest.param({"cookie": "x=1"}, "consent.read-after-reject", "x", "vendor:ads", id="covered-and-sent"),
]


@pytest.mark.parametrize("more,code,cookie,rule", THIRD_PARTY_COOKIES)
def test_cookies_of_a_vendor(more: Json, code: str, cookie: str, rule: str) -> None:
    contacted, found = findings(document(), request(PIXEL, **more), choice="refuse")
    assert contacted.code == "consent.request-after-reject"
    assert (found.code, found.evidence["cookie"], found.rule, found.vendor) == (code, cookie, rule, "ads")
    assert found.level is Level.VIOLATION


def test_a_name_of_a_vendor_limited_to_its_hosts_is_undeclared_elsewhere() -> None:
    assert shortened(findings(document(cookie="uid=1"))) == [("decl.undeclared-cookie", "uid")]


def test_one_finding_for_each_cookie_and_site_with_its_value_hashed() -> None:
    secret = "GA1.2.3333333333"
    pages = [document(set_cookie=[f"_st={secret}; Max-Age=600"]), document(set_cookie=["_st=2; Max-Age=60"])]
    (found,) = findings(*pages, request("https://img.shop.example/", set_cookie=["_st=3; Max-Age=60"]))
    assert found.evidence == {
        "what": "set",
        "cookie": "_st",
        "site": "shop.example",
        "count": 3,
        "first": 0,
        "value": {"sha256": hashlib.sha256(secret.encode()).hexdigest()[:12], "length": 16},
        "reason": "default-denied",
        "answered": 3,
        "lifetime": 600,
    }
    assert secret not in repr(found)


def test_presumed_necessary_is_a_note_also_when_it_is_sent() -> None:
    under = policy(presume=["http-only-session"], unknown={"host": "deny", "cookie": "report"})
    pages = [document(set_cookie=["sid=1; HttpOnly"]), document(cookie="session=1; sid=1")]
    (found,) = findings(*pages, under=under)
    assert (found.code, found.level, found.evidence["count"]) == ("decl.undeclared-cookie", Level.NOTE, 2)
    persistent = findings(*pages, document(set_cookie=["sid=1; Max-Age=600"]), under=under)
    assert [f.level for f in persistent] == [Level.POTENTIAL]


# ------------------------------------------------------------------------------------------- signals and promises


def _ads(**category: object) -> Policy:
    return policy(categories={**POLICY["categories"], "advertising": {"title": {"en": "Ads"}, **category}})


OPT_OUT = _ads(basis="consent", default="allow")
NEVER = _ads(basis="consent", never=True)
NO_OVERRIDE: Any = {"Sec_GPC": "1"}
SIGNALS = [
    pytest.param(request(PIXEL, **NO_OVERRIDE), None, OPT_OUT, ["signal.gpc-ignored"], id="gpc-where-opt-out"),
    pytest.param(request(PIXEL), None, OPT_OUT, [], id="no-signal-where-opt-out"),
    pytest.param(request(PIXEL, **NO_OVERRIDE), "accept", None, ["signal.gpc-ignored"], id="gpc-over-consent"),
    pytest.param(request(PIXEL, **NO_OVERRIDE), None, None, ["consent.request-before"], id="gpc-without-consent"),
    pytest.param(
        request(PIXEL, DNT="1"),
        "accept",
        policy(signals={"dnt": {"denies": ["advertising"]}}),
        ["signal.dnt-ignored"],
        id="dnt-promised",
    ),
    pytest.param(request(PIXEL, DNT="1"), "accept", None, [], id="dnt-not-promised"),
    pytest.param(request(PIXEL), "accept", NEVER, ["decl.despite-never"], id="never-and-accepted"),
    pytest.param(request(PIXEL), None, NEVER, ["consent.request-before"], id="never-and-no-choice"),
    pytest.param(request(PIXEL), "refuse", NEVER, ["consent.request-after-reject"], id="never-and-refused"),
]


@pytest.mark.parametrize("entry,choice,under,expected", SIGNALS)
def test_signals_and_never(entry: Json, choice: str | None, under: Policy | None, expected: list[str]) -> None:
    assert codes(findings(document(), entry, choice=choice, under=under)) == expected


# ------------------------------------------------------------------------------------------- levels

EVERYTHING = (
    document(cookie="session=1; theme=1", set_cookie=[f"language=de; {LONG}"]),
    request(PIXEL),
    request("https://cdn.test/a.js"),
)
UNKNOWN_LEVELS = [
    pytest.param("deny", False, (Level.POTENTIAL, Level.POTENTIAL), id="denied"),
    pytest.param("report", False, (Level.NOTE, Level.POTENTIAL), id="reported"),
    pytest.param("allow", False, (None, Level.NOTE), id="allowed"),
    pytest.param("deny", True, (Level.NOTE, Level.NOTE), id="baseline"),
]


@pytest.mark.parametrize("unknown,baseline,expected", UNKNOWN_LEVELS)
def test_levels_of_what_is_undeclared(
    unknown: str, baseline: bool, expected: tuple[Level | None, Level | None]
) -> None:
    under = policy(unknown={"host": unknown, "cookie": unknown})
    levels = {f.code: f.level for f in findings(*EVERYTHING, under=under, baseline=baseline)}
    assert (levels.get("decl.undeclared-host"), levels.get("decl.undeclared-cookie")) == expected


@pytest.mark.parametrize("baseline,level", [(False, Level.VIOLATION), (True, Level.POTENTIAL)])
def test_only_a_declared_policy_can_be_violated(baseline: bool, level: Level) -> None:
    levels = {f.code: f.level for f in findings(*EVERYTHING, baseline=baseline)}
    assert levels["consent.request-before"] is level
    # Of lifetimes nobody declared anything there.
    assert levels["decl.lifetime-exceeds"] is (Level.NOTE if baseline else level)


@pytest.mark.parametrize(
    "level,reached",
    [
        pytest.param(Level.VIOLATION, {"violation", "potential", "note"}, id="violation"),
        pytest.param(Level.POTENTIAL, {"potential", "note"}, id="potential"),
        pytest.param(Level.NOTE, {"note"}, id="note"),
        pytest.param(Level.NOT_ASSESSABLE, {"note"}, id="not-assessable-is-not-clean"),
    ],
)
def test_reaching_a_level(level: Level, reached: set[str]) -> None:
    assert {name for name in ("violation", "potential", "note") if level.reaches(Level(name))} == reached


# ------------------------------------------------------------------------------------------- what cannot be seen


def test_capture_without_cookies_is_not_assessable() -> None:
    found = findings(document(cookie=""), request("https://shop.example/a.js"), creator="WebInspector")
    assert {(f.code, f.level, f.evidence["missing"]) for f in found} == {
        ("cap.incomplete", Level.NOT_ASSESSABLE, "cookies"),
        ("cap.incomplete", Level.NOT_ASSESSABLE, "set-cookies"),
    }
    assert "consent.set-before" in found[1].evidence["not_assessed"]
    assert "consent.request-before" not in found[1].evidence["not_assessed"]


def test_capture_without_entries_is_not_assessable() -> None:
    (found,) = findings()
    assert (found.code, found.evidence["missing"], found.entry) == ("cap.incomplete", "entries", None)
    assert len(found.evidence["not_assessed"]) == len(DETECTORS) - 1


def test_without_times_only_max_age_is_compared() -> None:
    expires = "language=de; Expires=Fri, 01 Jan 2100 00:00:00 GMT"
    both = findings(document(set_cookie=[expires]), document(set_cookie=[f"language=de; {LONG}"]), times=False)
    assert shortened(both) == [("decl.lifetime-exceeds", "language"), ("cap.incomplete", None)]
    assert (both[0].time, both[0].evidence["count"]) == (None, 1)
    assert both[1].evidence["missing"] == "time"
    assert "decl.lifetime-exceeds" in both[1].evidence["not_assessed"]


def test_without_times_a_date_long_past_is_still_a_deletion() -> None:
    gone = "_st=x; Expires=Mon, 01 Jan 1990 00:00:00 GMT"
    assert codes(findings(document(set_cookie=[gone]), times=False)) == ["cap.incomplete"]


def test_without_any_page_nobody_knows_who_is_a_third_party() -> None:
    entries = [
        request(url, page="", cookie="session=1") for url in ("https://shop.example/", "https://cdn.test/", PIXEL)
    ]
    found = [f for f in findings(*entries) if f.code.startswith(("consent.request", "decl.undeclared-host", "cap"))]
    assert [(f.code, f.level) for f in found] == [
        ("consent.request-before", Level.POTENTIAL),
        ("cap.incomplete", Level.NOT_ASSESSABLE),
    ]
    named = findings(*entries, under=policy(sites=["shop.example"]))
    assert [(f.host, f.level) for f in named if f.code == "decl.undeclared-host"] == [("cdn.test", Level.POTENTIAL)]


def test_a_request_for_an_unknown_page_to_a_visited_site_is_the_site_s_own() -> None:
    stray = [request("https://shop.example/a.js", page=""), request("https://cdn.test/a.js", page="")]
    assert [f.host for f in findings(document(), *stray)] == ["cdn.test"]


def test_what_the_policy_excludes_is_not_its_matter() -> None:
    base = policy(sites=["shop.example"], exclude=[{"host": "shop.example", "paths": ["/old/*"]}])
    old = document("https://shop.example/old/a", cookie="_st=1; theme=2", set_cookie=["_st=2"], secure=False)
    assert findings(old, choice="refuse", under=base) == []


def test_our_own_endpoint_is_asked_with_every_cookie() -> None:
    capture = captured(document("https://shop.example/consent", cookie="_st=1; theme=2"))
    asked = replace(capture.entries[0].asked, kind=Kind.CONSENT)
    entry = replace(capture.entries[0], asked=asked, delivered=asked)
    evidence = Evidence(replay(policy(), replace(capture, entries=(entry,)), "refuse"), baseline=False)
    assert find_all(evidence) == []


def test_every_policy_of_several_is_held_against_the_capture() -> None:
    client = policy(id="client", transfers={"within": ["EEA"]}, reviewed="2020-01-01", reviewEvery="1 year")
    joint = compose([policy(sites=["shop.example"]), client])
    found = findings(document(), request(PIXEL), choice="accept", under=joint)
    assert codes(found) == ["decl.region", "decl.review-overdue"]
    assert found[1].evidence["policy"] == "client"


def test_the_page_of_another_site_is_not_this_policy_s_matter() -> None:
    under = policy(sites=["shop.example"])
    other = document("https://ads.test/", page="page_2", cookie="uid=1; theme=2", set_cookie=["uid=2"])
    assert findings(document(), other, choice="refuse", under=under) == []


# ------------------------------------------------------------------------------------------- the list of detectors

HEADINGS = ("What it finds", "Why it matters", "Example", "Does not see", "Sources")


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda d: str(d.CODE))
def test_every_detector_is_described(detector: Any) -> None:
    lines = detector.__doc__.splitlines()
    assert lines[0] == detector.CODE
    assert [line for line in lines if line in HEADINGS] == list(HEADINGS)
    guide = Path(__file__).parents[2] / "docs" / "auditor.md"
    assert f"`{detector.CODE}`" in guide.read_text(encoding="utf-8")


def test_every_file_of_a_detector_is_in_the_list() -> None:
    folder = Path(__file__).parents[2] / "cmp" / "audit" / "detectors"
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    codes = [detector.CODE for detector in (*DETECTORS, *LOG_DETECTORS)]
    assert files == {code.replace(".", "_").replace("-", "_") for code in codes}
    assert len(set(codes)) == len(codes)
