"""A page that depends on the visitor reaches nobody else, and comes anew after each choice."""

import pytest

from cmp.wire.caching import private_answer, unconditional_request

PRIVATE = (b"Cache-Control", b"private, no-cache")
VARY = (b"Vary", b"Cookie, Sec-GPC, DNT")


@pytest.mark.parametrize(
    "name, value",
    [
        ("ETag", '"1"'),
        ("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ("Expires", "0"),
        ("Age", "5"),
        ("Pragma", "cache"),
        ("Cache-Control", "public, max-age=600, s-maxage=600"),
        ("Surrogate-Control", "max-age=600"),
        ("CDN-Cache-Control", "max-age=600"),
        ("Cloudflare-CDN-Cache-Control", "max-age=600"),
        ("Vercel-CDN-Cache-Control", "max-age=600"),
        ("Akamai-CDN-Cache-Control", "max-age=600"),
        ("Edge-Control", "cache-maxage=1h"),
        ("Surrogate-Key", "page"),
        ("Cache-Tag", "page"),
        ("X-Accel-Expires", "60"),
        ("No-Vary-Search", "params"),
    ],
)
@pytest.mark.parametrize("case", [str.title, str.lower, str.upper])
def test_caches_are_told_nothing_else(name: str, value: str, case: type[str]) -> None:
    fields = [(b"Server", b"x"), (case(name).encode(), value.encode()), (b"Content-Type", b"text/html")]
    assert private_answer(fields) == (fields[0], fields[2], PRIVATE, VARY)


@pytest.mark.parametrize(
    "present, expected",
    [
        pytest.param([], b"Cookie, Sec-GPC, DNT", id="none"),
        pytest.param([b"Accept-Encoding"], b"Accept-Encoding, Cookie, Sec-GPC, DNT", id="extended"),
        pytest.param([b"cookie , Accept", b"dnt"], b"cookie, Accept, dnt, Sec-GPC", id="several, some there"),
        pytest.param([b"*"], b"*", id="everything already"),
        pytest.param([b", ,"], b"Cookie, Sec-GPC, DNT", id="empty elements"),
    ],
)
def test_vary_names_what_the_page_depends_on(present: list[bytes], expected: bytes) -> None:
    assert private_answer([(b"Vary", value) for value in present]) == (PRIVATE, (b"Vary", expected))


def test_a_site_that_forbids_storing_keeps_that() -> None:
    fields = [(b"cache-control", b"max-age=0"), (b"Cache-Control", b"No-Store, private")]
    assert private_answer(fields)[0] == (b"Cache-Control", b"private, no-cache, no-store")


def test_the_rest_stays_byte_for_byte_and_in_order() -> None:
    fields = ((b"sEt-CooKie", b"a=1"), (b"Set-Cookie", b"b=\xff"), (b"X-Etag", b"1"), (b"Content-Length", b"3"))
    assert private_answer(fields)[:4] == fields


def test_doing_it_twice_is_doing_it_once() -> None:
    once = private_answer([(b"ETag", b"1"), (b"Vary", b"Accept")])
    assert private_answer(once) == once


@pytest.mark.parametrize(
    "name",
    ["If-None-Match", "if-modified-since", "If-Match", "If-Unmodified-Since", "If-Range", "RANGE"],
)
def test_a_page_is_asked_for_whole(name: str) -> None:
    fields = ((b"Host", b"a"), (name.encode(), b"x"), (b"If-Modified", b"no such field"))
    assert unconditional_request(fields) == (fields[0], fields[2])
