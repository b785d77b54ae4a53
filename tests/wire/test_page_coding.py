"""The coding a page is read in: where markup stands in it is known. Where it could be taken for another, it is said."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmp.wire.page_coding import ReadablePage, readable_page

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
    assert (read.coding, read.text.removeprefix("\xef\xbb\xbf")) == (coding, UTF_8)
    assert read.in_its_coding(read.text) == data


def test_utf_8_that_says_so_first_is_none_of_utf_16() -> None:
    assert readable_page(b"\xef\xbb\xbf<p>", "text/html; charset=utf-16") == ReadablePage("\xef\xbb\xbf<p>")


def test_half_a_character_at_the_end_is_left_out() -> None:
    read = readable_page(b"<\0p\0>\0\x01", "text/html; charset=utf-16")
    assert (read.text, read.in_its_coding(read.text)) == ("<p>", b"<\0p\0>\0")


@pytest.mark.parametrize(
    "data, media_types, coding, to_say",
    [
        pytest.param(b"<\0p\0>\0", "text/html; charset=utf-16; charset=x", "utf-16-le", "utf-16le", id="two codings"),
        pytest.param(b"<p>", "text/html; charset=utf-16; charset=utf-8", "", "utf-8", id="two, and it looks like one"),
        pytest.param(b"\0<\0p\0>", "text/html; charset=utf-16, text/html", "utf-16-be", "utf-16be", id="two types"),
        pytest.param(b"<p>", "text/html; charset='utf-16'", "", "utf-8", id="a name nobody knows"),
        pytest.param(b"<p>\xe9", "text/html; charset=utf-16x", "", "windows-1252", id="a name longer than known"),
        pytest.param(b"<p>\x1b$B<p>\x1b(B", "text/html", "", "utf-8", id="ISO-2022-JP that nobody names"),
        pytest.param(b"<p>\x1b$BF|", "text/html; charset=euc-jp", "", "euc-jp", id="a header that names another"),
        pytest.param(
            b"<meta charset=shift_jis><meta charset=iso-2022-jp>\x1b$BF|", "text/html", "", "shift_jis",
            id="a page that names two",
        ),
        pytest.param(
            b"<p>\x1b$BF|\x1b(B", "text/html; charset=iso-2022-jp; charset=utf-8", "iso-2022-jp", "iso-2022-jp",
            id="a header that names two",
        ),
        pytest.param(
            b"<p>\x1b$BF|", "text/html; charset=euc-kr, text/html; charset=iso-2022-jp", "", "euc-kr", id="two headers",
        ),
    ],
)  # fmt: skip
def test_where_a_page_could_be_read_in_two_ways_one_is_said(
    data: bytes, media_types: str, coding: str, to_say: str
) -> None:
    read = readable_page(data, media_types)
    assert (read.coding, read.to_say) == (coding, to_say)
    assert read.in_its_coding(read.text) == data


SWITCHES = (b"\x1b(B", b"\x1b(J", b"\x1b(I", b"\x1b$@", b"\x1b$B")
ISO_2022_JP = "<p title='日'>本<b>x</b> \u00a5 \u203e".encode("iso2022_jp")


@pytest.mark.parametrize(
    "data, media_types, to_say",
    [
        pytest.param(ISO_2022_JP, "text/html; charset=iso-2022-jp", "", id="its header names it"),
        pytest.param(ISO_2022_JP, 'text/html; charset="csISO2022JP"', "", id="by its other name"),
        pytest.param(
            b"<meta charset='ISO-2022-JP'>" + ISO_2022_JP, "text/html", "iso-2022-jp", id="the page itself names it"
        ),
    ],
)
def test_a_page_of_iso_2022_jp_comes_back_byte_for_byte(data: bytes, media_types: str, to_say: str) -> None:
    read = readable_page(data, media_types)
    assert (read.in_its_coding(read.text), read.to_say) == (data, to_say)
    assert read.in_its_coding(read.text.replace("<b>", "<b>y")) == data.replace(b"<b>", b"<b>y")


@pytest.mark.parametrize(
    "data, shown",
    [
        pytest.param(b"<p>\x1b$B<!--\x1b(B<link>", "<p><link>", id="a comment that is letters"),
        pytest.param(b"\x1b$@<a\x1b(I<b\x1b(B<i>", "<i>", id="tags that are letters"),
        pytest.param(b"<im\x1b(Bg \x1b(Jsrc\x1b(B=a>", "<img src=a>", id="a tag with switches in it"),
        pytest.param(b"<a href=\x1b(J\\\x1b(B/a>", "<a href=/a>", id="a backslash that is none"),
        pytest.param(b"<a\x1b$B\x1b(B>", "<a>", id="a set of which nothing is shown"),
        pytest.param(b"<p>\xe9\x1b$C\x0e", "<p>??$C?", id="bytes that it has not"),
        pytest.param(b"\x1b\x1b(B(B", "?(B", id="a switch in halves"),
    ],
)
def test_in_it_markup_stands_where_browsers_see_it(data: bytes, shown: str) -> None:
    read = readable_page(data, "text/html; charset=iso-2022-jp")
    assert "".join(letter for letter in read.text if letter.isascii()) == shown


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*SWITCHES, b"<", b"\\", b"(B", b"$a", b"\x1b", b"\xff"])))
def test_what_is_sent_of_it_is_read_the_same(parts: list[bytes]) -> None:
    media_types = "text/html; charset=iso-2022-jp"
    read = readable_page(b"".join(parts), media_types)
    assert readable_page(read.in_its_coding(read.text), media_types) == read


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.binary(max_size=40).map(lambda data: data[: len(data) // 2 * 2]), st.sampled_from(["le", "be"]))
def test_every_byte_of_utf_16_comes_back(data: bytes, order: str) -> None:
    read = readable_page(data, f"text/html; charset=utf-16{order}")
    assert read.in_its_coding(read.text) == data
