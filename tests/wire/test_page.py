"""The coding a page is read in: where markup stands in it is known, or it is not read at all."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmp.core.urls import parse_url
from cmp.wire.page import ReadablePage, readable_page, unread_with_guard
from tests.core.examples import compiled

POLICY, PAGE = compiled(), parse_url("https://shop.example/")
MARKUP = "<p title='é'>日本"
UTF_8 = MARKUP.encode().decode("latin-1")


@pytest.mark.parametrize(
    "data, media_types, coding",
    [
        pytest.param(MARKUP.encode(), "text/html", "", id="nothing said"),
        pytest.param(MARKUP.encode(), "text/html; charset=utf-8", "", id="UTF-8"),
        pytest.param(MARKUP.encode("utf-16-le"), "text/html; charset=utf-16", "utf-16-le", id="UTF-16"),
        pytest.param(MARKUP.encode("utf-16-le"), 'text/html;charset="Unicode"', "utf-16-le", id="its other name"),
        pytest.param(MARKUP.encode("utf-16-be"), "text/html; CHARSET=UTF-16BE ", "utf-16-be", id="the other way round"),
    ],
)
def test_text_is_of_utf_8_where_it_is_of_utf_16(data: bytes, media_types: str, coding: str) -> None:
    read = readable_page(data, media_types)
    assert read == ReadablePage(UTF_8, coding)
    assert read.in_its_coding(read.text) == data
    assert read.in_its_coding(read.text + "<b>") == data + "<b>".encode(coding or "utf-8")


@pytest.mark.parametrize("media_types", ["text/html", "text/html; charset=utf-8", "text/html; charset=iso-2022-jp"])
@pytest.mark.parametrize("coding", ["utf-16-le", "utf-16-be"])
def test_the_first_bytes_say_more_than_the_header(coding: str, media_types: str) -> None:
    data = ("\ufeff" + MARKUP).encode(coding)
    read = readable_page(data, media_types)
    assert read is not None
    assert (read.coding, read.text.removeprefix("\xef\xbb\xbf")) == (coding, UTF_8)
    assert read.in_its_coding(read.text) == data


def test_utf_8_that_says_so_first_is_none_of_utf_16() -> None:
    assert readable_page(b"\xef\xbb\xbf<p>", "text/html; charset=utf-16") == ReadablePage("\xef\xbb\xbf<p>")


@pytest.mark.parametrize(
    "data, media_types",
    [
        pytest.param(b"<\0p\0>", "text/html; charset=utf-16", id="half a character at the end"),
        pytest.param(b"<\0", "text/html; charset=utf-16; charset=utf-8", id="two codings"),
        pytest.param(b"<\0", "text/html; charset=utf-16, text/html", id="two types"),
        pytest.param(b"<\0", "text/html; charset='utf-16'", id="a name nobody knows"),
        pytest.param(b"<\0", "text/html; charset=utf-16x", id="a name longer than known"),
        pytest.param(b"<p>", "text/html; charset=iso-2022-jp", id="ISO-2022-JP"),
        pytest.param(b"\x1b$B<!--\x1b(B", "text/html", id="ISO-2022-JP as it is guessed"),
    ],
)
def test_what_could_be_read_in_two_ways_is_not_read(data: bytes, media_types: str) -> None:
    assert readable_page(data, media_types) is None


@settings(derandomize=True, max_examples=300)
@given(st.binary(max_size=40).map(lambda data: data[: len(data) // 2 * 2]), st.sampled_from(["le", "be"]))
def test_every_byte_of_utf_16_comes_back(data: bytes, order: str) -> None:
    read = readable_page(data, f"text/html; charset=utf-16{order}")
    assert read is not None
    assert read.in_its_coding(read.text) == data


@pytest.mark.parametrize(
    "start, media_types",
    [
        pytest.param(b"", "text/html; charset=iso-2022-jp", id="at once"),
        pytest.param(b"<!doctype html>", "text/html; charset=iso-2022-jp", id="doctype"),
        pytest.param(b" <!-- a -->\n<!DOCTYPE html PUBLIC 'a'>", "text/html", id="comment and doctype, coding guessed"),
    ],
)
def test_a_page_of_iso_2022_jp_gets_the_guard_before_it_switches(start: bytes, media_types: str) -> None:
    rest = b"<p>\x1b$B<!--\x1b(B<p>"
    done = unread_with_guard(
        start + rest, media_types, POLICY, PAGE, language="en", reserved="/.consent/", csp=["script-src 'nonce-n1'"]
    )
    assert done.startswith(start + b'<script src="/.consent/guard.js" nonce="n1"></script><script nonce="n1">')
    assert done.endswith(rest)


@pytest.mark.parametrize(
    "data, media_types",
    [
        pytest.param(b"\xff\xfe<\0p", "text/html; charset=iso-2022-jp", id="UTF-16 that breaks off"),
        pytest.param(b"<\0", "text/html; charset=utf-16; charset=iso-2022-jp", id="two codings"),
    ],
)
def test_no_other_page_that_is_not_read_gets_one(data: bytes, media_types: str) -> None:
    done = unread_with_guard(data, media_types, POLICY, PAGE, language="en", reserved="/.consent/", csp=[])
    assert done == data
