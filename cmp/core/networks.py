"""Network addresses: whom to believe about others, and which addresses are nobody's public business.

May go in here: reading addresses and networks, telling the client behind trusted proxies, telling public addresses.
May not: looking names up, keeping addresses.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# As `ipaddress` reads one, in a third of its time: every request has an address or two. Numbers above 255 fail later.
_IPV4 = re.compile(r"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})")

# Translates to IPv4 on its way (RFC 6052, section 2.1).
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def read_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Addresses and networks ("127.0.0.1", "10.0.0.0/8"). Raises ValueError."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def read_address(text: str) -> Address | None:
    """An address without its zone, an IPv4 one that is written as IPv6 as what it is; None for anything else."""
    plain = text.partition("%")[0].strip("[]")
    try:
        if ":" not in plain:
            return ipaddress.IPv4Address(bytes(map(int, plain.split(".")))) if _IPV4.fullmatch(plain) else None
        address = ipaddress.IPv6Address(plain)
    except ValueError:
        return None
    return address.ipv4_mapped or address


def is_trusted(peer: str | None, trusted: Sequence[Network]) -> bool:
    """Whether what a peer says of the visitor is believed."""
    address = read_address(peer or "")
    return address is not None and _is_in(address, trusted)


def nearest_stranger(peer: str | None, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> Address | None:
    """The address of the client; of one behind trusted proxies, what they say in `X-Forwarded-For`.

    Read from the right: what stands left of an address that is not trusted was written by that one. None for whoever
    cannot be told.
    """
    given = [part.strip() for value in forwarded_for for part in value.split(",")]
    for text in [peer or "", *reversed(given)]:
        address = read_address(text)
        if address is None:
            return None
        if not _is_in(address, trusted):
            return address
    return None


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    # One after the other: a generator costs more than what it is asked here, at every request.
    for network in networks:  # noqa: SIM110
        if address in network:
            return True
    return False


def is_public(address: Address) -> bool:
    """Whether an address is one of the Internet's (IANA special-purpose registries), as is what it translates to."""
    if address.is_multicast or not address.is_global:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return True
    if address.sixtofour or address.teredo:
        # Ways through the IPv4 Internet that nobody uses any more (RFC 7526), into anybody's network.
        return False
    return address not in _NAT64 or is_public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
