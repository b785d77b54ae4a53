"""A request as it arrives on the operator's site: who sent it, how, under which name, and where it is to go.

May go in here: headers by which proxies tell each other of the client, believed from trusted ones alone; the upstream
for a host; paths that nobody decides on. May not: decisions.

All this is done before anything else, and is part of what was asked: a recording holds the request as it was believed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from mitmproxy import http

from cmp.capture.flow_exchange import HOST, HTTPS, header_list
from cmp.capture.observe import Headers, field_lines
from cmp.core.globs import Glob
from cmp.core.networks import Network, is_trusted, nearest_stranger, read_networks
from cmp.core.policy import Policy
from cmp.core.urls import UrlError, parse_host, plain_path

# What proxies tell each other of the client. An underscore counts as a hyphen: many servers fold them into one.
_TOLD = frozenset(
    {
        *("forwarded", "x-real-ip", "x-client-ip", "true-client-ip"),
        *("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-forwarded-server"),
        *("x-forwarded-scheme", "x-forwarded-ssl", "x-forwarded-prefix", "x-forwarded-protocol", "x-url-scheme"),
        *("x-original-url", "x-original-host", "x-rewrite-url", "x-host", "front-end-https"),
    }
)
# How our own parts tell each other; nobody else says anything under these.
_INTERNAL = "x-consentry"
_LOOPBACK = read_networks(["127.0.0.1", "::1"])
# A slash or backslash that some servers decode, and a dot segment that some resolve before they do.
_AMBIGUOUS = re.compile(r"%2F|%5C|\\|/\.\.?(?:/|;|$)", re.IGNORECASE)
# `for=...` and the like (RFC 7239, section 4).
_PAIR = re.compile(r"\s*(for|proto|host)\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where a site's server is."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Front:
    """What the operator says of the network in front of the proxy and behind it.

    `trusted`: proxies in front, whose word on the client counts. `upstreams`: servers by public host, for hosts other
    than the one the proxy was started for. `excluded`: paths on which nothing is changed.
    """

    trusted: Sequence[Network] = _LOOPBACK
    upstreams: Mapping[str, Upstream] = field(default_factory=lambda: MappingProxyType({}))
    excluded: Sequence[Glob] = ()

    def excludes(self, path: str) -> bool:
        """Whether a path of the site is left alone. One that a server might take for another is not."""
        plain = plain_path(path)
        return not _AMBIGUOUS.search(plain) and any(glob.matches(plain) for glob in self.excluded)


def receive(flow: http.HTTPFlow, front: Front, policy: Policy) -> None:
    """Believe the request's word on the client, or put our own in its place; and point it at its server."""
    request = flow.request
    peer = str(flow.client_conn.peername[0])
    secure = flow.client_conn.tls
    if is_trusted(peer, front.trusted):
        told = _told(header_list(request.headers))
        if told.scheme == "https":
            flow.metadata[HTTPS] = secure = True
        if told.host:
            flow.metadata[HOST] = told.host
        gone = frozenset({"x-forwarded-for"})
        told_for = ", ".join([*told.forwarded_for, peer])
    else:
        gone = _TOLD | {header for part in policy.each if (header := part.regions.header.lower())}
        told_for = peer
    fields = [(name, value) for name, value in request.headers.fields if not _is(name, gone)]
    present = {name.lower() for name, _ in fields}
    ours = {"X-Forwarded-For": told_for, "X-Forwarded-Proto": "https" if secure else "http"}
    if stated := request.host_header:
        ours["X-Forwarded-Host"] = stated
    added = [(name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in ours.items()]
    request.headers.fields = (*fields, *(field for field in added if field[0].lower() not in present))
    _point(flow, front)


def without_word_on_client(fields: Sequence[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    """Header fields without those by which proxies tell each other of the client."""
    return tuple((name, value) for name, value in fields if not _is(name, _TOLD))


def client_address(flow: http.HTTPFlow, front: Front) -> str:
    """The address of the client behind trusted proxies, the peer's where there is none. Before `receive` or after."""
    peer = str(flow.client_conn.peername[0])
    if not is_trusted(peer, front.trusted):
        return peer
    told = _told(header_list(flow.request.headers))
    return str(nearest_stranger(peer, told.forwarded_for, front.trusted) or peer)


def name_destination(flow: http.HTTPFlow) -> None:
    """Where traffic is diverted to us, the destination is an address: put the name in its place that is asked for.

    What is decided on is then where the request goes: the name is looked up anew.
    """
    request = flow.request
    name, port = (request.host_header or "").strip(), ""
    if match := re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:]*)(?::(\d{1,5}))?", name):
        name, port = match[1], match[2] or ""
    if not name:
        name = flow.client_conn.sni or ""
    try:
        host = parse_host(name)
    except UrlError:
        return
    if host and (not port or int(port) == request.port):
        request.data.host = host.strip("[]")


def is_misdirected(flow: http.HTTPFlow) -> bool:
    """Whether an HTTP/2 request names another host than the one its connection is for.

    A browser may send requests for several hosts on one connection (RFC 9113, section 9.1.1); the server at its end
    could be everybody's. In HTTP/1 the Host field is put right instead.
    """
    request = flow.request
    if not request.is_http2:
        return False
    name = re.sub(r":\d*$", "", request.host_header or request.authority or request.host)
    try:
        return parse_host(name).strip("[]") != parse_host(_bracketed(request.host)).strip("[]")
    except UrlError:
        return True


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


@dataclass(frozen=True, slots=True)
class _Told:
    forwarded_for: tuple[str, ...] = ()
    scheme: str = ""
    host: str = ""


def _told(headers: Headers) -> _Told:
    """What the proxies in front say of the client. The older fields come first: they are what most proxies set."""
    told_for = tuple(part.strip() for line in field_lines(headers, "x-forwarded-for") for part in line.split(","))
    scheme = _last(headers, "x-forwarded-proto").lower()
    host = _last(headers, "x-forwarded-host")
    pairs = [
        (match[1].lower(), match[2] if match[2] is not None else match[3])
        for line in field_lines(headers, "forwarded")
        for match in _PAIR.finditer(line)
    ]
    if not told_for:
        told_for = tuple(_without_port(value) for name, value in pairs if name == "for")
    scheme = scheme or next((value.lower() for name, value in reversed(pairs) if name == "proto"), "")
    host = host or next((value for name, value in reversed(pairs) if name == "host"), "")
    return _Told(told_for, scheme, host)


def _last(headers: Headers, name: str) -> str:
    """The last of a list: what the nearest proxy saw. What stands before it, whoever asked may have written."""
    return next((line.rpartition(",")[2].strip() for line in reversed(field_lines(headers, name))), "")


def _without_port(node: str) -> str:
    """A node of `Forwarded`: `192.0.2.43:47011`, `[2001:db8::1]:80`, or either without a port (RFC 7239, section 6)."""
    if node.startswith("["):
        return node.partition("]")[0].strip("[")
    return node.partition(":")[0] if node.count(":") == 1 else node


def _is(name: bytes, names: frozenset[str]) -> bool:
    key = name.decode("latin-1").lower().replace("_", "-")
    return key in names or key.startswith(_INTERNAL)


def _point(flow: http.HTTPFlow, front: Front) -> None:
    if not front.upstreams:
        return
    request = flow.request
    stated = flow.metadata.get(HOST) or request.host_header or ""
    try:
        upstream = front.upstreams.get(parse_host(re.sub(r":\d*$", "", stated)))
    except UrlError:
        return
    if upstream is not None:
        # By way of `data`: the property would write the Host header as well.
        request.data.host, request.data.port = upstream.host, upstream.port
        request.scheme = upstream.scheme
