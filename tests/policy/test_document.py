"""Policy files as JSON: what is read, and what is refused with its place."""

from pathlib import Path

import pytest

from cmp.policy import document as module
from cmp.policy.document import parse_document, read_document
from cmp.policy.faults import DocumentError


@pytest.mark.parametrize(
    "data, expected",
    [
        pytest.param(b"{}", {}, id="empty object"),
        pytest.param(b'\xef\xbb\xbf{"a": 1}', {"a": 1}, id="with a byte order mark"),
        pytest.param(
            b' \r\n\t{"a": [1, {"a": 2}]} \n', {"a": [1, {"a": 2}]}, id="white space, the same key further down"
        ),
        pytest.param('{"ä": "\\u00e4"}'.encode(), {"ä": "ä"}, id="UTF-8 and escapes"),
    ],
)
def test_reads(data: bytes, expected: object) -> None:
    assert parse_document(data, "p.json") == expected


@pytest.mark.parametrize(
    "data, what",
    [
        pytest.param(b"", "is not JSON: line 1, column 1: Expecting value", id="empty file"),
        pytest.param(b'{\n  "a": 1,\n  b\n}', "is not JSON: line 3, column 3:", id="line and column"),
        pytest.param(b'{"a": 1} x', "is not JSON: line 1, column 10: Extra data", id="something behind"),
        pytest.param(b"{'a': 1}", "is not JSON: line 1, column 2:", id="single quotes"),
        pytest.param(b'{"a": "x\ny"}', "is not JSON: line 1, column 9: Invalid control character", id="raw line feed"),
        pytest.param(b'{"a": 1, "a": 2}', 'has the key "a" twice in one object', id="duplicate key"),
        pytest.param(
            b'[{"b": {"a": 1, "\\u0061": 2}}]', 'has the key "a" twice', id="duplicate key, spelt differently"
        ),
        pytest.param(b'{"a": NaN}', "is not JSON: NaN is no JSON number", id="NaN"),
        pytest.param(b'{"a": -Infinity}', "is not JSON: -Infinity is no JSON number", id="infinity"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", "is not JSON: Exceeds the limit", id="a number of 5000 digits"),
        pytest.param(b"[]", "holds no JSON object", id="a list"),
        pytest.param(b'"policy"', "holds no JSON object", id="a text"),
        pytest.param(b"null", "holds no JSON object", id="null"),
        pytest.param(b'{"a": "\xff"}', "is not UTF-8 at byte 7", id="no UTF-8"),
        pytest.param('{"a": 1}'.encode("utf-16"), "is not UTF-8 at byte 0", id="UTF-16"),
        pytest.param(b"[" * 100_000, "is nested too deeply", id="nested without end"),
        pytest.param(b'{"a":' * 100 + b"1" + b"}" * 100, "is nested too deeply", id="nested a hundred deep"),
        pytest.param(b'{"a":' + b"[" * 500 + b"]" * 500 + b"}", "is nested too deeply", id="lists nested 500 deep"),
    ],
)
def test_refuses_in_one_line_that_names_file_and_place(data: bytes, what: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_document(data, "p.json")
    assert str(caught.value).startswith(f"p.json: {what}")
    assert "\n" not in str(caught.value)


def test_nesting_that_a_policy_may_have_is_fine() -> None:
    assert list(parse_document(b'{"a":' * 60 + b"1" + b"}" * 60, "p.json")) == ["a"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"missing\.json: cannot be read: No such file"):
        read_document(tmp_path / "missing.json")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="cannot be read: Is a directory"):
        read_document(tmp_path)


def test_a_file_no_policy_can_be_as_large_as(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 1024 * 1024)
    (tmp_path / "p.json").write_bytes(b" " * (1024 * 1024 + 1))
    with pytest.raises(DocumentError, match="is larger than 1 MiB"):
        read_document(tmp_path / "p.json")
