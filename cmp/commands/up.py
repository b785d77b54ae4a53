"""`consentry up`: consent server and reverse proxy together."""

import argparse
import asyncio
import socket
import sys
from pathlib import Path

from cmp.commands.arguments import OK, UNUSABLE, UsageError, add_policy
from cmp.commands.desk import add_desk, desk_settings, operator_port
from cmp.commands.front import add_front, front_of, health_of, passed_through
from cmp.commands.logging_options import add_decision_log, audit_secret, decision_log_settings
from cmp.commands.site import add_site, consent_site
from cmp.commands.starting import at_work, undisturbed
from cmp.decision_log.folder import DecisionLogError
from cmp.policy.watching import PolicyWatch


def add_to(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "up",
        help="consent server and proxy together, in front of a site",
        description="The whole product on one machine: banner, consent records, and a proxy that makes them hold.",
        epilog="example: consentry up --upstream http://127.0.0.1:8000 --policy policies/strict.json "
        "--public-origin https://www.shop.example",
    )
    parser.add_argument("--upstream", required=True, metavar="URL", help="the site the proxy stands in front of")
    add_policy(parser, required=True)
    parser.add_argument(
        "--mode",
        choices=("observe", "enforce"),
        help="observe: change nothing, list what would be stopped; enforce: stop it (default: what the policy says, "
        "else enforce)",
    )
    parser.add_argument(
        "--ledger", default="sqlite:consentry-ledger.db", metavar="URL", help="where consent is recorded"
    )
    parser.add_argument("--keys", type=Path, default=Path("consentry-keys.json"), metavar="FILE", help="signing keys")
    add_site(parser)
    parser.add_argument(
        "--listen", default="127.0.0.1", metavar="HOST", help="address to listen on (default: loopback)"
    )
    parser.add_argument("--port", type=int, default=8080, help="port to listen on, 0 for any free one (default: 8080)")
    parser.add_argument("--certificate", type=Path, metavar="PEM", help="certificate and key, to serve HTTPS as well")
    parser.add_argument("--upstream-ca", type=Path, metavar="PEM", help="authorities to trust for the upstream")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write a flow file, the originals kept, for audit")
    parser.add_argument(
        "--confdir", type=Path, metavar="DIR", help="folder of the proxy's own authority (~/.mitmproxy)"
    )
    add_front(parser)
    add_desk(parser, make_token=False)
    add_decision_log(parser)
    parser.set_defaults(run=run)


@undisturbed()
def run(arguments: argparse.Namespace) -> int:
    from cmp.commands.proxy import check_mode

    mode = f"reverse:{arguments.upstream}"
    check_mode(mode, "--upstream")
    watch = PolicyWatch(arguments.policy)
    policy = watch.in_force.current
    port = arguments.port or _free_port(arguments.listen)
    site = consent_site(arguments, f"http://{arguments.listen}:{port}")

    from cmp import proxy, up
    from cmp.desk.errors import DeskError
    from cmp.ledger.errors import LedgerError
    from cmp.live.enforcement import Mode
    from cmp.seal.keys import KeysError

    front = front_of(arguments, reverse=True)
    passed_through(arguments, reverse=True)
    desk = desk_settings(arguments)
    operators = operator_port(desk)
    settings = up.UpSettings(
        watch=watch,
        proxy=proxy.ProxySettings(
            mode,
            host=arguments.listen,
            port=port,
            record=arguments.record,
            upstream_ca=arguments.upstream_ca,
            confdir=arguments.confdir,
            certificate=arguments.certificate,
            decision_log=decision_log_settings(arguments),
            audit_secret=audit_secret(arguments),
            allow_private=arguments.allow_private,
            health=health_of(arguments),
            own=lambda: [] if operators is None else [operators.taken.getsockname()[:2]],
        ),
        front=front,
        site=site,
        keys=arguments.keys,
        ledger=arguments.ledger,
        mode=Mode(arguments.mode) if arguments.mode else None,
        desk=desk,
        operators=operators,
    )

    def tell(host: str, bound: int) -> None:
        # Until now an error ends the command with one line of its own.
        proxy.log_to_stderr()
        where = f"{site.origin} ({host}:{bound})"
        mode = arguments.mode or policy.mode or Mode.ENFORCE
        at_work(f"consentry up: {mode}s {policy.id} {policy.version} at {where}")
        if operators is not None:
            print(f"consentry up: operators at {operators.address}", flush=True)

    try:
        asyncio.run(up.run(settings, tell))
    except (proxy.ProxyError, KeysError, LedgerError, DeskError, DecisionLogError) as error:
        print(f"consentry: cannot start: {error}", file=sys.stderr)
        return UNUSABLE
    return OK


def _free_port(host: str) -> int:
    """A port that is free now: the public origin needs its number before anything listens."""
    try:
        with socket.create_server((host, 0)) as probe:
            return int(probe.getsockname()[1])
    except OSError as error:
        raise UsageError(f"--listen {host}: {error.strerror}") from error
