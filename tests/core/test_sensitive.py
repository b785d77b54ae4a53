"""Card numbers, social-security numbers, places and addresses are found by their form; other numbers are left alone."""

import base64
import hashlib
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp.core.sensitive import (
    CARD_NUMBER,
    COORDINATES,
    EMAIL_ADDRESS,
    SOCIAL_SECURITY_NUMBER,
    find_in_body,
    find_in_piece,
    find_in_url,
    find_sensitive,
    luhn,
    without_addresses,
)
from cmp.core.urls import parse_url
from tests.growth import grows_below
from tests.sampled import examples

NOTHING: frozenset[str] = frozenset()
VISA, AMEX, DINERS = "4539578763621486", "371449635398431", "30569309025904"


def found(*kinds: str) -> frozenset[str]:
    return frozenset(kinds)


def in_query(query: str) -> frozenset[str]:
    return find_in_url(parse_url(f"https://tracker.test/collect?{query}"))


# -- card numbers


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(VISA, id="Visa"),
        pytest.param("5425233430109903", id="Mastercard"),
        pytest.param("2223000048410010", id="Mastercard of the second series"),
        pytest.param(AMEX, id="American Express"),
        pytest.param("6011000990139424", id="Discover"),
        pytest.param("6510000000000018", id="Discover 65"),
        pytest.param(DINERS, id="Diners Club"),
        pytest.param("3530111333300000", id="JCB"),
        pytest.param("6200000000000005", id="UnionPay"),
        pytest.param("6759649826438453", id="Maestro"),
        pytest.param("2200000000000004", id="Mir"),
    ],
)
def test_a_card_number_of_each_issuer_is_found_under_a_name_that_says_nothing(number: str) -> None:
    assert luhn(number)
    assert in_query(f"v={number}x&text={number}") == found(CARD_NUMBER)
    assert in_query(f"text={number[:-1]}{(int(number[-1]) + 1) % 10}") == NOTHING


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("q=4539 5787 6362 1486", id="spaces"),
        pytest.param("q=4539%205787%206362%201486", id="encoded spaces"),
        pytest.param("q=4539+5787+6362+1486", id="spaces of a form"),
        pytest.param("q=4539-5787-6362-1486", id="hyphens"),
        pytest.param("q=3714 496353 98431", id="in the groups of American Express"),
        pytest.param("q=4539%252D5787%252D6362%252D1486", id="encoded twice"),
        pytest.param("q=my card is 4539578763621486.", id="in a sentence"),
        pytest.param("q=4539 5787 6362 1486 12 27 123", id="with what follows on a card"),
        pytest.param("q=v2 4539 5787 6362 1486 3rd", id="between words that begin or end in digits"),
        pytest.param("id=4539-5787-6362-1486", id="written in groups, whatever its name"),
        pytest.param("cc-number=4539.5787.6362.1486", id="named, with dots"),
        pytest.param("card[number]=4222222222222", id="named, thirteen digits"),
        pytest.param("creditCard=675964982648", id="named, twelve digits of Maestro"),
        pytest.param("pan=5641820000000005", id="named, a prefix few use"),
        pytest.param("dl=https%3A%2F%2Fshop.test%2Fpay%3Fcard%3D4539578763621486%26x%3D1", id="in a URL in a member"),
        pytest.param('d={"a":[{"value":"4539578763621486"}]}', id="in JSON in a member"),
        pytest.param('d={"a":"{\\"value\\":\\"4539 5787 6362 1486\\"}"}', id="in JSON in a string in JSON"),
        pytest.param(f"e={base64.b64encode(json.dumps({'text': VISA}).encode()).decode()}", id="in Base64 of JSON"),
    ],
)
def test_a_card_number_is_found_however_it_is_written(query: str) -> None:
    assert in_query(query) == found(CARD_NUMBER)


