"""Typed netstrings, the encoding of mitmproxy's flow files, read strictly.

May go in here: the encoding. May not: what a flow is (`flows.py`).

mitmproxy 11 and 12 have a reader of their own (`mitmproxy.io.tnetstring`). It takes "-1" for a length and then reads
the same bytes again and again: a file of 30 kB becomes 150 MB, ten times that length a hundred times that memory. It
also recurses as deep as the file says, and asks for as much memory as a length says. Here time and memory stay linear
in the input, whatever it holds.
"""

import mmap

# Of a large file, the pages that are looked at.
Data = bytes | mmap.mmap

Value = None | bool | int | float | bytes | str | list["Value"] | dict["bytes | str", "Value"]

# As in mitmproxy. A terabyte is beyond any file that fits into memory.
_LENGTH_DIGITS = 12
# Flows nest eight deep at most (a backup in a flow, certificates in its connections).
_DEPTH = 40
# Ports, statuses, sizes and times; the longest are nanoseconds. A number of a million digits is slow to read.
_NUMBER_DIGITS = 40


class TnetstringError(ValueError):
    """Bytes that are no typed netstring: the offset where that shows, and why."""

    def __init__(self, offset: int, why: str) -> None:
        super().__init__(f"{why} at offset {offset}")
        self.offset, self.why = offset, why


def frame(data: Data, start: int, limit: int) -> tuple[int, int]:
    """Where the payload of the value at `start` begins and where it ends; its type byte stands at the end.

    Raises TnetstringError where there is no length, or the value does not end before `limit`.
    """
    colon = data.find(b":", start, min(start + _LENGTH_DIGITS + 1, limit))
    if colon < 0 or not (digits := data[start:colon]).isdigit():
        raise TnetstringError(start, "no length prefix")
    end = colon + 1 + int(digits)
    if end >= limit:
        raise TnetstringError(start, "a length that runs past the end")
    return colon + 1, end


def read_value(data: Data, start: int = 0) -> tuple[Value, int]:
    """The value at `start` and the offset after it. Raises TnetstringError."""
    return _read(data, start, len(data), 0)


def _read(data: Data, start: int, limit: int, depth: int) -> tuple[Value, int]:
    first, end = frame(data, start, limit)
    tag = data[end : end + 1]
    if tag in b"]}":
        if depth == _DEPTH:
            raise TnetstringError(start, "values nested too deeply")
        items = _items(data, first, end, depth + 1)
        return (items if tag == b"]" else _mapping(items, first)), end + 1
    return _scalar(data[first:end], tag, first), end + 1


def _items(data: Data, first: int, end: int, depth: int) -> list[Value]:
    items = []
    while first < end:
        item, first = _read(data, first, end, depth)
        items.append(item)
    return items


def _mapping(items: list[Value], offset: int) -> dict[bytes | str, Value]:
    if len(items) % 2:
        raise TnetstringError(offset, "a key without a value")
    mapping: dict[bytes | str, Value] = {}
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, bytes | str):
            raise TnetstringError(offset, "a key that is no text")
        mapping[key] = value
    return mapping


def _scalar(payload: bytes, tag: bytes, offset: int) -> Value:
    try:
        if tag == b",":
            return payload
        if tag == b";":
            return payload.decode()
        if tag == b"#" and len(payload) <= _NUMBER_DIGITS:
            return int(payload)
        if tag == b"^" and len(payload) <= _NUMBER_DIGITS:
            return float(payload)
        if tag == b"!" and payload in (b"true", b"false"):
            return payload == b"true"
        if tag == b"~" and not payload:
            return None
    except ValueError:
        raise TnetstringError(offset, "a number or text that cannot be read") from None
    raise TnetstringError(offset, "a value of no known type")
