"""A request loses what identifies, and nothing else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp.core.globs import Glob
from cmp.core.identifiers import identifies
from cmp.core.urls import query_pairs
from cmp.wire.reduce import reduced_body, reduced_target, shortened_address, trimmed_referrer
from tests.sampled import examples

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@pytest.mark.parametrize(
    "target, names, expected",
    [
        pytest.param("/c?a=1&uid=2&b=3", ["uid"], "/c?a=1&b=3", id="in the middle"),
        pytest.param("/c?uid=2&a=1", ["uid"], "/c?a=1", id="first"),
        pytest.param("/c?a=1&uid=2", ["uid"], "/c?a=1", id="last"),
        pytest.param("/c?uid=2", ["uid"], "/c", id="alone: the question mark goes"),
        pytest.param("/c?uid=2&&", ["uid"], "/c", id="nothing but separators left"),
        pytest.param("/c?uid=1&a=1&uid=2", ["uid"], "/c?a=1", id="repeated"),
        pytest.param("/c?%75id=1&a=%2f+%2F", ["uid"], "/c?a=%2f+%2F", id="an encoded name, the rest as written"),
        pytest.param("/c?user+id=1&user%20id=2", ["user id"], "/c", id="a name with a space"),
        pytest.param("/c?uid&a", ["uid"], "/c?a", id="without a value"),
        pytest.param("/c?a=1&&b=2&uid=3", ["uid"], "/c?a=1&&b=2", id="empty parts stay"),
        pytest.param("/c?a=uid=2", ["uid"], "/c?a=uid=2", id="in a value"),
        pytest.param("/c?UID=2", ["uid"], "/c?UID=2", id="names are compared with their case"),
        pytest.param("/c?=1&a=2", [""], "/c?a=2", id="an empty name"),
        pytest.param("/c?a=1?uid=2", ["uid"], "/c?a=1?uid=2", id="a second question mark belongs to the value"),
        pytest.param("/uid=2", ["uid"], "/uid=2", id="no query"),
        pytest.param("/c?", ["uid"], "/c?", id="an empty query"),
        pytest.param("/c?&", ["uid"], "/c?&", id="nothing to remove"),
    ],
)
def test_query_members_go_by_name(target: str, names: list[str], expected: str) -> None:
    assert reduced_target(target, names) == expected


parts = st.lists(st.sampled_from(["a=1", "uid=2", "uid", "", "%75id=3", "b=%zz", "=x", "ü=1", "a=uid"]), max_size=8)


@examples(150, 500)
@given(parts, st.sets(st.sampled_from(["uid", "a", "", "b", "ü"])))
def test_what_is_left_of_a_query_is_what_was_there_without_the_named(query: list[str], names: set[str]) -> None:
    target = f"/p?{'&'.join(query)}"
    left = reduced_target(target, names)
    expected = [pair for pair in query_pairs("&".join(query)) if pair[0] not in names]
    assert list(query_pairs(left.partition("?")[2])) == expected
    # Every part that is left is one that came, byte for byte and in order.
    came = iter(query)
    assert all(part in came for part in left.partition("?")[2].split("&") if part)


@pytest.mark.parametrize(
    "body, content_type, expected",
    [
        pytest.param(b"a=1&uid=2&b=%2f", FORM, b"a=1&b=%2f", id="form"),
        pytest.param(b"uid=2&email=x", FORM, b"", id="form with nothing left"),
        pytest.param(b"user%5Bemail%5D=x&a=1", FORM + "; charset=utf-8", b"a=1", id="form with brackets"),
        pytest.param(b"note=ask+jane%40example.test+now&a=%2f", FORM, b"note=ask++now&a=%2f", id="address in a form"),
        pytest.param(b"d=%7B%22uid%22%3A1%2C%22a%22%3A2%7D", FORM, b"d=%7B%22a%22%3A2%7D", id="JSON in a form"),
        pytest.param(b"respondentCode=1&a=2", FORM, b"a=2", id="a name of the policy"),
        pytest.param(b'{"a":1,"uid":2}', JSON, b'{"a":1}', id="JSON"),
        pytest.param(b'{"a":[{"b":{"user_id":1,"c":2}}]}', JSON, b'{"a":[{"b":{"c":2}}]}', id="JSON, deep"),
        pytest.param(
            b'{"user":{"email":"x"},"t":"\xc3\xa9"}', JSON, b'{"user":{},"t":"\xc3\xa9"}', id="JSON, not ASCII"
        ),
        pytest.param(b'{"t":"to jane@example.test."}', JSON, b'{"t":"to ."}', id="address in JSON"),
        pytest.param(b'{"t":"x%40example.test"}', JSON, b'{"t":""}', id="encoded address in JSON"),
        pytest.param(b'{"t":"50% of all"}', JSON, b'{"t":"50% of all"}', id="a percent sign"),
        pytest.param(b'{"p":"{\\"uid\\":1,\\"a\\":2}"}', JSON, b'{"p":"{\\"a\\":2}"}', id="JSON in a string"),
        pytest.param(b'{"p":"[sic] jane@example.test"}', JSON, b'{"p":"[sic] "}', id="what only begins like JSON"),
        pytest.param(b'{"a":1,"a":2,"uid":3}', JSON, b'{"a":1,"a":2}', id="repeated names stay"),
        pytest.param(
            b'{"n":1.10,"m":12345678901234567890}', JSON, b'{"n":1.10,"m":12345678901234567890}', id="numbers"
        ),
        pytest.param(b'[null,true,false,"x"]', JSON, b'[null,true,false,"x"]', id="constants"),
        pytest.param(rb'{"a":"\ud83d","uid":1}', JSON, rb'{"a":"\ud83d"}', id="half a surrogate pair"),
        pytest.param(b'{"uid":1}', "text/plain;charset=UTF-8", b"{}", id="JSON as text"),
        pytest.param(b'{"uid":1}', FORM, b"{}", id="JSON as a form"),
        pytest.param(b'{"uid":1}', "application/ld+json", b"{}", id="JSON of another type"),
        pytest.param(b"", "image/png", b"", id="nothing"),
    ],
)
def test_bodies_lose_what_identifies(body: bytes, content_type: str, expected: bytes) -> None:
    assert reduced_body(body, content_type, (Glob("respondent*"),)) == expected


@pytest.mark.parametrize(
    "body, content_type",
    [
        pytest.param(b'{"a":1', JSON, id="JSON cut off"),
        pytest.param(b'{"a":1} {"uid":2}', JSON, id="more behind the JSON"),
        pytest.param(b'{"a":"\xff"}', JSON, id="JSON that is no UTF-8"),
        pytest.param(b"a=1", JSON, id="no JSON"),
        pytest.param(b"[" * 100_000, JSON, id="nested too deeply"),
        pytest.param(b"hello jane", "text/plain", id="text"),
        pytest.param(b"a=\xff", FORM, id="form that is no UTF-8"),
        pytest.param(b"a=\x00\x01", FORM, id="form with controls"),
        pytest.param(b"--b\r\n", "multipart/form-data; boundary=b", id="multipart"),
        pytest.param(b"\x0a\x03abc", "application/x-protobuf", id="a type of its own"),
    ],
)
def test_a_body_that_cannot_be_understood_is_not_passed_on(body: bytes, content_type: str) -> None:
    assert reduced_body(body, content_type) is None


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "uid", "user_id", "x y", "é"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def without_identifiers(value: object) -> object:
    if isinstance(value, dict):
        return {name: without_identifiers(child) for name, child in value.items() if not identifies(name)}
    if isinstance(value, list):
        return [without_identifiers(child) for child in value]
    return value


@examples(100, 300)
@given(values.filter(lambda value: isinstance(value, dict | list)))
def test_json_is_what_it_was_without_the_identifying_members(value: object) -> None:
    left = reduced_body(json.dumps(value).encode(), JSON)
    assert left is not None
    assert json.loads(left) == without_identifiers(value)


@pytest.mark.parametrize(
    "value, expected",
    [
        pytest.param("https://www.shop.test/account/jane?x=1", "https://www.shop.test/", id="path and query go"),
        pytest.param("http://user:word@shop.test:8080/a", "http://shop.test:8080/", id="user goes, port stays"),
        pytest.param("about:blank", None, id="no network"),
        pytest.param("no url", None, id="no URL"),
    ],
)
def test_a_referrer_is_cut_to_its_origin(value: str, expected: str | None) -> None:
    assert trimmed_referrer(value, "origin") == expected
    assert trimmed_referrer(value, "none") is None


@pytest.mark.parametrize(
    "value, expected",
    [
        pytest.param("192.0.2.60", "192.0.2.0", id="IPv4"),
        pytest.param("192.0.2.60:4711", "192.0.2.0", id="IPv4 with a port"),
        pytest.param("2001:db8:cafe:1:2:3:4:5", "2001:db8:cafe::", id="IPv6"),
        pytest.param("[2001:db8:cafe::17]:4711", "2001:db8:cafe::", id="IPv6 with a port"),
        pytest.param("fe80::1%eth0", "fe80::", id="with a zone"),
        pytest.param("::ffff:192.0.2.60", "192.0.2.0", id="IPv4 in IPv6"),
        pytest.param("192.0.2.60, 198.51.100.7,unknown", "192.0.2.0, 198.51.100.0, unknown", id="a list"),
        pytest.param("010.1.1.1, jane", "unknown, unknown", id="what is no address"),
        pytest.param("for=192.0.2.60;proto=http;by=10.0.0.1", "for=192.0.2.0;proto=http;by=10.0.0.1", id="Forwarded"),
        pytest.param('For="[2001:db8:cafe::17]:4711"', 'For="[2001:db8:cafe::]"', id="Forwarded, IPv6"),
        pytest.param("for=_hidden", "for=unknown", id="Forwarded, a name"),
        pytest.param("", "", id="empty"),
    ],
)
def test_an_address_is_cut_to_its_network(value: str, expected: str) -> None:
    assert shortened_address(value) == expected
