"""Files that other tools look for at the top of the repository, and the picture in the docs: they fit what is there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from cmp.cli import build_parser
from scripts.report_picture import CAPTURE, PICTURE, report
from tests.audit.hars import document, har, request

ROOT = Path(__file__).parent.parent
STATS = har(document(), request("https://www.google-analytics.com/collect?v=1&tid=UA-1&cid=2"))


def loaded(name: str) -> Any:
    return YAML(typ="safe").load((ROOT / name).read_text("utf-8"))


# ------------------------------------------------------------------------------------------------- the action


def action_step() -> dict[str, Any]:
    step: dict[str, Any] = loaded("action.yml")["runs"]["steps"][-1]
    return step


def run_action(folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """The audit step as the runner runs it: inputs as variables, the others at their default."""
    given = {name: form.get("default", "") for name, form in loaded("action.yml")["inputs"].items()}
    given |= {name.replace("_", "-"): value for name, value in inputs.items()}
    variables = {
        variable: given[re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", value)[1]]  # type: ignore[index]
        for variable, value in action_step()["env"].items()
    }
    command = folder / "bin" / "consentry"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cmp "$@"\n')
    command.chmod(0o755)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [shutil.which("bash") or "bash", "-e", "-o", "pipefail", "-c", action_step()["run"]],
        env={**os.environ, **variables, "PATH": path, "PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )


def test_the_action_has_the_parts_that_the_runner_asks_for() -> None:
    action = loaded("action.yml")
    assert {"name", "description", "inputs", "runs"} <= set(action)
    assert action["runs"]["using"] == "composite"
    assert all("uses" in step or {"run", "shell"} <= set(step) for step in action["runs"]["steps"])
    assert all("description" in form for form in action["inputs"].values())
    assert not any("${{" in step.get("run", "") for step in action["runs"]["steps"])
    used = set(re.findall(r"inputs\.([a-z-]+)", (ROOT / "action.yml").read_text("utf-8")))
    assert used == set(action["inputs"])


def test_the_action_audits_and_fails_as_the_command_does(tmp_path: Path) -> None:
    (tmp_path / "a visit.har").write_bytes(STATS)
    done = run_action(tmp_path, captures="a visit.har\n\n", format="json", output="out.json", fail_on="potential")
    assert (done.returncode, done.stdout) == (1, "")
    assert "consent.request-before" in (tmp_path / "out.json").read_text()


def test_what_stands_in_an_input_is_no_command(tmp_path: Path) -> None:
    done = run_action(
        tmp_path, captures="--help\n$(touch made)`touch made`; touch made", choice="accept", fail_on="never"
    )
    assert done.returncode == 2
    assert "--help: cannot be opened" in done.stderr
    assert not (tmp_path / "made").exists()


# ------------------------------------------------------------------------------------------------- the hooks


@pytest.mark.parametrize("hook", loaded(".pre-commit-hooks.yaml"), ids=lambda hook: hook["id"])
def test_a_hook_is_a_command_of_ours(hook: dict[str, Any]) -> None:
    assert {"id", "name", "entry", "language", "files"} <= set(hook)
    program, command, *more = hook["entry"].split()
    assert program == "consentry"
    build_parser(command).parse_args([command, *more, "a.json", "b.json"])
    re.compile(hook["files"])


@pytest.mark.parametrize(
    "hook, file, wanted",
    [
        ("consentry-check", "policies/site.json", True),
        ("consentry-check", "site/policy.json", True),
        ("consentry-check", "package.json", False),
        ("consentry-audit", "captures/visit.har", True),
        ("consentry-audit", "captures/visit.har.txt", False),
    ],
)
def test_a_hook_looks_at_its_files(hook: str, file: str, wanted: bool) -> None:
    patterns = {one["id"]: one["files"] for one in loaded(".pre-commit-hooks.yaml")}
    assert bool(re.search(patterns[hook], file)) is wanted


def test_the_docs_use_ids_and_inputs_that_there_are() -> None:
    text = (ROOT / "docs" / "auditor.md").read_text("utf-8")
    ids = {one["id"] for one in loaded(".pre-commit-hooks.yaml")}
    assert set(re.findall(r"id: (consentry-[a-z]+)", text)) == ids
    (inputs,) = re.findall(r"with: (\{captures:.*\})", text)
    assert set(YAML(typ="safe").load(inputs)) <= set(loaded("action.yml")["inputs"])


# ------------------------------------------------------------------------------------------------- the picture


def test_the_picture_in_the_docs_is_there_and_small() -> None:
    assert f"]({PICTURE.name})" in (ROOT / "docs" / "auditor.md").read_text("utf-8")
    assert PICTURE.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert PICTURE.stat().st_size < 200_000


def test_the_report_that_is_pictured_can_be_made_anew(tmp_path: Path) -> None:
    page = report(tmp_path).read_text("utf-8")
    assert CAPTURE.name in page
    assert "Violations" in page
