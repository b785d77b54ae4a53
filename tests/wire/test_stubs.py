"""What a browser gets in place of a blocked answer."""

import json
import wave
from io import BytesIO

import pytest

from cmp.core.exchange import Kind
from cmp.wire.stubs import is_preflight, stub_fields, stub_for

Fields = tuple[tuple[bytes, bytes], ...]
ORIGIN = (b"Origin", b"https://shop.test")


@pytest.mark.parametrize(
    "kind, status, media_type",
    [
        (Kind.IMAGE, 200, "image/gif"),
        (Kind.SCRIPT, 200, "text/javascript; charset=utf-8"),
        (Kind.WORKER, 200, "text/javascript; charset=utf-8"),
        (Kind.STYLE, 200, "text/css; charset=utf-8"),
        (Kind.FRAME, 200, "text/html; charset=utf-8"),
        (Kind.MEDIA, 200, "audio/wav"),
        (Kind.MANIFEST, 200, "application/manifest+json"),
        (Kind.BEACON, 204, "text/plain"),
        (Kind.PING, 204, "text/plain"),
        pytest.param(Kind.FONT, 404, "font/woff2", id="the next font of the page's list is taken"),
        pytest.param(Kind.FETCH, 403, "text/plain; charset=utf-8", id="a page may notice that a call failed"),
        pytest.param(Kind.WEBSOCKET, 403, "text/plain; charset=utf-8", id="nor is a WebSocket opened"),
        pytest.param(Kind.OBJECT, 403, "text/plain; charset=utf-8", id="an object shows its own content"),
        pytest.param(Kind.DOCUMENT, 403, "text/plain; charset=utf-8", id="a page says so"),
    ],
)
def test_a_stub_is_of_the_kind_asked_for(kind: Kind, status: int, media_type: str) -> None:
    stub = stub_for(kind)
    assert (stub.status, stub.media_type) == (status, media_type)


@pytest.mark.parametrize(
    "kind, target, accept, media_type",
    [
        pytest.param(Kind.FETCH, "/collect", "application/json", "application/json", id="JSON"),
        pytest.param(Kind.FETCH, "/collect", "*/*", "application/json", id="anything"),
        pytest.param(Kind.OTHER, "/collect", "", "application/json", id="a request of unknown kind"),
        pytest.param(Kind.FETCH, "/live", "text/event-stream", "text/plain", id="events: the browser stays away"),
        pytest.param(Kind.FETCH, "/ads?output=xml_vast4", "*/*", "application/xml; charset=utf-8", id="VAST"),
        pytest.param(Kind.FETCH, "/vmap.xml", "*/*", "application/xml; charset=utf-8", id="VMAP"),
        pytest.param(Kind.FETCH, "/devastation", "*/*", "application/json", id="a word with the letters in it"),
        pytest.param(Kind.IMAGE, "/logo.SVG?a=1", "image/*", "image/svg+xml", id="SVG"),
        pytest.param(Kind.MEDIA, "/subtitles.vtt", "*/*", "text/vtt; charset=utf-8", id="subtitles"),
        pytest.param(Kind.MEDIA, "/film.m3u8", "*/*", "application/vnd.apple.mpegurl", id="list of pieces"),
    ],
)
def test_what_a_known_tracker_is_asked_for_is_told_from_the_request(
    kind: Kind, target: str, accept: str, media_type: str
) -> None:
    stub = stub_for(kind, known=True, target=target, accept=accept)
    assert stub.media_type == media_type
    assert stub.status < 300


SHIMS = {
    "https://www.googletagmanager.com/gtag/js?id=G-1": b"gtag.js",
    "https://www.googletagmanager.com/gtm.js?id=GTM-1": b"gtag.js",
    "https://metrics.shop.test/gtag/js": b"gtag.js",
    "https://www.google-analytics.com/analytics.js": b"analytics.js",
    "https://ssl.google-analytics.com/ga.js": b"ga.js",
    "https://stats.g.doubleclick.net/dc.js": b"ga.js",
    "https://connect.facebook.net/en_US/fbevents.js": b"fbevents.js",
    "https://securepubads.g.doubleclick.net/tag/js/gpt.js": b"gpt.js",
    "https://pagead2.googlesyndication.com/pagead/js/adsbygoogle.js": b"adsbygoogle.js",
    "https://c.amazon-adsystem.com/aax2/apstag.js": b"apstag.js",
    "https://stats.shop.test/matomo.js": b"matomo.js",
    "https://shop.test/js/analytics.js": b"stopped by",
    "https://evilgoogle-analytics.com/analytics.js": b"stopped by",
    "https://tracker.test/t.js": b"stopped by",
}


