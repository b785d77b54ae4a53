"""Findings that are known already weigh nothing; new and graver ones do."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cmp.audit.baseline import BaselineError, baseline_text, read_baseline
from cmp.audit.finding import Finding, Level
from cmp.cli import main
from tests.audit.hars import POLICY, document, har, request
from tests.audit.test_reports import VISIT, audited

FOUND = Finding(
    "decl.undeclared-cookie", Level.POTENTIAL, "a.har", 3, 1.0, "www.x.test", evidence={"cookie": "a", "site": "x.test"}
)


@pytest.mark.parametrize(
    "other, same",
    [
        pytest.param({"capture": "b.har", "entry": 9, "time": None}, True, id="another capture"),
        pytest.param({"host": "cdn.x.test"}, True, id="another host of the site"),
        pytest.param({"level": Level.NOTE}, True, id="less grave"),
        pytest.param({"level": Level.VIOLATION}, False, id="graver"),
        pytest.param({"evidence": {"cookie": "b", "site": "x.test"}}, False, id="another cookie"),
        pytest.param({"evidence": {"cookie": "a", "site": "y.test"}}, False, id="another site"),
        pytest.param({"code": "consent.set-before"}, False, id="another detector"),
    ],
)
def test_a_finding_is_known_by_what_it_is_about(tmp_path: Path, other: dict[str, object], same: bool) -> None:
    file = tmp_path / "known.json"
    file.write_text(baseline_text([FOUND]), encoding="utf-8")
    assert read_baseline(file).knows(replace(FOUND, **other)) is same  # type: ignore[arg-type]


def test_the_file_is_sorted_and_has_each_finding_once() -> None:
    done = audited(*VISIT, captures=3)
    text = baseline_text(done.findings)
    lines = [line for line in text.splitlines() if "fingerprint" in line]
    assert lines == sorted(lines, key=lambda line: line.rstrip(","))
    assert len(lines) == len({finding.identity for finding in done.findings})


@pytest.mark.parametrize(
    "text, said",
    [
        pytest.param("{", "not JSON", id="not JSON"),
        pytest.param("[]", "no baseline", id="something else"),
        pytest.param('{"consentry_baseline": 1, "findings": [{"level": "bad"}]}', "/findings/0", id="damaged"),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "known.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BaselineError, match=said) as told:
        read_baseline(file)
    assert str(file) in str(told.value)


def test_a_build_fails_for_new_findings_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("policy.json").write_text(json.dumps(POLICY), encoding="utf-8")
    Path("old.har").write_bytes(har(document(), request("https://stats.test/s.js")))
    Path("new.har").write_bytes(har(document(), request("https://stats.test/s.js"), request("https://ads.test/p")))
    command = ["audit", "--policy", "policy.json"]
    assert main([*command, "old.har", "--write-baseline", "known.json"]) == 1
    assert main([*command, "old.har", "--baseline", "known.json"]) == 0
    assert main([*command, "new.har", "--baseline", "known.json"]) == 1
