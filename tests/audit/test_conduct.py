"""Walls, widgets, transport and what a site says of its tracking: hits, and what comes close."""

from dataclasses import replace
from typing import Any

import pytest

from cmp.audit.audit import find_all
from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding, Level
from cmp.audit.replay import replay
from cmp.capture.capture import Recorded
from cmp.core.consent import NO_CHOICE, Visitor
from cmp.core.policy import Policy
from tests.audit.hars import POLICY, Json, captured, document, findings, of, policy, request, under
from tests.audit.test_tracking import promising

WALL, WIDGET = "consent.cookie-wall", "widget.before-click"
TRANSPORT, CLAIM = "transport.insecure", "signal.dnt-claim"

AGREED = Visitor(granted=frozenset({"analytics"}), refused=frozenset({"advertising"}))
REFUSED = Visitor(refused=frozenset({"analytics", "advertising"}))


# ------------------------------------------------------------------------------------------- cookie walls

ARTICLE = "https://shop.example/article"
SERVED = document(ARTICLE)
LED = document(ARTICLE, status=302, answers=[("Location", "/cookie-wall?back=article")])


def shut(status: int) -> Json:
    return document(ARTICLE, status=status)


OPENED_BY_CONSENT = [
    pytest.param(shut(401), REFUSED, id="unauthorised"),
    pytest.param(shut(403), REFUSED, id="forbidden"),
    pytest.param(shut(451), NO_CHOICE, id="legal-reasons-before-a-choice"),
    pytest.param(LED, REFUSED, id="led-to-a-wall"),
    pytest.param(LED, NO_CHOICE, id="led-to-a-wall-before-a-choice"),
]


@pytest.mark.parametrize("entry,visitor", OPENED_BY_CONSENT)
def test_a_page_that_only_consent_opens(entry: Json, visitor: Visitor) -> None:
    (found,) = of(WALL, under(policy(), entry, SERVED, visitors={0: visitor, 1: AGREED}))
    assert (found.level, found.entry, found.evidence["how"]) == (Level.VIOLATION, 0, "served after consent only")


NO_WALL = [
    pytest.param([shut(403), shut(403)], {0: REFUSED, 1: AGREED}, id="closed-to-everybody"),
    pytest.param([shut(403), document(f"{ARTICLE}/2")], {0: REFUSED, 1: AGREED}, id="another-page"),
    pytest.param([shut(404), SERVED], {0: REFUSED, 1: AGREED}, id="not-found"),
    pytest.param([shut(403), SERVED], {0: AGREED, 1: AGREED}, id="agreed-and-closed"),
    pytest.param([shut(403)], {0: REFUSED}, id="a-refusal-that-may-have-any-reason"),
    pytest.param([LED], {}, id="led-once-before-a-choice"),
    pytest.param(
        [document(ARTICLE, status=302, answers=[("Location", "/sign-in")])] * 2, {0: REFUSED, 1: REFUSED}, id="sign-in"
    ),
    pytest.param(
        [document("https://shop.example/consent", status=302, answers=[("Location", "/consent/2")])] * 2,
        {0: REFUSED, 1: REFUSED},
        id="among-pages-about-consent",
    ),
    pytest.param([request(ARTICLE, status=403), SERVED], {0: REFUSED, 1: AGREED}, id="no-page"),
]


@pytest.mark.parametrize("entries,visitors", NO_WALL)
def test_what_is_no_wall(entries: list[Json], visitors: dict[int, Visitor]) -> None:
    assert of(WALL, under(policy(), *entries, visitors=visitors)) == []


@pytest.mark.parametrize(
    "entries,choice",
    [pytest.param([LED], "refuse", id="after-refusal"), pytest.param([LED, LED], "none", id="again-and-again")],
)
def test_being_led_to_a_page_about_consent(entries: list[Json], choice: str) -> None:
    (found,) = of(WALL, findings(*entries, choice=choice))
    assert (found.level, found.evidence["how"]) == (Level.POTENTIAL, "sent on to a page about consent")
    assert [f.level for f in of(WALL, findings(*entries, choice=choice, under=promising(WALL)))] == [Level.VIOLATION]


