"""The proxy: a mitmproxy Master with the few addons it needs, and nothing that serves an interactive user.

May go in here: assembling and running the Master. May not: hooks that decide (`addons.enforce`).
"""

import asyncio
import logging
import re
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import mitmproxy.version
from mitmproxy import options
from mitmproxy.addons import block, core, disable_h2c, dns_resolver, proxyserver, tlsconfig
from mitmproxy.master import Master
from mitmproxy.proxy.mode_servers import WireGuardServerInstance
from mitmproxy.proxy.mode_specs import ProxyMode, ReverseMode, WireGuardMode

from addons.aliases import LookUpAliases
from addons.close_leftovers import CloseLeftovers
from addons.connect_to import ConnectTo, Route
from addons.decision_log import AuditVisits, LogDecisions, Noted, taken_of
from addons.dialling import Dialled, Dialling, Endpoint
from addons.enforce import REQUIRED_OPTIONS, Enforce
from addons.idle_connections import IdleConnections
from addons.monitor import Monitor
from addons.recording import Record
from cmp import __version__
from cmp.decision_log.writer import DecisionLog, LogSettings
from cmp.live.aliases import AliasLookup
from cmp.live.bounded_http import BoundedNextLayer
from cmp.live.enforcement import Enforcement
from cmp.live.hooks import LeanMaster
from cmp.live.tally import Gauge
from cmp.policy.in_force import InForce
from cmp.policy.watching import PolicyWatch

# The h2 of mitmproxy 11 lets requests be smuggled (CVE-2025-57804): HTTP/2 from the first version with a safe one.
HTTP2_FROM = (12, 2, 2)


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """How the proxy runs.

    `mode` is "regular", "reverse:URL", "transparent" or "wireguard"; `record` a flow file to write; `upstream_ca` a PEM
    file of authorities trusted for upstream servers besides the usual ones; `confdir` the folder of our own authority's
    keys; `certificate` a PEM file (certificate chain and key) for TLS in front of the operator's site. `allow_private`
    lets it connect to addresses that are not public; connections to hosts of `pass_through` (* for any characters) are
    left alone; `own` are listeners of ours beside the proxy's, which it never connects to for anybody; `join` is told
    how a client joins a WireGuard network, with a private key in it. `name_server` (address, port) is asked for aliases
    of hosts in regular mode. `health` is where monitors are answered. `decision_log` says where and how decisions are
    logged, `audit_secret` which audit visits are linked there.
    """

    mode: str
    host: str = "127.0.0.1"
    port: int = 8080
    record: Path | None = None
    routes: Sequence[Route] = ()
    upstream_ca: Path | None = None
    confdir: Path | None = None
    certificate: Path | None = None
    name_server: tuple[str, int] | None = None
    decision_log: LogSettings | None = None
    audit_secret: bytes | None = field(default=None, repr=False)
    allow_private: bool = False
    pass_through: Sequence[str] = ()
    health: Endpoint | None = None
    join: Callable[[str], None] = lambda _text: None
    own: Callable[[], Iterable[Endpoint]] = tuple


class ProxyError(Exception):
    """The proxy cannot start. `str()` is one clear line."""


class ErrorCheck:
    """Turns errors logged while starting into a ProxyError. The Master looks it up by this name."""

    def __init__(self) -> None:
        self._handler = _FirstError()
        logging.getLogger().addHandler(self._handler)

    async def shutdown_if_errored(self) -> None:
        await asyncio.sleep(0)
        if self._handler.first is not None:
            raise ProxyError(self._handler.first)

    def finish(self) -> None:
        logging.getLogger().removeHandler(self._handler)


