"""Bodies of requests, from HAR files and from flows, and what a capture without them says."""

import base64
import gzip
import io
import json
import zlib
from typing import Any

import pytest
from mitmproxy import http
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow, tutils

from cmp.capture.bodies import must_have_body, posted, tracking_status, without_coding
from cmp.capture.capture import BODY_LIMIT, Capture, Gap
from cmp.capture.flow_exchange import leave_mark, mark_of
from cmp.capture.flows import read_flows
from cmp.capture.har import read_har
from cmp.core.consent import Visitor
from cmp.core.decision import Decision, Reason, Ruling

FORM = "application/x-www-form-urlencoded"


def read(*requests: dict[str, Any], **answer: Any) -> Capture:
    made = [
        {
            "startedDateTime": "2026-03-01T12:00:00Z",
            "request": {"url": "https://site.test/p", "headers": [{"name": "Host", "value": "site.test"}], **request},
            "response": {"status": 200, "headers": [{"name": "Server", "value": "test"}], "content": {}, **answer},
        }
        for request in requests
    ]
    return read_har(json.dumps({"log": {"version": "1.2", "entries": made}}).encode(), "a.har")


def flows(*made: http.HTTPFlow) -> Capture:
    file = io.BytesIO()
    writer = FlowWriter(file)
    for one in made:
        writer.add(one)
    return read_flows(file.getvalue(), "a.mitm")


def posting(content: bytes | None, **headers: str) -> http.HTTPFlow:
    fields = [(b"Host", b"site.test"), *((k.replace("_", "-").encode(), v.encode()) for k, v in headers.items())]
    request = tutils.treq(
        method=b"POST",
        scheme=b"https",
        host="site.test",
        port=443,
        authority=b"",
        path=b"/p",
        headers=http.Headers(fields),
        content=content,
    )
    one: http.HTTPFlow = tflow.tflow(req=request, resp=tutils.tresp())
    return one


# --------------------------------------------------------------------------------------------- postData of HAR files

POSTED = [
    pytest.param({"mimeType": FORM, "text": "a=1&b=ü"}, "a=1&b=ü".encode(), FORM, id="text"),
    pytest.param({"mimeType": FORM, "text": "a=1", "params": [{"name": "b", "value": "2"}]}, b"a=1", FORM, id="both"),
    pytest.param(
        {"mimeType": FORM, "params": [{"name": "a b", "value": "1&2"}, {"name": "c"}]},
        b"a+b=1%262&c=",
        FORM,
        id="params",
    ),
    pytest.param(
        {"mimeType": "application/json", "params": [{"name": "0", "value": {"tags": ["x"]}}]},
        b'{"0": {"tags": ["x"]}}',
        "application/json",
        id="json-as-params",
    ),
    pytest.param(
        {"mimeType": "x/y", "text": base64.b64encode(b"\x00\xff").decode(), "encoding": "base64"},
        b"\x00\xff",
        "x/y",
        id="base64",
    ),
    pytest.param({"text": "A", "encoding": "base64"}, b"", "", id="base64-that-is-none"),
    pytest.param("a=1", b"a=1", "", id="text-alone"),
    pytest.param({"mimeType": FORM, "text": ""}, b"", FORM, id="empty"),
    pytest.param({"mimeType": 7, "text": 8, "params": {"a": 1}}, b"", "", id="nonsense"),
    pytest.param({"params": [1, None, {"name": 2}, {"name": "a", "value": None}]}, b"a=", "", id="params-of-nonsense"),
    pytest.param(None, b"", "", id="none"),
]


@pytest.mark.parametrize("given,body,type_", POSTED)
def test_post_data_is_read_in_every_form_tools_write(given: object, body: bytes, type_: str) -> None:
    assert posted(given) == (body, type_)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"text": "ü" * BODY_LIMIT}, id="text"),
        pytest.param({"text": base64.b64encode(b"x" * 5 * BODY_LIMIT).decode(), "encoding": "base64"}, id="base64"),
        pytest.param({"params": [{"name": "a", "value": "x" * 5 * BODY_LIMIT}]}, id="params"),
    ],
)
def test_a_long_body_is_cut(given: object) -> None:
    assert BODY_LIMIT - 4 < len(posted(given)[0]) <= BODY_LIMIT


def test_an_entry_of_a_har_carries_its_body() -> None:
    capture = read({"method": "POST", "postData": {"mimeType": f"{FORM}; charset=UTF-8", "text": "a=1"}}, {})
    assert [(one.body, one.body_type) for one in capture.entries] == [(b"a=1", f"{FORM}; charset=UTF-8"), (b"", "")]
    assert capture.unseen.isdisjoint(Gap)


def test_the_type_is_taken_from_the_header_where_post_data_has_none() -> None:
    headers = [{"name": "content-type", "value": "text/plain"}]
    (one,) = read({"method": "POST", "headers": headers, "postData": {"text": "a"}}).entries
    assert one.body_type == "text/plain"


# --------------------------------------------------------------------------------------------- what cannot be seen

POST = {"method": "POST"}
SHOWN = {"method": "POST", "postData": {"text": "a"}}
LENGTH = [{"name": "Content-Length", "value": "12"}]
UNSEEN = [
    pytest.param([POST], True, id="a-post-without-any-word-of-its-body"),
    pytest.param([{**POST, "bodySize": -1}], True, id="a-size-not-known"),
    pytest.param([{**POST, "bodySize": 12}], True, id="a-size"),
    pytest.param([{"headers": LENGTH}], True, id="a-length"),
    pytest.param([POST, SHOWN], False, id="another-body-is-shown"),
    pytest.param([{**POST, "bodySize": 0}], False, id="an-empty-body-by-size"),
    pytest.param([{**POST, "headers": [{"name": "Content-Length", "value": "0"}]}], False, id="empty-by-length"),
    pytest.param([{}], False, id="nothing-was-posted"),
    pytest.param([], False, id="no-entries"),
]


