"""Findings that are known already: a list kept beside the code, so that a build fails for new ones only.

May go in here: the file's form, and whether a finding is on it. May not: finding, exit statuses.

A finding is told by what it is about (`Finding.identity`), not by where it was seen: another capture of the same site
shows the same finding. One that has become graver since is new.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cmp.audit.finding import Finding, Level


class BaselineError(Exception):
    """A file that holds no known findings. Names file and place, and what to do, in one line."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The identities of known findings with the level each had."""

    levels: Mapping[str, Level] = field(default_factory=dict)

    def knows(self, finding: Finding) -> bool:
        known = self.levels.get(finding.identity)
        return known is not None and finding.level.rank >= known.rank


NOTHING_KNOWN = Baseline()


def read_baseline(path: Path) -> Baseline:
    """Raises BaselineError."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BaselineError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise BaselineError(f"{path}: not JSON: {error}: write it anew with --write-baseline") from error
    if not isinstance(document, dict) or document.get("consentry_baseline") != 1:
        raise BaselineError(f"{path}: no baseline of form 1: write one with --write-baseline")
    levels: dict[str, Level] = {}
    for number, known in enumerate(document.get("findings", [])):
        try:
            levels[known["fingerprint"]] = Level(known["level"])
        except (KeyError, TypeError, ValueError) as error:
            raise BaselineError(f"{path}: /findings/{number}: no fingerprint with a level ({error!r})") from error
    return Baseline(levels)


def baseline_text(findings: Iterable[Finding]) -> str:
    """The file for these findings: one line each, sorted, so that a change of it reads well in a review."""
    known = {finding.identity: _form(finding) for finding in sorted(findings, key=lambda one: -one.level.rank)}
    lines = sorted(json.dumps(form) for form in known.values())
    inner = "".join(f"\n    {line}{',' * (number < len(lines))}" for number, line in enumerate(lines, 1))
    return f'{{\n  "consentry_baseline": 1,\n  "findings": [{inner}\n  ]\n}}\n'


def _form(finding: Finding) -> dict[str, Any]:
    about = {name: value for name, value in finding.about.items() if value}
    return {"code": finding.code, "level": finding.level.value, "about": about, "fingerprint": finding.identity}
