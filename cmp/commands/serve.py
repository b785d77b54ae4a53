"""`consentry serve`: the consent server alone."""

import argparse
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cmp.commands.arguments import OK, UsageError, add_policy
from cmp.core.urls import UrlError, parse_url
from cmp.policy.load import load_policy
from cmp.seal.keys import KeysError, SigningKeys, make_keys, public_file, read_signing_keys
from cmp.seal.site import ConsentSite, Scope
from cmp.sites import is_public_suffix, registrable_domain
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
    parser.add_argument(
        "--public-origin",
        metavar="URL",
        help="the site's address as browsers see it, such as https://www.shop.example (default: where we listen)",
    )
    parser.add_argument(
        "--scope",
        choices=[scope.value for scope in Scope],
        default=Scope.HOST.value,
        help="whom a choice counts for: this host, or every host of its registrable domain (default: host)",
    )
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
    from cmp.server.listening import take_port

    policy = load_policy(arguments.policy)
    if arguments.public_origin is not None:
        # Before anything is made: a mistyped address must not leave files behind.
        make_site(arguments.public_origin, Scope(arguments.scope))
    try:
        taken = take_port(arguments.listen, arguments.port)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot listen on {arguments.listen}:{arguments.port}: {why}") from error
    with taken:
        site = make_site(arguments.public_origin or _address(taken), Scope(arguments.scope))
        try:
            keys = open_keys(arguments.keys)
            with Ledger(arguments.ledger) as ledger:
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


def make_site(origin: str, scope: Scope) -> ConsentSite:
    """The site of a public address. Raises UsageError."""
    try:
        url = parse_url(origin)
    except UrlError as error:
        raise UsageError(f"--public-origin: {error}") from error
    if url.scheme not in ("http", "https") or url.path != "/" or url.query:
        raise UsageError(
            f"--public-origin {origin}: write scheme, host and port alone, such as https://www.shop.example"
        )
    if scope is Scope.HOST:
        return ConsentSite(url.origin)
    domain = registrable_domain(url.host)
    if "." not in domain or is_public_suffix(domain) or url.host.endswith("]") or domain.rpartition(".")[2].isdigit():
        raise UsageError(f"--scope site: {url.host} is of no domain that several hosts could share; use --scope host")
    return ConsentSite(url.origin, scope, domain)


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
