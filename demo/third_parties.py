"""The third parties: what each company's host answers, and the cookie it recognises visitors by.

May go in here: one small table of paths per host, and the cookie and cross-origin headers all of them send. May not:
their scripts' sources (`scripts.py`), the site's own host (`origin.py`).

Over HTTPS the cookies are SameSite=None; Secure, the only ones of third parties a browser may take; over HTTP there
is no such form. The demo's own visitor keeps them all.
"""

import json
import secrets
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from demo import scripts
from demo.effects import Script
from demo.messages import (
    DAY,
    NO_CONTENT,
    NOT_FOUND,
    PIXEL,
    YEAR,
    Answer,
    Asked,
    Handler,
    css,
    html,
    redirect,
    set_cookie,
)
from demo.names import (
    AD_PIXEL,
    AD_SYNC,
    AD_TAG,
    AUDIENCE,
    CHAT,
    FONTS,
    LIBRARY,
    SOCIAL,
    STATS,
    UNLISTED,
    VIDEO,
    site_of,
)


@dataclass(frozen=True, slots=True)
class IdCookie:
    """The cookie a company recognises a visitor by. With `shared` it is sent to all of the company's hosts."""

    name: str = "uid"
    max_age: int = YEAR
    shared: bool = False


@dataclass(frozen=True, slots=True)
class ThirdParty:
    """One host: what it answers to a path, and its cookie, if it sets one."""

    host: str
    paths: Mapping[str, Callable[[Asked], Answer]]
    id_cookie: IdCookie | None = field(default_factory=IdCookie)

    def __call__(self, asked: Asked) -> Answer:
        if asked.method == "OPTIONS":
            return NO_CONTENT.with_headers(*_cross_origin(asked), *_preflight(asked))
        path = self.paths.get(asked.path)
        if path is None:
            return NOT_FOUND.with_headers(*_cross_origin(asked))
        visitor = asked.cookie(self.id_cookie.name) if self.id_cookie else None
        if visitor is None and self.id_cookie:
            visitor = secrets.token_hex(8)
            asked = _knowing(asked, self.id_cookie.name, visitor)
            return path(asked).with_headers(*_general(asked), self._remember(asked, self.id_cookie, visitor))
        return path(asked).with_headers(*_general(asked))

    def _remember(self, asked: Asked, cookie: IdCookie, value: str) -> tuple[str, str]:
        return set_cookie(
            cookie.name,
            value,
            max_age=cookie.max_age,
            domain=site_of(self.host) if cookie.shared else "",
            secure=asked.secure,
            same_site="None" if asked.secure else None,
        )


def _knowing(asked: Asked, name: str, value: str) -> Asked:
    """The request as the next one will be, so that a first visit is synchronised like any other."""
    return Asked(
        asked.method,
        asked.scheme,
        asked.host,
        asked.path,
        asked.query,
        asked.headers,
        (*asked.cookies, (name, value)),
        asked.body,
    )


def _general(asked: Asked) -> tuple[tuple[str, str], ...]:
    # no-store: each load of a page shows the same requests, whatever the browser has kept.
    return (("Cache-Control", "no-store"), ("Timing-Allow-Origin", "*"), *_cross_origin(asked))


def _cross_origin(asked: Asked) -> tuple[tuple[str, str], ...]:
    origin = asked.headers.get("origin")
    if origin is None:
        return (("Cross-Origin-Resource-Policy", "cross-origin"),)
    return (
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Credentials", "true"),
        ("Vary", "Origin"),
        ("Cross-Origin-Resource-Policy", "cross-origin"),
    )


def _preflight(asked: Asked) -> tuple[tuple[str, str], ...]:
    return (
        ("Access-Control-Allow-Methods", "GET, POST"),
        ("Access-Control-Allow-Headers", asked.headers.get("access-control-request-headers", "content-type")),
        ("Access-Control-Max-Age", "600"),
    )


def _always(answer: Answer) -> Handler:
    return lambda asked: answer  # noqa: ARG005  it is the same whoever asks


def _script(script: Script) -> Handler:
    # The headers are made anew each time: a script's cookie has another value in each browser.
    return lambda asked: Answer(  # noqa: ARG005
        media_type="text/javascript; charset=utf-8", body=script.source.encode(), headers=script.headers()
    )


