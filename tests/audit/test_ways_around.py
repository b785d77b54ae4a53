"""Ways to recognise people that no cookie of a third party shows: hits, and what comes close."""

import json
from dataclasses import replace
from typing import Any

import pytest

from cmp.audit.audit import find_all
from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding, Level
from cmp.audit.replay import replay
from tests.audit.hars import MOVES, POLICY, RECORDER, Json, captured, document, findings, of, policy, request

ID = "91c0ffee27aa"


def told(code: str, *entries: Json, **more: Any) -> list[tuple[str | None, Level]]:
    return [(f.host, f.level) for f in of(code, findings(*entries, **more))]


# ------------------------------------------------------------------------------------------- bounce tracking


def hop(url: str, to: str = "", **more: Any) -> Json:
    answers = {"status": 302, "answers": [("Location", to)]} if to else {}
    return document(url, page=url, **{"cookie": "", **answers, **more})


START, END = hop("https://shop.example/"), hop("https://partner.example/")
BOUNCE = "track.bounce"


@pytest.mark.parametrize(
    "entries, expected",
    [
        pytest.param(
            [START, hop("https://click.test/o", "https://partner.example/", set_cookie=[f"uid={ID}"]), END],
            [("click.test", Level.NOTE)],
            id="nobody-that-is-known",
        ),
        pytest.param(
            [START, hop("https://ads.test/o", "https://partner.example/", cookie=f"uid={ID}"), END],
            [("ads.test", Level.POTENTIAL)],
            id="a-vendor-that-is-sent-its-cookie",
        ),
        pytest.param(
            [START, hop("https://click.test/o", "https://shop.example/b", cookie=f"uid={ID}"), START],
            [("click.test", Level.NOTE)],
            id="there-and-back",
        ),
        pytest.param([START, hop("https://click.test/o", "https://partner.example/"), END], [], id="without-cookies"),
        pytest.param(
            [START, hop("https://click.test/o", "https://partner.example/", cookie="lang=en"), END],
            [],
            id="a-cookie-that-tells-nobody-apart",
        ),
        pytest.param(
            [START, hop("https://login.test/o", "https://shop.example/in?code=x&state=y", cookie=f"s={ID}"), START],
            [],
            id="signing-in-elsewhere",
        ),
        pytest.param(
            [hop("https://click.test/o", "https://shop.example/", cookie=f"uid={ID}"), START], [], id="the-first-hop"
        ),
        pytest.param(
            [START, hop("https://partner.example/", "https://www.partner.example/", cookie=f"s={ID}"), END],
            [],
            id="to-another-host-of-its-own",
        ),
        pytest.param([START, hop("https://click.test/o", "", cookie=f"uid={ID}"), END], [], id="an-ordinary-page"),
    ],
)
def test_a_visitor_sent_through(entries: list[Json], expected: list[tuple[str, Level]]) -> None:
    assert told(BOUNCE, *entries) == expected


# ------------------------------------------------------------------------------------------- names of cached copies

ETAG = "track.etag-identifier"


def cached(name: str, url: str = "https://cnt.test/p.gif?s=1", kind: str = "image", **more: Any) -> Json:
    entry = request(url, kind, answers=[("ETag", name)], **more)
    entry["response"]["content"] = {"mimeType": "image/gif" if kind == "image" else "text/javascript", "size": 43}
    return entry


