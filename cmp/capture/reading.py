"""Capture files, whatever their form.

May go in here: opening a file and telling its form from its first bytes. May not: the forms themselves (`har.py`,
`flows.py`).
"""

import re
from pathlib import Path

from cmp.capture.capture import Capture, CaptureError
from cmp.capture.flows import read_flows
from cmp.capture.har import read_har

# Files that people take for captures: how they begin, what they are, and what to do instead.
_OTHER_FORMS = (
    (b"PK\x03\x04", "a zip archive", "unpack it and give the .har inside"),
    (b"\x1f\x8b", "compressed with gzip", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it first"),
    (b"\x78\x9c", "compressed with zlib (.zhar)", "save it as .har instead"),
    (b"\xd4\xc3\xb2\xa1", "a packet capture", "record with a browser or mitmproxy: packets hide what is encrypted"),
    (b"\x0a\x0d\x0d\x0a", "a packet capture", "record with a browser or mitmproxy: packets hide what is encrypted"),
)

_FLOW_START = re.compile(rb"[0-9]{1,12}:")
# A flow whose beginning is damaged still names its fields further on.
_FLOW_INSIDE = re.compile(rb"7:version[;,][0-9]")
_JSON_START = re.compile(rb"(?:\xef\xbb\xbf)?\s*[{\[]")


def read_capture(path: Path) -> Capture:
    """The capture in a file, a HAR file or a flow file of mitmproxy, told apart by content, never by name.

    The whole file is held in memory. Raises CaptureError for a file that cannot be opened or is neither.
    """
    file = str(path)
    try:
        data = path.read_bytes()
    except IsADirectoryError:
        raise CaptureError(file, "a folder, not a file", "name the capture files in it") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise CaptureError(file, f"cannot be opened ({why})", "check the path and its permissions") from None
    for start, what, remedy in _OTHER_FORMS:
        if data.startswith(start):
            raise CaptureError(file, what, remedy)
    return read_flows(data, file) if _holds_flows(data) else read_har(data, file)


def _holds_flows(data: bytes) -> bool:
    if _FLOW_START.match(data):
        return True
    return not _JSON_START.match(data) and _FLOW_INSIDE.search(data) is not None
