#!/usr/bin/env python3
"""Draws findings out of a folder of captures for a person to judge: the same ones for the same seed and captures.

    scripts/finding_sample.py FOLDER [--count 200] [--seed 1]      a table row for each, without values out of traffic

From each detector about as many as from any other are drawn, as far as it has any: one that fires often would fill the
sample otherwise. May go in here: drawing. May not: judging, which stands in docs/review-of-findings.md.
"""

import argparse
import random
import sys
from collections.abc import Iterable
from pathlib import Path

from cmp import resources
from cmp.audit.audit import find_all
from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding
from cmp.audit.replay import replay
from cmp.capture.capture import Capture, CaptureError
from cmp.capture.reading import read_captures
from cmp.policy.load import load_policy


def findings_of(folder: Path) -> list[Finding]:
    """Every finding of every capture below a folder, against the shipped policy."""
    policy = load_policy(resources.policies() / "default.json")
    found: list[Finding] = []
    for path in sorted(folder.rglob("*.*")):
        try:
            captures = [one for one in read_captures(path) if isinstance(one, Capture)]
        except CaptureError:
            continue
        found += [one for capture in captures for one in find_all(Evidence(replay(policy, capture), baseline=True))]
    return found


def drawn(findings: Iterable[Finding], count: int, seed: int) -> list[Finding]:
    """In turns one of each detector, until there are enough; then in the order of detectors and captures."""
    by_code: dict[str, list[Finding]] = {}
    for finding in findings:
        by_code.setdefault(finding.code, []).append(finding)
    chance = random.Random(seed)  # noqa: S311 - a sample that anybody can draw again
    for group in by_code.values():
        chance.shuffle(group)
    sample: list[Finding] = []
    while len(sample) < count and any(by_code.values()):
        sample += [group.pop() for group in by_code.values() if group]
    return sorted(sample[:count], key=lambda one: (one.code, one.capture, one.entry or 0, repr(one.about)))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    for one in drawn(findings_of(chosen.folder), chosen.count, chosen.seed):
        about = one.evidence.get("cookie") or one.evidence.get("member") or one.evidence.get("missing") or ""
        row = (Path(one.capture).name, one.code, one.level.value, one.host or "", about, one.vendor or "")
        sys.stdout.write(f"| {' | '.join(row)} |\n")


if __name__ == "__main__":
    main()
