"""Captures inside other files: archives and compressed ones, opened in bounded memory.

May go in here: which forms there are, and getting the files out of them. May not: what a capture is (`har.py`,
`flows.py`).

Playwright writes a HAR file as a zip archive, with bodies as files of their own beside it; WebPageTest and people pack
many captures into one.
"""

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePosixPath
from typing import IO

from cmp.capture.capture import CaptureError

# What is taken for a capture in a folder or an archive; a file named outright may be called anything.
ENDINGS = (".har", ".zhar", ".mitm", ".flow", ".flows")
PACKED_ENDINGS = (".zip", ".gz", ".tgz", ".tar")
# No capture is larger; a file that unpacks to more than so many times its size is made to fill the memory.
_MOST_BYTES = 2 * 1024**3
_RATIO = 1_000
_SMALL = 16 * 1024**2
_STEP = 1024**2

# What the standard library raises besides its own errors where offsets, lengths and names are damaged.
_DAMAGED = (ValueError, OSError, EOFError, OverflowError, struct.error, zlib.error)

_Beside = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True)
class Unpacked:
    """One file out of a packed one. `beside` gives the bytes of a file next to it in the archive, None for none."""

    file: str
    data: bytes
    beside: _Beside = field(default=lambda _name: None, compare=False)


def is_packed(start: bytes) -> bool:
    """Whether a file that starts so is one of the forms here. At least 512 bytes are needed to tell a tar archive."""
    return start.startswith((b"PK\x03\x04", b"\x1f\x8b", b"\x78\x9c", b"\x78\xda", b"\x78\x01")) or _is_tar(start)


def unpacked(data: bytes, file: str) -> Iterator[Unpacked]:
    """The captures in a packed file, in the order of their names.

    Their names are those of the archive and of the file in it: "visits.zip/a/b.har". Raises CaptureError where the file
    is damaged, holds no capture, or more than can be meant.
    """
    if data.startswith(b"PK\x03\x04"):
        yield from _zipped(data, file)
    elif data.startswith(b"\x1f\x8b"):
        plain = _read(gzip.GzipFile(fileobj=io.BytesIO(data)), len(data), file)
        yield from _tarred(plain, file) if _is_tar(plain) else (Unpacked(file, plain),)
    elif _is_tar(data):
        yield from _tarred(data, file)
    else:
        yield Unpacked(file, _inflated(data, file))


def _is_tar(data: bytes) -> bool:
    return data[257:262] == b"ustar"


def _zipped(data: bytes, file: str) -> Iterator[Unpacked]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            sizes = {info.filename: info.compress_size for info in archive.infolist() if not info.is_dir()}

            def member(name: str) -> bytes | None:
                if name not in sizes:
                    return None
                with archive.open(name) as opened:
                    return _read(opened, sizes[name], f"{file}/{name}")

            def beside(folder: PurePosixPath, name: str) -> bytes | None:
                return member(str(folder / name))

            for name in _captures_among(sizes, file):
                if (content := member(name)) is not None:
                    yield Unpacked(f"{file}/{name}", content, partial(beside, PurePosixPath(name).parent))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, *_DAMAGED) as error:
        # RuntimeError: the archive wants a password.
        raise CaptureError(file, f"a zip archive that cannot be read ({error})", "unpack it yourself") from None


def _tarred(data: bytes, file: str) -> Iterator[Unpacked]:
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            members = {info.name: info for info in archive.getmembers() if info.isfile()}
            for name in _captures_among(members, file):
                opened = archive.extractfile(members[name])
                if opened is not None:
                    yield Unpacked(f"{file}/{name}", opened.read())
    except (tarfile.TarError, *_DAMAGED) as error:
        raise CaptureError(file, f"a tar archive that cannot be read ({error})", "unpack it yourself") from None


def _captures_among(names: Mapping[str, object], file: str) -> list[str]:
    found = sorted(name for name in names if PurePosixPath(name).suffix.lower() in ENDINGS)
    if not found:
        why = f"an archive with no capture in it (looked for {', '.join(ENDINGS)})"
        raise CaptureError(file, why, "name the capture itself")
    return found


def _read(opened: "IO[bytes] | gzip.GzipFile", packed: int, file: str) -> bytes:
    """All of a compressed file, as long as it does not grow beyond what can be meant."""
    parts = bytearray()
    try:
        while piece := opened.read(_STEP):
            parts += piece
            _check(len(parts), packed, file)
    except (OSError, EOFError, zlib.error) as error:
        raise CaptureError(file, f"damaged where it is compressed ({error})", "copy or export it again") from None
    return bytes(parts)


def _inflated(data: bytes, file: str) -> bytes:
    """What zlib packed: mitmproxy's .zhar."""
    inflate, parts = zlib.decompressobj(), bytearray()
    rest = data
    try:
        while rest and not inflate.eof:
            parts += inflate.decompress(rest, _STEP)
            rest = inflate.unconsumed_tail
            _check(len(parts), len(data), file)
    except zlib.error as error:
        raise CaptureError(file, f"damaged where it is compressed ({error})", "copy or export it again") from None
    if not inflate.eof:
        raise CaptureError(file, "compressed, and cut off before its end", "copy or export it again")
    return bytes(parts)


def _check(size: int, packed: int, file: str) -> None:
    if size > _MOST_BYTES or (size > _SMALL and size > _RATIO * packed):
        raise CaptureError(file, f"{packed} bytes that unpack to more than {size}", "it is made to fill the memory")
