"""What a browser gets in place of a blocked answer: of the kind it asked for, so that pages do not break on it.

May go in here: small bodies written by us, as a table by kind. May not: who gets one.
"""

import base64
from dataclasses import dataclass

from cmp.core.exchange import Kind


@dataclass(frozen=True, slots=True)
class Stub:
    """A whole answer: status, media type, body."""

    status: int
    media_type: str
    body: bytes = b""


# One transparent pixel (GIF89a).
_PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")

_BY_KIND = {
    Kind.IMAGE: Stub(200, "image/gif", _PIXEL),
    Kind.SCRIPT: Stub(200, "text/javascript", b"/* stopped by the site's consent policy */\n"),
    Kind.STYLE: Stub(200, "text/css", b"/* stopped by the site's consent policy */\n"),
    Kind.FRAME: Stub(
        200, "text/html; charset=utf-8", b"<!doctype html><title>Not loaded</title><p>Not loaded: consent is missing.\n"
    ),
    Kind.BEACON: Stub(204, "text/plain"),
}
_OTHERWISE = Stub(403, "text/plain; charset=utf-8", b"Stopped by the site's consent policy.\n")


def stub_for(kind: Kind) -> Stub:
    """The stub for a kind of resource; kinds whose failure a page must be able to notice get a plain 403."""
    return _BY_KIND.get(kind, _OTHERWISE)