class _FirstError(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.first: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        self.first = self.first or record.getMessage()


class Announce:
    """Says where the proxy listens once it does."""

    def __init__(self, master: Master, tell: Callable[[str, int], None], join: Callable[[str], None]) -> None:
        self._master, self._tell, self._join = master, tell, join

    def running(self) -> None:
        server = self._master.addons.get("proxyserver")
        for instance in server.servers:
            if isinstance(instance, WireGuardServerInstance):
                ((_, port, *_),) = instance.listen_addrs
                self._join(re.sub(r":0$", f":{port}", instance.client_conf() or "", flags=re.MULTILINE))
        for host, port, *_ in server.listen_addrs():
            self._tell(host, port)


def http2_is_safe(version: str = mitmproxy.version.VERSION) -> bool:
    """Whether this mitmproxy carries an h2 without the smuggling fault."""
    numbers = tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
    return numbers >= HTTP2_FROM


def build_master(
    settings: ProxySettings, enforcement: Enforcement, tell: Callable[[str, int], None] = lambda _host, _port: None
) -> Master:
    """The Master, ready to run. Call it inside a running event loop. Raises DecisionLogError."""
    opts = options.Options(listen_host=settings.host, listen_port=settings.port, mode=[settings.mode])
    master = LeanMaster(opts)
    server, connect_to = proxyserver.Proxyserver(), ConnectTo(settings.routes)
    mode = ProxyMode.parse(settings.mode)
    enforce, record, after = Enforce(enforcement), Record(), _after_deciding(settings)
    monitor = _monitor(settings, enforce, record, after)
    port = monitor.port

    def own() -> Iterator[Endpoint]:
        yield from settings.own()
        if port is not None:
            yield port.address

    dialled = Dialled(frozenset(_chosen(mode, enforcement)), own, settings.allow_private)
    master.addons.add(
        core.Core(),
        server,
        BoundedNextLayer(master.addons),
        tlsconfig.TlsConfig(),
        disable_h2c.DisableH2C(),
        # A browser's proxy is for those nearby: one that anybody can use would be used for anything.
        *([] if isinstance(mode, ReverseMode) else [block.Block()]),
        # Names are looked up through the tunnel, too.
        *([dns_resolver.DnsResolver()] if isinstance(mode, WireGuardMode) else []),
        Dialling(server, connect_to.redirects, dialled),
        connect_to,
        *_before_deciding(settings),
        enforce,
        *after,
        monitor,
        CloseLeftovers(server),
        IdleConnections(server),
        record,
        ErrorCheck(),
        Announce(master, tell, settings.join),
    )
    opts.update(
        **{name: value for name, value in REQUIRED_OPTIONS.items() if name in opts},
        http2=http2_is_safe(),
        http3=False,
        keep_host_header=True,
        ignore_hosts=[_host_pattern(text) for text in settings.pass_through],
        # Ours passes them on (`cmp.live.sockets`).
        websocket=False,
        save_stream_file=str(settings.record) if settings.record else None,
        ssl_verify_upstream_trusted_ca=str(settings.upstream_ca) if settings.upstream_ca else None,
        certs=[str(settings.certificate)] if settings.certificate else [],
        **({"confdir": str(settings.confdir)} if settings.confdir else {}),
    )
    return master


def _before_deciding(settings: ProxySettings) -> list[object]:
    found: list[object] = [] if settings.audit_secret is None else [AuditVisits(settings.audit_secret)]
    if settings.name_server is not None and settings.mode == "regular":
        found.append(LookUpAliases(AliasLookup(*settings.name_server)))
    return found


def _after_deciding(settings: ProxySettings) -> list[object]:
    """Raises DecisionLogError where another proxy writes the log."""
    if settings.decision_log is None:
        return []
    return [LogDecisions(DecisionLog(settings.decision_log, taken_of, software=f"consentry {__version__}"))]


def _host_pattern(text: str) -> str:
    """A pattern of hosts as mitmproxy compares it: with `HOST:PORT`."""
    return "^" + ".*".join(re.escape(part) for part in text.split("*")) + r"\.?:\d+$"


def _monitor(settings: ProxySettings, enforce: Enforce, record: Record, after: Iterable[object]) -> Monitor:
    """Raises ProxyError where the port for monitors is taken."""
    health, taken = enforce.health, None
    if settings.health is not None:
        host, port = settings.health
        try:
            taken = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        except (OSError, OverflowError) as error:
            raise ProxyError(f"cannot answer monitors on {host}:{port}: {error}") from error
    gauges = [
        Gauge("recording_lost", "Flows that the flow file had no room for.", lambda: record.lost),
        Gauge("open_websockets", "WebSockets that are open.", lambda: len(enforce.sockets)),
    ]
    gauges += [_log_gauge(addon.log) for addon in after if isinstance(addon, LogDecisions)]
    more: dict[str, object] = {"http2": http2_is_safe(), "proxy_mode": settings.mode.partition(":")[0]}
    if settings.pass_through:
        more["passed_through"] = list(settings.pass_through)
    up = (lambda: None) if health is None else (lambda: health.up)
    return Monitor(lambda: enforce.enforcement, up, taken, more=more, gauges=gauges)


def _log_gauge(log: DecisionLog[Noted]) -> Gauge:
    return Gauge("decision_log_lost", "Decisions that are not in the decision log.", lambda: log.counts.lost)


def _chosen(mode: ProxyMode, enforcement: Enforcement) -> Iterator[Endpoint]:
    """Where the operator's site is, and the consent server."""
    if isinstance(mode, ReverseMode):
        yield mode.address
        yield from ((upstream.host, upstream.port) for upstream in enforcement.front.upstreams.values())
    if enforcement.consent is not None:
        yield enforcement.consent.host, enforcement.consent.port


def enforce_what_holds(master: Master, watch: PolicyWatch) -> None:
    """Let the Master enforce each policy from the moment it holds. What is under way ends under the one before."""
    enforce: Enforce = master.addons.get("enforce")
    monitor: Monitor = master.addons.get("monitor")

    def swap(in_force: InForce) -> None:
        # Raises EnforcementError, a ValueError, for a policy that cannot be enforced as things were set up.
        later = [replace(_enforced(enforce), policy=policy) for policy in in_force.policies]
        enforce.enforcement = later[0]
        monitor.tally.reloads += 1

    watch.follow(swap)


def _enforced(enforce: Enforce) -> Enforcement:
    if enforce.enforcement is None:
        raise RuntimeError("the Master was built without a policy")
    return enforce.enforcement


async def run(
    settings: ProxySettings,
    enforcement: Enforcement,
    tell: Callable[[str, int], None],
    watch: PolicyWatch | None = None,
) -> None:
    """Run until SIGINT or SIGTERM, under each policy that `watch` finds.

    Raises ProxyError or DecisionLogError where it cannot start.
    """
    master = build_master(settings, enforcement, tell)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, master.shutdown)
    async with AsyncExitStack() as stack:
        if watch is not None:
            enforce_what_holds(master, watch)
            await stack.enter_async_context(watch)
        await master.run()


def _is_news(record: logging.LogRecord) -> bool:
    """Connections that are open when the proxy ends are cancelled; asyncio of Python 3.11 reports that as an error."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, asyncio.CancelledError)


def log_to_stderr() -> None:
    """Warnings and errors as lines on stderr; what each visitor does is nobody's business and is not logged."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setLevel(logging.WARNING)
    handler.addFilter(_is_news)
    handler.setFormatter(logging.Formatter("consentry proxy: %(levelname)s: %(message)s"))
    logging.getLogger().addHandler(handler)
