"""Caching of pages that depend on the visitor: kept to themselves, and asked for anew.

May go in here: edits of header field lists. May not: which answers depend on the visitor.

A page rewritten for one visitor must reach no other through a shared cache, and must not come back after a choice has
changed: a validator would let the site answer 304, for which the browser shows the page as it was before.

Sources: RFC 9111 (5.2 Cache-Control, 5.1 Age, 5.3 Expires), RFC 9110 (12.5.5 Vary, 13.1 conditional requests, 14.2
Range), RFC 9213 (targeted cache control), and the CDNs' own fields.
"""

from collections.abc import Iterable, Sequence
from typing import Final

Fields = tuple[tuple[bytes, bytes], ...]

_PRIVATE: Final = (b"Cache-Control", b"private, no-cache")
# What decides how the page looks.
_VARIES_BY: Final = (b"Cookie", b"Sec-GPC", b"DNT")

# Validators, freshness, and what shared caches take their orders from. Any "...-CDN-Cache-Control" is one of the last.
_DROPPED: Final = frozenset(
    {
        b"cache-control",
        b"etag",
        b"last-modified",
        b"expires",
        b"age",
        b"pragma",
        b"warning",
        b"accept-ranges",
        b"surrogate-control",
        b"surrogate-key",
        b"surrogate-capability",
        b"edge-control",
        b"edge-cache-tag",
        b"cache-tag",
        b"cache-tags",
        b"cdn-cache-control",
        b"x-accel-expires",
        b"x-litespeed-cache-control",
        b"x-cache",
        b"x-cache-hits",
        b"cf-cache-status",
        b"no-vary-search",
    }
)
_CONDITIONAL: Final = frozenset(
    {b"range", b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since", b"if-range"}
)


def private_answer(fields: Iterable[tuple[bytes, bytes]]) -> Fields:
    """The fields of an answer that depends on the visitor. What does not concern caches stays, in its order."""
    kept: list[tuple[bytes, bytes]] = []
    varies: list[bytes] = []
    store = False
    for name, value in fields:
        key = name.lower()
        if key == b"vary":
            varies += [part.strip(b" \t") for part in value.split(b",") if part.strip(b" \t")]
        elif key == b"cache-control" and _forbids_storing(value):
            store = True
        elif key not in _DROPPED and not key.endswith(b"-cdn-cache-control"):
            kept.append((name, value))
    # A site that lets nobody store a page keeps that: it is the stricter of the two.
    cache = (_PRIVATE[0], _PRIVATE[1] + b", no-store") if store else _PRIVATE
    return (*kept, cache, (b"Vary", _vary(varies)))


def unconditional_request(fields: Iterable[tuple[bytes, bytes]]) -> Fields:
    """The fields of a request for a page without those that could be answered with less than the whole page."""
    return tuple((name, value) for name, value in fields if name.lower() not in _CONDITIONAL)


def _forbids_storing(value: bytes) -> bool:
    return any(part.strip(b" \t").lower() == b"no-store" for part in value.split(b","))


def _vary(present: Sequence[bytes]) -> bytes:
    if b"*" in present:
        return b"*"
    seen = {part.lower() for part in present}
    return b", ".join([*present, *(name for name in _VARIES_BY if name.lower() not in seen)])
