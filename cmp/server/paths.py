"""Which endpoint a request target names, and which paths we may send a visitor back to.

May go in here: pure functions on paths. May not: endpoints themselves.

A path is compared after normalising as RFC 3986, section 6.2.2 has it: dot segments are taken out, and characters that
need no percent-encoding lose it. Case and repeated slashes tell paths apart and stay.
"""

from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote

from cmp.core.urls import UrlError, parse_url, plain_path

_LIMIT = 2_000
# Longer targets are not worth the memory.
_REMEMBERED = 100
_PRINTABLE_ASCII = "".join(map(chr, range(0x21, 0x7F)))


def path_of(target: str) -> str | None:
    """The normalised path of a request target ("/a/%2e./b?c", "http://host/b"), None where there is none."""
    try:
        # A target that begins with two slashes is a path all the same: only behind a host can it be read as one.
        path = parse_url(f"http://site.invalid{target}" if target.startswith("/") else target).path
    except UrlError:
        return None
    return plain_path(path)


def endpoint_of(target: str, reserved: str) -> str | None:
    """What stands behind the reserved path ("" for the path itself); None for a target outside of it."""
    path = _short_path_of(target) if len(target) <= _REMEMBERED else path_of(target)
    return path.removeprefix(reserved) if path is not None and path.startswith(reserved) else None


@lru_cache(maxsize=1_024)
def _short_path_of(target: str) -> str | None:
    """Nearly everybody asks for one of a dozen targets."""
    return path_of(target)


def path_of_referrer(referrers: Sequence[str], origin: str) -> str:
    """Path and query of the page on our origin that a request came from; "" where it does not say."""
    for referrer in referrers:
        try:
            url = parse_url(referrer)
        except UrlError:
            continue
        if url.origin == origin:
            return path_back(url.path + (f"?{url.query}" if url.query else ""), origin)
    return ""


def path_back(text: str, origin: str) -> str:
    """The path and query of `text` on our own origin, fit for a Location field; "" for anything else.

    Only what begins with a single slash: an address with a host, even ours, is not taken from a request.
    """
    if not text.startswith("/") or text.startswith(("//", "/\\")) or len(text) > _LIMIT:
        return ""
    try:
        base = parse_url(f"{origin}/")
        url = parse_url(text, base)
    except UrlError:
        return ""
    # Taking out dot segments can leave two slashes in front ("/.//other.test"): a browser would see a host there.
    if url.origin != base.origin or url.path.startswith("//"):
        return ""
    path = url.path + (f"?{url.query}" if url.query else "")
    return quote(path, safe=_PRINTABLE_ASCII)
