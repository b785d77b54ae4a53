"""One audit: captures held against a policy, with everything that was found.

May go in here: the order of the steps, and what the reports share. May not: how a report looks.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cmp.audit.account import Account, account_of
from cmp.audit.accounts import Accounts, Findings
from cmp.audit.baseline import NOTHING_KNOWN, Baseline
from cmp.audit.choices import Event
from cmp.audit.decision_log import Review, review
from cmp.audit.detectors import DETECTORS, LOG_DETECTORS
from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding, Level
from cmp.audit.replay import Ledger, replay
from cmp.capture.capture import Capture
from cmp.core.decision import Action
from cmp.core.policy import Policy
from cmp.garbage import undisturbed

# So many captures keep their requests' times, for pictures; what is left out is counted in the report.
DRAWN = 6


@dataclass(frozen=True, slots=True)
class Audit:
    """What a report is made from. `baseline`: the policy is the shipped one, not one that the site declared.

    `known` are findings that somebody has looked at before: they are reported, and weigh nothing.
    `log` is the decision log that was read beside the captures, None without one.
    """

    policy: Policy
    baseline: bool
    choice: str | None
    accounts: Sequence[Account]
    findings: Sequence[Finding]
    known: Baseline = NOTHING_KNOWN
    log: Review | None = None

    def is_known(self, finding: Finding) -> bool:
        return self.known.knows(finding)

    @property
    def actions(self) -> Mapping[str, int]:
        """How many requests of all captures are allowed, edited and blocked."""
        total = Counter[str]()
        for account in self.accounts:
            total.update(account.actions)
        return {action.value: total[action.value] for action in Action}

    def reaches(self, threshold: Level) -> bool:
        """Whether any finding that is not known already is at least as grave as the threshold."""
        return any(finding.level.reaches(threshold) and not self.is_known(finding) for finding in self.findings)


@dataclass(frozen=True)
class Examination:
    """How captures are looked at, one after the other: a value that other processes can be given.

    For `choice`, `events` and `records` see `replay`. `with_log`: a decision log is read beside the captures.
    """

    policy: Policy
    baseline: bool
    choice: str | None = None
    events: Sequence[Event] = ()
    records: Ledger | None = None
    with_log: bool = False

    @undisturbed()
    def of(self, capture: Capture) -> Account:
        """Replay one capture and look for findings, in the order of detectors, then entries. Raises ValueError as
        `replay` does, and LedgerError."""
        done = replay(self.policy, capture, self.choice, events=self.events, records=self.records)
        return account_of(done, find_all(Evidence(done, self.baseline)), with_log=self.with_log)


def audit(
    policy: Policy, captures: Iterable[Capture], choice: str | None = None, *, baseline: bool, **more: Any
) -> Audit:
    """Examine captures; `more` are further fields of `Examination`."""
    examination = Examination(policy, baseline, choice, **more)
    return audit_of(examination, map(examination.of, captures))


def audit_of(examination: Examination, accounts: Iterable[Account], decision_log: Path | None = None) -> Audit:
    """The audit of captures that were examined, its findings in their order; last those in the log.

    `decision_log` is the folder of one; DecisionLogError where it holds none.
    """
    kept = Accounts()
    drawn = 0
    for account in accounts:
        drawn += bool(account.marks)
        kept.add(account if drawn <= DRAWN else replace(account, marks=()))
    in_log: list[Finding] = []
    log = None
    if decision_log is not None:
        log = review(decision_log, (one.comparable for one in kept if one.comparable is not None))
        in_log.extend(finding for detector in LOG_DETECTORS for finding in detector.find(log))
    findings = Findings(kept, in_log)
    return Audit(examination.policy, examination.baseline, examination.choice, kept, findings, log=log)


def find_all(evidence: Evidence) -> list[Finding]:
    """What every detector finds in one capture."""
    return [finding for detector in DETECTORS for finding in detector.find(evidence)]