def _frame(title: str, body: str) -> Handler:
    return _always(
        html(f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}</title>\n{body}\n</html>\n')
    )


def _banner(width: int, height: int) -> Answer:
    """A plain PNG of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\x00" + b"\xff\xd8\x4a" * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return Answer(media_type="image/png", body=body)


# -- the few answers that depend on who asks


def _sync(asked: Asked) -> Answer:
    """A cookie sync: the other company's id of the visitor goes to the one that asked for it."""
    return redirect(f"//{AD_PIXEL}/match?partner=bidhub&uid={asked.cookie('uid') or ''}")


def _chat_session(asked: Asked) -> Answer:
    session = {"visitor": asked.cookie("tb_visitor"), "greeting": "Hello, I am Ada. How can I help?"}
    return Answer(media_type="application/json", body=json.dumps(session).encode())


_FONT_CSS = f"""@font-face {{
  font-family: "Loop Sans";
  src: url(//{FONTS}/loop-sans.woff2) format("woff2");
  font-display: swap;
}}
"""
# No font at all: a browser asks for it, says so on its console and takes the next in the list.
_FONT = Answer(media_type="font/woff2", body=b"wOF2")

_PLAYER = Script(source="document.documentElement.classList.add('player');\n")

_POSTER = f'<img src="//{VIDEO}/poster/tour-2024.png" alt="" width="320" height="180">'

_ALL = (
    ThirdParty(
        STATS,
        {
            "/meter.js": _script(scripts.METER),
            "/beacon": _always(NO_CONTENT),
            "/engagement": _always(NO_CONTENT),
            "/pixel.gif": _always(PIXEL),
            "/noscript.gif": _always(PIXEL),
        },
        IdCookie(max_age=2 * YEAR),
    ),
    ThirdParty(AD_TAG, {"/tag.js": _script(scripts.AD)}, IdCookie(shared=True)),
    ThirdParty(
        AD_PIXEL,
        {
            "/impression.gif": _always(PIXEL),
            "/noscript.gif": _always(PIXEL),
            "/warm-up.gif": _always(PIXEL),
            "/conversion.gif": _always(PIXEL),
            "/click": _always(NO_CONTENT),
            "/match": _frame("Match", ""),
            "/banner-320.png": _always(_banner(320, 50)),
            "/banner-640.png": _always(_banner(640, 100)),
        },
        IdCookie(shared=True),
    ),
    ThirdParty(AD_SYNC, {"/sync": _sync}),
    ThirdParty(AUDIENCE, {"/match.js": _script(scripts.MATCH), "/match": _always(NO_CONTENT)}, IdCookie(shared=True)),
    ThirdParty(
        SOCIAL,
        {
            "/sdk.js": _script(scripts.BUTTONS),
            "/like.html": _frame("Like", "<button>Like</button>"),
            "/button.html": _frame("Follow", "<button>Follow</button>"),
        },
        IdCookie(shared=True),
    ),
    ThirdParty(
        VIDEO,
        {
            "/embed/tour-2024": _frame("Product tour", f'{_POSTER}\n<script src="//{VIDEO}/player.js"></script>'),
            "/player.js": _script(_PLAYER),
            "/poster/tour-2024.png": _always(_banner(320, 180)),
        },
        IdCookie("tp_visitor", max_age=180 * DAY),
    ),
    ThirdParty(FONTS, {"/css": _always(css(_FONT_CSS)), "/loop-sans.woff2": _always(_FONT)}, IdCookie("ts_seen", DAY)),
    ThirdParty(
        CHAT,
        {"/widget.js": _script(scripts.CHAT_WIDGET), "/session": _chat_session},
        IdCookie("tb_visitor", max_age=30 * DAY),
    ),
    ThirdParty(LIBRARY, {"/lib/ready.js": _script(scripts.LIBRARY_SOURCE)}, None),
    ThirdParty(UNLISTED, {"/p.gif": _always(PIXEL)}),
)

HANDLERS: Mapping[str, Handler] = {party.host: party for party in _ALL}
