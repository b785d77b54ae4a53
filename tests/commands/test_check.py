"""`consentry check`: is this a policy, and if not, what to write instead."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cmp.cli import main
from cmp.commands.checkout import missing_test
from cmp.policy.load import policy_of
from tests.core.examples import shop
from tests.policy.quiet import quiet, vendor

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def made(document: Any, name: str = "p.json") -> str:
        path = tmp_path / name
        path.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
        return str(path)

    return made


BROKEN = {**shop(), "catagories": {}}


FINGERPRINT = policy_of(quiet(), "quiet.json").fingerprint


def test_a_policy_without_fault(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(quiet())
    assert main(["check", "--strict", file]) == 0
    out, err = capsys.readouterr()
    assert out == f"{file}: fine: quiet 2, 2 vendors\n  fingerprint {FINGERPRINT}\n"
    assert err == ""


NOTED = quiet(consent={"minimumAge": 15})
WARNED = quiet(reviewed="2006-10-01", reviewEvery="12 months")
WRONG = quiet(cookies=[{"name": "*", "category": "necessary", "lifetime": "session"}])


@pytest.mark.parametrize(
    "document, plain, strict, line",
    [
        pytest.param(NOTED, 0, 0, "  note age-below-16 /consent/minimumAge: 15 suffices only", id="a note"),
        pytest.param(
            WARNED, 0, 1, "  warning review-overdue /reviewed: the review was due on 2007-10-08", id="a warning"
        ),
        pytest.param(WRONG, 1, 1, "  error every-cookie-necessary /cookies/0/name: ", id="an error"),
    ],
)
def test_advice_follows_and_an_error_counts(
    write: Write, capsys: pytest.CaptureFixture[str], document: Any, plain: int, strict: int, line: str
) -> None:
    file = write(document)
    assert main(["check", file]) == plain
    fine, _, advice, remedy = capsys.readouterr().out.splitlines()
    assert fine.startswith(f"{file}: fine: quiet 2")
    assert advice.startswith(line)
    assert remedy.startswith("      ")
    assert main(["check", "--strict", file]) == strict


def test_advice_names_its_source(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(NOTED)
    assert main(["check", file]) == 0
    assert capsys.readouterr().out.endswith("      16 holds everywhere (GDPR Art. 8(1))\n")
    assert main(["check", "--format", "json", file]) == 0
    assert json.loads(capsys.readouterr().out)["files"][0]["advice"] == [
        {
            "code": "age-below-16",
            "level": "note",
            "pointer": "/consent/minimumAge",
            "what": "15 suffices only where the law of the country says so",
            "remedy": "16 holds everywhere",
            "source": "GDPR Art. 8(1)",
        }
    ]


def many(count: int) -> dict[str, Any]:
    return quiet(vendors=[vendor(f"v{n}", hosts=[f"{'x' * 40}{n}.test"]) for n in range(count)])


@pytest.mark.parametrize("count, said", [(20, False), (200, True)])
def test_a_content_security_policy_that_has_no_room_for_all_is_noticed(
    write: Write, capsys: pytest.CaptureFixture[str], count: int, said: bool
) -> None:
    document = many(count)
    document["categories"].pop("advertising")
    assert main(["check", write(document)]) == 0
    out = capsys.readouterr().out
    assert ("warning csp-size /vendors" in out) is said
    assert (f'after "accept all" {count} hosts are permitted' in out) is said


def test_where_the_unknown_may_pass_there_is_no_header_to_outgrow(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", write({**many(200), "unknown": {"host": "report"}})]) == 0
    assert "csp-size" not in capsys.readouterr().out


def test_a_successor_given_beside_its_predecessor_is_announced(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [write(quiet(effective="2999-01-01"), "next.json"), write(quiet(successor="next.json"), "now.json")]
    assert main(["check", files[0]]) == 0
    assert "effective-ahead" in capsys.readouterr().out
    assert main(["check", *files]) == 0
    assert "effective-ahead" not in capsys.readouterr().out


CLIENT = {"id": "client", "role": "client", "name": "Client", "policy": "client.json"}


@pytest.mark.parametrize(
    "client, what",
    [
        pytest.param(None, "client.json: cannot be read", id="a file that is not there"),
        pytest.param(BROKEN, 'the key "catagories" is not known', id="one that is no policy"),
    ],
)
def test_a_policy_is_no_better_than_the_files_it_names(
    write: Write, capsys: pytest.CaptureFixture[str], client: Any, what: str
) -> None:
    if client is not None:
        write(client, "client.json")
    assert main(["check", write(quiet(parties=[CLIENT]))]) == 1
    out = capsys.readouterr().out
    assert "/: names a file that is no policy" in out
    assert what in out


def test_a_fault_in_how_files_are_named_has_its_place(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", write(quiet(parties=[{**CLIENT, "policy": "p.json"}]))]) == 1
    assert '  /parties/0/policy: "p.json" leads back to this file\n' in capsys.readouterr().out


def test_advice_is_about_the_file_alone_and_the_fingerprint_about_what_it_is_composed_to(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write({**quiet(), "id": "client"}, "client.json")
    assert main(["check", "--strict", write(quiet(parties=[CLIENT]))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert FINGERPRINT not in lines[1]


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
    files = [write(quiet(), "fine.json"), write(BROKEN, "broken.json"), write(b"{", "unusable.json")]
    assert main(["check", "--format", "json", *files]) == 2
    out, err = capsys.readouterr()
    assert json.loads(out) == {
        "files": [
            {
                "file": files[0],
                "faults": [],
                "policy": {"id": "quiet", "version": "2", "fingerprint": FINGERPRINT},
                "vendors": 2,
                "advice": [],
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


TEST = "tests/commands/test_check.py::test_promises_and_what_keeps_them"
PROMISES = [
    {"id": "SP-1", "title": "Ads wait", "shows": ["enforced"], "keptBy": ["category:advertising"], "test": TEST},
    {"id": "SP-2", "title": "Staff are trained", "shows": ["declared"], "reason": "Shows on no wire"},
    {
        "id": "SP-3",
        "title": {"en": "Nobody else is told", "de": "Sonst erfährt es niemand"},
        "shows": ["enforced", "audited"],
        "keptBy": {"reverse": [], "regular": ["unknown.host", "detector:decl.undeclared-host"]},
        "test": TEST,
    },
]
UNKNOWN = {"unknown": {"host": "deny", "cookie": "deny"}}


def test_promises_and_what_keeps_them(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--promises", write(quiet(promises=PROMISES, **UNKNOWN))]) == 0
    assert capsys.readouterr().out.splitlines()[2:] == [
        "  SP-1   Ads wait (enforced)",
        "         kept by category:advertising",
        f"         test {TEST}",
        "  SP-2   Staff are trained (declared)",
        "         organisational: Shows on no wire",
        "  SP-3   Nobody else is told (enforced, audited)",
        "         reverse: cannot",
        "         regular: kept by unknown.host, detector:decl.undeclared-host",
        f"         test {TEST}",
        "  3 promises: 2 kept, 1 organisational, 0 unkept",
    ]


@pytest.mark.parametrize(
    "promise, why",
    [
        pytest.param({}, "no rule enforces it; no test is named", id="nothing at all"),
        pytest.param(
            {"shows": ["audited"], "keptBy": ["detector:decl.moon"], "test": TEST},
            'there is no detector "decl.moon"',
            id="a detector that is none",
        ),
        pytest.param(
            {"keptBy": ["category:analytics"], "test": "tests/none.py::test_it"},
            "there is no test file tests/none.py",
            id="a test that is not there",
        ),
    ],
)
def test_a_promise_that_nothing_keeps(
    write: Write, capsys: pytest.CaptureFixture[str], promise: dict[str, Any], why: str
) -> None:
    unkept = {"id": "SP-4", "title": "All is well", "shows": ["enforced"], **promise}
    file = write(quiet(promises=[*PROMISES, unkept], **UNKNOWN))
    assert main(["check", file]) == 0, "only --promises asks for it"
    capsys.readouterr()
    assert main(["check", "--promises", file]) == 1
    *_, missing, summary = capsys.readouterr().out.splitlines()
    assert missing.startswith("         NOT KEPT: ")
    assert missing.endswith(why)
    assert summary == "  4 promises: 2 kept, 1 organisational, 1 unkept: SP-4"


def test_promises_as_json(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--promises", "--format", "json", write(quiet(promises=PROMISES, **UNKNOWN))]) == 0
    report = json.loads(capsys.readouterr().out)["files"][0]
    assert report["unkept"] == []
    assert report["summary"] == {"kept": 2, "organisational": 1, "unkept": 0}
    assert report["promises"][2] == {
        "id": "SP-3",
        "title": "Nobody else is told",
        "shows": ["enforced", "audited"],
        "state": "kept",
        "by": {"reverse": [], "regular": ["unknown.host", "detector:decl.undeclared-host"]},
        "test": TEST,
        "reason": "",
        "missing": [],
    }


@pytest.mark.parametrize(
    "node, why",
    [
        pytest.param("tests/sub/test_a.py::test_one", "", id="named from the checkout"),
        pytest.param("sub/test_a.py::test_one", "", id="named from the folder of tests"),
        pytest.param("test_a.py::test_one", "", id="named alone"),
        pytest.param("test_a.py::test_waiting", "", id="one that waits"),
        pytest.param("test_a.py::TestIt::test_two", "", id="in a class"),
        pytest.param("test_a.py::test_two", "there is no test_two in test_a.py", id="not in its class"),
        pytest.param("test_a.py::helper", "there is no helper in test_a.py", id="a function that is no test"),
        pytest.param("test_a.py", "test_a.py names a file and no test in it", id="a file"),
        pytest.param("test_none.py::test_one", "there is no test file test_none.py", id="no file"),
        pytest.param("test_b.py::test_one", "several test files are called test_b.py", id="two files"),
        pytest.param(
            "test_broken.py::test_one", "there is no test_one in test_broken.py", id="a file that is no Python"
        ),
    ],
)
def test_a_test_is_looked_for_where_it_is_named(tmp_path: Path, node: str, why: str) -> None:
    tests = tmp_path / "tests"
    for name, text in {
        "sub/test_a.py": "def test_one(): ...\nasync def test_waiting(): ...\ndef helper(): ...\n"
        "class TestIt:\n    def test_two(self): ...\n",
        "sub/test_b.py": "",
        "other/test_b.py": "",
        "test_broken.py": "def test_one(:",
    }.items():
        (tests / name).parent.mkdir(parents=True, exist_ok=True)
        (tests / name).write_text(text, "utf-8")
    assert missing_test(node, tests) == why


def test_what_a_policy_holds_cannot_move_the_cursor(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", write({**shop(), "\x1b[2J\u202e\n\ud800": 1})]) == 1
    out = capsys.readouterr().out
    assert "\\x1b[2J\\x202e\\x0a\\xd800" in out
    assert "\x1b" not in out
    assert out.count("\n") == 3


def test_a_lone_surrogate_does_not_break_the_json(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--format", "json", write({**shop(), "\ud800": 1})]) == 1
    assert json.loads(capsys.readouterr().out)["files"][0]["faults"][0]["pointer"] == "/\ud800"
