"""The bytes of a list, from a file or over HTTP.

May go in here: bounds on what is fetched: schemes, redirects, size, time. May not: what the bytes are.
"""

import re
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any, Protocol

from cmp.lists.content import ListError

SIZE_LIMIT = 64 * 1024 * 1024
TIME_LIMIT = 120.0
_SILENCE = 20.0
_REDIRECTS = 5
_CHUNK = 65_536
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def is_url(source: str) -> bool:
    return _SCHEME.match(source) is not None


def fetch(source: str, *, size_limit: int = SIZE_LIMIT, time_limit: float = TIME_LIMIT) -> bytes:
    """The bytes of a file or of an http(s) URL. Raises ListError that names it, and what to do about it."""
    if (found := _SCHEME.match(source)) is None:
        return _file(source, size_limit)
    if found[1].lower() not in ("http", "https"):
        raise ListError(f"{source}: lists are fetched over http and https only; name a file by its path")
    return _url(source, size_limit, time_limit)


def _file(source: str, size_limit: int) -> bytes:
    try:
        with Path(source).open("rb") as file:
            return _bounded(file, source, size_limit, None)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise ListError(f"{source}: cannot be read: {why}") from error


def _url(source: str, size_limit: int, time_limit: float) -> bytes:
    deadline = time.monotonic() + time_limit
    # No blanket opener: it would also have handlers for file: and ftp:, which a redirect could lead to.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    try:
        request = urllib.request.Request(source, headers={"User-Agent": "consentry", "Accept": "*/*"})  # noqa: S310
        with opener.open(request, timeout=min(_SILENCE, time_limit)) as answer:
            return _bounded(answer, source, size_limit, deadline)
    except urllib.error.HTTPError as error:
        raise ListError(f"{source}: the server answered {error.code} {_line(error.reason)}") from error
    except urllib.error.URLError as error:
        raise ListError(f"{source}: cannot be fetched: {_line(error.reason)}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise ListError(f"{source}: cannot be fetched: {_line(error) or type(error).__name__}") from error


def _line(why: object) -> str:
    return " ".join(str(why).split())


def _bounded(file: _Readable, source: str, size_limit: int, deadline: float | None) -> bytes:
    parts, size = [], 0
    while part := file.read(_CHUNK):
        size += len(part)
        if size > size_limit:
            raise ListError(f"{source}: is larger than {size_limit // 1024 // 1024} MiB: no list is")
        if deadline is not None and time.monotonic() > deadline:
            raise ListError(f"{source}: did not arrive in time")
        parts.append(part)
    return b"".join(parts)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """A few redirects, to http(s) only, and never from https back to http."""

    max_redirections = _REDIRECTS
    max_repeats = 2

    def redirect_request(  # noqa: PLR0917 - the signature is urllib's
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        scheme = newurl.partition(":")[0].lower()
        if scheme not in ("http", "https") or (req.type == "https" and scheme != "https"):
            raise urllib.error.URLError(f"it redirects to {newurl}, which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)
