"""Arguments that several commands share, and the errors that end a command.

May go in here: options used by more than one command. May not: options of one.
"""

import argparse
from pathlib import Path

from cmp.core.consent import supposed_visitor
from cmp.core.policy import Policy
from cmp.terminal import printable

__all__ = [
    "FOUND",
    "OK",
    "UNUSABLE",
    "UsageError",
    "add_choice",
    "add_format",
    "add_policy",
    "check_choice",
    "printable",
]

OK, FOUND, UNUSABLE = 0, 1, 2
"""Exit statuses: fine; found something, or refused; unusable input or arguments."""


class UsageError(Exception):
    """Arguments that make no sense together. `str()` is one clear line."""


def add_policy(parser: argparse.ArgumentParser, *, required: bool) -> None:
    text = "the policy to decide under" + ("" if required else " (default: the shipped default.json)")
    parser.add_argument("--policy", type=Path, metavar="FILE", required=required, help=text)


def add_choice(parser: argparse.ArgumentParser) -> None:
    text = "the visitor's choice: none, refuse, accept, or categories joined with commas (default: none)"
    parser.add_argument("--choice", default="none", metavar="CHOICE", help=text)


def add_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text", help="output form (default: text)")


def check_choice(policy: Policy, choice: str) -> str:
    """The choice, once it is known to name categories of this policy. Raises UsageError."""
    try:
        supposed_visitor(policy, choice)
    except ValueError as error:
        raise UsageError(f"--choice {error}") from error
    return choice
