"""www.brightloop.test: the site's own pages, its cookies and its own collection endpoint.

May go in here: which path gives what, and which cookies the server sets. May not: the pages' text (`pages.py`), other
companies' hosts (`third_parties.py`).
"""

import hashlib
import json
import secrets
import threading
from collections import defaultdict
from collections.abc import Callable

from demo import pages, scripts
from demo.effects import Script
from demo.messages import (
    DAY,
    NO_CONTENT,
    NOT_FOUND,
    WRONG_METHOD,
    YEAR,
    Answer,
    Asked,
    Headers,
    css,
    html,
    redirect,
    set_cookie,
)

SESSION = "brightloop_session"
CSRF = "csrf"
VISITOR = "bl_visitor"
CAMPAIGN = "bl_campaign"

# The site's own, rather mild policy: what is added to it must stand beside it and not replace it.
_PAGE_HEADERS = (
    ("Content-Security-Policy", "object-src 'none'; base-uri 'self'"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-cache"),
)
_STATIC_HEADERS = (("Cache-Control", "max-age=3600"),)


class Origin:
    """The site. What visitors wrote is kept by session until the process ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._chats: dict[str, list[str]] = defaultdict(list)
        self.survey_answers: list[dict[str, str]] = []
        self.demo_requests: list[dict[str, str]] = []
        self._routes: dict[tuple[str, str], Callable[[Asked], Answer]] = {
            ("GET", "/"): lambda asked: _document(asked, pages.home()),
            ("GET", "/survey"): lambda asked: _with_token(asked, pages.survey),
            ("POST", "/survey/answers"): self._take_survey,
            ("GET", "/survey/thanks"): lambda asked: _document(asked, pages.survey_thanks()),
            ("GET", "/chat"): lambda asked: _with_token(asked, lambda token: pages.chat(token, self._said(asked))),
            ("GET", "/chat/messages"): self._chat_log,
            ("POST", "/chat/messages"): self._take_message,
            ("GET", "/demo-request"): lambda asked: _with_token(asked, pages.demo_request),
            ("POST", "/demo-request"): self._take_demo_request,
            ("GET", "/demo-request/thanks"): lambda asked: _document(asked, pages.demo_thanks()),
            ("GET", "/privacy"): lambda asked: _document(asked, pages.privacy()),
            ("GET", "/collect"): lambda asked: NO_CONTENT,  # noqa: ARG005  what it was told is in the hit
            ("POST", "/collect"): lambda asked: NO_CONTENT,  # noqa: ARG005
            ("GET", "/static/site.css"): lambda asked: _static(asked, css(pages.SITE_CSS)),
            ("GET", "/static/app.js"): lambda asked: _script(asked, scripts.APP),
            ("GET", "/static/chat.js"): lambda asked: _script(asked, scripts.CHAT_LOG),
            ("GET", "/static/logo.svg"): lambda asked: _static(
                asked, Answer(media_type="image/svg+xml", body=pages.LOGO_SVG.encode())
            ),
        }

    def __call__(self, asked: Asked) -> Answer:
        method = "GET" if asked.method == "HEAD" else asked.method
        if route := self._routes.get((method, asked.path)):
            return route(asked)
        return WRONG_METHOD if any(path == asked.path for _method, path in self._routes) else NOT_FOUND

    def _take_survey(self, asked: Asked) -> Answer:
        if not _token_fits(asked):
            return Answer(403, body=b"The form is too old. Please go back and reload it.\n")
        if not asked.field("recommend"):
            return Answer(422, body=b"Please go back and say whether you would recommend us.\n")
        names = ("recommend", "agent", "comment", "follow-up")
        with self._lock:
            self.survey_answers.append({name: asked.field(name) for name in names})
        return redirect("/survey/thanks", 303)

    def _take_demo_request(self, asked: Asked) -> Answer:
        if not _token_fits(asked):
            return Answer(403, body=b"The form is too old. Please go back and reload it.\n")
        with self._lock:
            self.demo_requests.append({name: asked.field(name) for name in ("name", "email", "company")})
        return redirect("/demo-request/thanks", 303)

    def _take_message(self, asked: Asked) -> Answer:
        session = asked.cookie(SESSION)
        if session is None or not _token_fits(asked):
            return Answer(403, body=b"The form is too old. Please go back and reload it.\n")
        with self._lock:
            self._chats[session].append(asked.field("message"))
        return redirect("/chat", 303)

    def _said(self, asked: Asked) -> list[str]:
        with self._lock:
            return list(self._chats.get(asked.cookie(SESSION) or "", ()))

    def _chat_log(self, asked: Asked) -> Answer:
        body = json.dumps({"messages": self._said(asked)}).encode()
        return Answer(media_type="application/json", body=body, headers=(("Cache-Control", "no-store"),))


def _document(asked: Asked, text: str, token: str | None = None) -> Answer:
    """A page, with the cookies the site wants its visitors to have; each is set once and left alone afterwards."""
    page = html(text)
    etag = _etag(page.body)
    headers = (*_PAGE_HEADERS, ("ETag", etag), *_cookies(asked, token))
    # Most sites answer like this; a page that changes with the visitor's choice must not be kept on its word.
    return Answer(304, headers=headers) if asked.headers.get("if-none-match") == etag else page.with_headers(*headers)


def _with_token(asked: Asked, page: Callable[[str], str]) -> Answer:
    token = asked.cookie(CSRF) or secrets.token_urlsafe(16)
    return _document(asked, page(token), token)


def _cookies(asked: Asked, token: str | None) -> Headers:
    wanted: list[tuple[str, str]] = []
    secure = asked.secure
    if asked.cookie(SESSION) is None:
        value = secrets.token_urlsafe(16)
        wanted.append(set_cookie(SESSION, value, http_only=True, secure=secure, same_site="Lax"))
    if asked.cookie(CSRF) is None:
        value = token or secrets.token_urlsafe(16)
        wanted.append(set_cookie(CSRF, value, http_only=True, secure=secure, same_site="Lax"))
    if asked.cookie(VISITOR) is None:
        # Not HttpOnly: the site's own script reads it for /collect.
        wanted.append(set_cookie(VISITOR, secrets.token_hex(8), max_age=2 * YEAR, secure=secure, same_site="Lax"))
    if asked.cookie(CAMPAIGN) is None:
        value = asked.parameter("utm_campaign") or "direct"
        value = value if value.isalnum() else "other"
        wanted.append(set_cookie(CAMPAIGN, value, max_age=90 * DAY, secure=secure, same_site="Lax"))
    return tuple(wanted)


def _token_fits(asked: Asked) -> bool:
    """Whether the form's token is the cookie's: a page of another site can make neither equal the other."""
    kept = asked.cookie(CSRF)
    return kept is not None and secrets.compare_digest(kept.encode(), asked.field("csrf").encode())


def _static(asked: Asked, answer: Answer) -> Answer:
    etag = _etag(answer.body)
    headers = (*_STATIC_HEADERS, ("ETag", etag))
    fresh = asked.headers.get("if-none-match") == etag
    return Answer(304, headers=(*headers, *answer.headers)) if fresh else answer.with_headers(*headers)


def _script(asked: Asked, script: Script) -> Answer:
    body = Answer(media_type="text/javascript; charset=utf-8", body=script.source.encode(), headers=script.headers())
    return _static(asked, body)


def _etag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:16]}"'