@pytest.mark.parametrize("url", SHIMS, ids=lambda url: url.split("/", 2)[2])
def test_a_script_that_pages_call_has_a_stub_of_its_own(url: str) -> None:
    host, _, rest = url.split("//")[1].partition("/")
    assert SHIMS[url] in stub_for(Kind.SCRIPT, known=True, host=host, target=f"/{rest}").body.splitlines()[0]


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_one_and_none_asks_for_anything_else(kind: Kind) -> None:
    stub = stub_for(kind)
    assert b"http" not in stub.body
    assert b"src=" not in stub.body


def test_the_pixel_is_a_gif() -> None:
    assert stub_for(Kind.IMAGE).body.startswith(b"GIF89a")
    assert stub_for(Kind.IMAGE).body.endswith(b";")


def test_the_sound_is_silence() -> None:
    with wave.open(BytesIO(stub_for(Kind.MEDIA).body)) as sound:
        assert (sound.getnchannels(), sound.getframerate(), sound.getnframes()) == (1, 8000, 800)
        assert set(sound.readframes(800)) == {0x80}


def test_the_empty_answers_can_be_read() -> None:
    assert json.loads(stub_for(Kind.FETCH, known=True).body) == {}
    assert stub_for(Kind.FETCH, known=True, target="/vast").body.endswith(b'?>\n<VAST version="4.2"/>\n')


def test_an_answer_without_content_has_no_body() -> None:
    assert stub_for(Kind.BEACON).body == b""


# -- the answer around it


def fields_of(kind: Kind, method: str, *fields: tuple[bytes, bytes]) -> tuple[int, dict[str, str]]:
    status, found = stub_fields(kind, stub_for(kind, known=True), method, fields)
    return status, {name.decode().lower(): value.decode() for name, value in found}


def test_nobody_guesses_its_type_or_keeps_it() -> None:
    _, found = fields_of(Kind.IMAGE, "GET")
    assert (found["x-content-type-options"], found["cache-control"]) == ("nosniff", "no-store")
    assert found["cross-origin-resource-policy"] == "cross-origin"
    assert "access-control-allow-origin" not in found


def test_the_origin_that_asks_may_read_it_with_what_it_sent_along() -> None:
    status, found = fields_of(Kind.FETCH, "POST", ORIGIN)
    assert status == 200
    assert found["access-control-allow-origin"] == "https://shop.test"
    assert found["access-control-allow-credentials"] == "true"
    assert found["vary"] == "Origin"


def test_a_page_with_an_opaque_origin_may_read_it_too() -> None:
    assert fields_of(Kind.FETCH, "GET", (b"origin", b"null"))[1]["access-control-allow-origin"] == "null"


@pytest.mark.parametrize("origin", [b"https://a.test\r\nSet-Cookie: x=1", b"", b"shop.test", b"https://\xff"], ids=repr)
def test_an_origin_that_is_none_is_not_repeated(origin: bytes) -> None:
    assert "access-control-allow-origin" not in fields_of(Kind.FETCH, "GET", (b"Origin", origin))[1]


def test_a_question_whether_a_page_may_ask_is_answered_with_yes() -> None:
    asked: Fields = (
        ORIGIN,
        (b"Access-Control-Request-Method", b"PUT"),
        (b"Access-Control-Request-Headers", b"content-type,x-key"),
    )
    assert is_preflight("OPTIONS", asked)
    status, found = fields_of(Kind.FETCH, "OPTIONS", *asked)
    assert status == 204
    assert found["access-control-allow-methods"] == "PUT"
    assert found["access-control-allow-headers"] == "content-type,x-key"
    assert found["access-control-max-age"] == "0"


def test_an_ordinary_options_request_is_no_such_question() -> None:
    assert not is_preflight("OPTIONS", (ORIGIN,))
    assert not is_preflight("GET", ((b"Access-Control-Request-Method", b"PUT"),))


def test_names_that_are_none_are_not_repeated() -> None:
    bad = ((b"Access-Control-Request-Method", b"P T"), (b"Access-Control-Request-Headers", b"a\r\nb: c"))
    _, found = fields_of(Kind.FETCH, "OPTIONS", ORIGIN, *bad)
    assert not {"access-control-allow-methods", "access-control-allow-headers"} & found.keys()


@pytest.mark.parametrize("kind", [Kind.FRAME, Kind.WORKER])
def test_a_page_that_wants_to_be_isolated_may_embed_it(kind: Kind) -> None:
    assert fields_of(kind, "GET")[1]["cross-origin-embedder-policy"] == "require-corp"
