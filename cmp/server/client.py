"""The network address a request comes from: only for limits, never for a record, a log or a decision.

May go in here: what a limit counts as one client. May not: which addresses may speak for others (`cmp.core.networks`),
keeping any.
"""

import ipaddress
from collections.abc import Sequence

from cmp.core.networks import Address, Network, nearest_stranger


def client_of(peer: str | None, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> str:
    """The address of the client, told by trusted proxies where it is behind them.

    Whoever cannot be told apart is "", all together. Of IPv6 the first 64 bits: one subscriber has all the rest.
    """
    address = nearest_stranger(peer, forwarded_for, trusted)
    return "" if address is None else _prefix(address)


def _prefix(address: Address) -> str:
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network(f"{address}/64", strict=False))
