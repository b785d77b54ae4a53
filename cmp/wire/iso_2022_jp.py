"""Pages in ISO-2022-JP, read so that markup stands in them where browsers see it.

May go in here: which bytes of that coding are no ASCII, and the coding written in one way. May not: whether a page is
of it (`page_coding.py`), what the letters are.

Bytes below 0x80 are all there is; a few that show nothing switch between ASCII and sets in which the same bytes are
letters (Encoding standard, section 12.2.1; RFC 1468). In the text that is read, whatever is no ASCII has its eighth bit
set, and so comes back.
"""

import re
from collections.abc import Iterator
from enum import Enum
from typing import Final

_SWITCH: Final = re.compile(rb"\x1b(\([BJI]|\$[@B])")
# In this coding these are mistakes, and one of them begins what switches: with what stands behind, it could do so anew.
_NO_LETTER: Final = re.compile(rb"[\x0e\x0f\x1b\x80-\xff]")
_EIGHTH: Final = bytes(byte | 0x80 for byte in range(256))
_SEVEN: Final = bytes(byte & 0x7F for byte in range(256))
# Where JIS X 0201 Roman is not ASCII: the yen sign and the overline.
_ROMAN_ALONE: Final = re.compile(rb"[\\~]+")


class _Set(Enum):
    ASCII = b"\x1b(B"
    ROMAN = b"\x1b(J"
    KATAKANA = b"\x1b(I"
    JIS_1978 = b"\x1b$@"
    JIS_1983 = b"\x1b$B"


def as_read(data: bytes) -> str:
    """The page as Latin-1 text.

    A switch is only where a letter makes one necessary: what switches between parts of a tag, as a browser reads over
    it, is gone in `as_sent`. So are bytes that the coding does not have: a question mark stands for each. A letter here
    is one character or several that are not ASCII.
    """
    parts, current = [], _Set.ASCII
    for chosen, run in _runs(data):
        if chosen is not current:
            parts.append(chosen.value.translate(_EIGHTH))
            current = chosen
        parts.append(run if chosen is _Set.ASCII else run.translate(_EIGHTH))
    if current is not _Set.ASCII:
        parts.append(_Set.ASCII.value.translate(_EIGHTH))
    return b"".join(parts).decode("latin-1")


def as_sent(text: str) -> bytes:
    """The bytes of what `as_read` gave, and of ASCII put into it beside its letters."""
    return text.encode("latin-1").translate(_SEVEN)


def _runs(data: bytes) -> Iterator[tuple[_Set, bytes]]:
    """What stands together, each with its set, none empty."""
    parts = _SWITCH.split(data)
    chosen = [_Set.ASCII, *(_Set(b"\x1b" + part) for part in parts[1::2])]
    for set_, data_ in zip(chosen, parts[::2], strict=True):
        run = _NO_LETTER.sub(b"?", data_)
        if set_ is _Set.ROMAN:
            yield from _of_roman(run)
        elif run:
            yield set_, run


def _of_roman(run: bytes) -> Iterator[tuple[_Set, bytes]]:
    at = 0
    for found in _ROMAN_ALONE.finditer(run):
        if found.start() > at:
            yield _Set.ASCII, run[at : found.start()]
        yield _Set.ROMAN, found[0]
        at = found.end()
    if at < len(run):
        yield _Set.ASCII, run[at:]
