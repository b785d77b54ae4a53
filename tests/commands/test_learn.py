"""`consentry learn` from its arguments to the draft."""

import json
from pathlib import Path
from typing import Any

import pytest

from cmp.cli import main
from cmp.policy.load import find_faults
from tests.audit.hars import document, har, request

CAPTURE = har(
    document(cookie="visit=1", set_cookie=["sid=1; HttpOnly"]),
    request("https://www.google-analytics.com/g/collect?v=2", "empty"),
    request("https://a.cnt.test/a.js", cookie="uid=1"),
    request("https://s3-eu-west-1.amazonaws.com/a.js"),
)
LATER = har(document(cookie="visit=1"), request("https://b.cnt.test/a.js"), request("https://new.test/a.js"))


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("visits").mkdir()
    Path("visits/one.har").write_bytes(CAPTURE)
    Path("later.har").write_bytes(LATER)
    Path("broken.har").write_text("{", encoding="utf-8")


def written(name: str = "draft.json") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(name).read_text("utf-8"))
    return found


STATUS = [
    pytest.param("visits -o draft.json", 0, id="a-folder"),
    pytest.param("visits/one.har later.har -o draft.json", 0, id="files"),
    pytest.param("--observe-log visits/one.har -o draft.json", 0, id="a-recording"),
    pytest.param("visits broken.har -o draft.json", 2, id="one-cannot-be-read"),
    pytest.param("visits --try broken.har -o draft.json", 2, id="one-kept-back-cannot-be-read"),
    pytest.param("broken.har -o draft.json", 2, id="none-can-be-read"),
    pytest.param("-o draft.json", 2, id="no-capture"),
    pytest.param("visits", 2, id="nowhere-to-write"),
    pytest.param("visits -o missing/draft.json", 2, id="no-such-folder"),
    pytest.param("visits -o later.har", 2, id="a-file-that-is-there"),
    pytest.param("visits -o later.har --force", 0, id="overwritten"),
    pytest.param("visits --site co.uk -o draft.json", 2, id="no-site"),
]


@pytest.mark.parametrize("arguments, status", STATUS)
def test_exit_status(capsys: pytest.CaptureFixture[str], arguments: str, status: int) -> None:
    try:
        found = main(["learn", *arguments.split()])
    except SystemExit as ended:
        found = int(str(ended.code))
    assert found == status
    error = capsys.readouterr().err
    assert len(error.splitlines()) == (1 if status else 0), error


def test_the_draft_passes_check_with_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["learn", "visits", "-o", "draft.json"]) == 0
    assert find_faults(written()) == []
    assert main(["check", "draft.json"]) == 0
    said = capsys.readouterr().out
    assert 'warning undecided /vendors/0: "cnt-test" is undecided (stopped, whatever is chosen)' in said


def test_the_same_captures_give_the_same_bytes() -> None:
    assert main(["learn", "visits", "later.har", "-o", "a.json"]) == 0
    assert main(["learn", "later.har", "visits", "-o", "b.json"]) == 0
    assert Path("a.json").read_bytes() == Path("b.json").read_bytes()


def test_what_is_to_be_decided_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    main(["learn", "visits", "-o", "draft.json"])
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "shop.example: 4 requests"
    assert "  cnt.test: 1 request on 1 page; script; cookies uid; https://a.cnt.test/a.js" in said
    assert "  sid: 1 request on 1 page; looks like http-only-session; session; necessary for the time being" in said
    assert "No policy can name, as everybody's sites are below: s3-eu-west-1.amazonaws.com" in said


def test_captures_that_were_kept_back_show_how_much_it_knows(capsys: pytest.CaptureFixture[str]) -> None:
    main(["learn", "visits", "--try", "later.har", "-o", "draft.json"])
    said = capsys.readouterr().out
    assert "Of the captures kept back: 1 of 2 third-party hosts unknown (50.0%): new.test" in said


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    main(["learn", "visits", "--try", "later.har", "-o", "draft.json", "--format", "json"])
    found = json.loads(capsys.readouterr().out)
    assert found["sites"] == ["shop.example"]
    assert [one["vendor"] for one in found["placed"]] == ["google-analytics"]
    assert [one["name"] for one in found["undecided"]["vendors"]] == ["cnt.test"]
    assert found["tried"] == {"hosts": 2, "unknown": ["new.test"], "share": 0.5}


def test_only_what_was_seen_is_adopted_where_that_is_wanted() -> None:
    main(["learn", "visits", "--only-seen", "-o", "draft.json"])
    assert written()["catalogue"] == {"adopt": ["google-analytics"]}
    main(["learn", "visits", "-o", "whole.json"])
    assert written("whole.json")["catalogue"]["adopt"] == ["*"]


def test_what_comes_out_of_traffic_writes_no_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    Path("odd.har").write_bytes(har(document(), request("https://cnt.test/a%0Ab\u202ec")))
    main(["learn", "odd.har", "-o", "draft.json"])
    assert "\u202e" not in capsys.readouterr().out
