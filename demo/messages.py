"""What a host of the demo world is asked, and what it answers: plain values, so that hosts are plain functions.

May go in here: the two values and the few answers every host gives. May not: sockets and the server (`site.py`), what a
particular host answers (`origin.py`, `third_parties.py`).
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl

YEAR = 365 * 24 * 3600
DAY = 24 * 3600

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. Header names are lower-case; of several fields of one name the last is kept, except cookies."""

    method: str
    scheme: str
    host: str
    path: str
    query: str
    headers: Mapping[str, str]
    cookies: tuple[tuple[str, str], ...]
    body: bytes = b""

    @property
    def secure(self) -> bool:
        return self.scheme == "https"

    def parameter(self, name: str) -> str:
        return dict(parse_qsl(self.query)).get(name, "")

    def field(self, name: str) -> str:
        """A field of a posted form, "" where it was left empty."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"))).get(name, "")

    def cookie(self, name: str) -> str | None:
        return dict(self.cookies).get(name)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int = 200
    media_type: str = "text/plain; charset=utf-8"
    body: bytes = b""
    headers: Headers = field(default=())

    def with_headers(self, *more: tuple[str, str]) -> "Answer":
        return Answer(self.status, self.media_type, self.body, (*self.headers, *more))


Handler = Callable[[Asked], Answer]

# One transparent pixel (GIF89a).
PIXEL = Answer(
    media_type="image/gif", body=base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
)
NOT_FOUND = Answer(404, body=b"There is no such page.\n")
WRONG_METHOD = Answer(405, body=b"That page takes no such request.\n")
NO_CONTENT = Answer(204)


def html(text: str) -> Answer:
    return Answer(media_type="text/html; charset=utf-8", body=text.encode())


def css(text: str) -> Answer:
    return Answer(media_type="text/css; charset=utf-8", body=text.encode())


def redirect(to: str, status: int = 302) -> Answer:
    return Answer(status, headers=(("Location", to),))


def set_cookie(
    name: str,
    value: str,
    *,
    max_age: int | None = None,
    http_only: bool = False,
    secure: bool = False,
    same_site: Literal["Lax", "None"] | None = None,
    domain: str = "",
) -> tuple[str, str]:
    """A Set-Cookie field."""
    parts = [f"{name}={value}", "Path=/"]
    if max_age is not None:
        parts.append(f"Max-Age={max_age}")
    if domain:
        parts.append(f"Domain={domain}")
    if secure:
        parts.append("Secure")
    if http_only:
        parts.append("HttpOnly")
    if same_site:
        parts.append(f"SameSite={same_site}")
    return "Set-Cookie", "; ".join(parts)