@pytest.mark.parametrize(
    "entries, expected",
    [
        pytest.param(
            [cached(f'"{ID}"', cookie=f"uid={ID}")], [("cnt.test", Level.POTENTIAL)], id="the-same-as-a-cookie"
        ),
        pytest.param(
            [cached(f'W/"{ID}"', "https://cnt.test/a.js", "script", set_cookie=[f"uid={ID}"])],
            [("cnt.test", Level.POTENTIAL)],
            id="set-by-the-same-answer",
        ),
        pytest.param(
            [request("https://cnt.test/a", If_None_Match=f'"{ID}"', cookie=f"uid={ID}")],
            [("cnt.test", Level.POTENTIAL)],
            id="sent-back",
        ),
        pytest.param(
            [cached(f'"{ID}"', f"https://cnt.test/p?visitorId={ID}")],
            [("cnt.test", Level.POTENTIAL)],
            id="in-the-address",
        ),
        pytest.param([cached(f'"v-{ID}xyz"')], [("cnt.test", Level.NOTE)], id="of-its-own-on-a-pixel"),
        pytest.param([cached('"5f3a9c21-2b"')], [], id="nginx-names-by-time-and-size"),
        pytest.param([cached('"2aa6-5f3a9c2144d0a"')], [], id="apache-does-too"),
        pytest.param([cached('"0725c85289d31:0"')], [], id="and-iis"),
        pytest.param([cached('"d89746888da2d9510b64a9f031eaecd5"')], [], id="a-digest-of-the-content"),
        pytest.param([cached(f'"v-{ID}xyz"', "https://cnt.test/a.js", "script")], [], id="a-file"),
        pytest.param(
            [cached(f'"{ID}"', "https://shop.example/p.gif?s=1", cookie=f"uid={ID}")], [], id="the-site's-own"
        ),
    ],
)
def test_a_name_that_identifies(entries: list[Json], expected: list[tuple[str, Level]]) -> None:
    assert told(ETAG, document(), *entries, choice="accept") == expected


def test_the_name_stands_in_no_report() -> None:
    found = of(ETAG, findings(document(), cached(f'"{ID}"', cookie=f"uid={ID}")))
    assert ID not in repr(found)


# ------------------------------------------------------------------------------------------- numbers of clicks

CLICK = "track.link-decoration"
NUMBER = "Cj0KCQjw91c0ffee27"
LANDED = document(f"https://shop.example/?gclid={NUMBER}")


@pytest.mark.parametrize(
    "entries, choice, expected",
    [
        pytest.param(
            [document(f"https://shop.example/?gclid={NUMBER}", set_cookie=[f"_gcl=GCL.17.{NUMBER}"])],
            "none",
            [("shop.example", Level.POTENTIAL)],
            id="kept-in-a-cookie",
        ),
        pytest.param(
            [LANDED, request(f"https://ads.test/c?u={NUMBER}")],
            "refuse",
            [("ads.test", Level.POTENTIAL)],
            id="handed-on",
        ),
        pytest.param(
            [LANDED, request(f"https://cdn.test/c?dl=https%3A%2F%2Fshop.example%2F%3Fgclid%3D{NUMBER}")],
            "none",
            [("cdn.test", Level.POTENTIAL)],
            id="with-the-page's-address",
        ),
        pytest.param(
            [LANDED, request(f"https://ads.test/c?u={NUMBER}")], "accept", [("ads.test", Level.NOTE)], id="agreed"
        ),
        pytest.param([LANDED, request("https://ads.test/c?u=1")], "accept", [], id="not-handed-on"),
        pytest.param(
            [document(f"https://shop.example/?page={NUMBER}"), request(f"https://ads.test/c?u={NUMBER}")],
            "accept",
            [],
            id="no-number-of-a-click",
        ),
        pytest.param(
            [LANDED, request(f"https://shop.example/api?u={NUMBER}", "empty")], "none", [], id="to-the-site-itself"
        ),
        pytest.param(
            [document("https://shop.example/?gclid=1"), request("https://ads.test/?u=1")], "accept", [], id="short"
        ),
    ],
)
def test_the_number_of_a_click(entries: list[Json], choice: str, expected: list[tuple[str, Level]]) -> None:
    assert told(CLICK, *entries, choice=choice) == expected


# ------------------------------------------------------------------------------------------- open connections

SOCKET = "track.websocket"


def socket(url: str, *sent: str, received: str = "") -> Json:
    messages = [{"type": "send", "opcode": 1, "data": text} for text in sent]
    messages += [{"type": "receive", "opcode": 1, "data": received}] if received else []
    return {**request(url, "websocket", status=101), "_webSocketMessages": messages}


