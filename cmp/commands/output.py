"""Standard output that takes no more: nobody reads on, or there is no room.

May go in here: what a command does then. May not: what it writes.
"""

import os
import sys
from collections.abc import Iterable

from cmp.commands.arguments import UsageError


def print_pieces(content: Iterable[bytes]) -> None:
    """Print UTF-8 text piece by piece. Raises UsageError where there is no room for it."""
    try:
        for piece in content:
            sys.stdout.write(piece.decode())
        sys.stdout.flush()
    except BrokenPipeError:
        # Nobody reads on, and that is no fault.
        raise
    except OSError as error:
        drop_output()
        what = f"standard output: cannot be written: {error.strerror or error}"
        raise UsageError(f"{what}; make room there, or name a file with -o") from error


def drop_output() -> None:
    """Let what is still to be written go nowhere: the interpreter flushes once more when it ends, and would end with a
    status of its own."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
