"""What behaves like tracking though nobody knows it: hits, and what comes close."""

from typing import Any

import pytest

from cmp.audit.finding import Finding, Level
from cmp.core.policy import Policy
from tests.audit.hars import SITE, Json, document, findings, of, policy, request

PIXEL, BEACON, COOKIE, PASSED = "track.pixel", "track.beacon", "track.id-cookie", "track.identifier-passed-on"

ID = "7f3a9c21be44d0"
YEAR = "Max-Age=31536000"


def told(code: str, *entries: Json, **more: Any) -> list[Finding]:
    return of(code, findings(document(), *entries, **more))


def levels(code: str, *entries: Json, **more: Any) -> list[Level]:
    return [finding.level for finding in told(code, *entries, **more)]


def image(url: str, *, size: int | None = 43, media_type: str = "image/gif", **more: Any) -> Json:
    """A picture with its answer's size in bytes."""
    entry = request(url, "image", **more)
    if "response" in entry:
        entry["response"]["content"] = {"mimeType": media_type, **({} if size is None else {"size": size})}
    return entry


def posted(*, media_type: str) -> Json:
    """A message answered with "200" and nothing in it."""
    entry = request("https://rum.test/b", "empty", body="e=leave")
    entry["response"].update(headers=[], content={"mimeType": media_type, "size": 0})
    return entry


def promising(code: str) -> Policy:
    promise = {"id": "PP-1", "title": {"en": "Kept"}, "shows": ["audited"], "keptBy": [f"detector:{code}"]}
    return policy(promises=[promise])


# ------------------------------------------------------------------------------------------- pixels

PIXELS = [
    pytest.param(image("https://cnt.test/p.gif?site=17"), Level.NOTE, id="a-query-that-tells-something"),
    pytest.param(image("https://cnt.test/p.gif", cookie="seen=1"), Level.NOTE, id="a-cookie-sent"),
    pytest.param(image("https://cnt.test/p.gif", set_cookie=["seen=1"]), Level.NOTE, id="a-cookie-set"),
    pytest.param(image("https://cnt.test/p?a=1", size=0, status=204, media_type=""), Level.NOTE, id="no-content"),
    pytest.param(image("https://cnt.test/p.png?a=1", size=95, media_type="image/png"), Level.NOTE, id="one-pixel-png"),
    pytest.param(image(f"https://cnt.test/p.gif?uid={ID}"), Level.POTENTIAL, id="an-identifier-in-the-query"),
    pytest.param(image("https://cnt.test/p.gif", cookie=f"u={ID}"), Level.POTENTIAL, id="an-identifier-in-a-cookie"),
    pytest.param(image("https://cnt.test/p.gif", set_cookie=[f"u={ID}"]), Level.POTENTIAL, id="an-identifier-set"),
]


@pytest.mark.parametrize("entry, level", PIXELS)
def test_a_picture_too_small_to_be_seen_looks_like_a_pixel(entry: Json, level: Level) -> None:
    assert levels(PIXEL, entry) == [level]


NO_PIXELS = [
    pytest.param(image("https://cdn.test/spacer.gif"), id="a-spacer-without-query-and-cookie"),
    pytest.param(image("https://cdn.test/spacer.gif?20260101"), id="a-spacer-with-a-version"),
    pytest.param(image("https://cdn.test/photo.jpg?w=640", size=51_200), id="a-picture-to-look-at"),
    pytest.param(image("https://cdn.test/photo.jpg?w=640", size=None), id="of-unknown-size"),
    pytest.param(image("https://cdn.test/photo.jpg?w=640", size=0), id="a-body-that-was-not-kept"),
    pytest.param(image("https://cdn.test/photo.jpg?w=640", status=404, size=40), id="not-found"),
    pytest.param(image("https://cdn.test/photo.jpg?w=640", status=304, size=0), id="not-modified"),
    pytest.param(image("https://cdn.test/photo.jpg?w=640", answered=False), id="never-answered"),
    pytest.param(image("https://cdn.test/a?w=640", size=40, media_type="text/html"), id="an-error-page"),
    pytest.param(image("https://img.shop.example/p.gif?site=17"), id="of-the-site-itself"),
    pytest.param(image("https://stats.test/p.gif?site=17"), id="of-a-vendor-that-is-known"),
    pytest.param(request("https://cdn.test/a.js?v=1", "script"), id="a-script"),
]


@pytest.mark.parametrize("entry", NO_PIXELS)
def test_what_is_no_pixel(entry: Json) -> None:
    assert told(PIXEL, entry) == []


