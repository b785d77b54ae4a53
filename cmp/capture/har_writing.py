"""A recording of our proxy written as a HAR file: the originals, as browsers sent them and servers answered.

May go in here: from flows to HAR 1.2, and what of ours goes with them. May not: reading HAR files (`har.py`).

HAR has no place for who the visitor was, what the proxy decided, and what a body that was passed on carried. These go
into a member of our own, `_consentry` (HAR 1.2 keeps names that begin with "_" for that). Without it a HAR is what any
tool would have written. Bodies of answers are never in it.
"""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from mitmproxy import http
from mitmproxy.proxy.mode_specs import ReverseMode

from cmp.capture.bodies import without_coding
from cmp.capture.flow_exchange import ALIASES, RELAY, VISIT, Mark, flow_url, header_list, mark_form, read_mark
from cmp.capture.flows import read_originals
from cmp.capture.observe import Headers, content_type, field_lines, request_cookies, set_cookie_lines
from cmp.core.cookies import read_set_cookie
from cmp.core.urls import UrlError, query_pairs

# Our own member of an entry.
OURS = "_consentry"


def write_har(data: bytes, *, plain: bool = False, version: str = "") -> bytes:
    """The HAR of a flow file's bytes. `plain`: without what only our proxy knew. `version` is the writer's.

    A flow that cannot be read, or whose target is no URL, is left out, as `read_flows` leaves it out.
    """
    log = {
        "version": "1.2",
        "creator": {"name": "consentry", "version": version},
        "entries": list(_entries(data, plain=plain)),
    }
    # ASCII: bytes of a header that are no UTF-8 are lone surrogates, which nothing but an escape can carry.
    return json.dumps({"log": log}, indent=1).encode("ascii") + b"\n"


def _entries(data: bytes, *, plain: bool) -> Iterator[dict[str, Any]]:
    for flow, edited in read_originals(data):
        try:
            yield _entry(flow, read_mark(flow), plain=plain, edited=edited)
        except UrlError:
            continue


def _entry(flow: http.HTTPFlow, mark: Mark | None, *, plain: bool, edited: bool) -> dict[str, Any]:
    reverse = mark.reverse if mark is not None else isinstance(flow.client_conn.proxy_mode, ReverseMode)
    blocked = mark is not None and mark.blocked
    began, ended = flow.request.timestamp_start, flow.response.timestamp_end if flow.response else None
    took = max(round(1_000 * ((ended or began) - began), 3), 0)
    entry: dict[str, Any] = {
        "startedDateTime": datetime.fromtimestamp(max(began, 0), UTC).isoformat(timespec="microseconds"),
        "time": took,
        "request": _request(flow.request, str(flow_url(flow, reverse=reverse)), with_body=not blocked),
        # The answer to a blocked request is our own, and none of the server's.
        "response": _response(None if blocked else flow.response),
        "cache": {},
        "timings": {"send": 0, "wait": took, "receive": 0},
    }
    if mark is not None and not plain:
        entry[OURS] = {
            "form": 1,
            "mark": mark_form(mark),
            "time": began,
            "relay": flow.metadata.get(RELAY),
            "aliases": flow.metadata.get(ALIASES),
            "visit": flow.metadata.get(VISIT, ""),
            "edited": edited,
        }
    return entry


def _request(request: http.Request, url: str, *, with_body: bool) -> dict[str, Any]:
    headers, body = header_list(request.headers), request.raw_content if with_body else None
    written: dict[str, Any] = {
        "method": request.method,
        "url": url,
        "httpVersion": request.http_version,
        "cookies": [{"name": pair.name, "value": pair.value} for pair in request_cookies(headers)],
        "headers": _pairs(headers),
        "queryString": [{"name": name, "value": value} for name, value in query_pairs(url.partition("?")[2])],
        "headersSize": -1,
        "bodySize": -1 if body is None else len(body),
    }
    if body:
        type_ = next(iter(field_lines(headers, "content-type")), "")
        written["postData"] = {"mimeType": type_, **_text(body, headers)}
    return written


def _text(body: bytes, headers: Headers) -> dict[str, str]:
    """The body without its content coding: as text where it is some, else as base64."""
    coding = next(iter(field_lines(headers, "content-encoding")), "")
    whole = without_coding(body, coding) if coding else body
    try:
        return {"text": whole.decode("utf-8")}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(whole).decode("ascii"), "encoding": "base64"}


def _response(answer: http.Response | None) -> dict[str, Any]:
    headers = header_list(answer.headers) if answer is not None else []
    cookies = [read_set_cookie(line) for line in set_cookie_lines(headers)]
    size = len(answer.raw_content) if answer is not None and answer.raw_content is not None else -1
    return {
        # 0 is what tools write where there was no answer.
        "status": answer.status_code if answer is not None else 0,
        "statusText": answer.reason if answer is not None else "",
        "httpVersion": answer.http_version if answer is not None else "",
        "cookies": [{"name": cookie.name, "value": cookie.value} for cookie in cookies],
        "headers": _pairs(headers),
        "content": {"size": size, "mimeType": content_type(headers) or "x-unknown"},
        "redirectURL": next(iter(field_lines(headers, "location")), ""),
        "headersSize": -1,
        "bodySize": size,
    }


def _pairs(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]
