"""Heads of messages: folds on one line, and requests that two servers could read in two ways."""

import pytest

from cmp.wire.message_head import request_fault, unfolded, without_breaks


@pytest.mark.parametrize(
    "value, plain",
    [
        pytest.param(b"a\r\n b", b"a b", id="fold"),
        pytest.param(b"a;  \r\n\t  b;\r\n c", b"a; b; c", id="folds"),
        pytest.param(b"a\n b", b"a b", id="bare line feed"),
        pytest.param(b"a  b", b"a  b", id="none"),
        pytest.param(b"a\nb", b"a\nb", id="no fold"),
    ],
)
def test_a_fold_becomes_a_space(value: bytes, plain: bytes) -> None:
    assert unfolded([(b"X", value), (b"Y", b"y")]) == ((b"X", plain), (b"Y", b"y"))


def test_what_ends_a_line_or_a_text_becomes_a_space() -> None:
    assert without_breaks(b"a\rb\nc\0d\te") == b"a b c d\te"


FINE = (b"GET", b"/a?b=\xc3\xa4", b"HTTP/1.1", ((b"Host", b"a"), (b"X", b"\xff\t;")))


def test_an_odd_request_with_one_meaning_passes() -> None:
    assert request_fault(*FINE) is None


@pytest.mark.parametrize(
    "at, odd, words",
    [
        pytest.param(0, b"G\0T", "method", id="NUL in the method"),
        pytest.param(0, b"G(T", "method", id="method that is no token"),
        pytest.param(0, b"", "method", id="no method"),
        pytest.param(1, b"/\0", "target", id="NUL in the target"),
        pytest.param(1, b"/\x7f", "target", id="DEL in the target"),
        pytest.param(2, b"HTTP/2.0", "version", id="HTTP/2 in the line"),
        pytest.param(2, b"HTTP/1.2", "version", id="HTTP/1.2"),
        pytest.param(3, ((b"X", b"a\rb"),), "CR", id="CR in a field"),
        pytest.param(3, ((b"X", b"a\nb"),), "CR", id="LF in a field"),
        pytest.param(3, ((b"X", b"a\0"),), "CR", id="NUL in a field"),
        pytest.param(3, ((b"Host", b"a"), (b"hOST", b"a")), "Host", id="two hosts"),
    ],
)
def test_a_request_with_two_meanings_has_a_fault(at: int, odd: object, words: str) -> None:
    parts: list[object] = [*FINE]
    parts[at] = odd
    assert words in (request_fault(*parts) or "")  # type: ignore[arg-type]
