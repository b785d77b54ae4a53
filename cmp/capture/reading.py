"""Capture files, whatever their form.

May go in here: opening a file and telling its form from its first bytes. May not: the forms themselves (`har.py`,
`flows.py`).
"""

import re
from collections.abc import Iterator
from pathlib import Path

from cmp.capture.capture import Capture, CaptureError
from cmp.capture.flows import read_flows
from cmp.capture.har import read_har
from cmp.capture.packed import Unpacked, is_packed, unpacked

# Files that people take for captures: how they begin, what they are, and what to do instead.
_OTHER_FORMS = (
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it first"),
    (b"\xd4\xc3\xb2\xa1", "a packet capture", "record with a browser or mitmproxy: packets hide what is encrypted"),
    (b"\x0a\x0d\x0d\x0a", "a packet capture", "record with a browser or mitmproxy: packets hide what is encrypted"),
)

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
    """The captures in a file: a HAR file, a flow file of mitmproxy, or an archive of them, told apart by content.

    Each file is held in memory as a whole, those of an archive one after the other. One that is no capture comes as the
    error it is, so that the others of its archive are read all the same. Raises CaptureError for a file that cannot be
    opened, and for a damaged archive.
    """
    file = str(path)
    data = _data(path, file)
    for one in unpacked(data, file) if is_packed(data[:512]) else (Unpacked(file, data),):
        try:
            yield _capture(one)
        except CaptureError as error:
            yield error


def _data(path: Path, file: str) -> bytes:
    try:
        return path.read_bytes()
    except IsADirectoryError:
        raise CaptureError(file, "a folder, not a file", "name the capture files in it") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise CaptureError(file, f"cannot be opened ({why})", "check the path and its permissions") from None


def _capture(one: Unpacked) -> Capture:
    for start, what, remedy in _OTHER_FORMS:
        if one.data.startswith(start):
            raise CaptureError(one.file, what, remedy)
    if _holds_flows(one.data):
        return read_flows(one.data, one.file)
    return read_har(one.data, one.file, one.beside)


def _holds_flows(data: bytes) -> bool:
    if _FLOW_START.match(data):
        return True
    return not _JSON_START.match(data) and _FLOW_INSIDE.search(data) is not None