def test_a_number_behind_the_word_card_in_a_path_is_found() -> None:
    assert find_in_url(parse_url(f"https://t.test/card/{VISA}")) == found(CARD_NUMBER)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("ts=1699999999999&t0=1514764800000", id="time in milliseconds"),
        pytest.param("when=4102444800000", id="thirteen digits that begin like Visa"),
        pytest.param("ean=4006381333931&x=4006381333931", id="bar code"),
        pytest.param("gac=1234567890.1699999999", id="client id of Google Analytics"),
        pytest.param("fbp=fb.1.1643952222064.1428071586", id="browser id of Facebook"),
        pytest.param("trace=4539578763621486a&s=a4539578763621486", id="in hexadecimal digits"),
        pytest.param("x=94539578763621486&y=45395787636214860", id="in longer numbers"),
        pytest.param("x=0.4539578763621486&y=4539578763621486.5", id="in fractions"),
        pytest.param("x=item_4539578763621486", id="in a word"),
        pytest.param("x=order-4539578763621486&y=4539578763621486-a", id="joined by a hyphen"),
        pytest.param("x=12-4539-5787-6362-1486", id="a part of a longer number in groups"),
        pytest.param("x=45 39 57 87 63 62 14 86", id="groups no card has"),
        pytest.param("id=4539578763621486&user_id=4539578763621486&ord=4539578763621486", id="a member that counts"),
        pytest.param("_=4539578763621486&cb=4539578763621486", id="against caching"),
        pytest.param('d={"id":4539578763621486}', id="an id in JSON"),
        pytest.param("x=a/4539578763621486/b", id="a segment of a path"),
        pytest.param("d=oid: 4539578763621486", id="named in the text before it"),
        pytest.param("x=1234567812345670", id="a prefix nobody issues"),
        pytest.param("card_id=4539578763621486", id="the id of a card"),
        pytest.param("postcard=453957876362148", id="a name with card in it"),
        pytest.param("u=550e8400-e29b-4111-a716-446655440000", id="UUID"),
        pytest.param("card=4111", id="the last digits"),
        pytest.param("card=453957******1486", id="masked"),
    ],
)
def test_other_numbers_are_no_card_numbers(query: str) -> None:
    assert in_query(query) == NOTHING


def test_a_number_in_a_path_is_an_id() -> None:
    assert find_in_url(parse_url(f"https://graph.test/v1/{VISA}/events")) == NOTHING


# -- social-security numbers


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("q=123-45-6789", id="hyphens"),
        pytest.param("q=123 45 6789", id="spaces, alone"),
        pytest.param("q=my ssn: 123 45 6789 thanks", id="spaces, named in the text"),
        pytest.param("q=it is 123-45-6789.", id="hyphens, in a sentence"),
        pytest.param("ssn=123456789", id="bare, named"),
        pytest.param("socialSecurityNumber=123456789", id="bare, named in full"),
        pytest.param('d={"person":{"social_security":123456789}}', id="bare, a number of JSON"),
    ],
)
def test_a_social_security_number_is_found(query: str) -> None:
    assert in_query(query) == found(SOCIAL_SECURITY_NUMBER)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("q=000-45-6789", id="area 000"),
        pytest.param("q=666-45-6789", id="area 666"),
        pytest.param("q=900-45-6789", id="area 900"),
        pytest.param("q=123-00-6789", id="group 00"),
        pytest.param("q=123-45-0000", id="serial 0000"),
        pytest.param("q=123456789", id="bare, not named"),
        pytest.param("q=100 20 3000 40", id="numbers in a row"),
        pytest.param("q=M 100 20 3000 L", id="numbers in a text"),
        pytest.param("q=555-123-4567", id="telephone"),
        pytest.param("q=1123-45-6789&r=123-45-67890", id="longer"),
        pytest.param("q=123-45-6789-0&r=a-123-45-6789", id="a part of something longer"),
        pytest.param("q=123-45 6789", id="mixed"),
    ],
)
def test_other_numbers_are_no_social_security_numbers(query: str) -> None:
    assert in_query(query) == NOTHING


