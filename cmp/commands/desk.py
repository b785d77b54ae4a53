"""Arguments about the desk and the operator listener, shared by the commands that serve.

May go in here: these options, and the settings and the token they make. May not: what the desk does (`cmp.desk`).
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmp.commands.arguments import OK, UsageError

if TYPE_CHECKING:
    from cmp.server.desk_opening import DeskSettings, OperatorPort

MAKE_TOKEN_EXAMPLE = "consentry serve --make-token anna:operator:acme --operator-tokens operators.json"  # noqa: S105


def add_desk(parser: argparse.ArgumentParser, *, make_token: bool) -> None:
    group = parser.add_argument_group(
        "desk",
        "Rights requests, opt-outs and the like, where the policy offers them (docs/desk.md). For operators: "
        "--operator-port 8090 --operator-tokens operators.json",
    )
    group.add_argument("--desk", metavar="URL", default="", help="where they are kept (default: beside the ledger)")
    group.add_argument(
        "--operator-port",
        type=int,
        metavar="N",
        help="listen for operators on this port, 0 for any free one (default: no such listener)",
    )
    group.add_argument(
        "--operator-listen", default="127.0.0.1", metavar="HOST", help="address for operators (default: loopback)"
    )
    group.add_argument("--operator-tokens", type=Path, metavar="FILE", help="who may use it; needs mode 0600")
    if make_token:
        group.add_argument(
            "--make-token",
            metavar="NAME:ROLE[:CLIENT]",
            action=_Alone,
            help="add a token to --operator-tokens, print it once and end; roles: viewer, operator, auditor. "
            f"Example: {MAKE_TOKEN_EXAMPLE}",
        )


class _Alone(argparse.Action):
    """An option with which the others that are otherwise required are not."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,  # noqa: ARG002 - as argparse calls it
    ) -> None:
        setattr(namespace, self.dest, values)
        for action in parser._actions:
            action.required = False


def desk_settings(arguments: argparse.Namespace) -> "DeskSettings":
    """Raises UsageError for options that make no sense without each other."""
    from cmp.server.desk_opening import DeskSettings

    port, tokens = arguments.operator_port, arguments.operator_tokens
    if (port is None) != (tokens is None):
        raise UsageError("--operator-port and --operator-tokens go together")
    return DeskSettings(arguments.desk, tokens, arguments.operator_listen, port or 0)


def operator_port(settings: "DeskSettings") -> "OperatorPort | None":
    """The port for operators, taken. Raises UsageError."""
    from cmp.server.desk_opening import take_operator_port
    from cmp.server.operator.tokens import TokensError

    try:
        return take_operator_port(settings)
    except TokensError as error:
        raise UsageError(str(error)) from error
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot listen on {settings.host}:{settings.port} for operators: {why}") from error


def make_one_token(arguments: argparse.Namespace) -> int:
    """`--make-token`: adds it and prints it, the only time it can be seen."""
    from cmp.server.operator.tokens import TokensError, make_token

    if arguments.operator_tokens is None:
        raise UsageError(f"--make-token needs --operator-tokens FILE ({MAKE_TOKEN_EXAMPLE})")
    try:
        print(make_token(arguments.operator_tokens, arguments.make_token))
    except TokensError as error:
        raise UsageError(str(error)) from error
    return OK