STOPPED = [
    pytest.param(ARTICLE, "document", "block", True, id="a-page-of-the-site"),
    pytest.param(ARTICLE, "script", "block", False, id="no-page"),
    pytest.param("https://other.test/", "document", "block", False, id="a-page-of-others"),
    pytest.param(ARTICLE, "document", "edit", False, id="not-stopped"),
]


@pytest.mark.parametrize("url,kind,action,found", STOPPED)
def test_a_page_that_our_own_proxy_stopped(url: str, kind: str, action: str, found: bool) -> None:
    capture = captured(request(url, kind))
    form = {"action": action, "category": None, "vendor": None, "rule": "transport.https", "reason": "insecure"}
    entry = replace(capture.entries[0], delivered=None, answer=None, recorded=Recorded("p", form))
    done = replay(policy(sites=["shop.example"]), replace(capture, entries=(entry,)))
    all_ = of(WALL, find_all(Evidence(done, False)))
    assert [(f.level, f.evidence["reason"]) for f in all_] == [(Level.VIOLATION, "insecure")] * found


# ------------------------------------------------------------------------------------------- social widgets

LIKES = {
    "id": "likes",
    "name": "Likes",
    "category": "advertising",
    "techniques": ["social-widget", "cookie"],
    "hosts": ["likes.test"],
    "signatures": [{"path": "/embed/likes.js"}],
}
SOCIAL = policy(vendors=[*POLICY["vendors"], LIKES])
THEIRS, OURS = request("https://likes.test/sdk.js"), request("https://shop.example/embed/likes.js")


def lenient(basis: str = "consent", **changes: Any) -> Policy:
    """The policy with advertising as it is allowed without a grant."""
    ads = {"title": {"en": "Ads"}, "basis": basis, **({"default": "allow"} if basis == "consent" else {})}
    changed = {"vendors": [*POLICY["vendors"], LIKES], "signals": {}, **changes}
    return policy(categories={**POLICY["categories"], "advertising": ads}, **changed)


@pytest.mark.parametrize("entry", [pytest.param(THEIRS, id="their-host"), pytest.param(OURS, id="the-site's-own-host")])
@pytest.mark.parametrize(
    "granted,levels",
    [
        pytest.param((), [Level.VIOLATION], id="no-choice"),
        pytest.param(("analytics",), [Level.VIOLATION], id="another-choice"),
        pytest.param(("advertising",), [], id="category"),
        pytest.param(("vendor:likes",), [], id="vendor"),
    ],
)
def test_a_widget_waits_for_a_grant(entry: Json, granted: tuple[str, ...], levels: list[Level]) -> None:
    visitor = Visitor(granted=frozenset(granted))
    found = of(WIDGET, under(SOCIAL, document(), entry, visitors={1: visitor}))
    assert [f.level for f in found] == levels


def test_a_widget_that_the_policy_lets_load_is_a_note_unless_promised() -> None:
    assert [f.level for f in of(WIDGET, findings(document(), THEIRS, under=lenient()))] == [Level.NOTE]
    promise = {"id": "PP-1", "title": {"en": "Kept"}, "shows": ["audited"], "keptBy": [f"detector:{WIDGET}"]}
    kept = findings(document(), THEIRS, under=lenient(promises=[promise]))
    assert [f.level for f in of(WIDGET, kept)] == [Level.VIOLATION]


NO_WIDGET = [
    pytest.param([document(), request("https://ads.test/p")], SOCIAL, id="another-technique"),
    pytest.param([document(), THEIRS], lenient("necessary"), id="necessary"),
    pytest.param([document("https://likes.test/"), THEIRS], SOCIAL, id="on-the-network's-own-page"),
    pytest.param([document(), document("https://likes.test/", page="p2")], SOCIAL, id="a-visit"),
]


@pytest.mark.parametrize("entries,base", NO_WIDGET)
def test_what_is_no_widget_before_a_click(entries: list[Json], base: Policy) -> None:
    assert of(WIDGET, findings(*entries, under=base)) == []


