"""The command line: which command, and what its errors look like to people.

May go in here: the list of commands, and the one place where errors become a line on stderr and an exit status. May
not: what a command does (`cmp.commands`).
"""

import argparse
import importlib
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from cmp import __version__
from cmp.capture.capture import CaptureError
from cmp.commands.arguments import UNUSABLE, UsageError
from cmp.commands.output import drop_output
from cmp.decision_log.folder import DecisionLogError
from cmp.garbage import undisturbed
from cmp.policy.faults import DocumentError, PolicyError
from cmp.terminal import one_line

# Each is a module of `cmp.commands`.
COMMANDS = (
    *("up", "serve", "proxy", "init", "learn", "check", "explain", "html", "diff", "audit", "har", "edps"),
    *("log", "lists", "ledger", "keys"),
)


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the arguments."""

    def error(self, message: str) -> NoReturn:
        print(one_line(f"{self.prog}: {message} ({self.prog} --help shows how)"), file=sys.stderr)
        sys.exit(UNUSABLE)


def build_parser(command: str = "") -> argparse.ArgumentParser:
    """The parser for one of COMMANDS, which then knows no other; for anything else, all of them.

    Most of the time a command takes to start goes into importing what it needs, so the others stay out.
    """
    parser: argparse.ArgumentParser = _Parser(
        prog="consentry",
        description="Makes a website's cookie promises true: decides, enforces, proves and audits.",
        epilog="example: consentry check policies/strict.json. Each command's --help tells more, with an example.",
    )
    parser.add_argument("--version", action="version", version=f"consentry {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in [command] if command in COMMANDS else COMMANDS:
        importlib.import_module(f"cmp.commands.{name}").add_to(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Exit status 0: fine; 1: found something, or refused; 2: unusable input or arguments."""
    given = sys.argv[1:] if argv is None else list(argv)
    with undisturbed():
        arguments = build_parser(*given[:1]).parse_args(given)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What an old terminal cannot show is escaped, not an error.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = int(arguments.run(arguments))
        sys.stdout.flush()
    except (UsageError, CaptureError, DecisionLogError, PolicyError, DocumentError) as error:
        print(f"consentry: {one_line(str(error))}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        return _reader_gone()
    except Exception as error:
        if os.environ.get("CONSENTRY_DEBUG"):
            raise
        what = one_line(f"{type(error).__name__}: {error}")
        print(f"consentry: internal error: {what} (CONSENTRY_DEBUG=1 shows where; please report it)", file=sys.stderr)
        return UNUSABLE
    return status


def _reader_gone() -> int:
    """End quietly when nobody reads on (`consentry ... | head`).

    Not by taking SIGPIPE's default: that would also kill the proxy when a browser hangs up.
    """
    drop_output()
    return 128 + signal.SIGPIPE


if __name__ == "__main__":
    sys.exit(main())
