"""Which part of the traffic is enforced on while a policy is rolled out: a share of the visitors, certain pages.

May go in here: telling whether a flow is within. May not: what happens then.

Nothing is stored: a visitor's place among all follows from the client's address and a key that lives as long as the
process. Where that cannot be told, because a flow does not say which page it is for, it counts as within.
"""

import hashlib
import hmac
import ipaddress
import secrets

from mitmproxy import http

from cmp.capture.flow_exchange import flow_url, header_list
from cmp.capture.observe import field_lines
from cmp.core.policy import Rollout
from cmp.core.urls import UrlError, parse_url, plain_path
from cmp.live.arrival import Front, client_address

_PAGES = ("document", "iframe", "frame")
# A household has one IPv4 address or one IPv6 network of this size, and privacy addresses change within it.
_V6_BITS = 64


class Buckets:
    """Tells visitors apart by the key of this process."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(32)

    def place(self, address: str) -> float:
        """Where an address stands among all, from 0 up to 1: always the same for the same one."""
        digest = hmac.new(self._key, _network(address).encode("utf-8", "replace"), hashlib.sha256).digest()
        return int.from_bytes(digest[:7]) / 2**56

    def within(self, rollout: Rollout, flow: http.HTTPFlow, front: Front, *, reverse: bool) -> bool:
        """Whether a flow is among what is enforced on."""
        if rollout.share < 1 and self.place(_address(flow, front, reverse=reverse)) >= rollout.share:
            return False
        if not rollout.paths:
            return True
        paths = _page_paths(flow, reverse=reverse)
        return not paths or any(glob.matches(path) for glob in rollout.paths for path in paths)


def is_page_request(flow: http.HTTPFlow) -> bool:
    """Whether a browser asks for a page, as far as the request says so."""
    headers = header_list(flow.request.headers)
    dest = field_lines(headers, "sec-fetch-dest")
    if dest:
        return dest[-1].strip().lower() in _PAGES
    return any(line.strip().lower().startswith("text/html") for line in field_lines(headers, "accept"))


def _address(flow: http.HTTPFlow, front: Front, *, reverse: bool) -> str:
    return client_address(flow, front) if reverse else str(flow.client_conn.peername[0])


def _network(address: str) -> str:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, _V6_BITS), strict=False))
    return str(found)


def _page_paths(flow: http.HTTPFlow, *, reverse: bool) -> list[str]:
    """The paths that may be the page's, none where nothing tells.

    Of a part of a page only the Referer tells the page, and often no more than its origin.
    """
    try:
        url = flow_url(flow, reverse=reverse)
    except UrlError:
        return []
    own = plain_path(url.path)
    if is_page_request(flow):
        return [own]
    for line in field_lines(header_list(flow.request.headers), "referer"):
        try:
            page = parse_url(line)
        except UrlError:
            continue
        if page.host == url.host:
            return [plain_path(page.path), own]
        return [] if page.path in ("", "/") else [plain_path(page.path)]
    return [own] if reverse else []
