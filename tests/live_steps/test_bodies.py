"""Which bodies are looked at, how far they are unpacked, and what is held back of one that passes."""

import gzip
import io
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mitmproxy import http

from cmp.capture.carrying import Carrying
from cmp.core.consent import NO_CHOICE
from cmp.core.globs import Glob
from cmp.core.policy import Policy, SensitiveRule, Unknown
from cmp.live.bodies import BUFFERED, HELD, Look, Scan, readable, reduce_body, scan, unreadable, wants_body
from tests.core.examples import compiled, exchange

COLLECTOR, PAY = "https://collector.test/c", "https://pay.test/charge"
RULE = SensitiveRule("sensitive:card-number", own=True, vendors=frozenset({"pay"}))
CARD = b"4539578763621486"


def guarded(**changes: Any) -> Policy:
    return replace(compiled(), unknown_host=Unknown.ALLOW, **{"sensitive": {"card-number": RULE}, **changes})


def request(*fields: tuple[str, str], method: str = "POST", version: str = "HTTP/1.1") -> http.Request:
    made = http.Request.make(method, COLLECTOR)
    made.headers = http.Headers([(name.encode(), value.encode()) for name, value in fields])
    made.http_version = version
    return made


def wanted(made: http.Request, url: str = COLLECTOR, policy: Policy | None = None) -> Look:
    policy = policy or guarded()
    return wants_body(policy, NO_CHOICE, exchange(url), Carrying(policy), made)


@pytest.mark.parametrize(
    "made, look",
    [
        pytest.param(request(("content-length", "10")), Look.BUFFER, id="small"),
        pytest.param(request(("content-length", str(BUFFERED))), Look.BUFFER, id="just small"),
        pytest.param(request(("content-length", str(BUFFERED + 1))), Look.SCAN, id="large"),
        pytest.param(request(("transfer-encoding", "chunked")), Look.SCAN, id="chunked"),
        pytest.param(
            request(("transfer-encoding", "chunked"), ("content-length", "1")), Look.SCAN, id="chunked and not"
        ),
        pytest.param(request(("content-length", "9" * 30)), Look.SCAN, id="a length nobody can mean"),
        pytest.param(request(("content-length", "0")), Look.NO, id="empty"),
        pytest.param(request(), Look.NO, id="none in HTTP/1"),
        pytest.param(request(method="GET", version="HTTP/2.0"), Look.SCAN, id="perhaps one in HTTP/2"),
    ],
)
def test_a_body_is_waited_for_where_it_is_small(made: http.Request, look: Look) -> None:
    assert wanted(made) is look


def test_a_body_is_left_alone_where_it_may_hold_anything() -> None:
    small = request(("content-length", "10"))
    assert wanted(small, PAY) is Look.NO
    assert wanted(small, "https://www.shop.test/x") is Look.NO
    assert wanted(small, policy=guarded(sensitive={})) is Look.NO


def test_a_body_is_looked_at_for_confined_cookies_once_there_are_some() -> None:
    policy = replace(
        compiled(cookies=[{"name": "chat_sid", "category": "comfort", "confined": True}]), unknown_host=Unknown.ALLOW
    )
    carrying, small = Carrying(policy), request(("content-length", "10"))
    assert wants_body(policy, NO_CHOICE, exchange(COLLECTOR), carrying, small) is Look.NO
    carrying.of(exchange("https://www.shop.test/", cookie="chat_sid=abcdef123456"))
    assert wants_body(policy, NO_CHOICE, exchange(COLLECTOR), carrying, small) is Look.BUFFER


# -- packed bodies

TEXT = b"card=4539578763621486"
RAW = zlib.compressobj(wbits=-15)


@pytest.mark.parametrize(
    "coding, body, expected",
    [
        pytest.param("", TEXT, TEXT, id="not packed"),
        pytest.param("identity", TEXT, TEXT, id="identity"),
        pytest.param("gzip", gzip.compress(TEXT), TEXT, id="gzip"),
        pytest.param("X-GZip", gzip.compress(TEXT), TEXT, id="gzip by another name"),
        pytest.param("deflate", zlib.compress(TEXT), TEXT, id="deflate"),
        pytest.param("deflate", RAW.compress(TEXT) + RAW.flush(), TEXT, id="deflate without a header"),
        pytest.param("gzip", gzip.compress(bytes(5_000_000)), None, id="too large when unpacked"),
        pytest.param("gzip", gzip.compress(TEXT)[:-9], None, id="cut off"),
        pytest.param("gzip", gzip.compress(TEXT) + b"more", None, id="more behind it"),
        pytest.param("gzip", TEXT, None, id="not what it says"),
        pytest.param("br", TEXT, None, id="brotli"),
        pytest.param("gzip, gzip", gzip.compress(gzip.compress(TEXT)), None, id="twice"),
    ],
)
def test_a_packed_body_is_unpacked_with_a_bound(coding: str, body: bytes, expected: bytes | None) -> None:
    made = request(*([("content-encoding", coding)] if coding else []))
    assert readable(body, made) == expected
    assert unreadable(made) is (coding not in ("", "identity"))


def test_an_unpacked_body_is_at_most_twice_as_long_as_one_that_is_waited_for() -> None:
    made = request(("content-encoding", "gzip"))
    assert readable(gzip.compress(bytes(2 * BUFFERED)), made) == bytes(2 * BUFFERED)
    assert readable(gzip.compress(bytes(2 * BUFFERED + 1)), made) is None