@pytest.mark.parametrize(
    "technique",
    ["beacon", "pixel", "ad-tag", "cookie", "mobile-id", "custom-audience", "social-widget", "session-replay"],
)
@pytest.mark.parametrize(
    "choice,code", [("none", "consent.request-before"), ("refuse", "consent.request-after-reject")]
)
def test_techniques_are_told_by_name(technique: str, choice: str, code: str) -> None:
    vendor = {**LIKES, "techniques": [technique]}
    base = policy(vendors=[*POLICY["vendors"], vendor])
    (found,) = of(code, findings(document(), THEIRS, choice=choice, under=base))
    assert found.evidence["techniques"] == [technique]


# ------------------------------------------------------------------------------------------- transport

SECURE, REQUIRED = policy(transport={"secureCookies": True}), policy(transport={"https": "require"})
V, N = Level.VIOLATION, Level.NOTE
UNSAFE = [
    pytest.param([document(), request("http://shop.example/a.js")], "request over plain HTTP", (N, N, V), id="mixed"),
    pytest.param(
        [document("http://shop.example/login", body="a=1", cookie="")], "request over plain HTTP", (N, N, V), id="form"
    ),
    pytest.param([document("http://shop.example/")], "cookie sent over plain HTTP", (N, V, V), id="cookie-sent"),
    pytest.param(
        [document(set_cookie=["session=1"], secure=False)], "cookie set without Secure", (N, V, N), id="cookie-set"
    ),
]


@pytest.mark.parametrize("entries,how,levels", UNSAFE)
def test_what_is_not_confined_to_encryption(entries: list[Json], how: str, levels: tuple[Level, ...]) -> None:
    for base, level in zip((policy(), SECURE, REQUIRED), levels, strict=True):
        found = of(TRANSPORT, findings(*entries, choice="accept", under=base))
        assert [(f.level, f.evidence["how"]) for f in found] == [(level, how)]


SAFE = [
    pytest.param([document(set_cookie=["session=1"])], id="secure-cookie"),
    pytest.param([document(), request("http://cdn.test/a.js", cookie="a=1")], id="a-third-party"),
    pytest.param([document("http://shop.example/", cookie=""), document()], id="a-visit-that-begins-over-plain-http"),
    pytest.param(
        [document("http://shop.example/", cookie="", set_cookie=["session=1"], secure=False)], id="set-over-plain-http"
    ),
    pytest.param([document(set_cookie=["session=; Max-Age=0"], secure=False)], id="taken-away"),
]


@pytest.mark.parametrize("entries", SAFE)
def test_what_is_safe_or_somebody_else_s(entries: list[Json]) -> None:
    assert of(TRANSPORT, findings(*entries, choice="accept", under=SECURE)) == []


def test_where_https_is_required_it_is_of_others_too() -> None:
    loads = request("http://ads.test/p", page="page_1")
    found = findings(document(), loads, choice="refuse", under=REQUIRED)
    assert [f.code for f in found] == ["consent.request-after-reject", TRANSPORT]
    assert found[1].host == "ads.test"


STATUS = "http://status.test/ca"
OF_CERTIFICATES = [
    pytest.param(request(STATUS, body="x", body_type="", Content_Type="application/ocsp-request"), 0, id="asked"),
    pytest.param(request(f"{STATUS}/MFEw", answers=[("Content-Type", "application/ocsp-response")]), 0, id="answered"),
    pytest.param(request(f"{STATUS}.crl", answers=[("Content-Type", "application/pkix-crl")]), 0, id="list"),
    pytest.param(request(STATUS, body="x", body_type="", Content_Type="text/plain"), 1, id="another-type"),
    pytest.param(
        request(STATUS, body="x", body_type="", Content_Type="application/ocsp-request", cookie="a=1"),
        1,
        id="with-a-cookie",
    ),
    pytest.param(
        request(
            STATUS, body="x", body_type="", Content_Type="application/ocsp-request", Referer="https://shop.example/"
        ),
        1,
        id="from-a-page",
    ),
]


@pytest.mark.parametrize("entry,requests", OF_CERTIFICATES)
def test_the_browser_s_own_question_about_a_certificate_is_none_of_the_site_s(entry: Json, requests: int) -> None:
    if "response" in entry:
        entry["response"]["content"]["mimeType"] = entry["response"]["headers"][-1]["value"]
    found = of(TRANSPORT, findings(document(), entry, choice="accept", under=REQUIRED))
    assert [f.evidence["how"] for f in found].count("request over plain HTTP") == requests


