"""`consentry check`: is this a policy, and if not, what to write instead."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cmp.cli import main
from tests.core.examples import compiled, shop

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def made(document: Any, name: str = "p.json") -> str:
        path = tmp_path / name
        path.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
        return str(path)

    return made


BROKEN = {**shop(), "catagories": {}}


def test_a_policy_without_fault(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(shop())
    assert main(["check", file]) == 0
    out, err = capsys.readouterr()
    assert out == f"{file}: fine: shop 1, 6 vendors\n  fingerprint {compiled().fingerprint}\n"
    assert err == ""


def test_a_policy_with_a_fault(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(BROKEN)
    assert main(["check", file]) == 1
    assert capsys.readouterr().out == (
        f'{file}: 1 fault\n  /catagories: the key "catagories" is not known\n      did you mean "categories"?\n'
    )


def test_a_fault_of_the_whole_document_has_a_place_too(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", write({})]) == 1
    assert '  /: "consentry" is missing\n' in capsys.readouterr().out


@pytest.mark.parametrize(
    "data, what",
    [
        pytest.param(b"", "is not JSON: line 1, column 1", id="empty"),
        pytest.param(b"[]", "holds no JSON object", id="a list"),
        pytest.param(b"\xff", "is not UTF-8 at byte 0", id="no text"),
        pytest.param(b'{"a":' * 200 + b"1" + b"}" * 200, "is nested too deeply", id="nested"),
        pytest.param(b'{"a\\nb": 1, "a\\nb": 2}', 'has the key "a\\x0ab" twice', id="a key with a line feed"),
    ],
)
def test_a_file_that_is_no_policy_at_all(
    write: Write, capsys: pytest.CaptureFixture[str], data: bytes, what: str
) -> None:
    file = write(data)
    assert main(["check", file]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"consentry: {file}: {what}")
    assert err.count("\n") == 1


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path / "none.json")]) == 2
    assert capsys.readouterr().err == f"consentry: {tmp_path}/none.json: cannot be read: No such file or directory\n"


@pytest.mark.parametrize(
    "documents, status",
    [
        pytest.param([shop(), shop()], 0, id="all fine"),
        pytest.param([shop(), BROKEN], 1, id="one with a fault"),
        pytest.param([BROKEN, b"", shop()], 2, id="one unusable"),
    ],
)
def test_of_several_files_each_is_reported_and_the_worst_counts(
    write: Write, capsys: pytest.CaptureFixture[str], documents: list[Any], status: int
) -> None:
    files = [write(document, f"{n}.json") for n, document in enumerate(documents)]
    assert main(["check", *files]) == status
    out, err = capsys.readouterr()
    for file in files:
        assert file in out + err


def test_json(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    files = [write(shop(), "fine.json"), write(BROKEN, "broken.json"), write(b"{", "unusable.json")]
    assert main(["check", "--format", "json", *files]) == 2
    out, err = capsys.readouterr()
    policy = compiled()
    assert json.loads(out) == {
        "files": [
            {
                "file": files[0],
                "faults": [],
                "policy": {"id": "shop", "version": "1", "fingerprint": policy.fingerprint},
                "vendors": 6,
            },
            {
                "file": files[1],
                "faults": [
                    {
                        "pointer": "/catagories",
                        "what": 'the key "catagories" is not known',
                        "remedy": 'did you mean "categories"?',
                    }
                ],
            },
            {
                "file": files[2],
                "unusable": "is not JSON: line 1, column 2: Expecting property name enclosed in double quotes",
                "faults": [],
            },
        ]
    }
    assert err.count("\n") == 1


PROMISES = [
    {"id": "SP-1", "title": "Ads wait for consent", "shows": ["enforced"], "keptBy": ["category:advertising"]},
    {"id": "SP-2", "title": "Staff are trained", "shows": ["declared"], "reason": "Shows on no wire"},
]


def test_promises_and_what_keeps_them(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--promises", write(shop(promises=PROMISES))]) == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    assert lines == [
        "  SP-1   Ads wait for consent",
        "         kept by category:advertising",
        "  SP-2   Staff are trained",
        "         organisational: Shows on no wire",
    ]


def test_a_promise_that_nothing_keeps(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    unkept = {"id": "SP-3", "title": "All is well", "shows": ["enforced"]}
    file = write(shop(promises=[*PROMISES, unkept]))
    assert main(["check", file]) == 0, "only --promises asks for it"
    assert main(["check", "--promises", file]) == 1
    assert "1 promises that nothing keeps: SP-3" in capsys.readouterr().out
    assert main(["check", "--promises", "--format", "json", file]) == 1
    assert json.loads(capsys.readouterr().out)["files"][0]["unkept"] == ["SP-3"]


def test_what_a_policy_holds_cannot_move_the_cursor(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", write({**shop(), "\x1b[2J\u202e\n\ud800": 1})]) == 1
    out = capsys.readouterr().out
    assert "\\x1b[2J\\x202e\\x0a\\xd800" in out
    assert "\x1b" not in out
    assert out.count("\n") == 3


def test_a_lone_surrogate_does_not_break_the_json(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--format", "json", write({**shop(), "\ud800": 1})]) == 1
    assert json.loads(capsys.readouterr().out)["files"][0]["faults"][0]["pointer"] == "/\ud800"