@pytest.mark.parametrize("requests,unseen", UNSEEN)
def test_bodies_are_unseen_where_one_is_missing_and_none_is_shown(requests: list[Any], unseen: bool) -> None:
    assert (Gap.BODIES in read(*requests).unseen) is unseen


def test_a_number_that_is_none_says_nothing_of_a_body() -> None:
    assert must_have_body("POST", [("Content-Length", "many")], True) is False
    assert must_have_body("POST", [], "12") is True
    assert must_have_body("GET", [("Content-Length", "9" * 5_000)]) is True


# --------------------------------------------------------------------------------------------- flows


def test_a_flow_carries_its_body_without_its_coding() -> None:
    plain = posting(b"a=1", Content_Type=FORM)
    packed = posting(gzip.compress(b"b=2"), Content_Encoding="gzip")
    (first, second) = flows(plain, packed).entries
    assert (first.body, first.body_type) == (b"a=1", FORM)
    assert (second.body, second.body_type) == (b"b=2", "")


CODINGS = [
    pytest.param(gzip.compress(b"abc"), "gzip", b"abc", id="gzip"),
    pytest.param(zlib.compress(b"abc"), "deflate", b"abc", id="deflate"),
    pytest.param(b"abc", "gzip", b"abc", id="not-packed-after-all"),
    pytest.param(b"abc", "br", b"abc", id="another-coding"),
    pytest.param(gzip.compress(b"x" * 50 * BODY_LIMIT), "gzip", b"x" * BODY_LIMIT, id="a-bomb"),
]


@pytest.mark.parametrize("body,coding,expected", CODINGS)
def test_content_codings(body: bytes, coding: str, expected: bytes) -> None:
    assert without_coding(body, coding) == expected


def test_a_body_that_was_streamed_through_is_missing() -> None:
    capture = flows(posting(None, Content_Length="12"))
    assert (capture.entries[0].body, capture.entries[0].body_missing) == (b"", True)
    assert Gap.BODIES in capture.unseen
    assert flows(posting(b"")).unseen.isdisjoint(Gap)


@pytest.mark.parametrize("allowed,body", [(True, b"a=2"), (False, b"")])
def test_the_body_is_the_one_that_was_delivered(allowed: bool, body: bytes) -> None:
    one = posting(b"a=1")
    one.backup()
    one.request.content = b"a=2"
    decision = Decision(Ruling(allowed, Reason.GRANTED, "vendor:x"))
    leave_mark(one, mark_of(decision, reverse=False, policy="p", visitor=Visitor()))
    (entry,) = flows(one).entries
    assert entry.body == body


def test_what_our_proxy_noted_of_a_body_it_did_not_keep_is_in_the_exchange() -> None:
    one = posting(None, Content_Length="12")
    decision = Decision(Ruling(True, Reason.GRANTED, "vendor:x"))
    noted = frozenset({"card-number"})
    leave_mark(one, mark_of(decision, reverse=False, policy="p", visitor=Visitor(), carries=noted))
    (entry,) = flows(one).entries
    assert entry.asked.carries == noted
    assert entry.delivered is not None
    assert entry.delivered.carries == noted


# --------------------------------------------------------------------------------------------- answers

STATUS = [
    pytest.param([("Tk", "N")], None, "N", id="header"),
    pytest.param([("TK", " C;abc ")], None, "C", id="header-with-an-id"),
    pytest.param([("Tk", "n")], None, "n", id="case-counts"),
    pytest.param([], '{"tracking": "D", "compliance": []}', "D", id="resource"),
    pytest.param([("Tk", "T")], '{"tracking": "N"}', "T", id="header-before-resource"),
    pytest.param([], '["N"]', "", id="no-object"),
    pytest.param([], "{", "", id="no-json"),
    pytest.param([], '{"tracking": 1}', "", id="no-text"),
    pytest.param([], "[" * 100_000, "", id="nested-too-deeply"),
]


@pytest.mark.parametrize("headers,resource,status", STATUS)
def test_a_tracking_status(headers: list[tuple[str, str]], resource: str | None, status: str) -> None:
    assert tracking_status(headers, resource) == status


def test_the_status_resource_is_read_at_its_own_place_only() -> None:
    content = {"content": {"mimeType": "application/json", "text": '{"tracking": "N"}'}}
    (one,) = read({"url": "https://site.test/.well-known/dnt/"}, **content).entries
    (other,) = read({"url": "https://site.test/dnt/"}, **content).entries
    assert (one.answer and one.answer.tracking, other.answer and other.answer.tracking) == ("N", "")
    resource = posting(b"")
    resource.request.path = "/.well-known/dnt/"
    resource.response = http.Response.make(200, b'{"tracking": "C"}')
    assert [entry.answer and entry.answer.tracking for entry in flows(resource).entries] == ["C"]


def test_where_an_answer_leads() -> None:
    back = [{"name": "Location", "value": "/next"}]
    (one,) = read({}, status=302, headers=back).entries
    (other,) = read({}, status=302, redirectURL="https://other.test/").entries
    assert (one.answer and one.answer.location, other.answer and other.answer.location) == (
        "/next",
        "https://other.test/",
    )
    sent = posting(b"")
    sent.response = http.Response.make(302, b"", {"Location": "/next"})
    assert [entry.answer and entry.answer.location for entry in flows(sent, posting(b"")).entries] == ["/next", ""]
