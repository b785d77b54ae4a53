"""The marker cookie: which of a policy's events were observed of a visitor, sealed so that nobody can make one up.

May go in here: event ids to cookie text and back, and the header field that carries them. May not: which events there
are and what follows from them (`cmp.core`).

The form is `1.PAYLOAD.MAC`, payload (a JSON list of event ids) and MAC base64url without padding; the MAC
(HMAC-SHA-256) covers purpose, audience and payload. It holds no time, no id, nothing that tells apart two people who
did the same: how long it is remembered is the cookie's Max-Age. The proxy itself makes it, and has no private key to
sign with; so it has a secret of its own, which the consent server does not need.
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterable

from cmp.core.cookies import RequestCookie
from cmp.seal.site import ConsentSite, Scope

_LIMIT = 2_000
_FOR = b"consent-events|"
NOTHING: frozenset[str] = frozenset()


def marker_name(site: ConsentSite) -> str:
    """The cookie's name, with the same prefix as the consent cookie's and for the same reasons."""
    return f"{site.cookie_name}-events"


def write_marker(secret: bytes, audience: str, events: Iterable[str]) -> str:
    """The cookie's value for the events with these ids."""
    payload = _encode(json.dumps(sorted(set(events)), separators=(",", ":")).encode("utf-8"))
    return f"1.{payload}.{_mac(secret, audience, payload)}"


def read_marker(secret: bytes, audience: str, name: str, cookies: Iterable[RequestCookie]) -> frozenset[str]:
    """The events that the request's marker called `name` tells of.

    No marker, two of them (one may have been planted by a sub-domain), a forged, foreign or malformed one: none.
    """
    found = [cookie.value for cookie in cookies if cookie.name == name]
    if len(found) != 1 or len(found[0]) > _LIMIT or not found[0].isascii():
        return NOTHING
    version, _, rest = found[0].partition(".")
    payload, _, mac = rest.partition(".")
    if version != "1" or not hmac.compare_digest(_mac(secret, audience, payload).encode(), mac.encode()):
        return NOTHING
    try:
        events = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (binascii.Error, ValueError):
        return NOTHING
    return frozenset(event for event in events if isinstance(event, str)) if isinstance(events, list) else NOTHING


def marker_line(site: ConsentSite, value: str, max_age: int | None, *, embedded: bool = False) -> str:
    """The Set-Cookie field value. `max_age` is in seconds, None for as long as the browser is open.

    `embedded`: the answer is for a frame or a part of another site's page. A browser takes a cookie there only as
    `SameSite=None` over HTTPS; `Partitioned` (CHIPS) keeps it to that page's site.
    """
    attributes = [f"{marker_name(site)}={value}", "Path=/"]
    if max_age is not None:
        attributes.append(f"Max-Age={max_age}")
    attributes.append("HttpOnly")
    if site.scope is Scope.SITE:
        attributes.append(f"Domain={site.domain}")
    if site.secure:
        attributes.append("Secure")
    attributes.append("SameSite=None; Partitioned" if embedded and site.secure else "SameSite=Lax")
    return "; ".join(attributes)


def _mac(secret: bytes, audience: str, payload: str) -> str:
    # The audience is a host or a domain, so it holds no "|" that could move the borders.
    covered = _FOR + audience.encode("utf-8", "surrogateescape") + b"|" + payload.encode("ascii")
    return _encode(hmac.new(secret, covered, hashlib.sha256).digest())


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