# -- places


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("lat=52.5200&lon=13.4050", id="lat, lon"),
        pytest.param("geoLat=52.52&geoLng=-13.40", id="with a common prefix"),
        pytest.param("geo[latitude]=52.5200&geo[longitude]=13.4050", id="in brackets"),
        pytest.param("ll=52.5200,13.4050", id="one value"),
        pytest.param("coords=13.4050%2C52.5200", id="longitude first"),
        pytest.param("location=geo:52.5200,13.4050;u=10", id="geo URI"),
        pytest.param('d={"user":{"lat":52.5200,"lon":13.4050}}', id="numbers of JSON"),
        pytest.param('d={"geometry":{"type":"Point","coordinates":[13.4050,52.5200]}}', id="GeoJSON"),
        pytest.param("position=52.5200|13.4050", id="a name that screens use, with four decimals"),
        pytest.param("u=https://maps.test/@52.5200,13.4050,15z", id="address of a map"),
    ],
)
def test_a_place_is_found(query: str) -> None:
    assert in_query(query) == found(COORDINATES)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("lat=52&lon=13", id="whole degrees"),
        pytest.param("lat=52.5&lon=13.4", id="one decimal"),
        pytest.param("lat=52.5200", id="a latitude alone"),
        pytest.param("a_lat=52.5200&b_lon=13.4050", id="of two things"),
        pytest.param("lat=152.5200&lon=13.4050", id="out of range"),
        pytest.param("ll=0.0000,0.0000&lat=0.00&lon=0.00", id="no place"),
        pytest.param("size=1440.00,900.00&ll=1440.00,900.00", id="screen"),
        pytest.param("position=12.34,56.78", id="place on a screen"),
        pytest.param("v=52.5200,13.4050", id="a name that says nothing"),
        pytest.param("location=1.25.3,2.75.1", id="versions"),
        pytest.param("location=https://shop.test/a", id="address of a page"),
        pytest.param("long=13.4050&flat=52.5200", id="names that only end so"),
    ],
)
def test_other_numbers_are_no_place(query: str) -> None:
    assert in_query(query) == NOTHING


# -- addresses


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("x=jane.doe@example.test", id="plain"),
        pytest.param("x=jane%40example.test", id="encoded"),
        pytest.param("x=jane%2540example.test", id="encoded twice"),
        pytest.param("x=J%C3%BCrgen%2Bnews@mail.example.co.uk", id="letters beyond ASCII and a plus sign"),
        pytest.param("x=write to jane@example.test, please", id="in a text"),
        pytest.param("x=https://shop.test/?email=jane@example.test", id="in a URL"),
        pytest.param("x=jane@b%C3%BCcher.example", id="international domain"),
    ],
)
def test_an_address_is_found(query: str) -> None:
    assert in_query(query) == found(EMAIL_ADDRESS)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("x=logo@2x.png", id="picture"),
        pytest.param("x=jquery@3.4.1&y=slick@1.6.0.js", id="version of a library"),
        pytest.param("x=843F02BE53271A1A0A490D4C@AdobeOrg", id="no domain"),
        pytest.param("x=https://user:word@host.example/", id="user of a URL"),
        pytest.param("x=https://medium.test/@jane.doe", id="handle"),
        pytest.param("x=a@@b.example", id="two signs"),
        pytest.param(f"x={'a' * 65}@example.test", id="too long"),
    ],
)
def test_other_texts_are_no_address(query: str) -> None:
    assert in_query(query) == NOTHING


def test_addresses_are_taken_out_of_a_text() -> None:
    assert without_addresses("from jane@example.test to joe@example.test: logo@2x.png") == "from  to : logo@2x.png"


# -- where it is looked


FORM = "application/x-www-form-urlencoded"
# Bytes without order, the same each time.
PACKED_BYTES = b"".join(hashlib.sha256(bytes([n])).digest() for n in range(64))
MULTIPART = (
    b'--b\r\nContent-Disposition: form-data; name="card"\r\n\r\n4539 5787 6362 1486\r\n'
    b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    b"jane@example.test\r\n"
    b"--b--\r\n"
)


