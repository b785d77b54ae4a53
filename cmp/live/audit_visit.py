"""The token of an audit visit taken off a request, before anything else looks at it.

May go in here: finding it and taking it out. May not: checking it (`cmp.seal.audit_token`), what is logged.

It is taken out before the original is kept: it reaches neither a server nor a recording nor a decision.
"""

from mitmproxy import http

from cmp.core.cookies import read_pair
from cmp.wire.cookies import strip_request_cookies

# Where a browser carries it: as a field of each request, or as a cookie of the site.
FIELD = b"x-consentry-audit"
COOKIE = "consentry-audit"
_COOKIE_START = COOKIE.encode() + b"="


def take_token(flow: http.HTTPFlow) -> str:
    """Take the token out of the request, valid or not; "" where there is none."""
    headers = flow.request.headers
    found, there = "", False
    for name, value in headers.fields:
        key = name.lower()
        if key == FIELD:
            found, there = value.decode("ascii", "replace").strip(), True
        elif key == b"cookie" and _COOKIE_START in value:
            found, there = found or _cookie(value), True
    if there:
        fields = strip_request_cookies(headers.fields, COOKIE.__eq__)
        headers.fields = tuple((name, value) for name, value in fields if name.lower() != FIELD)
    return found


def _cookie(line: bytes) -> str:
    pairs = (read_pair(part.decode("utf-8", "surrogateescape")) for part in line.split(b";"))
    return next((pair.value for pair in pairs if pair.name == COOKIE), "")
