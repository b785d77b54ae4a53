"""`consentry diff` from its arguments to its exit status."""

import json
from pathlib import Path

import pytest

from cmp.cli import main
from tests.audit.hars import POLICY, document, har, request


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("old.json").write_text(json.dumps(POLICY), encoding="utf-8")
    Path("new.json").write_text(json.dumps({**POLICY, "unknown": {"host": "report"}}), encoding="utf-8")
    Path("visits").mkdir()
    Path("visits/one.har").write_bytes(har(document(), request("https://new.test/a.js?id=1")))
    Path("broken.har").write_text("{", encoding="utf-8")


STATUS = [
    pytest.param("old.json new.json visits", 1, id="something-changes"),
    pytest.param("old.json old.json visits", 0, id="nothing-changes"),
    pytest.param("old.json new.json visits --choice accept", 1, id="with-a-choice"),
    pytest.param("old.json new.json visits broken.har", 2, id="one-cannot-be-read"),
    pytest.param("old.json new.json broken.har", 2, id="none-can-be-read"),
    pytest.param("old.json missing.json visits", 2, id="no-such-policy"),
    pytest.param("old.json new.json visits --choice social", 2, id="no-such-choice"),
    pytest.param("old.json new.json", 2, id="no-capture"),
]


@pytest.mark.parametrize("arguments, status", STATUS)
def test_exit_status(capsys: pytest.CaptureFixture[str], arguments: str, status: int) -> None:
    try:
        found = main(["diff", *arguments.split()])
    except SystemExit as ended:
        found = int(str(ended.code))
    assert found == status
    assert len(capsys.readouterr().err.splitlines()) == (1 if status == 2 else 0)


def test_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    main(["diff", "old.json", "new.json", "visits"])
    assert capsys.readouterr().out.splitlines() == [
        "1 of 2 requests change",
        "  old: 1 pass, 0 pass edited, 1 stopped",
        "  new: 2 pass, 0 pass edited, 0 stopped",
        "",
        "new.test",
        "  request: stopped -> passes, 1 times",
        "    https://new.test/a.js?id",
    ]


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    main(["diff", "old.json", "new.json", "visits", "--choice", "refuse", "--format", "json"])
    found = json.loads(capsys.readouterr().out)
    assert (found["requests"], found["changed"], found["choice"]) == (2, 1, "refuse")
    assert found["decisions"]["old"] == {"allow": 1, "edit": 0, "block": 1}
    assert found["changes"] == [
        {
            "party": "new.test",
            "category": None,
            "subject": "request",
            "name": None,
            "old": "stopped",
            "new": "passes",
            "count": 1,
            "examples": ["https://new.test/a.js?id"],
        }
    ]
