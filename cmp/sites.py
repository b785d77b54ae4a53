"""Registrable domains: where one site ends and the next begins.

May go in here: the look-up in the public suffix list that tldextract ships, private suffixes included, without a
network. May not: anything else about hosts (`cmp.core.urls`).
"""

from functools import cache, lru_cache
from typing import TYPE_CHECKING

from cmp.core.urls import is_ip

if TYPE_CHECKING:
    from tldextract import TLDExtract


@cache
def _list() -> "TLDExtract":
    """The list, once something is looked up in it: many commands never do, and with it comes an HTTP client, which
    takes longer to load than all a small command does."""
    from tldextract import TLDExtract  # noqa: PLC0415

    # No suffix_list_urls: the list inside the package is used, so the same version decides alike on every machine.
    return TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


@lru_cache(maxsize=65_536)
def registrable_domain(host: str) -> str:
    """The site a normalised host belongs to: "a.b.example.co.uk" is of example.co.uk.

    A host that is itself a public suffix, an IP address or a single label is its own site. A suffix the list does not
    know counts as one label (the list's default rule "*"), so site.test is the site of www.site.test.
    """
    if is_ip(host) or "." not in host:
        return host
    found = _list()(host)
    if found.suffix and found.domain:
        return f"{found.domain}.{found.suffix}"
    if found.suffix:
        return host
    return ".".join(host.rsplit(".", 2)[-2:])


def is_public_suffix(host: str) -> bool:
    """Whether sites are registered directly below this host ("co.uk", "github.io"): nobody owns it as a site."""
    if is_ip(host):
        return False
    found = _list()(host)
    return bool(found.suffix) and not found.domain