@pytest.mark.parametrize(
    "body, content_type, expected",
    [
        pytest.param(b"mail=jane%40example.test", FORM, {EMAIL_ADDRESS}, id="form"),
        pytest.param(b"mail=jane%40example.test&a=b", "", {EMAIL_ADDRESS}, id="form without a type"),
        pytest.param(b'{"a":{"b":["jane@example.test"]}}', "application/json", {EMAIL_ADDRESS}, id="JSON"),
        pytest.param(b'{"b":"jane@example.test"}', "text/plain;charset=UTF-8", {EMAIL_ADDRESS}, id="JSON as text"),
        pytest.param(b'{"n":1}\n{"b":"jane@example.test"}', "", {EMAIL_ADDRESS}, id="JSON lines"),
        pytest.param(b'{"n":1,"b":"jane@example.test","c":"', "application/json", {EMAIL_ADDRESS}, id="JSON cut off"),
        pytest.param('{"lat":52.52,"lng":13.40}'.encode("utf-16"), "application/json", {COORDINATES}, id="UTF-16"),
        pytest.param(b"J\xfcrgen jane@example.test", "text/plain; charset=latin1", {EMAIL_ADDRESS}, id="Latin 1"),
        pytest.param(
            b"jane@example.test", "text/plain; charset=punycode", {EMAIL_ADDRESS}, id="a charset that is none"
        ),
        pytest.param(MULTIPART, "multipart/form-data; boundary=b", {CARD_NUMBER, EMAIL_ADDRESS}, id="multipart"),
        pytest.param(MULTIPART, "multipart/form-data", {CARD_NUMBER, EMAIL_ADDRESS}, id="no boundary stated"),
        pytest.param(MULTIPART, "multipart/form-data; boundary=z", {CARD_NUMBER, EMAIL_ADDRESS}, id="another boundary"),
        pytest.param(
            b"4539 5787 6362 1486\r\n" + b"--b--",
            "multipart/form-data; boundary=b",
            {CARD_NUMBER},
            id="before the parts",
        ),
        pytest.param(
            b"--b\r\n4539 5787 6362 1486\r\n--b--",
            "multipart/form-data; boundary=b",
            {CARD_NUMBER},
            id="without fields",
        ),
        pytest.param(b"\0" * 4_096 + b"card=4539578763621486", "", {CARD_NUMBER}, id="behind NULs"),
        pytest.param(
            b"a=" + b"\1\2\0" * 99 + b"&card=4539578763621486", FORM, {CARD_NUMBER}, id="beside control characters"
        ),
        pytest.param(b"card=4539578763621486", "text/plain; charset=utf-16", {CARD_NUMBER}, id="a false charset"),
        pytest.param(
            PACKED_BYTES + b"\0the card is 4539 5787 6362 1486\0" + PACKED_BYTES,
            "",
            {CARD_NUMBER},
            id="in packed bytes",
        ),
        pytest.param(b"jane@example.test", "image/png", {EMAIL_ADDRESS}, id="a text that is called a picture"),
        pytest.param(PACKED_BYTES + b"\0jane@example.test\0" + PACKED_BYTES, "", set(), id="bytes that are no text"),
        pytest.param(b"[" * 100_000, "application/json", set(), id="nested too deeply"),
        pytest.param(b"", "application/json", set(), id="empty"),
    ],
)
def test_bodies_are_read_by_what_they_are(body: bytes, content_type: str, expected: set[str]) -> None:
    assert find_in_body(body, content_type) == expected


def test_a_text_may_be_anything() -> None:
    assert find_sensitive(f"https://a.test/?x={quote(VISA)}") == found(CARD_NUMBER)
    assert find_sensitive('{"mail":"jane@example.test"}') == found(EMAIL_ADDRESS)
    assert find_sensitive("call 123-45-6789") == found(SOCIAL_SECURITY_NUMBER)