def test_many_cookies_are_a_finding_each() -> None:
    several = document(set_cookie=["session=1", "language=de", "session=2"], secure=False)
    found = of(TRANSPORT, findings(several, under=SECURE))
    assert [(f.evidence["cookie"], f.evidence["count"]) for f in found] == [("session", 2), ("language", 1)]


# ------------------------------------------------------------------------------------------- tracking status


def stating(status: str, **dnt: Any) -> Policy:
    config = {"statement": {"en": "Not answered at present."}} if status == "D" else {}
    return policy(signals={"dnt": {"denies": [], "status": status, **config, **dnt}})


UNASKED = lenient(signals={"dnt": {"denies": [], "status": "C"}})
PIXEL = request("https://ads.test/p")
TK_N = document(answers=[("Tk", "N")])
RESOURCE = request("https://shop.example/.well-known/dnt/", "empty", text='{"tracking": "N"}')
CLAIMS = [
    pytest.param([document(), PIXEL], stating("N"), "accept", "N", ["policy"], id="not-tracking-and-a-pixel"),
    pytest.param([TK_N, PIXEL], policy(), "accept", "N", ["answer"], id="not-tracking-by-header"),
    pytest.param([document(), RESOURCE, PIXEL], policy(), "accept", "N", ["answer"], id="not-tracking-by-resource"),
    pytest.param([document(), PIXEL], stating("C"), "refuse", "C", ["policy"], id="with-consent-and-refused"),
    pytest.param(
        [document(), PIXEL],
        UNASKED,
        None,
        "C",
        ["policy"],
        id="with-consent-and-never-asked",
    ),
]


@pytest.mark.parametrize("entries,base,choice,stated,by", CLAIMS)
def test_a_status_that_is_not_what_happens(
    entries: list[Json], base: Policy, choice: str | None, stated: str, by: list[str]
) -> None:
    (found,) = of(CLAIM, findings(*entries, choice=choice, under=base))
    assert (found.level, found.vendor) == (Level.VIOLATION, "ads")
    assert (found.evidence["stated"], found.evidence["by"]) == (stated, by)


def test_disregarding_what_is_then_honoured() -> None:
    (found,) = of(CLAIM, findings(document(), under=stating("D", denies=["advertising"])))
    assert (found.entry, found.rule, found.evidence["denies"]) == (None, "signal:dnt", ["advertising"])


def test_an_answer_that_states_another_status_than_the_policy() -> None:
    (found,) = of(CLAIM, findings(TK_N, under=stating("D")))
    assert (found.host, found.evidence["stated"], found.evidence["by"]) == ("shop.example", "N", ["answer"])


TRUE_CLAIMS = [
    pytest.param([document(), PIXEL], policy(), "accept", id="nothing-is-stated"),
    pytest.param([document(), request("https://consent.test/")], stating("N"), "accept", id="necessary-vendors"),
    pytest.param([document(), PIXEL], stating("C"), "accept", id="with-consent-and-agreed"),
    pytest.param([document(), PIXEL], stating("D"), "accept", id="disregarding-and-so-it-is"),
    pytest.param([document(), PIXEL], stating("T"), "accept", id="tracking-and-so-it-is"),
    pytest.param([document(), request("https://ads.test/", answers=[("Tk", "N")])], policy(), "accept", id="others"),
    pytest.param([document(answers=[("Tk", "?;a")])], stating("D"), "accept", id="dynamic"),
    pytest.param([document(answers=[("Tk", "N")])], stating("N"), "accept", id="the-same-in-both"),
]


@pytest.mark.parametrize("entries,base,choice", TRUE_CLAIMS)
def test_a_status_that_fits(entries: list[Json], base: Policy, choice: str) -> None:
    assert of(CLAIM, findings(*entries, choice=choice, under=base)) == []


def test_a_detector_finds_nothing_in_an_empty_capture() -> None:
    found: list[Finding] = findings()
    assert [f.code for f in found] == ["cap.incomplete"]
