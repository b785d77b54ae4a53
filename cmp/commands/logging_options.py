"""Arguments about the decision log, shared by the commands that run a proxy.

May go in here: the options, and the settings they make. May not: reading a log (`log.py`).
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from cmp.commands.arguments import UsageError
from cmp.decision_log.folder import Limits
from cmp.decision_log.writer import LogSettings
from cmp.seal.audit_token import SECRET
from cmp.seal.keys import KeysError, read_secret

Number = TypeVar("Number", int, float)


def add_decision_log(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("decision log")
    group.add_argument(
        "--decision-log", type=Path, metavar="DIR", help="log what was blocked, changed and passed, and why"
    )
    group.add_argument(
        "--decision-log-round",
        type=_between(float, 1, 60),
        default=60.0,
        metavar="MINUTES",
        help="decisions are counted for so long before they are written, so that nobody is alone in them (default: 60)",
    )
    group.add_argument(
        "--decision-log-segment",
        type=_between(int, 1, 1_024),
        default=16,
        metavar="MB",
        help="close and pack a file of this size; one of a day is closed anyway (default: 16)",
    )
    group.add_argument(
        "--decision-log-files",
        type=_between(int, 2, 100_000),
        default=400,
        metavar="N",
        help="keep N files (default: 400)",
    )
    group.add_argument(
        "--decision-log-days",
        type=_between(float, 1, 3_650),
        default=90.0,
        metavar="DAYS",
        help="and so long (default: 90)",
    )
    group.add_argument(
        "--audit-secret",
        type=Path,
        metavar="FILE",
        help="link visits that carry a token made with this secret (consentry log token)",
    )


def decision_log_settings(arguments: argparse.Namespace) -> LogSettings | None:
    """Where and how decisions are logged; None where they are not."""
    if arguments.decision_log is None:
        return None
    limits = Limits(
        segment_bytes=arguments.decision_log_segment * 1024 * 1024,
        segments=arguments.decision_log_files,
        days=arguments.decision_log_days,
    )
    return LogSettings(arguments.decision_log, limits, round_seconds=60 * arguments.decision_log_round)


def audit_secret(arguments: argparse.Namespace) -> bytes | None:
    """The secret for audit visits. Raises UsageError."""
    if arguments.audit_secret is None:
        return None
    if arguments.decision_log is None:
        raise UsageError("--audit-secret goes with --decision-log: it says whose visit is linked there")
    try:
        return read_secret(arguments.audit_secret, SECRET)
    except KeysError as error:
        raise UsageError(f"--audit-secret: {error}; consentry log token makes one") from error


def _between(kind: Callable[[str], Number], least: Number, most: Number) -> Callable[[str], Number]:
    def read(text: str) -> Number:
        try:
            value = kind(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text}: a number from {least:g} to {most:g}")
        return value

    return read
