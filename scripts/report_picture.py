#!/usr/bin/env python3
"""Takes the picture of an audit's HTML report that docs/auditor.md shows, from a visit of the ground truth.

    scripts/report_picture.py            write docs/report.png, with Chromium

Of the visits it is one with findings of every level, under the policy that the set is judged by. May go in here: how
the picture is taken. May not: the report (`cmp.audit.report_html`).
"""

import json
import sys
import tempfile
from pathlib import Path

from cmp.cli import main as consentry
from tests.audit.hars import POLICY
from tests.browser.chromium import running_chromium

ROOT = Path(__file__).resolve().parent.parent
CAPTURE = ROOT / "tests" / "ground_truth" / "captures" / "untold.har"
PICTURE = ROOT / "docs" / "report.png"

# In CSS pixels: what stands above the fold of a small laptop.
_WIDTH, _HEIGHT = 1_000, 1_100


def report(folder: Path) -> Path:
    """The report as the command writes it."""
    policy, file = folder / "policy.json", folder / "report.html"
    policy.write_text(json.dumps(POLICY), encoding="utf-8")
    given = ["--policy", str(policy), "--format", "html", "-o", str(file), "--fail-on", "never"]
    consentry(["audit", str(CAPTURE), *given])
    return file


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running_chromium(None, "--hide-scrollbars") as browser:
        page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT}, color_scheme="light")
        page.goto(report(Path(folder)).as_uri())
        page.screenshot(path=str(PICTURE))
    sys.stdout.write(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size // 1_000} kB\n")


if __name__ == "__main__":
    main()
