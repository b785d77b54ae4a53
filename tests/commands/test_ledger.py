"""`consentry ledger` and `consentry keys`: what they print, and their exit statuses."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cmp.cli import main
from cmp.seal.keys import make_keys, read_signing_keys
from tests.ledger.chained import chained
from tests.ledger.records import filled, given, merge, refused, tamper


class Shell:
    """A folder with a ledger in it, and running commands there."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        self.error = ""

    def run(self, *arguments: str, status: int = 0) -> str:
        found = main([argument.replace("@", f"{self.folder}/") for argument in arguments])
        printed = self._capsys.readouterr()
        self.error = printed.err
        assert found == status, printed
        assert "Traceback" not in printed.err
        return printed.out

    def json(self, *arguments: str, status: int = 0) -> Any:
        return json.loads(self.run(*arguments, status=status))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("made")
    keys = make_keys(folder / "keys.json")
    told, *_ = filled(folder / "l.db", [given("ads"), given("chat"), refused("ads")], signer=keys)
    merge(folder / "l.db", keys)
    return folder, told.person or ""


@pytest.fixture
def shell(made: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    for file in made[0].iterdir():
        shutil.copy(file, tmp_path / file.name)
    return Shell(tmp_path, capsys)


def test_verify_says_what_it_could_and_could_not_check(shell: Shell) -> None:
    told = shell.run("ledger", "verify", "@l.db")
    assert "whole: 3 records" in told
    assert "by keys the ledger itself names" in told
    assert "a tree written and signed anew by who has the keys would not show" in told
    found = shell.json("ledger", "verify", "@l.db", "--keys", "@keys.json.pub", "--format", "json")
    assert found == {"whole": True, "records": 3, "signed": 3, "witnessed": [], "timestamps": [], "faults": []}


def test_verify_names_what_is_wrong_with_status_1(shell: Shell) -> None:
    tamper(shell.folder / "l.db", "DELETE FROM ledger_leaf WHERE idx = 2")
    told = shell.run("ledger", "verify", "@l.db", status=1)
    assert told.startswith("record 2: ")
    assert "(cut)" in told
    found = shell.json("ledger", "verify", "@l.db", "--format", "json", status=1)
    assert found["faults"][0]["index"] == 2


def test_a_witness_notices_what_the_keys_can_hide(shell: Shell) -> None:
    shell.run("ledger", "head", "@l.db", "--append", "@heads.jsonl")
    filled(shell.folder / "other.db", [given("ads")] * 5, signer=read_signing_keys(shell.folder / "keys.json"))
    assert shell.run("ledger", "verify", "@l.db", "--witness", "@heads.jsonl").startswith("whole")
    shell.run("ledger", "head", "@other.db", "--append", "@heads.jsonl", status=1)
    assert "is of another ledger; nothing was added" in shell.error
    assert "of another ledger" in shell.run("ledger", "verify", "@other.db", "--witness", "@heads.jsonl", status=1)


def test_a_proof_is_checked_with_the_public_keys_alone(shell: Shell) -> None:
    shell.run("ledger", "export", "@l.db", "-o", "@e.jsonl")
    proof = shell.run("ledger", "prove", "@e.jsonl", "--record", "1")
    assert proof == shell.run("ledger", "prove", "@l.db", "--record", "1")
    (shell.folder / "proof.json").write_text(proof)
    check = ("ledger", "verify", "--proof", "@proof.json", "--keys", "@keys.json.pub")
    assert "record 1 is in the tree of 3 records" in shell.run(*check)
    (shell.folder / "proof.json").write_text(proof.replace('"index": 1', '"index": 2'))
    assert shell.json(*check, "--format", "json", status=1)["holds"] is False
    shell.run("ledger", "verify", "--proof", "@proof.json", status=2)
    assert "--proof needs --keys" in shell.error


def test_growth_is_proven_from_a_witnessed_head(shell: Shell) -> None:
    shell.run("ledger", "head", "@l.db", "--append", "@heads.jsonl")
    filled(shell.folder / "l.db", [given("more")], signer=read_signing_keys(shell.folder / "keys.json"))
    (shell.folder / "growth.json").write_text(shell.run("ledger", "prove", "@l.db", "--since", "@heads.jsonl"))
    told = shell.run("ledger", "verify", "--proof", "@growth.json", "--keys", "@keys.json.pub")
    assert "the tree of 3 records is the beginning of that of 4" in told


def test_records_are_shown_with_what_can_be_read_of_them(shell: Shell, made: tuple[Path, str]) -> None:
    lines = shell.run("ledger", "show", "@l.db").splitlines()
    assert len(lines) == 3
    assert f"given  person {made[1]}  granted: ads" in lines[0]
    assert lines[2].endswith("refused  refused: ads")
    one = shell.run("ledger", "show", "@l.db", "--person", made[1], "--format", "json")
    assert json.loads(one)["payload"]["granted"] == ["ads"]
    assert len(shell.run("ledger", "show", "@l.db", "--from", "1", "--limit", "1").splitlines()) == 1


def test_erasing_leaves_a_ledger_that_verifies(shell: Shell, made: tuple[Path, str]) -> None:
    shell.run("ledger", "head", "@l.db", "--append", "@heads.jsonl")
    assert "nobody can read" in shell.run("ledger", "erase", "@l.db", "--person", made[1], "--keys", "@keys.json")
    assert shell.run("ledger", "verify", "@l.db", "--witness", "@heads.jsonl").startswith("whole: 4 records")
    assert shell.run("ledger", "show", "@l.db", "--person", made[1]) == ""
    shell.run("ledger", "erase", "@l.db", "--person", made[1], status=1)


def test_a_backup_and_an_export_with_keys_are_ledgers_again(shell: Shell) -> None:
    assert "3 records, verified" in shell.run("ledger", "backup", "@l.db", "@backup.db")
    assert "3 records, with keys" in shell.run("ledger", "export", "@l.db", "-o", "@e.jsonl", "--with-keys")
    assert "3 records, verified" in shell.run("ledger", "import", "@e.jsonl", "@again.db")
    assert shell.run("ledger", "stats", "@again.db") == shell.run("ledger", "stats", "@l.db")
    shell.run("ledger", "backup", "@l.db", "@backup.db", status=2)
    assert "is there already" in shell.error


def test_tidying_notes_and_forgets(shell: Shell) -> None:
    assert shell.run("ledger", "tidy", "@l.db", "--keep-days", "1") == "expired: 0, forgotten: 2\n"
    assert shell.run("ledger", "verify", "@l.db").startswith("whole")


def test_a_ledger_of_an_earlier_version_is_brought_to_this_one(shell: Shell) -> None:
    chained(shell.folder / "old.db", [given("ads"), refused("ads")])
    shell.run("ledger", "verify", "@old.db", status=2)
    assert "consentry ledger upgrade" in shell.error
    assert "3 records" in shell.run("ledger", "upgrade", "@old.db")
    assert shell.run("ledger", "verify", "@old.db").startswith("whole: 3 records")


@pytest.mark.parametrize(
    "arguments, told",
    [
        (("verify", "@nothing.db"), "no such file"),
        (("verify",), "name a ledger"),
        (("erase", "@nothing.db", "--person", "0" * 32), "no such file"),
        (("tidy", "@nothing.db"), "no such file"),
        (("prove", "@l.db", "--record", "99"), "none is number 99"),
        (("head", "@l.db", "--tsa", "http://tsa.test/"), "--tsa needs --append"),
        (("verify", "@l.db", "--witness", "@keys.json"), "line 1 is no tree head"),
        (("export", "@l.db", "-o", "@l.db"), "is there already"),
        (("verify", "oracle://u:secret@h/d"), "no ledger of this kind"),
    ],
)
def test_what_cannot_be_used_is_one_line(shell: Shell, arguments: tuple[str, ...], told: str) -> None:
    before = {path.name for path in shell.folder.iterdir()}
    assert shell.run("ledger", *arguments, status=2) == ""
    assert told in shell.error
    assert shell.error.count("\n") == 1
    assert "secret" not in shell.error
    assert {path.name for path in shell.folder.iterdir()} == before


def test_keys_are_shown_announced_and_rotated(shell: Shell) -> None:
    (before,) = shell.json("keys", "show", "@keys.json", "--format", "json")["keys"]
    announced = shell.run("keys", "announce", "@keys.json").split()[0]
    shell.run("keys", "rotate", "@keys.json")
    found = shell.json("keys", "show", "@keys.json", "--format", "json")["keys"]
    assert found == [{"id": announced, "use": "signs"}, {"id": before["id"], "use": "retired"}]
    assert shell.run("ledger", "verify", "@l.db", "--keys", "@keys.json.pub").startswith("whole")
    shell.run("keys", "rotate", "@nothing.json", status=2)
    assert "cannot be read" in shell.error
