"""The JSON of a HAR file in pieces: read as if it were whole, and never more of it held than a piece and an entry."""

import hashlib
import io
import json
from typing import Any

import pytest

from cmp.capture import har_text
from cmp.capture.capture import CaptureError
from cmp.capture.har_text import read_log

ENTRIES: list[Any] = [
    1,
    {"a": [1, {"b": "c\u00e9\U0001f36a"}], "n": -12.5e3},
    "text",
    None,
    [],
    12345678901234567890123,
]
LOG = {"version": "1.2", "creator": {"name": "x"}, "entries": ENTRIES, "after": [{"x": 1}, True]}

FORMS = [
    pytest.param(json.dumps({"log": LOG}), id="plain"),
    pytest.param(json.dumps({"log": LOG}, indent=3, ensure_ascii=False), id="indented"),
    pytest.param(f"\ufeff{json.dumps({'log': LOG})}\n\n ", id="mark-and-spaces"),
    pytest.param(f"{' ' * 100}{json.dumps({'log': LOG})}", id="spaces before"),
    pytest.param(f"/* x */ onInputData({json.dumps({'log': LOG})} ) ; ", id="call"),
    pytest.param(json.dumps({"x": [{"entries": [9]}], "log": LOG, "y": {"log": {}}}), id="other-members"),
    pytest.param(f'{{"log": {{"entries": [9], "entries": {json.dumps(ENTRIES)}}}}}', id="entries-twice"),
    pytest.param(f'{{"log": 1, "log": {json.dumps(LOG)}}}', id="log-twice"),
]


@pytest.fixture(autouse=True)
def in_pieces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read so many bytes at a time."""
    if "step" in request.fixturenames:
        monkeypatch.setattr(har_text, "_STEP", request.getfixturevalue("step"))


@pytest.mark.parametrize("step", [32, 33, 1 << 20])
@pytest.mark.parametrize("text", FORMS)
def test_it_reads_as_if_it_were_whole(text: str, step: int) -> None:
    data = text.encode()
    log = read_log(io.BytesIO(data), "a.har", lambda _, item: item)
    assert log.entries == [*ENTRIES[:-1], float(ENTRIES[-1])]
    assert log.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("coding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-8"])
@pytest.mark.parametrize("step", [5, 6, 7, 1 << 20])
def test_a_character_may_be_cut_in_two(coding: str, step: int) -> None:
    data = ("\ufeff" + json.dumps({"log": {"entries": ["é\U0001f36a"]}}, ensure_ascii=False)).encode(coding)
    log = read_log(io.BytesIO(data), "a.har", lambda _, item: item)
    assert (log.entries, log.notes) == (["é\U0001f36a"], [])


@pytest.mark.parametrize("step", [21, 22, 1 << 20])
def test_bytes_that_are_no_text_are_said_with_their_place(step: int) -> None:
    data = b'{"log":{"entries":["\xff","\xc3"]}}'
    log = read_log(io.BytesIO(data), "a.har", lambda _, item: item)
    assert log.entries == ["\ufffd", "\ufffd"]
    assert [note.text.split(";")[0] for note in log.notes] == ["not UTF-8 from byte 20 on"]


WRONG = [
    ('{"log":{"entries":[1,\n 2 3]}}', "not JSON at line 2, column 4 (Expecting ',' delimiter)"),
    ('{"log":{"entries":[1,\n2', "not JSON at line 2, column 2 (Expecting ',' delimiter)"),
    ('{"log":{"entries" [', "not JSON at line 1, column 19 (Expecting ':' delimiter)"),
    ('{"log":{\nentries', "not JSON at line 2, column 1 (Expecting property name enclosed in double quotes)"),
    ('{"log":{"entries":[]}}\n\nx', "more text after the JSON at line 3, column 1"),
    ('{"log":{"entries":{}}}', "without the list log.entries"),
    ('{"log":[]}', "without the list log.entries"),
    ("[1, 2]", "without the list log.entries"),
    (" \n ", "the file is empty"),
    ("[" * 100_000, "JSON nested too deeply"),
]


@pytest.mark.parametrize("step", [1000, 1 << 20])
@pytest.mark.parametrize("text, why", WRONG)
def test_what_is_no_har_file_is_said_with_its_place(text: str, why: str, step: int) -> None:
    with pytest.raises(CaptureError) as raised:
        read_log(io.BytesIO(text.encode()), "a.har", lambda _, item: item)
    assert why in str(raised.value)


def test_a_value_without_an_end_is_not_looked_for_to_the_end_of_all_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(har_text, "_LONGEST", 5_000)
    monkeypatch.setattr(har_text, "_STEP", 1_000)
    data = b'{"log":{"entries":["' + b"x" * 100_000 + b'"]}}'
    with pytest.raises(CaptureError, match="does not end within"):
        read_log(io.BytesIO(data), "a.har", lambda _, item: item)
