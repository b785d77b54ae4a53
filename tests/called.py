"""A command of ours, called in the test's own process: for one that ends by itself. A process takes a second to start.

May go in here: calling it and keeping what it says. May not: assertions.
"""

import contextlib
import io
from dataclasses import dataclass

from cmp.cli import main


@dataclass(frozen=True)
class Said:
    """Exit status, and the text on both streams."""

    status: int
    out: str
    err: str


def called(*arguments: str) -> Said:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(arguments)
        except SystemExit as ended:
            # As argparse ends: with a number.
            status = int(ended.code or 0)
    return Said(status, out.getvalue(), err.getvalue())
