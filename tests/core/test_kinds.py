"""The kind of a resource, from the surest sign to the weakest."""

import pytest

from cmp.core.exchange import Kind
from cmp.core.kinds import BY_FETCH_DEST, kind_of
from cmp.core.urls import parse_url

PAGE = parse_url("https://site.test/page")


@pytest.mark.parametrize("dest, kind", BY_FETCH_DEST.items())
def test_the_browsers_own_word_decides(dest: str, kind: Kind) -> None:
    assert kind_of(parse_url("https://site.test/a.css"), fetch_dest=dest, accept="image/*", word="font") is kind


@pytest.mark.parametrize(
    "word, kind",
    [
        ("xmlhttprequest", Kind.FETCH),
        ("XHR", Kind.FETCH),
        ("stylesheet", Kind.STYLE),
        ("ping", Kind.BEACON),
        ("sub_frame", Kind.FRAME),
        ("main_frame", Kind.DOCUMENT),
    ],
)
def test_then_the_word_of_a_capture(word: str, kind: Kind) -> None:
    assert kind_of(PAGE, word=word, accept="image/*") is kind


@pytest.mark.parametrize(
    "accept, kind",
    [
        pytest.param("text/html,application/xhtml+xml,image/webp", Kind.FRAME, id="a page may be a hidden frame"),
        ("image/avif,image/webp,*/*", Kind.IMAGE),
        ("text/css,*/*;q=0.1", Kind.STYLE),
        ("application/json", Kind.FETCH),
        pytest.param("*/*", Kind.OTHER, id="anything says nothing"),
    ],
)
def test_then_what_is_accepted(accept: str, kind: Kind) -> None:
    assert kind_of(PAGE, accept=accept) is kind


@pytest.mark.parametrize(
    "path, kind",
    [
        ("/a.js", Kind.SCRIPT),
        ("/a.GIF", Kind.IMAGE),
        ("/a.woff2", Kind.FONT),
        pytest.param("/a.b/c", Kind.OTHER, id="a dot in a folder is no ending"),
        ("/", Kind.OTHER),
        ("/a.php", Kind.OTHER),
    ],
)
def test_then_the_ending_of_the_path(path: str, kind: Kind) -> None:
    assert kind_of(parse_url("https://site.test" + path)) is kind


def test_a_websocket_is_one_whatever_else_is_said() -> None:
    assert kind_of(parse_url("wss://site.test/a.js"), fetch_dest="script") is Kind.WEBSOCKET
    assert kind_of(PAGE, fetch_mode="websocket", fetch_dest="empty") is Kind.WEBSOCKET
