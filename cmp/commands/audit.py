"""`consentry audit`: captures replayed under a policy, and what was found in them."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from cmp.commands.arguments import (
    FOUND,
    OK,
    UNUSABLE,
    UsageError,
    add_choice,
    add_format,
    add_policy,
    check_choice,
)
from cmp.policy.load import default_policy, load_policy
from cmp.terminal import one_line

# What is taken for a capture in a folder; a file named outright may be called anything.
_ENDINGS = (".har", ".mitm", ".flow", ".flows")
_FAIL_ON = ("violation", "potential", "note", "never")


def add_to(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "audit",
        help="hold recorded traffic against a policy",
        description="Replay HAR and mitmproxy flow files under a policy: who would have been stopped, and which "
        "promises the recorded traffic breaks. Exit status 1 when a finding reaches --fail-on, 2 when a capture "
        "cannot be read.",
        epilog="example: consentry audit visit.har --policy policies/strict.json --choice refuse",
    )
    parser.add_argument(
        "captures", nargs="+", type=Path, metavar="CAPTURE", help="a HAR or flow file, or a folder of them"
    )
    add_policy(parser, required=False)
    add_choice(parser)
    # Told apart from "--choice none": without the option, a flow of our own proxy has the visitor it recorded.
    parser.set_defaults(choice=None)
    add_format(parser)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the report there, not to stdout")
    parser.add_argument(
        "--fail-on",
        choices=_FAIL_ON,
        default="violation",
        help="exit 1 for a finding of this level or graver; note takes in what is not assessable (default: violation)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    # Reading captures imports mitmproxy, which takes longer than most other commands need in all.
    from cmp.audit import report_json, report_text
    from cmp.audit.audit import audit
    from cmp.audit.finding import Level
    from cmp.capture.capture import Capture, CaptureError
    from cmp.capture.reading import read_capture

    baseline = arguments.policy is None
    policy = default_policy() if baseline else load_policy(arguments.policy)
    if arguments.choice is not None:
        check_choice(policy, arguments.choice)
    files = list(_files(arguments.captures))
    captures: list[Capture] = []
    unreadable: list[CaptureError] = []
    progress = _Progress(len(files))
    for file in files:
        progress.show(len(captures) + len(unreadable))
        try:
            captures.append(read_capture(file))
        except CaptureError as error:
            progress.clear()
            print(f"consentry: {one_line(str(error))}", file=sys.stderr)
            unreadable.append(error)
    progress.clear()
    if not captures:
        return UNUSABLE
    result = audit(policy, captures, arguments.choice, baseline=baseline)
    report = report_json.report if arguments.format == "json" else report_text.report
    _write(report(result, unreadable), arguments.output)
    if unreadable:
        return UNUSABLE
    if arguments.fail_on != "never" and result.reaches(Level(arguments.fail_on)):
        return FOUND
    return OK


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """The files named, and those in the folders named, in a fixed order. Raises UsageError for an empty folder."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in _ENDINGS and file.is_file())
        if not found:
            raise UsageError(f"{path}: no capture in this folder (looked for {', '.join(_ENDINGS)})")
        yield from found


def _write(report: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(report)
        return
    try:
        output.write_bytes(report.encode())
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror or error}") from error


class _Progress:
    """A bar on a terminal's stderr while several captures are read; nothing in a pipe."""

    _WIDTH = 30

    def __init__(self, total: int) -> None:
        self._total = total
        self._shown = total > 1 and sys.stderr.isatty()

    def show(self, done: int) -> None:
        if self._shown:
            full = done * self._WIDTH // self._total
            bar = f"{'#' * full}{'.' * (self._WIDTH - full)}"
            print(f"\r{bar} {done} of {self._total} captures", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
