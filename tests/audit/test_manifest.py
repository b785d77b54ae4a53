"""A report can be held against what it was made from."""

import json
from pathlib import Path

import pytest

from cmp.cli import main
from cmp.seal.keys import make_keys, public_file
from tests.audit.hars import POLICY, document, har, request


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A capture, a policy, keys, and a signed report."""
    monkeypatch.chdir(tmp_path)
    Path("policy.json").write_text(json.dumps(POLICY), encoding="utf-8")
    Path("visit.har").write_bytes(har(document(), request("https://stats.test/s.js")))
    make_keys(Path("keys"))
    make_keys(Path("other"))
    report = ["audit", "visit.har", "--policy", "policy.json", "--format", "html", "-o", "report.html"]
    assert main([*report, "--sign", "keys"]) == 1
    return tmp_path


def verified(capsys: pytest.CaptureFixture[str], keys: str = "keys.pub") -> tuple[int, list[str]]:
    capsys.readouterr()
    status = main(["audit", "--verify", "report.html", *(["--keys", keys] if keys else [])])
    return status, [line for line in capsys.readouterr().out.splitlines() if not line.startswith("as it was")]


def test_untouched_everything_is_as_it_was(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert public_file(Path("keys")).is_file()
    assert verified(capsys) == (0, [])


@pytest.mark.parametrize("file", ["report.html", "visit.har", "policy.json"])
def test_one_changed_byte_is_found_and_named(folder: Path, capsys: pytest.CaptureFixture[str], file: str) -> None:
    data = bytearray(Path(file).read_bytes())
    data[len(data) // 2] ^= 1
    Path(file).write_bytes(data)
    status, said = verified(capsys)
    assert status == 1
    (line,) = said
    assert "is not the file it was made from" in line
    assert ("report" if file == "report.html" else file) in line


def test_a_manifest_changed_to_fit_no_longer_fits_its_signature(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = Path("report.html.manifest.json")
    form = json.loads(manifest.read_text("utf-8"))
    form["asked"]["choice"] = "accept"
    manifest.write_text(json.dumps(form), encoding="utf-8")
    status, said = verified(capsys)
    assert (status, len(said)) == (1, 1)
    assert "does not fit" in said[0]


@pytest.mark.parametrize("keys", [pytest.param("other.pub", id="another key"), pytest.param("", id="no key")])
def test_a_signature_that_cannot_be_checked_is_not_taken_for_good(
    folder: Path, capsys: pytest.CaptureFixture[str], keys: str
) -> None:
    status, said = verified(capsys, keys)
    assert status == 1
    assert "signature" in said[0]


def test_taking_the_signature_away_shows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = Path("report.html.manifest.json")
    form = json.loads(manifest.read_text("utf-8"))
    del form["signature"]
    manifest.write_text(json.dumps(form), encoding="utf-8")
    assert verified(capsys)[0] == 1


def test_a_missing_capture_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("visit.har").unlink()
    status, said = verified(capsys)
    assert status == 1
    assert "visit.har: is not there" in said[0]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param("--verify missing.html", id="no manifest"),
        pytest.param("--verify report.html visit.har", id="with a capture"),
        pytest.param("visit.har --sign keys", id="signed but not written"),
        pytest.param("visit.har --keys keys.pub", id="keys without verify"),
        pytest.param("", id="nothing"),
    ],
)
def test_arguments_that_make_no_sense(folder: Path, capsys: pytest.CaptureFixture[str], arguments: str) -> None:
    capsys.readouterr()
    assert main(["audit", *arguments.split()]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
