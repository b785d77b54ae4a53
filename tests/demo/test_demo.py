"""`make demo`'s walk as a whole: what it prints is what happened, and its own audits hold."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cmp.audit.decision_log import comparable, review
from cmp.audit.replay import replay
from cmp.capture.reading import read_capture
from cmp.policy.load import load_policy
from demo.__main__ import OUTPUT, POLICY
from demo.names import THIRD_PARTIES
from tests.called import called
from tests.live import ROOT
from tests.one_path import Captures, canonical, recorded, replayed

# The walk takes half a minute, and far longer beside whatever else the machine does.
pytestmark = pytest.mark.timeout(900)

NECESSARY = "cdn.libshare.test"
# Every other third party tracks.
TRACKERS = set(THIRD_PARTIES) - {NECESSARY}


@pytest.fixture(scope="module")
def walk() -> str:
    done = subprocess.run(
        [sys.executable, "-m", "demo"], cwd=ROOT, capture_output=True, text=True, timeout=800, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def steps(text: str) -> dict[str, str]:
    """The parts of the output by their number, the comparison as "without"."""
    parts = re.split(r"(?m)^(?:(\d)\. |(For comparison))", text)
    found: dict[str, str] = {}
    for number, comparison, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        found["without" if comparison else number] = body
    return found


def reached(step: str) -> set[str]:
    line = re.search(r"third parties reached: (.*)", step)
    assert line is not None
    return set(re.findall(r"[a-z.]+\.test", line[1]))


def test_only_an_acceptance_lets_trackers_be_reached(walk: str) -> None:
    by_step = steps(walk)
    assert set(by_step) == {"1", "2", "3", "4", "5", "without"}
    for number in "1245":
        assert reached(by_step[number]) == {NECESSARY}, number
    assert len(reached(by_step["3"]) & TRACKERS) >= 8
    assert "beacon.unlisted.test" not in reached(by_step["3"])
    assert reached(by_step["without"]) == set(THIRD_PARTIES)


def test_the_audit_of_each_step_finds_nothing(walk: str) -> None:
    by_step = steps(walk)
    for number in "12345":
        assert "0 violations (nothing)" in by_step[number], number


def test_every_tracker_is_found_without_the_product(walk: str) -> None:
    said = called(
        *("audit", str(OUTPUT / "unprotected.flow"), "--policy", str(POLICY), "--choice", "none", "--format", "json")
    )
    assert said.status == 1, said.err
    found = json.loads(said.out)["findings"]
    sites = {finding["host"] for finding in found if finding["host"]}
    for tracker in sorted(TRACKERS):
        assert any(tracker == host or tracker.endswith("." + host) or host.endswith(tracker) for host in sites), tracker


def test_the_sites_own_recording_replays_to_the_live_decisions(walk: str) -> None:
    said = called("audit", str(OUTPUT / "site.flow"), "--policy", str(POLICY), "--format", "json")
    assert said.status == 0, said.out[:2000] + said.err
    report = json.loads(said.out)
    live = report["captures"][0]["live"]
    assert live["compared"] > 50
    assert live["differ"] == 0


def test_recordings_and_their_hars_decide_as_the_proxies_did(walk: str) -> None:
    """Byte for byte: `consentry up` in front of the site, and the auditor's tap, through every choice."""
    policy, files = load_policy(POLICY), sorted(OUTPUT.glob("*.flow"))
    assert len(files) == 7
    for file in files:
        captures = Captures.of(file)
        live = canonical(recorded(captures.flows))
        assert live
        assert canonical(replayed(policy, captures.flows)) == live, file.name
        assert canonical(recorded(captures.har)) == live, file.name
        assert canonical(replayed(policy, captures.har)) == live, file.name


def test_the_decision_log_holds_what_the_recording_holds(walk: str) -> None:
    assert re.search(r"The decision log holds [0-9]+ decisions: .* It is whole\.", walk)
    policy = load_policy(POLICY)
    done = replay(policy, read_capture(OUTPUT / "site.flow"))
    agreement = review(OUTPUT / "decisions", [comparable(done)]).agreement
    assert agreement is not None
    assert (agreement.compared, agreement.lacking) == (len(done.steps), 0)


def test_the_ledger_holds_every_choice(walk: str) -> None:
    assert "given 1, refused 2, withdrawn 1" in walk
    assert "every record is there and unchanged" in walk
    assert Path(OUTPUT / "ledger.db").stat().st_mode & 0o077 == 0
