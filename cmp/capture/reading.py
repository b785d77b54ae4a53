"""Capture files, whatever their form.

May go in here: opening a file and telling its form from its first bytes. May not: the forms themselves (`har.py`,
`flows.py`, `inspection.py`).
"""

import io
import mmap
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import IO, cast

from cmp.capture.capture import Capture, CaptureError
from cmp.capture.har import read_har
from cmp.capture.inspection import is_har, is_inspection, read_inspection
from cmp.capture.packed import is_packed, unpacked
from cmp.capture.tnetstring import Data

# Files that people take for captures: how they begin, what they are, and what to do instead.
_OTHER_FORMS = (
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it first"),
    (b"\xd4\xc3\xb2\xa1", "a packet capture", "record with a browser or mitmproxy: packets hide what is encrypted"),
    (b"\x0a\x0d\x0d\x0a", "a packet capture", "record with a browser or mitmproxy: packets hide what is encrypted"),
)

# So much of a file tells its form, and from this size on it is not read into memory, in bytes.
_START = 512
_LARGE = 64 * 1024**2

_FLOW_START = re.compile(rb"[0-9]{1,12}:")
# A flow whose beginning is damaged still names its fields further on.
_FLOW_INSIDE = re.compile(rb"7:version[;,][0-9]")
_JSON_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*[{\[]")


def read_capture(path: Path) -> Capture:
    """The one capture in a file. Raises CaptureError as `read_captures` does, and for an archive of several."""
    found = list(read_captures(path))
    if len(found) > 1:
        raise CaptureError(str(path), f"an archive of {len(found)} captures", "name one of them, unpacked")
    if isinstance(found[0], CaptureError):
        raise found[0]
    return found[0]


def read_captures(path: Path) -> Iterator[Capture | CaptureError]:
    """The captures in a file: a HAR file, a flow file of mitmproxy, an `inspection.json` of the EDPS collector, or an
    archive of them, told apart by content.

    A HAR file is read piece by piece, a flow file of any size is looked at where it lies; the files of an archive are
    held in memory as a whole, one after the other. One that is no capture comes as the error it is, so that the others
    of its archive are read all the same. Raises CaptureError for a file that cannot be opened, and for a damaged
    archive.
    """
    file = str(path)
    with _opened(path, file) as opened:
        # A pipe gives what it has: more may come.
        start = opened.peek(_START)[:_START]
        if is_packed(start):
            for one in unpacked(opened.read(), file):
                yield _told(partial(_capture, one.data, one.file, one.beside))
        elif is_har(start):
            yield _told(partial(read_har, opened, file))
        else:
            yield _told(partial(_capture, _data(opened), file))


def _told(read: Callable[[], Capture]) -> Capture | CaptureError:
    try:
        return read()
    except CaptureError as error:
        return error


@contextmanager
def _opened(path: Path, file: str) -> Iterator[BufferedReader]:
    try:
        opened = path.open("rb")
    except IsADirectoryError:
        raise CaptureError(file, "a folder, not a file", "name the capture files in it") from None
    except (OSError, ValueError) as error:
        raise _unreadable(file, error) from None
    with opened:
        try:
            yield opened
        except OSError as error:
            raise _unreadable(file, error) from None


def _data(opened: BufferedReader) -> Data:
    """What is left of a file; a large one stays where it lies. A smaller one is read, so that nobody can cut it off
    while it is looked at."""
    if os.fstat(opened.fileno()).st_size >= _LARGE:
        return mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    return opened.read()


def _unreadable(file: str, error: Exception) -> CaptureError:
    why = getattr(error, "strerror", None) or str(error)
    return CaptureError(file, f"cannot be opened ({why})", "check the path and its permissions")


def _capture(data: Data, file: str, beside: Callable[[str], bytes | None] | None = None) -> Capture:
    for start, what, remedy in _OTHER_FORMS:
        if data[: len(start)] == start:
            raise CaptureError(file, what, remedy)
    if _holds_flows(data):
        # mitmproxy takes longer to load than most HAR files to read.
        from cmp.capture.flows import read_flows  # noqa: PLC0415

        return read_flows(data, file)
    opened = io.BytesIO(data) if isinstance(data, bytes) else cast(IO[bytes], data)
    if is_inspection(data):
        return read_inspection(opened, file)
    return read_har(opened, file, beside)


def _holds_flows(data: Data) -> bool:
    if _FLOW_START.match(data):
        return True
    return not _JSON_START.match(data) and _FLOW_INSIDE.search(data) is not None
