"""`consentry proxy`: the enforcing proxy alone."""

import argparse
import asyncio
import sys
from pathlib import Path

from cmp.commands.arguments import OK, UNUSABLE, UsageError, add_policy
from cmp.core.urls import UrlError, parse_url
from cmp.policy.load import load_policy


def add_to(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "proxy",
        help="enforce a policy on live traffic",
        description="Blocks requests and takes cookies out as the policy says, before a byte is forwarded.",
        epilog="example: consentry proxy --mode reverse:http://127.0.0.1:8000 --policy policies/strict.json",
    )
    parser.add_argument("--mode", required=True, help="reverse:URL (in front of a site) or regular (a browser's proxy)")
    add_policy(parser, required=True)
    parser.add_argument(
        "--listen", default="127.0.0.1", metavar="HOST", help="address to listen on (default: loopback)"
    )
    parser.add_argument("--port", type=int, default=8080, help="port to listen on, 0 for any free one (default: 8080)")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write a flow file, the originals kept, for audit")
    parser.add_argument(
        "--connect-to",
        action="append",
        default=[],
        metavar="HOST1:PORT1:HOST2:PORT2",
        help="connect to HOST2:PORT2 instead, as curl does; empty HOST1 or PORT1: any",
    )
    parser.add_argument("--upstream-ca", type=Path, metavar="PEM", help="authorities to trust for upstream servers")
    parser.add_argument(
        "--confdir", type=Path, metavar="DIR", help="folder of the proxy's own authority (~/.mitmproxy)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    _check_mode(arguments.mode)
    policy = load_policy(arguments.policy)

    from addons.connect_to import read_route
    from cmp import proxy

    try:
        routes = tuple(read_route(text) for text in arguments.connect_to)
    except ValueError as error:
        raise UsageError(f"--connect-to: {error}") from error
    settings = proxy.ProxySettings(
        mode=arguments.mode,
        host=arguments.listen,
        port=arguments.port,
        record=arguments.record,
        routes=routes,
        upstream_ca=arguments.upstream_ca,
        confdir=arguments.confdir,
    )

    def tell(host: str, port: int) -> None:
        # Until now an error ends the command with one line of its own.
        proxy.log_to_stderr()
        print(f"consentry proxy: {arguments.mode} on {host}:{port}, policy {policy.id} {policy.version}", flush=True)

    try:
        asyncio.run(proxy.run(settings, policy, tell))
    except proxy.ProxyError as error:
        print(f"consentry: the proxy cannot start: {error}", file=sys.stderr)
        return UNUSABLE
    return OK


def _check_mode(mode: str) -> None:
    if mode == "regular":
        return
    kind, colon, target = mode.partition(":")
    if kind != "reverse" or not colon:
        raise UsageError(f"--mode {mode}: write regular, or reverse:URL such as reverse:http://127.0.0.1:8000")
    try:
        url = parse_url(target)
    except UrlError as error:
        raise UsageError(f"--mode {mode}: {error}") from error
    if url.scheme not in ("http", "https"):
        raise UsageError(f"--mode {mode}: the upstream is no http or https address")
