"""docs/policy.md is what the schema makes of it, docs/detectors/ what the detectors say of themselves."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cmp.policy.lints import advice_of, subject_of
from cmp.policy.load import find_faults, policy_of
from scripts.policy_reference import EXAMPLE, FORMS, PAGE, SCHEMA, reference

SCRIPT = Path(__file__).parent.parent / "scripts" / "policy_reference.py"


def schema() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(SCHEMA.read_text("utf-8"))
    return document


def keys(node: Any) -> Iterator[str]:
    """The name of every key that the schema describes, wherever it stands."""
    if isinstance(node, dict):
        for name, inner in node.items():
            if name == "properties":
                yield from inner
            if name not in ("examples", "default", "if", "not"):
                yield from keys(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from keys(inner)


def test_the_page_is_not_stale() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--check"], check=False)
    assert done.returncode == 0, "the schema changed: make docs writes docs/policy.md anew"


def test_the_pages_of_the_detectors_are_not_stale() -> None:
    script = SCRIPT.with_name("detector_reference.py")
    done = subprocess.run([sys.executable, script, "--check"], check=False)
    assert done.returncode == 0, "a detector's docstring changed: make docs writes its page anew"


def test_a_page_that_is_stale_is_noticed(tmp_path: Path) -> None:
    """By a copy of the script beside a copy of the schema that says something else."""
    for path in (SCRIPT, SCHEMA, PAGE):
        copy = tmp_path / path.relative_to(SCRIPT.parent.parent)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text("utf-8").replace("Name of the policy for people", "Its name"), encoding="utf-8")
    (tmp_path / "docs" / "policy.md").write_text(PAGE.read_text("utf-8"), encoding="utf-8")
    copied = [sys.executable, str(tmp_path / "scripts" / SCRIPT.name)]
    assert subprocess.run([*copied, "--check"], check=False).returncode == 1
    assert subprocess.run(copied, check=False).returncode == 0
    assert subprocess.run([*copied, "--check"], check=False).returncode == 0
    assert "Its name" in (tmp_path / "docs" / "policy.md").read_text("utf-8")


@pytest.mark.parametrize("key", sorted(set(keys(schema()))))
def test_every_key_of_the_schema_is_on_the_page(key: str) -> None:
    page = PAGE.read_text("utf-8")
    assert f".{key}`" in page or f"### `{key}`" in page


@pytest.mark.parametrize("name", sorted(schema()["$defs"]))
def test_every_definition_is_a_form_of_its_own_or_written_out(name: str) -> None:
    node = schema()["$defs"][name]
    assert (name in FORMS) != ("properties" in node)


def test_a_key_in_no_group_is_noticed() -> None:
    changed = schema()
    changed["properties"]["novelty"] = {"type": "string", "description": "New."}
    with pytest.raises(LookupError, match="novelty"):
        reference(changed)


def test_every_line_of_a_table_has_its_five_cells() -> None:
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|")]
    assert len(lines) > 200
    assert {line.replace("\\|", "").count("|") for line in lines} == {6}


def test_the_example_on_the_page_passes_check_without_advice() -> None:
    text = PAGE.read_text("utf-8").partition("```json\n")[2].partition("\n```")[0]
    document = json.loads(text)
    assert document == EXAMPLE
    assert find_faults(document) == []
    assert advice_of(subject_of(document, policy_of(document, "example.json"), 1_800_000_000.0)) == []
    assert len(text.splitlines()) <= 50
