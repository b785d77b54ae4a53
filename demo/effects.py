"""What running a script leads to, declared beside its source: a visitor without a JavaScript engine can do it too.

May go in here: the value, and its form in the headers `X-Demo-Does` and `X-Demo-Cookie`. May not: the scripts
(`scripts.py`), carrying an effect out (`visit.py`).

X-Demo-Does: METHOD KIND URL [BODY]; METHOD KIND URL [BODY] ...
X-Demo-Cookie: NAME=VALUE; Max-Age=SECONDS

`KIND` is a word of `manners.KINDS`; a body has no blank and no semicolon. `{name}` in a URL stands for the value of the
page's cookie of that name and `{path}` for the page's path, both percent-encoded, as the script would put them in.
"""

import re
import secrets
from dataclasses import dataclass
from urllib.parse import quote

DOES = "X-Demo-Does"
COOKIE = "X-Demo-Cookie"

_PLACE = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Effect:
    """One request a script makes."""

    method: str
    kind: str
    url: str
    body: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.kind} {self.url} {self.body}".rstrip()

    def address(self, cookies: dict[str, str], path: str) -> str:
        """The URL with its places filled in; a cookie that is not there reads as "none"."""
        known = {**cookies, "path": path}
        return _PLACE.sub(lambda place: quote(known.get(place[1], "none"), safe=""), self.url)


def read_effects(text: str) -> tuple[Effect, ...]:
    """The effects of a header value, or of the attribute `data-demo-does`. Raises ValueError for another form."""
    found = []
    for part in text.split(";"):
        words = part.split()
        if not words:
            continue
        if len(words) not in (3, 4):
            raise ValueError(f"{part.strip()!r} is not METHOD KIND URL [BODY]")
        found.append(Effect(*words))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Script:
    """A script: its source, and what running it does. A cookie is written only where the page has none of the name."""

    source: str
    effects: tuple[Effect, ...] = ()
    cookie: str = ""
    max_age: int = 0

    def headers(self) -> tuple[tuple[str, str], ...]:
        declared = []
        if self.effects:
            declared.append((DOES, "; ".join(map(str, self.effects))))
        if self.cookie:
            declared.append((COOKIE, f"{self.cookie}={secrets.token_hex(8)}; Max-Age={self.max_age}"))
        return tuple(declared)