def test_pixels_of_one_site_are_one_finding_that_counts_those_that_identify() -> None:
    plain, identifying = image("https://a.cnt.test/p.gif?e=1"), image(f"https://b.cnt.test/p.gif?uid={ID}")
    found = told(PIXEL, plain, identifying, plain)
    assert [(f.evidence["count"], f.evidence["identifying"], f.evidence["hosts"]) for f in found] == [
        (3, 1, ["a.cnt.test", "b.cnt.test"])
    ]
    assert ID not in str(found)


# ------------------------------------------------------------------------------------------- beacons

BEACONS = [
    pytest.param(request("https://rum.test/b", "empty", body="e=leave", status=204), Level.NOTE, id="post-no-content"),
    pytest.param(posted(media_type="x-unknown"), Level.NOTE, id="post-with-an-empty-answer"),
    pytest.param(
        request("https://rum.test/b", "empty", body="e=1", status=204, cookie=f"u={ID}"),
        Level.POTENTIAL,
        id="post-with-an-identifying-cookie",
    ),
    pytest.param(
        request(f"https://rum.test/b?sessionId={ID}", "empty", body="e=1", status=204),
        Level.POTENTIAL,
        id="post-with-an-identifier",
    ),
    pytest.param(
        {**request("https://rum.test/b", "", body="PING", body_type="text/ping"), "_resourceType": "ping"},
        Level.NOTE,
        id="hyperlink-auditing",
    ),
    pytest.param(
        {**request("https://rum.test/b", "", body="e=1", body_type="text/plain"), "_resourceType": "ping"},
        Level.NOTE,
        id="send-beacon",
    ),
]


@pytest.mark.parametrize("entry, level", BEACONS)
def test_a_message_that_wants_no_answer_looks_like_a_beacon(entry: Json, level: Level) -> None:
    assert levels(BEACON, entry) == [level]


NO_BEACONS = [
    pytest.param(request("https://api.test/cart", "empty", body="a=1"), id="a-post-with-an-answer"),
    pytest.param(posted(media_type="application/json"), id="a-post-whose-answer-was-not-kept"),
    pytest.param(request("https://api.test/ping", "empty", status=204), id="a-get-without-content"),
    pytest.param(
        request("https://csp.test/r", "report", body="{}", status=204, Content_Type="application/csp-report"),
        id="a-report-of-the-browser",
    ),
    pytest.param(request("https://pay.test/f", "iframe", body="a=1", status=204), id="a-form-in-a-frame"),
    pytest.param(request("https://rum.shop.example/b", "empty", body="e=1", status=204), id="of-the-site-itself"),
    pytest.param(request("https://stats.test/b", "empty", body="e=1", status=204), id="of-a-vendor-that-is-known"),
    pytest.param(request("https://rum.test/b", "empty", body="e=1", answered=False), id="never-answered"),
]


@pytest.mark.parametrize("entry", NO_BEACONS)
def test_what_is_no_beacon(entry: Json) -> None:
    assert told(BEACON, entry) == []


# ------------------------------------------------------------------------------------------- identifier cookies

ID_COOKIES = [
    pytest.param(request("https://cnt.test/a", set_cookie=[f"v={ID}; {YEAR}"]), Level.POTENTIAL, id="third-party"),
    pytest.param(
        request("https://cnt.test/a", set_cookie=[f"v={ID}; Max-Age=7776000"]), Level.POTENTIAL, id="ninety-days"
    ),
    pytest.param(
        request("https://cnt.test/a", set_cookie=[f"v={ID}; Expires=Wed, 01 Jan 2031 00:00:00 GMT"]),
        Level.POTENTIAL,
        id="by-expires",
    ),
    pytest.param(request(f"{SITE}a", set_cookie=[f"v={ID}; {YEAR}"]), Level.NOTE, id="of-the-site-itself"),
]


@pytest.mark.parametrize("entry, level", ID_COOKIES)
def test_a_lasting_value_that_differs_looks_like_an_identifier(entry: Json, level: Level) -> None:
    assert levels(COOKIE, entry) == [level]


NO_ID_COOKIES = [
    pytest.param(request("https://cnt.test/a", set_cookie=[f"v={ID}"]), id="ends-with-the-session"),
    pytest.param(request("https://cnt.test/a", set_cookie=[f"v={ID}; Max-Age=7775999"]), id="a-second-less"),
    pytest.param(request("https://cnt.test/a", set_cookie=[f"theme=dark; {YEAR}"]), id="a-word"),
    pytest.param(request("https://cnt.test/a", set_cookie=[f"at=1750000000123; {YEAR}"]), id="a-time"),
    pytest.param(request("https://cnt.test/a", set_cookie=[f"lang=zh-Hant-TW; {YEAR}"]), id="a-language"),
    pytest.param(request("https://cnt.test/a", cookie=f"v={ID}"), id="only-sent"),
    pytest.param(request("https://cnt.test/a", set_cookie=[f"v={ID}; Max-Age=0"]), id="taken-away"),
    pytest.param(request("https://ads.test/a", set_cookie=[f"v={ID}; {YEAR}"]), id="on-a-known-vendor-s-host"),
    pytest.param(request(f"{SITE}a", set_cookie=[f"language={ID}; {YEAR}"]), id="declared"),
]


