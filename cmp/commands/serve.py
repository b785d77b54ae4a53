"""`consentry serve`: the consent server alone."""

import argparse
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cmp.commands.arguments import OK, UsageError, add_policy
from cmp.commands.site import add_site, consent_site
from cmp.policy.load import load_policy
from cmp.seal.keys import KeysError, SigningKeys, make_keys, public_file, read_signing_keys
from cmp.terminal import one_line

if TYPE_CHECKING:
    from aiohttp import web

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
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    import asyncio

    from cmp.ledger.errors import LedgerError
    from cmp.ledger.ledger import Ledger
    from cmp.server.app import make_app
    from cmp.server.client import read_networks
    from cmp.server.listening import take_port

    policy = load_policy(arguments.policy)
    # Before anything is made: a mistyped argument must not leave files behind.
    if arguments.public_origin is not None:
        consent_site(arguments, "")
    try:
        read_networks(arguments.trusted_proxies)
    except ValueError as error:
        raise UsageError(f"--trusted-proxies: {error}") from error
    try:
        taken = take_port(arguments.listen, arguments.port)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot listen on {arguments.listen}:{arguments.port}: {why}") from error
    with taken:
        site = consent_site(arguments, _address(taken))
        try:
            with Ledger(arguments.ledger) as ledger:
                keys = open_keys(arguments.keys)
                try:
                    app = make_app(policy, ledger, keys, site, trusted_proxies=arguments.trusted_proxies)
                except ValueError as error:
                    raise UsageError(str(error)) from error
                told = f"consentry serve: {_address(taken)}{site.reserved} for {site.origin}, policy {policy.id} "
                told += f"{policy.version}, ledger {ledger.file}"
                asyncio.run(_serve(app, taken, told))
        except (KeysError, LedgerError) as error:
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


async def _serve(app: "web.Application", taken: socket.socket, told: str) -> None:
    import asyncio
    import logging
    import signal

    from cmp.server.listening import run_server

    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    handler.setFormatter(logging.Formatter("consentry serve: %(levelname)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    # The port is taken and the backlog open: who connects now is answered in a moment.
    print(one_line(told), flush=True)
    await run_server(app, taken, stop)
