"""One audit: captures held against a policy, with everything that was found.

May go in here: the order of the steps, and what the reports share. May not: how a report looks.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cmp.audit.baseline import NOTHING_KNOWN, Baseline
from cmp.audit.choices import Event
from cmp.audit.decision_log import Review, review
from cmp.audit.detectors import DETECTORS, LOG_DETECTORS
from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding, Level
from cmp.audit.replay import Ledger, Replay, replay
from cmp.capture.capture import Capture
from cmp.core.decision import Action
from cmp.core.exchange import Unseen
from cmp.core.policy import Policy


@dataclass(frozen=True, slots=True)
class Audit:
    """What a report is made from. `baseline`: the policy is the shipped one, not one that the site declared.

    `known` are findings that somebody has looked at before: they are reported, and weigh nothing.
    `log` is the decision log that was read beside the captures, None without one.
    """

    policy: Policy
    baseline: bool
    choice: str | None
    replays: tuple[Replay, ...]
    findings: tuple[Finding, ...]
    known: Baseline = NOTHING_KNOWN
    log: Review | None = None

    def is_known(self, finding: Finding) -> bool:
        return self.known.knows(finding)

    @property
    def actions(self) -> Mapping[str, int]:
        """How many requests of all captures are allowed, edited and blocked."""
        total = Counter[str]()
        for done in self.replays:
            total.update(done.actions)
        return {action.value: total[action.value] for action in Action}

    def reaches(self, threshold: Level) -> bool:
        """Whether any finding that is not known already is at least as grave as the threshold."""
        return any(finding.level.reaches(threshold) and not self.is_known(finding) for finding in self.findings)


def audit(
    policy: Policy,
    captures: Sequence[Capture],
    choice: str | None = None,
    *,
    baseline: bool,
    decision_log: Path | None = None,
    events: Sequence[Event] = (),
    records: Ledger | None = None,
) -> Audit:
    """Replay captures and look for findings, in the order of captures, then detectors, then entries; last in the log.

    For `choice`, `events` and `records` see `replay`; raises ValueError as it does, and LedgerError. `decision_log` is
    the folder of one; DecisionLogError where it holds none.
    """
    replays = tuple(replay(policy, capture, choice, events=events, records=records) for capture in captures)
    findings = tuple(finding for done in replays for finding in find_all(Evidence(done, baseline)))
    if decision_log is None:
        return Audit(policy, baseline, choice, replays, findings)
    log = review(decision_log, replays)
    in_log = (finding for detector in LOG_DETECTORS for finding in detector.find(log))
    return Audit(policy, baseline, choice, replays, (*findings, *in_log), log=log)


def find_all(evidence: Evidence) -> list[Finding]:
    """What every detector finds in one capture."""
    return [finding for detector in DETECTORS for finding in detector.find(evidence)]


def assessable(capture: Capture) -> bool:
    """Whether cookies can be judged at all: something was recorded, and cookies were not left out of it."""
    return bool(capture.entries) and not {Unseen.COOKIES, Unseen.SET_COOKIES} <= capture.unseen
