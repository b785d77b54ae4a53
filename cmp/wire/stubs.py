"""What a browser gets in place of a blocked answer: of the kind it asked for, so that pages do not break on it.

May go in here: small answers written by us, as tables by kind and by what is asked for, and the header fields without
which a page could not read them. May not: who gets one. The scripts stand in `static/stubs/`.

A known tracker's call gets an empty answer, because the page can do nothing about its absence. What nobody knows, and
kinds for which there is something to show instead (an object's own content, another font), get an error that the page
can notice.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from cmp import resources
from cmp.core.exchange import Kind

Fields = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Stub:
    """A whole answer: status, media type, body."""

    status: int
    media_type: str
    body: bytes = b""


_TEXT: Final = "text/plain; charset=utf-8"
_SCRIPT: Final = "text/javascript; charset=utf-8"
_NOTE: Final = b"/* stopped by the site's consent policy */\n"
# One transparent pixel (GIF89a).
_PIXEL: Final = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
# A tenth of a second of silence: RIFF WAVE, PCM, one channel of 8 bits, 8000 a second. Video elements play it too.
_SILENCE: Final = (
    b"RIFF\x44\x03\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x40\x1f\x00\x00\x01\x00\x08\x00"
    b"data\x20\x03\x00\x00" + b"\x80" * 800
)
_NO_BODY: Final = Stub(204, "text/plain")
_OTHERWISE: Final = Stub(403, _TEXT, b"Stopped by the site's consent policy.\n")
_EMPTY_OBJECT: Final = Stub(200, "application/json", b"{}")
# IAB Tech Lab, VAST 4.2, section 2.3.1: no advertisement.
_NO_ADVERTISEMENT: Final = Stub(
    200, "application/xml; charset=utf-8", b'<?xml version="1.0" encoding="UTF-8"?>\n<VAST version="4.2"/>\n'
)

_BY_KIND: Final = {
    Kind.IMAGE: Stub(200, "image/gif", _PIXEL),
    Kind.SCRIPT: Stub(200, _SCRIPT, _NOTE),
    Kind.WORKER: Stub(200, _SCRIPT, _NOTE),
    Kind.STYLE: Stub(200, "text/css; charset=utf-8", _NOTE),
    Kind.FRAME: Stub(
        200,
        "text/html; charset=utf-8",
        b'<!doctype html><html lang="en"><title>Not loaded</title><p>Not loaded: consent is missing.\n',
    ),
    Kind.MEDIA: Stub(200, "audio/wav", _SILENCE),
    Kind.MANIFEST: Stub(200, "application/manifest+json", b"{}"),
    # No font at all, rather than one without letters: the browser takes the next one the page names.
    Kind.FONT: Stub(404, "font/woff2"),
    Kind.BEACON: _NO_BODY,
    Kind.PING: _NO_BODY,
}
# What a path may end with, where that tells more than the kind.
_BY_ENDING: Final = {
    (Kind.IMAGE, "svg"): Stub(200, "image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
    (Kind.MEDIA, "vtt"): Stub(200, "text/vtt; charset=utf-8", b"WEBVTT\n\n"),
    # RFC 8216, section 4.3.3: a list that is complete, and empty.
    (Kind.MEDIA, "m3u8"): Stub(
        200, "application/vnd.apple.mpegurl", b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-ENDLIST\n"
    ),
}
# Scripts with an interface that pages call: by the host (suffix, "" for any) and the end of the path.
_SHIMS: Final = (
    ("", "/gtag/js", "tags"),
    ("", "/gtm.js", "tags"),
    ("google-analytics.com", "/analytics.js", "analytics"),
    ("google-analytics.com", "/analytics_debug.js", "analytics"),
    ("google-analytics.com", "/ga.js", "gaq"),
    ("stats.g.doubleclick.net", "/dc.js", "gaq"),
    ("", "/fbevents.js", "pixel"),
    ("", "/tag/js/gpt.js", "slots"),
    ("", "/adsbygoogle.js", "units"),
    ("", "/apstag.js", "bids"),
    ("", "/matomo.js", "paq"),
    ("", "/piwik.js", "paq"),
)
_VAST: Final = re.compile(r"\b(?:vast|vmap)|[=/_]vast", re.IGNORECASE)
_CALLS: Final = frozenset({Kind.FETCH, Kind.OTHER})


def stub_for(kind: Kind, *, known: bool = False, host: str = "", target: str = "/", accept: str = "") -> Stub:
    """The stub for a request: `target` is its path and query, `accept` its Accept field.

    `known`: it is stopped because of what is known of it, and not because nothing is.
    """
    path = target.partition("?")[0]
    if kind is Kind.SCRIPT:
        for suffix, end, name in _SHIMS:
            if path.endswith(end) and (not suffix or host == suffix or host.endswith(f".{suffix}")):
                return Stub(200, _SCRIPT, _shim(name))
    if kind in _CALLS and known:
        return _call(target, accept)
    ending = path.rpartition("/")[2].rpartition(".")[2].lower()
    return _BY_ENDING.get((kind, ending)) or _BY_KIND.get(kind, _OTHERWISE)


def _call(target: str, accept: str) -> Stub:
    """The stub for what a script asks a known tracker."""
    if "text/event-stream" in accept:
        # HTML standard, section 9.2.3: the browser does not come again.
        return _NO_BODY
    if _VAST.search(target):
        return _NO_ADVERTISEMENT
    return _EMPTY_OBJECT


@cache
def _shim(name: str) -> bytes:
    return (resources.static() / "stubs" / f"{name}.js").read_bytes()


# -- the answer around it

_FIXED: Final = (
    (b"Cache-Control", b"no-store"),
    (b"X-Content-Type-Options", b"nosniff"),
    # A page that wants every resource's permission to be embedded gets it (Fetch standard, section 3.7).
    (b"Cross-Origin-Resource-Policy", b"cross-origin"),
    (b"X-Consentry", b"blocked"),
)
# HTML standard, section 7.1.4: a frame or a worker in such a page has to ask for it itself.
_EMBEDDED: Final = (b"Cross-Origin-Embedder-Policy", b"require-corp")
_LOCKED: Final = (b"Content-Security-Policy", b"default-src 'none'")
_METHODS: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_NAMES: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*,[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*")
_ORIGIN: Final = re.compile(rb"null|[a-z][a-z0-9+.-]*://[!-~]+")


def is_preflight(method: str, fields: Fields) -> bool:
    """Whether a browser asks whether a page may ask (Fetch standard, section 3.3.2)."""
    return method == "OPTIONS" and _last(fields, b"access-control-request-method") is not None


def stub_fields(kind: Kind, stub: Stub, method: str, fields: Fields) -> tuple[int, tuple[tuple[bytes, bytes], ...]]:
    """Status and header fields for a stub, in answer to a request with `fields`.

    The origin that asks may read it, with what it sent along: a call that got an answer from the tracker gets one from
    here, and `fetch` does not reject. Fields of the request are repeated only where they are well-formed.
    """
    status = stub.status
    found = [(b"Content-Type", stub.media_type.encode("ascii")), *_FIXED]
    if kind in (Kind.FRAME, Kind.WORKER):
        found.append(_EMBEDDED)
    if kind is Kind.FRAME:
        found.append(_LOCKED)
    origin = _last(fields, b"origin")
    if origin is not None and _ORIGIN.fullmatch(origin):
        found += [(b"Access-Control-Allow-Origin", origin), (b"Access-Control-Allow-Credentials", b"true")]
        found += [(b"Access-Control-Expose-Headers", b"X-Consentry"), (b"Vary", b"Origin")]
        if is_preflight(method, fields):
            status = 204
            found += _allowed(fields)
    return status, tuple(found)


def _allowed(fields: Fields) -> list[tuple[bytes, bytes]]:
    asked = _last(fields, b"access-control-request-method") or b""
    names = b", ".join(value for name, value in fields if name.lower() == b"access-control-request-headers")
    # Remembered, it would speak for the tracker once the visitor has agreed to it.
    found = [(b"Access-Control-Max-Age", b"0")]
    if _METHODS.fullmatch(asked):
        found.append((b"Access-Control-Allow-Methods", asked))
    if _NAMES.fullmatch(names):
        found.append((b"Access-Control-Allow-Headers", names))
    return found


def _last(fields: Fields, wanted: bytes) -> bytes | None:
    return next((value.strip(b" \t") for name, value in reversed(fields) if name.lower() == wanted), None)