@pytest.mark.parametrize(
    "piece, expected",
    [
        pytest.param('ame":"x","lat":52.5200,"lon":13.4050,"na', {COORDINATES}, id="a place in JSON"),
        pytest.param('x","ssn":"123456789","', {SOCIAL_SECURITY_NUMBER}, id="a bare number with its name"),
        pytest.param('x","order_id":"4539578763621486","', set(), id="an id with its name"),
        pytest.param(
            f'\r\n--b\r\nContent-Disposition: form-data; name="v"\r\n\r\n{VISA}\r\n', {CARD_NUMBER}, id="a part"
        ),
        pytest.param("4\x005\x003\x009578763621486\x00", {CARD_NUMBER}, id="NULs in it"),
        pytest.param("n%3A4539%205787%25206362%201486", {CARD_NUMBER}, id="percent-encoded"),
        pytest.param("\\u0034539 5787 6362 \\u0031486", {CARD_NUMBER}, id="with the escapes of JSON"),
        pytest.param("\x00\x01ab@cd.ef\x02\x00", set(), id="between bytes that are no text"),
    ],
)
def test_a_piece_of_a_longer_text_is_read_by_what_stands_in_it(piece: str, expected: set[str]) -> None:
    assert find_in_piece(piece) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        pytest.param("SSN of the customer: 123 45 6789", {SOCIAL_SECURITY_NUMBER}, id="before"),
        pytest.param("it is 123 45 6789 (my SSN)", {SOCIAL_SECURITY_NUMBER}, id="behind"),
        pytest.param("it is 123 45 6789" + " and" * 9 + " SSN", set(), id="far behind"),
        pytest.param("SSN" + " and" * 12 + " 123 45 6789", set(), id="far before"),
    ],
)
def test_a_word_beside_a_number_in_groups_says_what_it_is(text: str, expected: set[str]) -> None:
    assert find_sensitive(text) == expected


def test_of_one_run_of_digits_so_many_groups_are_looked_at() -> None:
    assert find_sensitive("1 " * 4_000 + VISA) == found(CARD_NUMBER)
    assert find_sensitive("1 " * 5_000 + VISA) == NOTHING


@examples(100, 300)
@given(st.text(max_size=300), st.binary(max_size=300))
def test_any_text_and_any_bytes_can_be_read(text: str, body: bytes) -> None:
    kinds = {CARD_NUMBER, SOCIAL_SECURITY_NUMBER, COORDINATES, EMAIL_ADDRESS}
    assert find_sensitive(text) <= kinds
    assert find_in_body(body, text) <= kinds


@examples(100, 300)
@given(st.integers(4_000_000_000_000_00, 4_999_999_999_999_99), st.sampled_from(["", " ", "-"]), st.data())
def test_a_number_with_its_check_digit_is_found_and_no_other(start: int, separator: str, data: st.DataObject) -> None:
    digits = f"{start:015d}"
    check = next(digit for digit in "0123456789" if luhn(digits + digit))
    last = data.draw(st.sampled_from("0123456789"))
    number = digits + last
    written = separator.join(number[at : at + 4] for at in range(0, 16, 4))
    expected = found(CARD_NUMBER) if last == check else NOTHING
    assert find_sensitive(f"pay with {written} now") == expected


@pytest.mark.parametrize(
    "unit",
    [
        "a@",
        "@",
        "a.",
        "1 ",
        "4539 5787 ",
        "4539578763621486 ",
        "4444 ",
        "123 45 6789,",
        "--b\r\ncontent-disposition:",
        "a\1",
        "%25",
        '{"a":',
        "a=b&",
        "[",
        "eyJh",
        "123-45-",
        "=",
        "lat=",
    ],
)
def test_the_time_grows_with_the_length(unit: str) -> None:
    def look_at(length: int) -> None:
        find_in_body((unit * (length // len(unit))).encode(), "text/plain")

    assert grows_below(32, look_at, 20_000, 160_000)