@pytest.mark.parametrize(
    "coding, hidden", [("chunked", False), ("gzip, chunked", True), ("deflate", True), ("Chunked", False)]
)
def test_a_body_that_is_packed_for_the_way_cannot_be_read_either(coding: str, hidden: bool) -> None:
    made = request(("transfer-encoding", coding))
    assert unreadable(made) is hidden
    assert readable(gzip.compress(TEXT), made) == (None if hidden else gzip.compress(TEXT))


def test_a_reduced_body_takes_the_place_of_the_packed_one() -> None:
    made = request(("content-encoding", "gzip"), ("content-type", "application/json"), ("content-length", "1"))
    made.raw_content = gzip.compress(b'{"uid":1,"rid":2,"a":3}')
    assert reduce_body(made, (Glob("rid"),))
    assert made.raw_content == b'{"a":3}'
    assert (made.headers["content-length"], "content-encoding" in made.headers) == ("7", False)


def test_a_body_with_nothing_to_take_out_loses_its_packing_and_what_is_written_on_it() -> None:
    made = request(("content-encoding", "gzip"), ("content-type", "application/json"), ("content-length", "1"))
    packed = io.BytesIO()
    with gzip.GzipFile("visitor-7f3a91c2", "wb", fileobj=packed) as file:
        file.write(b'{"a":3}')
    made.raw_content = packed.getvalue()
    assert reduce_body(made, ())
    assert made.raw_content == b'{"a":3}'


@pytest.mark.parametrize("coding", ["br", "identity"])
def test_a_body_that_cannot_be_reduced_stays_to_be_blocked(coding: str) -> None:
    made = request(("content-encoding", coding), ("content-type", "application/json"))
    made.raw_content = b"{"
    assert not reduce_body(made, ())
    assert made.raw_content == b"{"


# -- scanning


class Stops:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def passed(scanning: Scan, parts: Sequence[bytes]) -> bytes:
    """What a server gets of a body; mitmproxy takes b"" in a list for the end of a chunked body."""
    out: list[bytes] = []
    for part in [*parts, b""]:
        given_back = scanning(part)
        assert b"" not in given_back
        out.extend(given_back)
    return b"".join(out)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=9_000), max_size=12))
def test_a_body_with_nothing_in_it_passes_as_it_came(parts: list[bytes]) -> None:
    stops = Stops()
    assert passed(Scan(lambda _piece: False, stops), parts) == b"".join(parts)
    assert stops.count == 0


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.integers(0, 20_000), st.integers(0, 20_000), st.lists(st.integers(1, 12_000), min_size=1, max_size=30))
def test_nothing_of_what_is_found_was_passed_on(before: int, after: int, sizes: list[int]) -> None:
    secret = b"S" * 300
    body = b" " * before + secret + b" " * after
    parts, at = [], 0
    for size in sizes:
        parts.append(body[at : at + size])
        at += size
    parts.append(body[at:])
    stops = Stops()
    out = passed(Scan(lambda piece: secret in piece, stops), [part for part in parts if part])
    assert b"S" not in out
    assert stops.count == 1


def test_looking_that_fails_ends_the_exchange_too() -> None:
    stops = Stops()

    def fails(_piece: bytes) -> bool:
        raise ZeroDivisionError

    scanning = Scan(fails, stops)
    with pytest.raises(ZeroDivisionError):
        scanning(b"x" * HELD)
    assert stops.count == 1
    assert list(scanning(b"more")) == list(scanning(b"")) == []


def test_an_empty_part_before_the_stated_end_is_not_the_end() -> None:
    scanning = Scan(lambda _piece: False, Stops(), length=4)
    assert [list(scanning(part)) for part in (b"ab", b"", b"cd", b"")] == [[], [], [], [b"abcd"]]


def test_many_small_parts_are_not_looked_at_one_by_one() -> None:
    looked = 0

    def look(piece: bytes) -> bool:
        nonlocal looked
        looked += len(piece)
        return False

    passed(Scan(look, Stops()), [b"x"] * 50_000)
    assert looked < 4 * 50_000


def carried(parts: Sequence[bytes], url: str = COLLECTOR) -> tuple[bytes, list[frozenset[str]]]:
    policy, stops = guarded(), list[frozenset[str]]()
    made = scan(policy, NO_CHOICE, exchange(url), Carrying(policy), request(), stop=stops.append)
    return passed(made, parts), stops


FILLER = b'{"text":"lorem ipsum dolor", "n": 1700000000000}, ' * 200


@pytest.mark.parametrize("cut", range(0, len(CARD) + 1, 3))
@pytest.mark.parametrize("offset", [0, 1, HELD - 8, HELD, 2 * HELD - 8], ids="at {}".format)
def test_a_number_cut_anywhere_stops_the_body(cut: int, offset: int) -> None:
    body = FILLER[:offset] + b' "' + CARD + b'" ' + FILLER
    at = body.index(CARD) + cut
    out, stops = carried([body[:at], body[at:]])
    assert stops == [frozenset({"card-number"})]
    assert CARD[:4] not in out


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_part_of_a_longer_number_is_none(cut: int) -> None:
    body = FILLER + b" 1111" + CARD + b"22222222222 " + FILLER
    at = body.index(CARD) + cut - 10
    # So that the cut is where a look ends.
    first = body[:at]
    out, stops = carried([first, body[at:]])
    assert stops == []
    assert out == body


def test_a_number_to_a_host_that_may_have_it_passes() -> None:
    out, stops = carried([FILLER + CARD], PAY)
    assert (out, stops) == (FILLER + CARD, [])
