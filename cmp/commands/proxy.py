"""`consentry proxy`: the enforcing proxy alone."""

import argparse
import asyncio
import ipaddress
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cmp.commands.arguments import OK, UNUSABLE, UsageError, add_policy
from cmp.commands.front import add_front, front_of, health_of, passed_through
from cmp.commands.logging_options import add_decision_log, audit_secret, decision_log_settings
from cmp.commands.site import add_site, consent_site
from cmp.commands.starting import at_work, undisturbed
from cmp.core.urls import UrlError, parse_url
from cmp.decision_log.folder import DecisionLogError
from cmp.policy.watching import PolicyWatch
from cmp.sites import registrable_domain

if TYPE_CHECKING:
    from cmp.live.enforcement import ConsentServer


# Modes for browsers that use the proxy, whatever site they visit.
_BROWSERS = ("regular", "transparent", "wireguard")


def add_to(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "proxy",
        help="enforce a policy on live traffic",
        description="Blocks requests and takes cookies out as the policy says, before a byte is forwarded.",
        epilog="example: consentry proxy --mode reverse:http://127.0.0.1:8000 --policy policies/strict.json",
    )
    parser.add_argument(
        "--mode",
        required=True,
        help="reverse:URL (in front of a site), regular (a browser's proxy), transparent or wireguard (led here)",
    )
    add_policy(parser, required=True)
    parser.add_argument("--consent-server", metavar="URL", help="the consent server of the site (with reverse mode)")
    parser.add_argument("--keys", type=Path, metavar="FILE", help="its public keys (the .pub file beside its keys)")
    add_site(parser)
    parser.add_argument("--observe", action="store_true", help="change nothing, record what would be stopped")
    parser.add_argument("--certificate", type=Path, metavar="PEM", help="certificate and key, to serve HTTPS as well")
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
    parser.add_argument(
        "--name-server",
        default="system",
        metavar="ADDRESS",
        help="who is asked whether a host of a page's site is a vendor's (CNAME), in regular mode without "
        "--connect-to: an address with or without a port, system, or none (default: system)",
    )
    add_decision_log(parser)
    add_front(parser)
    parser.set_defaults(run=run)


@undisturbed()
def run(arguments: argparse.Namespace) -> int:
    check_mode(arguments.mode, "--mode")
    watch = PolicyWatch(arguments.policy)
    policy = watch.in_force.current

    consent = _consent_server(arguments)
    front = front_of(arguments, reverse=arguments.mode.startswith("reverse:"))

    # The list of suffixes is read at the first look-up, and takes a third of a second: not while a visitor waits.
    registrable_domain("www.example.com")

    from addons.connect_to import read_route
    from cmp import proxy
    from cmp.live.enforcement import Enforcement, EnforcementError, Mode

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
        certificate=arguments.certificate,
        name_server=_name_server(arguments.name_server) if arguments.mode == "regular" and not routes else None,
        decision_log=decision_log_settings(arguments),
        audit_secret=audit_secret(arguments),
        allow_private=arguments.allow_private,
        health=health_of(arguments),
        join=lambda text: print(f"consentry proxy: join with\n\n{text}\n", flush=True),
        pass_through=passed_through(arguments, reverse=arguments.mode.startswith("reverse:")),
    )
    try:
        enforcement = Enforcement(policy, Mode.OBSERVE if arguments.observe else None, consent, front=front)
    except EnforcementError as error:
        raise UsageError(str(error)) from error

    def tell(host: str, port: int) -> None:
        # Until now an error ends the command with one line of its own.
        proxy.log_to_stderr()
        at_work(f"consentry proxy: {arguments.mode} on {host}:{port}, policy {policy.id} {policy.version}")

    try:
        asyncio.run(proxy.run(settings, enforcement, tell, watch))
    except (proxy.ProxyError, DecisionLogError) as error:
        print(f"consentry: the proxy cannot start: {error}", file=sys.stderr)
        return UNUSABLE
    return OK


def _consent_server(arguments: argparse.Namespace) -> "ConsentServer | None":
    if arguments.consent_server is None and arguments.keys is None:
        return None
    if arguments.consent_server is None or arguments.keys is None or arguments.public_origin is None:
        raise UsageError("--consent-server, --keys and --public-origin belong together")
    if not arguments.mode.startswith("reverse:"):
        raise UsageError(
            "--consent-server goes with --mode reverse:URL: another site's visitors have no cookie of ours"
        )

    from cmp.live.enforcement import ConsentServer
    from cmp.seal.keys import KeysError, read_marker_secret, read_public_keys

    try:
        url = parse_url(arguments.consent_server)
        keys, marker = read_public_keys(arguments.keys), read_marker_secret(arguments.keys)
    except UrlError as error:
        raise UsageError(f"--consent-server: {error}") from error
    except KeysError as error:
        raise UsageError(f"--keys: {error}") from error
    if url.scheme != "http" or url.port is None:
        raise UsageError(f"--consent-server {url}: the proxy speaks plain http to it, on the same machine or network")
    # An IPv6 address stands in brackets in a URL alone.
    return ConsentServer(consent_site(arguments, ""), keys, url.host.strip("[]"), url.port, marker)


def check_mode(mode: str, option: str) -> None:
    """Raises UsageError for a mode of mitmproxy that we do not offer. `option` names where it came from."""
    if mode in _BROWSERS:
        return
    kind, colon, target = mode.partition(":")
    if kind != "reverse" or not colon:
        raise UsageError(
            f"{option} {mode}: write regular, transparent or wireguard, or reverse:URL such as "
            "reverse:http://127.0.0.1:8000"
        )
    try:
        url = parse_url(target)
    except UrlError as error:
        raise UsageError(f"{option} {target}: {error}") from error
    if url.scheme not in ("http", "https"):
        raise UsageError(f"{option} {target}: this upstream is no http or https address")


def _name_server(text: str) -> tuple[str, int] | None:
    """Address and port of a name server, None for none. Raises UsageError."""
    if text == "none":
        return None
    if text == "system":
        from mitmproxy_rs import dns

        servers = dns.get_system_dns_servers()
        return (servers[0], 53) if servers else None
    address, port = text, 53
    if found := re.fullmatch(r"\[(.+)\](?::([0-9]{1,5}))?|([0-9.]+):([0-9]{1,5})", text):
        address, port = found[1] or found[3], int(found[2] or found[4] or 53)
    try:
        return str(ipaddress.ip_address(address)), port
    except ValueError:
        raise UsageError(f"--name-server: {text!r} is no address; write 192.0.2.53, [2001:db8::53]:53, none") from None
