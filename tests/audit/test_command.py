"""`consentry audit` from its arguments to its exit status."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from cmp.audit import accounts
from cmp.cli import main
from tests.audit.hars import POLICY, document, har, request

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A policy and two captures: one with a tracker, one without."""
    (tmp_path / "policy.json").write_text(json.dumps(POLICY), encoding="utf-8")
    (tmp_path / "captures" / "deeper").mkdir(parents=True)
    tracked = har(document(), request("https://stats.test/s.js"))
    (tmp_path / "captures" / "tracked.har").write_bytes(tracked)
    (tmp_path / "captures" / "deeper" / "clean.HAR").write_bytes(har(document()))
    (tmp_path / "captures" / "notes.txt").write_text("no capture", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.har").write_text("{", encoding="utf-8")
    return tmp_path


STATUS = [
    pytest.param("captures/tracked.har --policy policy.json", 1, id="violation"),
    pytest.param("captures/tracked.har --policy policy.json --choice accept", 0, id="agreed"),
    pytest.param("captures/tracked.har --policy policy.json --fail-on never", 0, id="never-fails"),
    pytest.param("captures/deeper/clean.HAR --policy policy.json --fail-on note", 0, id="clean"),
    pytest.param("captures/tracked.har", 0, id="baseline-knows-no-violation"),
    pytest.param("captures/tracked.har --fail-on note", 1, id="baseline-note"),
    pytest.param("captures --policy policy.json", 1, id="folder"),
    pytest.param("captures/tracked.har broken.har --policy policy.json", 2, id="one-unreadable"),
    pytest.param("broken.har", 2, id="only-unreadable"),
    pytest.param("missing.har", 2, id="missing"),
    pytest.param("empty", 2, id="empty-folder"),
    pytest.param("captures/tracked.har --policy policy.json --choice necessary", 2, id="no-such-choice"),
    pytest.param("captures/tracked.har --policy captures/tracked.har", 2, id="no-policy"),
    pytest.param("captures/tracked.har -o missing/report.txt", 2, id="output-cannot-be-written"),
]


@pytest.mark.parametrize("arguments,status", STATUS)
def test_exit_status(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: str, status: int
) -> None:
    monkeypatch.chdir(folder)
    assert main(["audit", *arguments.split()]) == status
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert len(told.splitlines()) == (1 if status == 2 else 0)


needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no device that is always full")


@needs_full
def test_stdout_that_is_full_is_one_line_with_the_next_step(folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "cmp.cli", "audit", str(folder / "captures/tracked.har"), "--format", "json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=ROOT,
        )
    assert (done.returncode, done.stderr) == (
        2,
        "consentry: standard output: cannot be written: No space left on device; make room there, or name a file "
        "with -o\n",
    )


@needs_full
def test_an_output_that_is_full_is_one_line_with_the_next_step(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", str(folder / "captures/tracked.har"), "-o", "/dev/full"]) == 2
    assert capsys.readouterr().err == (
        "consentry: /dev/full: cannot be written: No space left on device; make room there, or name another file\n"
    )
    assert Path("/dev/full").exists()


def test_half_a_report_is_taken_away_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = folder / "report.html"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, hard))
    try:
        status = main(["audit", str(folder / "captures"), "--format", "html", "-o", str(output)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (status, output.exists()) == (2, False)
    assert capsys.readouterr().err.startswith(f"consentry: {output}: cannot be written: ")


def test_no_room_for_what_was_found_is_one_line_and_no_report(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(accounts, "_IN_MEMORY", 1)
    monkeypatch.setattr("tempfile.tempdir", str(folder / "missing"))
    output = folder / "report.json"
    assert main(["audit", str(folder / "captures"), "--format", "json", "-o", str(output)]) == 2
    told = capsys.readouterr().err
    assert told.endswith("make room, or name another folder in TMPDIR\n")
    assert (len(told.splitlines()), output.exists()) == (1, False)


def test_an_unreadable_capture_does_not_stop_the_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    assert main(["audit", "broken.har", "captures", "--format", "json"]) == 2
    told = capsys.readouterr()
    form = json.loads(told.out)
    assert [capture["file"] for capture in form["captures"]] == ["captures/deeper/clean.HAR", "captures/tracked.har"]
    assert form["unreadable"][0]["file"] == "broken.har"
    assert form["policy"]["baseline"] is True
    assert told.err.startswith("consentry: broken.har: ")


def test_output_goes_to_a_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    for _ in range(2):
        assert main(["audit", "captures", "--policy", "policy.json", "--format", "json", "-o", "a.json"]) == 1
        first = Path("a.json").read_bytes()
        assert main(["audit", "captures", "--policy", "policy.json", "--format", "json", "-o", "b.json"]) == 1
        assert Path("b.json").read_bytes() == first
    assert capsys.readouterr().out == ""


needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared folder here")


@pytest.mark.shared
@needs_shared
def test_a_news_page_after_refusal_on_one_screen(capsys: pytest.CaptureFixture[str]) -> None:
    capture = SHARED / "captures" / "har" / "haralyzer__cnn-chrome.har"
    strict = ROOT / "policies" / "strict.json"
    status = main(["audit", str(capture), "--policy", str(strict), "--choice", "refuse"])
    text = capsys.readouterr().out
    lines = text.splitlines()
    assert status == 1
    assert len(lines) <= 45
    assert max(map(len, lines)) <= 110
    for company in ("Google (US)", "Outbrain (US)", "Meta (US)"):
        assert next(line for line in lines if line.startswith(company)).endswith("stopped: refused")
    assert "consent.request-after-reject" in text
    assert "consent.set-after-reject" in text


@pytest.mark.shared
@needs_shared
def test_every_shared_capture_is_audited_without_a_crash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "report.json"
    assert main(["audit", str(SHARED / "captures"), "--format", "json", "-o", str(report)]) == 2
    assert "internal error" not in capsys.readouterr().err
    form = json.loads(report.read_bytes())
    # The six are no captures: no JSON, no entries, a flow format that mitmproxy no longer reads.
    assert (len(form["captures"]), len(form["unreadable"])) == (139, 6)
    assert form["summary"]["by_level"]["violation"] == 0
    assert form["summary"]["by_code"]["consent.request-before"] > 100


@pytest.mark.parametrize("format_", ["json", "html", "junit"])
def test_the_report_is_the_same_however_many_processes_work_on_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], format_: str
) -> None:
    monkeypatch.chdir(folder)
    for number in range(5):
        late = {**request("https://stats.test/s.js", cookie=f"_st={number}"), "time": 10}
        (folder / "captures" / f"{number}.har").write_bytes(har(document(), *[late] * (5 - number)))
    told = []
    for workers in ("1", "2", "3"):
        given = ["captures", "broken.har", "--policy", "policy.json", "--format", format_, "--workers", workers]
        assert main(["audit", *given, "--event", "1=refuse"]) == 2
        told.append(capsys.readouterr())
    assert told[0].out
    assert told[0] == told[1] == told[2]


def test_workers_are_at_least_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(folder / "captures"), "--workers", "0"]) == 2
    assert "--workers" in capsys.readouterr().err
