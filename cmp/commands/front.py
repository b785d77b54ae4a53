"""Arguments about the network around the proxy, shared by the commands that run one.

May go in here: proxies in front, servers behind, what is left alone, whom the proxy may connect to. May not: the site's
public address (`site.py`), where the proxy itself listens.
"""

import argparse
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cmp.commands.arguments import UsageError
from cmp.core.globs import Glob
from cmp.core.networks import read_networks
from cmp.core.urls import UrlError, parse_host, parse_url
from cmp.seal.site import RESERVED_PATH

if TYPE_CHECKING:
    from cmp.live.arrival import Front, Upstream

_HOST_PATTERN = re.compile(r"[A-Za-z0-9.*_:-]*[A-Za-z0-9][A-Za-z0-9.*_:-]*")
_PORTS = {"http": 80, "https": 443}


def add_front(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--trusted-proxies",
        nargs="+",
        default=["127.0.0.1", "::1"],
        metavar="NETWORK",
        help="proxies in front of this one, addresses or networks, that are believed what they say of the client "
        "(X-Forwarded-*, Forwarded, the header of regions.source; default: loopback)",
    )
    parser.add_argument(
        "--upstream-for",
        action="append",
        default=[],
        metavar="HOST=URL",
        help="the server of another host of the site (repeat for more)",
    )
    parser.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="PATH",
        help="a path on which nothing is changed or blocked, * for any characters (repeat for more)",
    )
    parser.add_argument(
        "--pass-through",
        action="append",
        default=[],
        metavar="HOST",
        help="a host whose connections are neither read nor decided on, * for any characters (repeat for more; not in "
        "front of a site)",
    )
    parser.add_argument(
        "--health-port",
        type=int,
        metavar="PORT",
        help="answer monitors on loopback: /healthz, /readyz, /metrics (Prometheus)",
    )
    parser.add_argument(
        "--allow-private",
        action="store_true",
        help="connect to loopback, private and link-local addresses too, for whoever asks",
    )


def front_of(arguments: argparse.Namespace, *, reverse: bool) -> "Front":
    """What the arguments say. Raises UsageError."""
    from cmp.live.arrival import Front

    if not reverse:
        given = [name for name in ("upstream_for", "exclude") if getattr(arguments, name)]
        if given:
            option = given[0].replace("_", "-")
            raise UsageError(f"--{option} goes with --mode reverse:URL: elsewhere there is no site of yours")
    try:
        trusted = read_networks(arguments.trusted_proxies)
    except ValueError as error:
        raise UsageError(f"--trusted-proxies: {error}") from error
    return Front(trusted, _upstreams(arguments.upstream_for), tuple(_excluded(text) for text in arguments.exclude))


def health_of(arguments: argparse.Namespace) -> tuple[str, int] | None:
    """Where monitors are answered. Raises UsageError."""
    port = arguments.health_port
    if port is not None and not 0 < port < 65_536:
        raise UsageError(f"--health-port {port}: a port is a number from 1 to 65535")
    return None if port is None else ("127.0.0.1", port)


def passed_through(arguments: argparse.Namespace, *, reverse: bool) -> tuple[str, ...]:
    """Hosts that are left alone, as patterns. Raises UsageError."""
    if reverse and arguments.pass_through:
        raise UsageError("--pass-through goes with regular mode: for a path of your site there is --exclude")
    for text in arguments.pass_through:
        if not _HOST_PATTERN.fullmatch(text):
            raise UsageError(f"--pass-through {text}: write a host such as updates.example or *.updates.example")
    return tuple(text.lower() for text in arguments.pass_through)


def _upstreams(texts: Sequence[str]) -> "dict[str, Upstream]":
    found: dict[str, Upstream] = {}
    for text in texts:
        host, upstream = _upstream(text)
        if host in found:
            raise UsageError(f"--upstream-for {text}: {host} has an upstream already")
        found[host] = upstream
    return found


def _upstream(text: str) -> "tuple[str, Upstream]":
    from cmp.live.arrival import Upstream

    name, equals, target = text.partition("=")
    if not equals:
        raise UsageError(f"--upstream-for {text}: write HOST=URL, such as blog.shop.example=http://127.0.0.1:8002")
    try:
        host, url = parse_host(name), parse_url(target)
    except UrlError as error:
        raise UsageError(f"--upstream-for {text}: {error}") from error
    if url.scheme not in _PORTS:
        raise UsageError(f"--upstream-for {text}: this upstream is no http or https address")
    if url.path not in ("", "/") or url.query:
        raise UsageError(f"--upstream-for {text}: write scheme, host and port alone, paths stay as they are")
    return host, Upstream(url.scheme, url.host.strip("[]"), url.port or _PORTS[url.scheme])


def _excluded(text: str) -> Glob:
    if not text.startswith("/"):
        raise UsageError(f"--exclude {text}: a path begins with /, such as /health or /static/*")
    glob = Glob(text)
    if any(glob.matches(path) for path in (RESERVED_PATH, f"{RESERVED_PATH}choice")):
        raise UsageError(f"--exclude {text}: below {RESERVED_PATH} visitors make their choice; nothing can pass there")
    return glob
