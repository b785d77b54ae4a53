"""`consentry audit --decision-log`: a log by itself, and a log beside the recording of the same proxy."""

import json
import shutil
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from cmp.audit.decision_log import review
from cmp.audit.detectors import LOG_DETECTORS
from cmp.cli import main
from cmp.decision_log.folder import segment_files
from cmp.decision_log.writer import LogSettings
from cmp.seal.audit_token import make_token
from tests.addons.test_enforce import FROM_SITE, SITE, STRANGER, TRACKER, from_upstream, shop_document, shop_policy
from tests.audit.hars import document, har, request
from tests.decision_log.examples import BLOCKED, Item, rewrite, running_log, unknown, write
from tests.live import regular, running_proxy, running_upstream, send

SECRET = b"a secret for the tests of visits"


@dataclass(frozen=True)
class Left:
    """What a proxy left behind: recording, log and policy, and the id of the visit that is linked."""

    folder: Path
    visit: str

    def audit(self, *arguments: str, log: str = "log", capsys: pytest.CaptureFixture[str]) -> tuple[int, Any]:
        capsys.readouterr()
        policy = ("--policy", str(self.folder / "shop.json"), "--decision-log", str(self.folder / log))
        status = main(["audit", *arguments, *policy, "--format", "json"])
        return status, json.loads(capsys.readouterr().out)


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Left:
    folder = tmp_path_factory.mktemp("left")
    (folder / "shop.json").write_text(json.dumps(shop_document()))
    token, visit = make_token(SECRET, int(time.time()) + 3_600)
    with running_upstream(from_upstream) as upstream:
        settings = replace(
            regular(upstream, folder / "run.flow"), decision_log=LogSettings(folder / "log"), audit_secret=SECRET
        )
        with running_proxy(shop_policy(), settings) as proxy:
            for more in ((), (("X-Consentry-Audit", token),)):
                send(proxy.port, f"http://{SITE}/", ("Accept", "text/html"), ("Cookie", "_track=2; session=1"), *more)
                for kind in ("image", "script", "image"):
                    send(proxy.port, f"http://{TRACKER}/p?id=1", ("Sec-Fetch-Dest", kind), *FROM_SITE, *more)
                send(proxy.port, f"http://{STRANGER}/x", *FROM_SITE, *more)
    return Left(folder, visit)


def test_a_log_alone_is_checked_and_counted(left: Left, capsys: pytest.CaptureFixture[str]) -> None:
    status, report = left.audit(capsys=capsys)
    log = report["decision_log"]
    assert (status, report["captures"], report["findings"]) == (0, [], [])
    assert (log["whole"], log["decisions"]) == (True, {"allow": 0, "edit": 2, "block": 8})
    assert (log["lost"], log["visits"], log["agreement"]) == (0, {left.visit: 5}, None)
    assert {(one["rule"], one["action"], one["vendor"], one["count"]) for one in log["rules"]} == {
        ("vendor:tracker", "block", "tracker", 6),
        ("unknown.host", "block", None, 2),
        ("navigation", "edit", None, 2),
    }


def test_a_recording_of_the_same_run_agrees_with_the_log(left: Left, capsys: pytest.CaptureFixture[str]) -> None:
    status, report = left.audit(str(left.folder / "run.flow"), capsys=capsys)
    assert report["captures"][0]["live"] == {"compared": 10, "differ": 0, "first": None}
    assert report["decision_log"]["agreement"] == {"compared": 10, "lacking": 0}
    assert (status, [finding["code"] for finding in report["findings"] if "log." in finding["code"]]) == (0, [])


