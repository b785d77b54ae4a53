"""How a browser asks: the headers it sends with each kind of request, as Chromium sends them.

May go in here: headers that follow from who asks whom for what. May not: cookies and connections (`visit.py`), headers
that a person's settings add (there too).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from demo.names import site_of

_DOCUMENT_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8"
_TEXT = "text/plain;charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Manner:
    """One kind: Sec-Fetch-Dest, Sec-Fetch-Mode, Accept, and the type of the body that its POST has."""

    dest: str
    mode: str
    accept: str = "*/*"
    body_type: str = _TEXT


# The words for kinds of requests that the demo uses.
KINDS: Mapping[str, Manner] = {
    "document": Manner("document", "navigate", _DOCUMENT_ACCEPT, "application/x-www-form-urlencoded"),
    "iframe": Manner("iframe", "navigate", _DOCUMENT_ACCEPT),
    "script": Manner("script", "no-cors"),
    "style": Manner("style", "no-cors", "text/css,*/*;q=0.1"),
    "image": Manner("image", "no-cors", "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"),
    "font": Manner("font", "cors"),
    "fetch": Manner("empty", "cors"),
    "beacon": Manner("empty", "no-cors"),
    "ping": Manner("empty", "no-cors", body_type="text/ping"),
}


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def request_headers(kind: str, method: str, url: str, *, page: str, referrer: str) -> dict[str, str]:
    """The headers of a request that the document at `page` ("" for a typed address) causes.

    `referrer` is the page too, or the style sheet of it that named the resource.
    """
    manner = KINDS[kind]
    headers = {"Accept": manner.accept}
    if manner.mode == "navigate":
        headers["Upgrade-Insecure-Requests"] = "1"
    if method == "POST":
        headers["Content-Type"] = manner.body_type
    if page and (method == "POST" or (manner.mode == "cors" and origin_of(page) != origin_of(url))):
        headers["Origin"] = origin_of(page)
    if referrer and kind != "ping":
        # strict-origin-when-cross-origin, which browsers use where a page asks for nothing else.
        same = origin_of(referrer) == origin_of(url)
        headers["Referer"] = referrer.partition("#")[0] if same else origin_of(referrer) + "/"
    return headers


def fetch_metadata(kind: str, url: str, *, page: str) -> dict[str, str]:
    """Sec-Fetch-*, which browsers send to HTTPS addresses only."""
    manner = KINDS[kind]
    headers = {
        "Sec-Fetch-Site": _relation(page, url),
        "Sec-Fetch-Mode": manner.mode,
        "Sec-Fetch-Dest": manner.dest,
    }
    if kind == "document":
        headers["Sec-Fetch-User"] = "?1"
    return headers


def ping_headers(page: str, target: str, ping: str) -> dict[str, str]:
    """What a ping says of the click; a page over HTTPS does not name itself to others (HTML, hyperlink auditing)."""
    told = {"Ping-To": target}
    if origin_of(page) == origin_of(ping) or not page.startswith("https:"):
        told["Ping-From"] = page
    return told


def _relation(page: str, url: str) -> str:
    if not page:
        return "none"
    if origin_of(page) == origin_of(url):
        return "same-origin"
    ours, theirs = urlsplit(page), urlsplit(url)
    same_site = ours.scheme == theirs.scheme and site_of(ours.hostname or "") == site_of(theirs.hostname or "")
    return "same-site" if same_site else "cross-site"
