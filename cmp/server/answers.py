"""The forms every answer has: `{"ok": true, ...}`, `{"ok": false, "error": {...}}`, or a page for people.

May go in here: making responses out of values and problems. May not: what is in them, and headers that all answers
share (`headers.py`).
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from cmp.server.caller import fields, language_of, policy_of
from cmp.server.headers import complete
from cmp.server.problems import Failure, Problem
from cmp.wire.banner import answer_html

FORM = "application/x-www-form-urlencoded"
_JSON_FIELDS = complete({"Content-Type": "application/json; charset=utf-8"})


def success(values: Mapping[str, Any]) -> web.Response:
    return _json(200, {"ok": True, **values})


def success_body(values: Mapping[str, Any]) -> bytes:
    """The body of the same, for answers that are kept ready."""
    return json.dumps({"ok": True, **values}, ensure_ascii=True).encode("ascii")


def kept_ready(body: bytes) -> web.Response:
    """A success whose body was made before."""
    return web.Response(body=body, headers=_JSON_FIELDS)


def page(html: str, status: int = 200) -> web.Response:
    return web.Response(status=status, body=html.encode("utf-8", "replace"), content_type="text/html", charset="utf-8")


def failure(request: web.Request, failed: Failure | Problem, language: str = "") -> web.Response:
    """A page where a person will read it, otherwise the error shape."""
    failed = failed if isinstance(failed, Failure) else Failure(failed)
    language = language or language_of(request)
    if wants_page(request):
        html = answer_html(policy_of(request), language, saved=False, problem=failed.for_page(language))
        return page(html, failed.problem.status)
    message = failed.message(language)
    answer = _json(failed.problem.status, {"ok": False, "error": {"code": failed.problem.code, "message": message}})
    if failed.problem.status == 429:
        # Limits are by the minute.
        answer.headers["Retry-After"] = "60"
    return answer


def wants_page(request: web.Request) -> bool:
    """Whether a person's browser shows the answer: after a form, and where a page was asked for."""
    if request.method == "POST":
        return request.content_type == FORM
    return any("text/html" in value for value in fields(request, "Accept"))


def add_set_cookies(response: web.StreamResponse, lines: Iterable[str]) -> None:
    """Adds Set-Cookie fields. What could end a header line is left out: an HTTP/1 writer behind us may not look."""
    for line in lines:
        if line.isascii() and line.isprintable():
            response.headers.add("Set-Cookie", line)


def _json(status: int, document: Mapping[str, Any]) -> web.Response:
    text = json.dumps(document, ensure_ascii=True)
    return web.Response(status=status, text=text, content_type="application/json")
