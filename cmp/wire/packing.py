"""A body's packing undone, within a bound: a small one may hold a very large one.

May go in here: gzip and deflate, which every browser and server knows. May not: which bodies are unpacked (`cmp.live`),
what is in a capture (`cmp.capture.bodies`).
"""

import zlib


def unpacked(packed: bytes, limit: int) -> bytes | None:
    """One whole gzip or deflate stream undone; None for anything else, and for more than `limit` bytes of result."""
    # 47 takes gzip and zlib; some send deflate without zlib's header.
    for window in (47, -15):
        unpacker = zlib.decompressobj(window)
        try:
            data = unpacker.decompress(packed, limit + 1)
        except zlib.error:
            continue
        # What follows is a second member of the packed text, or no packed text at all.
        return data if unpacker.eof and not unpacker.unused_data and len(data) <= limit else None
    return None
