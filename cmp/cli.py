"""The command line: which command, and what its errors look like to people.

May go in here: the list of commands, and the one place where errors become a line on stderr and an exit status. May
not: what a command does (`cmp.commands`).
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from cmp import __version__
from cmp.capture.capture import CaptureError
from cmp.commands import audit, check, explain, proxy
from cmp.commands.arguments import UNUSABLE, UsageError, printable
from cmp.policy.faults import DocumentError, PolicyError

COMMANDS = (check, explain, audit, proxy)


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="consentry",
        description="Makes a website's cookie promises true: decides, enforces, proves and audits.",
        epilog="consentry COMMAND --help tells more of each, with an example.",
    )
    parser.add_argument("--version", action="version", version=f"consentry {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_to(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Exit status 0: fine; 1: found something, or refused; 2: unusable input or arguments."""
    # A reader that stops reading (`consentry ... | head`) ends us quietly, as it ends every other Unix command.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    arguments = build_parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except (UsageError, CaptureError, PolicyError, DocumentError) as error:
        print(f"consentry: {printable(str(error))}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except Exception as error:
        if os.environ.get("CONSENTRY_DEBUG"):
            raise
        what = printable(f"{type(error).__name__}: {error}")
        print(f"consentry: internal error: {what} (CONSENTRY_DEBUG=1 shows where; please report it)", file=sys.stderr)
        return UNUSABLE


if __name__ == "__main__":
    sys.exit(main())