@pytest.mark.parametrize(
    "entry, expected",
    [
        pytest.param(socket("wss://live.test/e"), [("live.test", Level.NOTE)], id="nothing-identifies"),
        pytest.param(
            socket("wss://live.test/e", json.dumps({"visitorId": ID}), "ping"),
            [("live.test", Level.POTENTIAL)],
            id="a-message-identifies",
        ),
        pytest.param(socket(f"wss://live.test/e?uid={ID}"), [("live.test", Level.POTENTIAL)], id="the-address-does"),
        pytest.param(
            socket("wss://live.test/e", received=json.dumps({"visitorId": ID})),
            [("live.test", Level.NOTE)],
            id="received",
        ),
        pytest.param(socket("wss://shop.example/e", json.dumps({"visitorId": ID})), [], id="the-site's-own"),
        pytest.param(socket("wss://stats.test/e"), [], id="a-vendor-has-its-own-findings"),
    ],
)
def test_an_open_connection(entry: Json, expected: list[tuple[str, Level]]) -> None:
    assert told(SOCKET, document(), entry, choice="accept") == expected


def test_what_is_sent_through_a_connection_is_looked_at_like_a_body() -> None:
    sync = findings(
        document(),
        request("https://ads.test/", cookie=f"uid={ID}"),
        socket("wss://live.test/e", f'{{"partner":"{ID}"}}'),
    )
    assert [f.evidence["where"] for f in of("track.cookie-sync", sync)] == [["body"]]


# ------------------------------------------------------------------------------------------- recordings

REPLAY = "track.session-replay"
WITH_RECORDER = policy(vendors=[*POLICY["vendors"], RECORDER])


@pytest.mark.parametrize(
    "entry, choice, expected",
    [
        pytest.param(request("https://rec.test/r.js"), "none", [("rec.test", Level.VIOLATION)], id="without-a-choice"),
        pytest.param(request("https://rec.test/r.js"), "refuse", [("rec.test", Level.VIOLATION)], id="refused"),
        pytest.param(request("https://rec.test/r.js"), "analytics", [], id="agreed"),
        pytest.param(request("https://stats.test/s.js"), "none", [], id="a-vendor-that-records-nothing"),
        pytest.param(
            request("https://x.test/r", "empty", body=MOVES, body_type="application/json"),
            "accept",
            [("x.test", Level.POTENTIAL)],
            id="looks-like-a-recording",
        ),
        pytest.param(
            request("https://x.test/r", "empty", body='[{"type":3,"data":{"id":4},"timestamp":1}]'),
            "accept",
            [],
            id="events-of-another-form",
        ),
        pytest.param(request("https://shop.example/r", "empty", body=MOVES), "accept", [], id="to-the-site-itself"),
        pytest.param(
            request("https://x.test/r", "empty", body='{"z":"eJyrVkrLz1eyUlBKSixSqgUAKVAF"}'),
            "accept",
            [],
            id="packed-known-miss",
        ),
    ],
)
def test_a_recording(entry: Json, choice: str, expected: list[tuple[str, Level]]) -> None:
    assert told(REPLAY, document(), entry, choice=choice, under=WITH_RECORDER) == expected


# ------------------------------------------------------------------------------------------- names of the site's own

CLOAK = "track.cname-cloak"


def aliased(alias: str, choice: str) -> list[Finding]:
    capture = captured(document(), request("https://metrics.shop.example/m.js"))
    entries = list(capture.entries)
    hidden = replace(entries[1].asked, aliases=(alias,))
    entries[1] = replace(entries[1], asked=hidden, delivered=hidden)
    return of(CLOAK, find_all(Evidence(replay(policy(), replace(capture, entries=tuple(entries)), choice), False)))


@pytest.mark.parametrize(
    "alias, choice, levels",
    [
        pytest.param("shop.stats.test", "refuse", [Level.VIOLATION], id="refused"),
        pytest.param("shop.stats.test", "accept", [Level.NOTE], id="agreed"),
        pytest.param("edge.cdn.test", "refuse", [], id="a-network-that-delivers-pages"),
        pytest.param("shop.consent.test", "refuse", [], id="necessary"),
    ],
)
def test_a_vendor_behind_a_name_of_the_sites_own(alias: str, choice: str, levels: list[Level]) -> None:
    found = aliased(alias, choice)
    assert [f.level for f in found] == levels
    assert all(f.evidence["aliases"] == [alias] for f in found)
