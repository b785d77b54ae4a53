"""`consentry lists`, as a person calls it."""

import json
from pathlib import Path

import pytest

from cmp.cli import main
from cmp.lists.store import FOLDER
from tests.lists.test_store import listed, rules


def run(*arguments: str) -> int:
    return main(["lists", *arguments])


def test_adding_says_what_was_kept_and_how_a_policy_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = listed(tmp_path, rules(3) + b"||x.example^$nonsense\n")
    assert run("add", str(source), "--category", "advertising", "--policy", str(tmp_path / "p.json")) == 0
    out = capsys.readouterr().out
    assert "ads: Adblock-Plus list, 3 rules, 1 malformed, under advertising" in out
    assert "line 5: is no rule for requests that the engine knows: ||x.example^$nonsense" in out
    assert '"lists": [{"name": "ads", "category": "advertising"}]' in out
    assert (tmp_path / FOLDER / "index.json").is_file()


def test_showing_as_json_has_every_field(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("add", str(listed(tmp_path)), "--category", "advertising", "--store", str(tmp_path / "s"))
    capsys.readouterr()
    assert run("show", "--store", str(tmp_path / "s"), "--format", "json") == 0
    (entry,) = json.loads(capsys.readouterr().out)["lists"]
    assert {"name", "format", "category", "source", "sha256", "fetched", "rules", "malformed"} <= set(entry)


def test_refreshing_ends_with_1_where_an_old_list_was_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = ("--store", str(tmp_path / "s"))
    run("add", str(listed(tmp_path)), "--category", "advertising", *store)
    assert run("refresh", *store) == 0
    listed(tmp_path, rules(2))
    assert run("refresh", *store) == 1
    assert "kept as it was (10 rules of " in capsys.readouterr().out
    assert run("refresh", "--force", *store) == 0
    assert run("remove", "ads", *store) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "nowhere.txt", "--category", "x"),
        ("add", "file:///etc/hostname", "--category", "x"),
        ("show", "nothing"),
        ("refresh", "nothing"),
        ("remove", "nothing"),
    ],
    ids=lambda arguments: f"{arguments[0]}-{arguments[1][:4]}",
)
def test_what_cannot_be_done_is_one_line_and_2(
    arguments: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments, "--store", str(tmp_path)) == 2
    assert capsys.readouterr().err.count("\n") == 1
