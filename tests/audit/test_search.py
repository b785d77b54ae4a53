"""Known values in what a request says."""

import base64
import hashlib
import json
from urllib.parse import quote

import pytest

from cmp.audit.said import Said
from cmp.audit.search import Known, Search
from cmp.core.exchange import Exchange
from cmp.core.urls import parse_url
from tests.growth import grows_below

VALUE = "7f3a9c21-be44"
OTHER = "GA-91c0ffee27aa"


def said(url: str = "https://x.test/", body: str = "", referrer: str = "", type_: str = "text/plain") -> Said:
    return Said(Exchange("GET", parse_url(url), "x.test", referrer=referrer), body.encode(), type_)


def hits(message: Said, *values: str, fold: bool = False) -> list[tuple[str, str, str]]:
    known = [Known(value, "id", "a.test", "a.test", 0) for value in values or (VALUE,)]
    return [(hit.known.value, hit.where, hit.form) for hit in Search(known, 8, fold=fold).hits(message)]


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def digest(name: str) -> str:
    return hashlib.new(name, VALUE.encode(), usedforsecurity=False).hexdigest()


PLAIN = [(VALUE, "url", "plain")]
FOUND = [
    pytest.param(said(f"https://x.test/?id={VALUE}"), PLAIN, id="in-the-query"),
    pytest.param(said(f"https://x.test/match/{VALUE}.gif"), PLAIN, id="in-the-path"),
    pytest.param(said(f"https://x.test/?u={quote('a?b=' + VALUE, safe='')}"), PLAIN, id="percent-encoded"),
    pytest.param(said(f"https://x.test/?u={quote(quote('?b=' + VALUE, safe=''))}"), PLAIN, id="twice"),
    pytest.param(said(f"https://x.test/?u={b64(VALUE)}"), PLAIN, id="base64"),
    pytest.param(said(f"https://x.test/{b64(VALUE).rstrip('=')}/p.gif"), PLAIN, id="base64-in-the-path"),
    pytest.param(said(f"https://x.test/?u={b64(json.dumps({'ÿ?>id': VALUE}))}"), PLAIN, id="in-json-in-base64"),
    pytest.param(said(f"https://x.test/?h={digest('md5')}"), [(VALUE, "url", "md5")], id="md5"),
    pytest.param(said(f"https://x.test/?h={digest('sha1')}"), [(VALUE, "url", "sha1")], id="sha1"),
    pytest.param(
        said(f"https://x.test/?h={digest('sha256').upper()}"),
        [(VALUE, "url", "sha256")],
        id="sha256-in-capitals",
    ),
    pytest.param(said(body=f'{{"id":"{VALUE}"}}'), [(VALUE, "body", "plain")], id="in-the-body"),
    pytest.param(said(referrer=f"https://a.test/?id={VALUE}"), [(VALUE, "referrer", "plain")], id="in-the-referrer"),
    pytest.param(said(f"https://x.test/?a={VALUE}&b={VALUE}", VALUE), PLAIN, id="once-a-request"),
    pytest.param(said(body=f"für {VALUE}"), [(VALUE, "body", "plain")], id="beside-other-letters"),
    pytest.param(said(body=f"ü{digest('md5')}ü"), [(VALUE, "body", "md5")], id="a-digest-between-other-letters"),
]


@pytest.mark.parametrize("message,expected", FOUND)
def test_a_value_is_found(message: Said, expected: list[tuple[str, str, str]]) -> None:
    assert hits(message) == expected


MISSED = [
    pytest.param(said(), id="nothing-said"),
    pytest.param(said(f"https://x.test/?id=a{VALUE}"), id="behind-a-letter"),
    pytest.param(said(f"https://x.test/?id={VALUE}5"), id="before-a-digit"),
    pytest.param(said(body=f"ü{VALUE}"), id="behind-a-letter-that-is-not-ascii"),
    pytest.param(said(f"https://x.test/?id={VALUE.upper()}"), id="other-case"),
    pytest.param(said(f"https://x.test/?id={VALUE[:-1]}"), id="cut-short"),
    pytest.param(said(f"https://x.test/?h=a{digest('md5')}"), id="longer-than-a-digest"),
]


@pytest.mark.parametrize("message", MISSED)
def test_what_comes_close_is_not_found(message: Said) -> None:
    assert hits(message) == []


def test_several_values_in_one_walk() -> None:
    message = said(f"https://x.test/?a={OTHER}&b={VALUE}")
    assert hits(message, VALUE, OTHER) == [(OTHER, "url", "plain"), (VALUE, "url", "plain")]


def test_values_that_begin_alike_are_all_found() -> None:
    message = said("https://x.test/?a=abcdefgh-12")
    assert {value for value, _, _ in hits(message, "abcdefgh", "abcdefgh-12", "abcdefgh-13")} == {
        "abcdefgh",
        "abcdefgh-12",
    }


def test_capitals_do_not_matter_where_values_are_folded() -> None:
    digest = hashlib.sha256(b"jane@example.test").hexdigest()
    assert hits(said(f"https://x.test/?e={digest}"), "Jane@Example.test", fold=True)[0][2] == "sha256"
    assert hits(said("https://x.test/?e=JANE@example.test"), "jane@example.test", fold=True)[0][2] == "plain"
    assert hits(said(body="Grüße, JANE@example.test"), "jane@example.test", fold=True)[0][2] == "plain"


def test_the_time_does_not_grow_with_the_number_of_values() -> None:
    message = said(body=" ".join(f"{n:08}" for n in range(6_000)))
    few, many = (
        Search([Known(f"{n:08}-value", "id", "a.test", "a.test", 0) for n in range(count)], 8) for count in (1, 20_000)
    )
    assert list(many.hits(message)) == []
    assert grows_below(10, lambda search: list(search.hits(message)), few, many)


# ------------------------------------------------------------------------------------------- members

FORM = "application/x-www-form-urlencoded"
MULTIPART = (
    '--XX\r\nContent-Disposition: form-data; name="email"\r\n\r\njane@example.test\r\n'
    '--XX\r\nContent-Disposition: form-data; name="pic"; filename="a.png"\r\nContent-Type: image/png\r\n\r\nx\r\n--XX--'
)
MEMBERS = [
    pytest.param(said(body="a=1&b=c+d", type_=FORM), [("a", "1"), ("b", "c d")], id="form"),
    pytest.param(said(body='{"user": {"mail": "m"}, "n": [1]}'), [("mail", "m"), ("n", "1")], id="json"),
    pytest.param(
        said(body=MULTIPART, type_="multipart/form-data; boundary=XX"),
        [("email", "jane@example.test"), ("pic", "x")],
        id="multipart",
    ),
    pytest.param(said(body="just a message"), [], id="no-members"),
    pytest.param(said(), [], id="no-body"),
]


@pytest.mark.parametrize("message,members", MEMBERS)
def test_members_of_a_body(message: Said, members: list[tuple[str, str]]) -> None:
    assert list(message.posted) == members


def test_members_of_an_address_in_an_address() -> None:
    page = quote("https://a.test/?email=jane@example.test", safe="")
    assert ("email", "jane@example.test") in said(f"https://x.test/?dl={page}").members
