#!/usr/bin/env python3
"""Writes docs/detectors/ from the detectors' docstrings: a page for each, and a table of all.

    scripts/detector_reference.py            write them
    scripts/detector_reference.py --check    exit with 1 where they are not what would be written

May go in here: the layout of the pages. May not: what a detector finds: that stands in its own file.
"""

import argparse
import sys
from pathlib import Path

from cmp.audit.explained import Explained, all_explained

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "detectors"

_WRITTEN = (
    "<!-- Written by scripts/detector_reference.py from cmp/audit/detectors/: change it there, then `make docs`. -->"
)


def pages() -> dict[Path, str]:
    """Every page with its text."""
    every = all_explained()
    rows = "\n".join(f"| [`{code}`]({code}.md) | {one.meaning} |" for code, one in every.items())
    table = (
        f"{_WRITTEN}\n\n# Detectors\n\nWhat `consentry audit` looks for, in the order of the report. A code is never "
        "renamed, and never used again for something else. How to read findings: [for auditors](../auditor.md).\n\n"
        f"| code | what it means |\n|---|---|\n{rows}\n"
    )
    return {FOLDER / "README.md": table, **{FOLDER / f"{code}.md": _page(one) for code, one in every.items()}}


def _page(one: Explained) -> str:
    parts = "".join(f"\n## {heading}\n\n{text}\n" for heading, text in one.parts.items())
    return f"{_WRITTEN}\n\n# {one.code}\n\n{one.meaning[0].upper()}{one.meaning[1:]}.\n\nLevel: {one.level}\n{parts}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a page is stale")
    check = parser.parse_args().check
    made = pages()
    stale = [path for path, text in made.items() if not path.is_file() or path.read_text("utf-8") != text]
    stale += [path for path in FOLDER.glob("*.md") if path not in made]
    if check:
        for path in stale:
            sys.stderr.write(f"{path.relative_to(ROOT)} is stale: make docs\n")
        return 1 if stale else 0
    FOLDER.mkdir(exist_ok=True)
    for path in stale:
        if path in made:
            path.write_text(made[path], encoding="utf-8")
        else:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