@pytest.mark.parametrize("entry", NO_ID_COOKIES)
def test_what_is_no_identifier_cookie(entry: Json) -> None:
    assert told(COOKIE, entry) == []


def test_without_times_a_date_says_nothing_of_a_lifetime() -> None:
    by_date = request("https://cnt.test/a", set_cookie=[f"v={ID}; Expires=Wed, 01 Jan 2031 00:00:00 GMT"])
    assert told(COOKIE, by_date, times=False) == []


# ------------------------------------------------------------------------------------------- passed on

PAGE = f"https://shop.example/offer?gclid={ID}"
ONE = request(f"https://cdp.test/e?visitorId={ID}", "empty")
PASSED_ON = [
    pytest.param([ONE], [Level.NOTE], "url", id="in-the-query"),
    pytest.param(
        [request("https://cdp.test/e", "empty", Referer=PAGE)], [Level.NOTE], "referrer", id="in-the-referrer"
    ),
    pytest.param(
        [ONE, request(f"https://other.test/m?uid={ID}", "image")],
        [Level.POTENTIAL, Level.POTENTIAL],
        "url",
        id="to-two-parties",
    ),
]


@pytest.mark.parametrize("entries, expected, where", PASSED_ON)
def test_an_identifier_told_to_nobody_known(entries: list[Json], expected: list[Level], where: str) -> None:
    found = told(PASSED, *entries)
    assert [finding.level for finding in found] == expected
    assert {tuple(finding.evidence["where"]) for finding in found} == {(where,)}
    assert ID not in str(found)


NOT_PASSED_ON = [
    pytest.param(request(f"https://cdn.test/a.js?v={ID}"), id="a-name-that-says-nothing"),
    pytest.param(request("https://cdn.test/e?uid=guest"), id="a-value-that-is-a-word"),
    pytest.param(request("https://cdn.test/e?sessionId=1750000000123"), id="a-time"),
    pytest.param(request(f"https://cdn.test/uid/{ID}"), id="in-the-path"),
    pytest.param(request("https://cdp.test/e?deviceId=0.8238071829546243"), id="a-fraction-drawn-for-each-request"),
    pytest.param(request(f"https://stats.test/e?visitorId={ID}"), id="to-a-vendor-that-is-known"),
    pytest.param(request(f"{SITE}e?visitorId={ID}"), id="to-the-site-itself"),
    pytest.param(request("https://cdp.test/e", Referer="https://shop.example/"), id="a-referrer-without-query"),
]


@pytest.mark.parametrize("entry", NOT_PASSED_ON)
def test_what_passes_no_identifier_on(entry: Json) -> None:
    assert told(PASSED, entry) == []


# ------------------------------------------------------------------------------------------- all of them

EACH = [
    pytest.param(PIXEL, image("https://cnt.test/p.gif?site=17"), id="pixel"),
    pytest.param(BEACON, request("https://rum.test/b", "empty", body="e=leave", status=204), id="beacon"),
    pytest.param(COOKIE, request("https://cnt.test/a", set_cookie=[f"v={ID}; {YEAR}"]), id="cookie"),
    pytest.param(PASSED, ONE, id="passed-on"),
]


@pytest.mark.parametrize("code, entry", EACH)
def test_with_a_promise_that_names_the_detector_it_is_a_violation(code: str, entry: Json) -> None:
    assert levels(code, entry, under=promising(code)) == [Level.VIOLATION]


@pytest.mark.parametrize("code, entry", EACH)
def test_what_somebody_has_declared_looks_like_nothing(code: str, entry: Json) -> None:
    hosts = ["cnt.test", "rum.test", "cdp.test"]
    declared = policy(vendors=[{"id": "known", "name": "Known", "category": "analytics", "hosts": hosts}])
    assert told(code, entry, under=declared) == []


@pytest.mark.parametrize("code, entry", [case for case in EACH if case.id != "cookie"])
def test_where_no_page_is_known_nobody_is_a_third_party_for_certain(code: str, entry: Json) -> None:
    assert of(code, findings({**entry, "pageref": ""})) == []
