"""Bodies of requests as sources keep them, bounded.

May go in here: from `postData` of a HAR file, and from the bytes of a flow, to the bytes a server would have read; what
a tracking status resource states. May not: looking for anything in them (`cmp.audit`).
"""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote_plus

from cmp.capture.capture import BODY_LIMIT
from cmp.capture.observe import Headers, field_lines

# With these a request says something in its body; others may, and hardly ever do.
_WITH_BODY = ("POST", "PUT", "PATCH")


def posted(post_data: object, beside: Callable[[str], bytes | None] | None = None) -> tuple[bytes, str]:
    """The body and the type that a HAR file's `postData` holds.

    HAR 1.2 has "text" or "params". Tools add "encoding": "base64" for bytes that are no text, write the members of a
    JSON body as params, or the text alone. Playwright names a file `beside` the HAR in "_file".
    """
    if isinstance(post_data, str):
        return _bytes(post_data), ""
    if not isinstance(post_data, Mapping):
        return b"", ""
    stated = post_data.get("mimeType")
    type_ = stated.strip() if isinstance(stated, str) else ""
    text = post_data.get("text")
    if isinstance(text, str) and text:
        return (_decoded(text) if post_data.get("encoding") == "base64" else _bytes(text)), type_
    named = post_data.get("_file")
    if beside is not None and isinstance(named, str) and (found := beside(named)) is not None:
        return found[:BODY_LIMIT], type_
    params = post_data.get("params")
    return (_from_params(params, type_) if isinstance(params, list) else b""), type_


def sent_frames(messages: object) -> bytes:
    """What a browser sent through a WebSocket, a line for each message, of the list that Chrome and Playwright write
    as `_webSocketMessages`. Messages that are no text (opcode 2) are left out."""
    listed = messages[:2_000] if isinstance(messages, list) else []
    sent = [m for m in listed if isinstance(m, Mapping) and m.get("type") == "send" and m.get("opcode", 1) == 1]
    return _bytes("\n".join(text for m in sent if isinstance(text := m.get("data"), str)))


def _bytes(text: str) -> bytes:
    return text[:BODY_LIMIT].encode("utf-8", "replace")[:BODY_LIMIT]


def _decoded(text: str) -> bytes:
    # Four characters hold three bytes; what follows the limit is not decoded at all.
    start = re.sub(r"\s+", "", text[: 2 * BODY_LIMIT])[: 4 * (BODY_LIMIT // 3)]
    try:
        return base64.b64decode(start + "=" * (-len(start) % 4), altchars=b"-_" if re.search("[-_]", start) else None)
    except (binascii.Error, ValueError):
        return b""


def _from_params(params: list[Any], type_: str) -> bytes:
    pairs = [(p.get("name"), p.get("value")) for p in params[:2_000] if isinstance(p, Mapping)]
    named = [(name, value) for name, value in pairs if isinstance(name, str)]
    if "json" in type_.lower() or any(isinstance(value, dict | list) for _, value in named):
        try:
            return _bytes(json.dumps(dict(named)))
        except RecursionError:
            return b""
    written = ((quote_plus(name, errors="replace"), _field(value)) for name, value in named)
    return "&".join(f"{name}={value}" for name, value in written).encode()[:BODY_LIMIT]


def _field(value: object) -> str:
    return quote_plus("" if value is None else str(value)[:BODY_LIMIT], errors="replace")


def without_coding(body: bytes, coding: str) -> bytes:
    """The first bytes of a body with its Content-Encoding undone: gzip and deflate; others stay as they are."""
    coding = coding.strip().lower()
    if coding not in ("gzip", "x-gzip", "deflate"):
        return body[:BODY_LIMIT]
    try:
        # 32 more than the window lets zlib tell gzip from zlib by itself.
        return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(body, BODY_LIMIT)
    except zlib.error:
        return body[:BODY_LIMIT]


def must_have_body(method: str, headers: Headers, size: object = None) -> bool:
    """Whether a request had a body: its length says so, or its method, and nothing says that it is empty.

    `size` is a HAR file's `bodySize`, -1 or anything else that is no count where the tool does not know.
    """
    lengths = [line.strip() for line in field_lines(headers, "content-length")]
    if any(line.isdigit() and int(line[:20]) > 0 for line in lengths):
        return True
    known = isinstance(size, int) and not isinstance(size, bool) and size >= 0
    if known and size:
        return True
    return method.upper() in _WITH_BODY and not (lengths or known)


def tracking_status(headers: Headers, resource: object = None) -> str:
    """The tracking status that an answer states, "" for none: `Tk`, else "tracking" of the status `resource`.

    W3C Tracking Preference Expression, sections 6.3 and 6.4: the first character counts, in the case it is written in.
    """
    for line in field_lines(headers, "tk"):
        if line.strip():
            return line.strip()[0]
    if not isinstance(resource, str | bytes) or not resource:
        return ""
    try:
        stated = json.loads(resource[:BODY_LIMIT])
    except (ValueError, RecursionError):
        return ""
    status = stated.get("tracking") if isinstance(stated, dict) else None
    return status[:1] if isinstance(status, str) else ""


def is_tracking_resource(path: str) -> bool:
    """Whether a path is that of a tracking status resource."""
    return path.startswith("/.well-known/dnt/")
