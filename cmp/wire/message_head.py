"""The head of an HTTP message with one meaning only: no line within a line, nothing to take for something else.

May go in here: telling and mending what RFC 9110 (section 5.5) and RFC 9112 (sections 2.2, 2.3, 3 and 5.2) forbid and
mitmproxy lets pass. May not: framing (mitmproxy refuses what is ambiguous there), decisions.
"""

import re
from collections.abc import Sequence

HeaderFields = Sequence[tuple[bytes, bytes]]

_FOLD = re.compile(rb"[ \t]*\r?\n[ \t]+")
_BREAK = re.compile(rb"[\r\n\0]")
_METHOD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_IN_TARGET = re.compile(rb"[\0-\x20\x7f]")
_VERSIONS = (b"HTTP/1.0", b"HTTP/1.1")


def has_break(fields: HeaderFields) -> bool:
    """Whether a CR, LF or NUL stands in a value. Nearly none has one, so all are looked at in one go."""
    return _BREAK.search(b" ".join([value for _, value in fields])) is not None


def unfolded(fields: HeaderFields) -> tuple[tuple[bytes, bytes], ...]:
    """The fields with each on one line (RFC 9112, section 5.2: a proxy replaces a fold by a space)."""
    if not has_break(fields):
        return tuple(fields)
    return tuple((name, _FOLD.sub(b" ", value) if b"\n" in value else value) for name, value in fields)


def without_breaks(value: bytes) -> bytes:
    """A field value or reason of an answer with a space for each CR, LF and NUL (RFC 9110, section 5.5)."""
    return _BREAK.sub(b" ", value)


def request_fault(method: bytes, target: bytes, version: bytes, fields: HeaderFields) -> str | None:
    """Why an HTTP/1 request is refused, None where nothing is wrong with it. `fields` are unfolded.

    No browser sends such a request. Another server could read a second field, or a second request, out of it.
    """
    if version not in _VERSIONS:
        return "this version of HTTP is not spoken here"
    if not _METHOD.fullmatch(method):
        return "the method is no token"
    if _IN_TARGET.search(target):
        return "a control character in the target"
    if has_break(fields):
        return "a CR, LF or NUL in a header field"
    if sum(name.lower() == b"host" for name, _ in fields) > 1:
        return "more than one Host"
    return None