def test_so_does_the_har_of_the_recording(left: Left, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    har = tmp_path / "run.har"
    assert main(["har", str(left.folder / "run.flow"), "-o", str(har)]) == 0
    _, report = left.audit(str(har), capsys=capsys)
    assert report["captures"][0]["live"]["differ"] == 0
    assert report["decision_log"]["agreement"] == {"compared": 10, "lacking": 0}
    assert "delivered" in report["captures"][0]["unseen"]
    missing = [finding["evidence"]["missing"] for finding in report["findings"] if finding["code"] == "cap.incomplete"]
    assert "delivered" in missing


def test_decisions_that_the_log_lacks_are_a_finding(
    left: Left, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "other", BLOCKED)
    _, report = left.audit(str(left.folder / "run.flow"), log=str(tmp_path / "other"), capsys=capsys)
    (found,) = (finding for finding in report["findings"] if finding["code"] == "log.differs")
    assert (found["level"], found["evidence"]) == ("potential", {"compared": 10, "lacking": 10})


def test_a_vendor_that_the_log_never_counted_was_reached_past_the_proxy(
    left: Left, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    browser = tmp_path / "browser.har"
    browser.write_bytes(har(document(f"http://{SITE}/"), request(f"http://{TRACKER}/p", "image")))
    write(tmp_path / "other", unknown("x.test"))

    def bypassed(log: str) -> list[tuple[str, str]]:
        _, report = left.audit(str(browser), log=log, capsys=capsys)
        return [(one["vendor"], one["level"]) for one in report["findings"] if one["code"] == "proxy.bypass"]

    assert bypassed("log") == []
    assert bypassed(str(tmp_path / "other")) == [("tracker", "potential")]


def test_a_log_that_was_altered_is_a_violation(left: Left, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = Path(shutil.copytree(left.folder / "log", tmp_path / "log"))
    rewrite(segment_files(copy)[1], lambda lines: [*lines[:3], *lines[4:]])
    status, report = left.audit(log=str(copy), capsys=capsys)
    (found,) = report["findings"]
    assert (status, found["code"], found["level"]) == (1, "log.broken", "violation")
    assert found["evidence"]["fault"] == "missing"


def test_where_the_log_lost_decisions_nothing_is_said_of_agreement(tmp_path: Path) -> None:
    with running_log(tmp_path, queue=0) as log:
        log.note(Item(BLOCKED))
    found = review(tmp_path)
    assert (found.lost, found.checked.broken) == (1, False)
    assert [finding.code for one in LOG_DETECTORS for finding in one.find(found)] == ["log.lost"]


def test_unknown_sites_come_out_most_asked_first(tmp_path: Path) -> None:
    write(tmp_path, *[unknown("a.often.test")] * 9, *[unknown("b.less.test")] * 5, unknown("c.rare.test"))
    assert review(tmp_path).unknown == (("often.test", 9), ("less.test", 5), (None, 1))


@pytest.mark.parametrize("form", ["text", "json", "html", "csv", "sarif", "junit"])
def test_every_form_of_report_names_a_broken_log(
    left: Left, tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(left.folder / "log", tmp_path / "log"))
    rewrite(segment_files(copy)[1], lambda lines: [*lines[:3], *lines[4:]])
    assert main(["audit", str(left.folder / "run.flow"), "--decision-log", str(copy), "--format", form]) == 1
    assert "log.broken" in capsys.readouterr().out


def test_a_manifest_holds_a_log_to_what_it_was(left: Left, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy, report = Path(shutil.copytree(left.folder / "log", tmp_path / "log")), tmp_path / "report.json"
    assert main(["audit", "--decision-log", str(copy), "--format", "json", "-o", str(report)]) == 0
    write(copy, BLOCKED)
    assert main(["audit", "--verify", str(report)]) == 0
    rewrite(segment_files(copy)[1], lambda lines: lines[:-1])
    assert main(["audit", "--verify", str(report)]) == 1
    assert f"decision log {copy}" in capsys.readouterr().out


def test_the_text_report_fits_the_screen_and_names_the_log(left: Left, capsys: pytest.CaptureFixture[str]) -> None:
    policy = ("--policy", str(left.folder / "shop.json"), "--decision-log", str(left.folder / "log"))
    assert main(["audit", *policy]) == 0
    alone = capsys.readouterr().out
    assert "10 decisions: 8 stopped, 2 edited, 0 passed as they are" in alone
    assert "Findings: none." in alone
    main(["audit", str(left.folder / "run.flow"), *policy])
    beside = capsys.readouterr().out.splitlines()
    assert "          10 of the 10 decisions replayed here are among them" in beside
    assert len(beside) <= 45


@pytest.mark.parametrize(
    "arguments, said",
    [
        pytest.param([], "name at least one capture", id="nothing named"),
        pytest.param(["--decision-log", "nowhere"], "cannot be read", id="no folder"),
    ],
)
def test_what_cannot_be_read_is_said(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", *arguments]) == 2
    assert said in capsys.readouterr().err
