"""The network address a request comes from: only for limits, never for a record, a log or a decision.

May go in here: which addresses may speak for others. May not: keeping any.
"""

import ipaddress
from collections.abc import Iterable, Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def read_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Addresses and networks ("127.0.0.1", "10.0.0.0/8"). Raises ValueError."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def client_of(peer: str | None, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> str:
    """The address of the client; of one behind trusted proxies, what they say in `X-Forwarded-For`.

    Read from the right: what stands left of an address that is not trusted was written by that one. Whoever cannot be
    told apart is "", all together. Of IPv6 the first 64 bits: one subscriber has all the rest.
    """
    given = [part.strip() for value in forwarded_for for part in value.split(",")]
    for text in [peer or "", *reversed(given)]:
        address = _address(text)
        if address is None:
            return ""
        if not any(address in network for network in trusted):
            return _prefix(address)
    return ""


def is_trusted(peer: str | None, trusted: Sequence[Network]) -> bool:
    """Whether what a peer says of the visitor is believed."""
    address = _address(peer or "")
    return address is not None and any(address in network for network in trusted)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _prefix(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network(f"{address}/64", strict=False))
