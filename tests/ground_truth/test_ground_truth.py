"""Every visit of the ground truth, as a real Chromium recorded it: what must be found is found, and nothing else."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from cmp.audit.audit import find_all
from cmp.audit.choices import read_event
from cmp.audit.detectors import DETECTORS
from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding
from cmp.audit.replay import replay
from cmp.capture.capture import Capture
from cmp.capture.reading import read_capture
from tests.audit.hars import policy
from tests.browser.chromium import needs_chromium
from tests.ground_truth.scenarios import SCENARIOS, Found, Scenario

FOLDER = Path(__file__).parent / "captures"

# What no browser's own capture can show: names in the DNS, what our proxy decided, records of a ledger; and what rests
# on conditions of a policy that have tests of their own.
NOT_HERE = {
    *("track.cname-cloak", "proxy.leak", "proxy.overblock", "consent.no-record", "cap.incomplete"),
    *("signal.dnt-ignored", "leak.person-with-log-data", "decl.conditional-lifetime", "decl.confined-cookie"),
}


def found_in(scenario: Scenario, capture: Capture) -> list[Found]:
    events = tuple(read_event(text) for text in scenario.events)
    done = replay(policy(**scenario.policy), capture, scenario.choice, events=events)
    return _named(find_all(Evidence(done, False)))


def _named(found: Iterable[Finding]) -> list[Found]:
    return sorted(((one.code, one.level.value, _about(one)) for one in found), key=repr)


def _about(finding: Finding) -> str | None:
    named = (finding.evidence.get(key) for key in ("cookie", "member", "field"))
    return next((name for name in named if name is not None), finding.vendor or finding.host)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_what_must_be_found_is_found_and_nothing_else(scenario: Scenario) -> None:
    capture = read_capture(FOLDER / f"{scenario.name}.har")
    assert capture.entries
    assert found_in(scenario, capture) == sorted(scenario.found, key=repr)


def test_the_set_is_whole() -> None:
    assert len(SCENARIOS) >= 60
    assert {path.stem for path in FOLDER.glob("*.har")} == {one.name for one in SCENARIOS}
    assert sum(path.stat().st_size for path in FOLDER.glob("*.har")) < 1_000_000
    shown = {code for one in SCENARIOS for code, _, _ in one.found}
    assert {detector.CODE for detector in DETECTORS} - shown == NOT_HERE


@pytest.mark.soak
@pytest.mark.browser
@needs_chromium
def test_recorded_anew_it_shows_the_same(tmp_path: Path) -> None:
    # A browser's library is needed here alone.
    from tests.ground_truth.record import recorded, stage

    differing: dict[str, list[Found]] = {}
    with stage() as (site, browser):
        for scenario in SCENARIOS:
            file = tmp_path / f"{scenario.name}-reduced.har"
            file.write_text(json.dumps(recorded(site, browser, scenario, tmp_path)), encoding="utf-8")
            found = found_in(scenario, read_capture(file))
            if found != sorted(scenario.found, key=repr):
                differing[scenario.name] = found
    assert differing == {}
