"""`consentry serve`: the consent server alone."""

import argparse
import gc
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cmp.commands.arguments import OK, UsageError, add_policy
from cmp.commands.desk import add_desk, desk_settings, make_one_token, operator_port
from cmp.commands.site import add_site, consent_site
from cmp.commands.starting import at_work, undisturbed
from cmp.policy.watching import PolicyWatch
from cmp.seal.keys import KeysError, SigningKeys, make_keys, public_file, read_signing_keys
from cmp.terminal import one_line

if TYPE_CHECKING:
    from aiohttp import web

    from cmp.server.desk_opening import OperatorPort

LEDGER = "sqlite:consentry-ledger.db"
PROXIES = ("127.0.0.1", "::1")


def add_to(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "serve",
        help="run the consent server",
        description="Takes visitors' choices under /.consent/ and stores each before it is acknowledged. Ends on "
        "SIGTERM or SIGINT, with everything stored.",
        epilog="example: consentry serve --policy policies/strict.json --keys consentry-keys.json "
        "--public-origin https://www.shop.example",
    )
    add_policy(parser, required=True)
    parser.add_argument("--keys", type=Path, required=True, metavar="FILE", help="signing keys; made if not there")
    parser.add_argument("--ledger", default=LEDGER, metavar="URL", help=f"where choices are stored (default: {LEDGER})")
    add_site(parser)
    parser.add_argument(
        "--listen", default="127.0.0.1", metavar="HOST", help="address to listen on (default: loopback)"
    )
    parser.add_argument("--port", type=int, default=8081, help="port to listen on, 0 for any free one (default: 8081)")
    parser.add_argument(
        "--trusted-proxies",
        nargs="+",
        default=list(PROXIES),
        metavar="NETWORK",
        help="addresses or networks whose X-Forwarded-For is believed (default: loopback)",
    )
    add_desk(parser, make_token=True)
    parser.set_defaults(run=run)


@undisturbed()
def run(arguments: argparse.Namespace) -> int:
    import asyncio
    import contextlib

    if arguments.make_token is not None:
        return make_one_token(arguments)

    from cmp.core.networks import read_networks
    from cmp.desk.errors import DeskError
    from cmp.ledger.errors import LedgerError
    from cmp.ledger.ledger import Ledger
    from cmp.server.app import make_app
    from cmp.server.context import InForceHolder
    from cmp.server.desk_opening import open_desk
    from cmp.server.listening import take_port

    watch = PolicyWatch(arguments.policy)
    policies, policy = InForceHolder(watch.in_force), watch.in_force.current
    # Before anything is made: a mistyped argument must not leave files behind.
    if arguments.public_origin is not None:
        consent_site(arguments, "")
    try:
        read_networks(arguments.trusted_proxies)
    except ValueError as error:
        raise UsageError(f"--trusted-proxies: {error}") from error
    settings = desk_settings(arguments)
    try:
        taken = take_port(arguments.listen, arguments.port)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot listen on {arguments.listen}:{arguments.port}: {why}") from error
    with taken:
        site = consent_site(arguments, _address(taken))
        try:
            with contextlib.ExitStack() as opened, Ledger(arguments.ledger) as ledger:
                operators = operator_port(settings)
                if operators is not None:
                    opened.enter_context(operators.taken)
                # Only now: a ledger that cannot be used leaves no keys behind.
                keys = open_keys(arguments.keys)
                ledger.sign_with(keys)
                desk = open_desk(settings, policy, keys, ledger.file)
                if desk is not None:
                    opened.enter_context(desk)
                try:
                    app = make_app(policies, ledger, keys, site, trusted_proxies=arguments.trusted_proxies, desk=desk)
                except ValueError as error:
                    raise UsageError(str(error)) from error
                watch.follow(policies.swap)
                told = f"consentry serve: {_address(taken)}{site.reserved} for {site.origin}, policy {policy.id} "
                told += f"{policy.version}, ledger {ledger.told}"
                asyncio.run(_serve(app, taken, told, operators, watch))
        except (KeysError, LedgerError, DeskError) as error:
            raise UsageError(str(error)) from error
    return OK


def open_keys(path: Path) -> SigningKeys:
    """The keys of a file, which is made (and said so) where it is missing. Raises KeysError."""
    if path.exists():
        return read_signing_keys(path)
    keys = make_keys(path)
    made = f"consentry serve: made {path} (keep it) and {public_file(path)} (for the proxy)"
    print(one_line(made), file=sys.stderr, flush=True)
    return keys


def _address(taken: socket.socket) -> str:
    host, port, *_ = taken.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _serve(
    app: "web.Application", taken: socket.socket, told: str, operators: "OperatorPort | None", watch: PolicyWatch
) -> None:
    import asyncio
    import logging
    import signal

    from cmp.server.desk_opening import operator_listener
    from cmp.server.listening import run_server

    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter("consentry serve: %(levelname)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    # The port is taken and the backlog open: who connects now is answered in a moment.
    at_work(one_line(told))
    async with watch, operator_listener(app, operators):
        if operators is not None:
            print(one_line(f"consentry serve: operators at {operators.address}"), flush=True)
        # Policy and lists are hundreds of thousands of objects that stay. Looking through them for garbage, again and
        # again, would hold up whoever asks just then.
        gc.freeze()
        await run_server(app, taken, stop)
