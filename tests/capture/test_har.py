"""HAR files: what is read, what is skipped and why, what is refused, and what a file cannot show."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmp.capture.capture import Answer, Capture, CaptureError, Entry
from cmp.capture.har import read_har
from cmp.capture.reading import read_capture
from cmp.core.exchange import Kind, Phase, Unseen
from tests.growth import grows_below

HTML = {"Accept": "text/html,application/xhtml+xml"}
DEFAULT = object()


def entry(url: Any = "https://site.test/", **given: Any) -> dict[str, Any]:
    """An entry with two unremarkable headers. `at` is seconds after noon, `sends` and `sets` are header values."""
    request = {"Host": "x.test", **given.get("request", {})}
    if "sends" in given:
        request["Cookie"] = given["sends"]
    response = {"Server": "test", **given.get("response", {})}
    if "sets" in given:
        response["Set-Cookie"] = given["sets"]
    made: dict[str, Any] = {
        "startedDateTime": f"2026-03-01T12:00:{given.get('at', 0):06.3f}Z",
        "request": {"method": given.get("method", "GET"), "url": url, "headers": lines(request)},
        "response": {
            "status": given.get("status", 200),
            "headers": lines(response),
            "content": {"mimeType": given.get("mime", "text/html; charset=UTF-8"), "size": given.get("size", 10)},
        },
    }
    if "page" in given:
        made["pageref"] = given["page"]
    return {**made, **given.get("more", {})}


def lines(headers: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers.items()]


def har(*entries: Any, creator: Any = DEFAULT, **log: Any) -> bytes:
    named = {"name": "test tool", "version": "1"} if creator is DEFAULT else creator
    return json.dumps({"log": {"version": "1.2", "creator": named, "entries": list(entries), **log}}).encode()


def read(*entries: Any, **more: Any) -> Capture:
    return read_har(har(*entries, **more), "a.har")


def codes(capture: Capture) -> set[str]:
    return {note.code for note in capture.notes}


def test_an_entry_becomes_an_exchange_with_its_answer() -> None:
    capture = read(
        entry(
            "https://Shop.test:443/a?b=1#c",
            at=1.5,
            sends="id=7; theme=dark",
            sets="id=8; Max-Age=60\nb=2; Path=/",
            request={**HTML, "Sec-GPC": "1", "DNT": "1"},
            size=1234,
        )
    )
    (one,) = capture.entries
    assert (capture.file, capture.form, capture.creator) == ("a.har", "har", "test tool 1")
    assert len(capture.sha256) == 64
    assert one.asked is one.delivered
    assert one.answer == Answer(200, "text/html", 1234)
    assert str(one.asked.url) == "https://shop.test/a?b=1"
    assert one.asked.kind is Kind.DOCUMENT
    assert one.asked.time == 1_772_366_401.5
    assert (one.asked.signals.gpc, one.asked.signals.dnt) == (True, True)
    assert [(c.name, c.value) for c in one.asked.cookies] == [("id", "7"), ("theme", "dark")]
    assert [(c.name, c.max_age) for c in one.asked.set_cookies] == [("id", 60), ("b", None)]
    assert (one.visitor, one.recorded, capture.skipped, capture.notes) == (None, None, (), ())


# ---------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: text.encode(),
        lambda text: text.encode("utf-8-sig"),
        lambda text: b"\xff\xfe" + text.encode("utf-16-le"),
        lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
        lambda text: text.encode("utf-32"),
        lambda text: f"\r\n {text} \n".encode(),
        lambda text: f"onInputData({text});".encode(),
        lambda text: f"/* made by a tool */\n my.call_back ( {text}\n ) ;\n".encode(),
        lambda text: f"onInputData({text}".encode(),
    ],
)
def test_wrappings_of_the_json_do_not_matter(wrap: Any, tmp_path: Path) -> None:
    text = har(entry("https://site.test/ä"), entry()).decode()
    path = tmp_path / "any.name"
    path.write_bytes(wrap(text))
    assert len(read_capture(path).entries) == 2


@pytest.mark.parametrize(
    "data, why",
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf \n", "the file is empty"),
        (b'{"log": {\n  "entries": [}', "not JSON at line 2, column 15"),
        (b"<html>", "not JSON at line 1, column 1"),
        (b"onInputData(nothing)", "not JSON at line 1, column 13"),
        (har() + b"\n{}", "more text after the JSON at line 2, column 1"),
        (har()[:-9], "not JSON at line 1"),
        (b"[]", "without the list log.entries"),
        (b"{}", "without the list log.entries"),
        (b'"log"', "without the list log.entries"),
        (b'{"log": []}', "without the list log.entries"),
        (b'{"log": {"creator": {}}}', "without the list log.entries"),
        (b'{"log": {"entries": {"0": {}}}}', "without the list log.entries"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"log":' * 200_000, "nested too deeply"),
    ],
)
def test_what_is_no_har_is_refused_in_one_line(data: bytes, why: str) -> None:
    with pytest.raises(CaptureError) as caught:
        read_har(data, "x.har")
    text = str(caught.value)
    assert text.startswith("x.har: ")
    assert why in text
    assert "\n" not in text


def test_a_file_without_entries_is_an_empty_capture() -> None:
    capture = read(creator="no object")
    assert (capture.entries, capture.skipped, capture.unseen, capture.creator) == ((), (), frozenset(), "")


def test_bytes_that_are_no_text_are_said_and_cost_nothing_else() -> None:
    capture = read_har(har(entry()).replace(b"x.test", b"x\xfftest"), "a.har")
    assert len(capture.entries) == 1
    assert codes(capture) == {"not-unicode"}


def test_giant_numbers_cost_nothing() -> None:
    data = har(entry(), entry()).replace(b'"size": 10', b'"size": ' + b"9" * 5_000)
    assert [one.answer for one in read_har(data, "a.har").entries] == [Answer(200, "text/html", None)] * 2


@pytest.mark.parametrize(
    "data, why",
    [
        (b"\xd4\xc3\xb2\xa1rest", "packet capture"),
    ],
)
def test_other_forms_are_named(data: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "x.har"
    path.write_bytes(data)
    with pytest.raises(CaptureError, match=why):
        read_capture(path)


@pytest.mark.parametrize("name, why", [("gone.har", "cannot be opened"), (".", "a folder"), ("a\0b", "cannot be")])
def test_what_cannot_be_opened_is_said_in_one_line(name: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=why):
        read_capture(tmp_path / name)


# -------------------------------------------------------------------------------------------- entries


@pytest.mark.parametrize(
    "item, why",
    [
        (None, "no entry object"),
        ([], "no entry object"),
        ("GET /", "no entry object"),
        ({}, "no request"),
        ({"request": "GET /"}, "no request"),
        ({"request": {}}, "no request.url"),
        ({"request": {"url": 5}}, "no request.url"),
        (entry(""), "no request.url"),
        (entry("/logo.gif"), "no absolute URL"),
        (entry("XML"), "no absolute URL"),
        (entry("https://"), "no absolute URL"),
        (entry("data:text/css," + "x" * 1000), "data: URL, not network traffic"),
        (entry("BLOB:https://site.test/1"), "blob: URL, not network traffic"),
        (entry("about:blank"), "about: URL, not network traffic"),
        (entry("chrome-extension://abc/x.js"), "chrome-extension: URL, not network traffic"),
        (entry("moz-extension://abc/x.js"), "moz-extension: URL, not network traffic"),
        (entry("ftp://site.test/x"), "ftp: URL, not network traffic"),
    ],
)
def test_an_entry_that_is_no_request_is_skipped_with_its_reason(item: Any, why: str) -> None:
    capture = read(entry(), item, entry())
    (skipped,) = capture.skipped
    assert skipped.index == 1
    assert why in skipped.why
    assert len(skipped.why) < 200
    assert [one.index for one in capture.entries] == [0, 2]


@pytest.mark.parametrize(
    "headers",
    [
        [{"name": "Cookie", "value": "a=1"}, {"name": "X", "value": 5}],
        [["Cookie", "a=1"], ["X", None], ["Y"]],
        {"cookie": "a=1"},
        {"COOKIE": ["a=1"]},
        [None, 7, {"name": 3, "value": "x"}, {"value": "x"}, {"name": "cookie", "value": "a=1"}],
    ],
)
def test_headers_may_have_any_shape(headers: Any) -> None:
    item = entry()
    item["request"]["headers"] = headers
    (one,) = read(item).entries
    assert [(cookie.name, cookie.value) for cookie in one.asked.cookies] == [("a", "1")]
    assert Unseen.COOKIES not in one.asked.unseen


@pytest.mark.parametrize(
    "response, answer",
    [
        ({"status": 200, "content": {"mimeType": "Text/HTML; charset=x", "size": 0}}, Answer(200, "text/html", 0)),
        ({"status": 204}, Answer(204, "image/gif")),
        ({"status": "404", "content": {"mimeType": "x-unknown", "size": -1}}, Answer(404, "image/gif")),
        ({"status": 200, "content": {"mimeType": 5, "size": "12"}}, Answer(200, "image/gif")),
        ({"status": 200, "content": {"size": 12.0}}, Answer(200, "image/gif", 12)),
        ({"status": 200, "content": {"size": float("nan")}}, Answer(200, "image/gif")),
        ({"status": 200, "content": {"size": True}}, Answer(200, "image/gif")),
        ({"status": 0}, None),
        ({"status": -1}, None),
        ({"status": True}, None),
        ({"status": 10**30}, None),
        ({}, None),
        ("none", None),
    ],
)
def test_answers_are_taken_as_far_as_they_can_be_used(response: Any, answer: Answer | None) -> None:
    if isinstance(response, dict) and response:
        response = {"headers": [["content-type", "image/gif"]], **response}
    (one,) = read(entry(more={"response": response})).entries
    assert one.answer == answer


def test_a_request_without_an_answer_shows_no_set_cookies_and_hides_none() -> None:
    asked, cut_off = read(
        entry(more={"response": {"status": 0, "headers": []}}),
        entry(more={"response": {"status": 0, "headers": [["set-cookie", "a=1"]]}}),
    ).entries
    assert asked.asked.phase is Phase.REQUEST
    assert Unseen.SET_COOKIES not in asked.asked.unseen
    assert [cookie.name for cookie in cut_off.asked.set_cookies] == ["a"]


@pytest.mark.parametrize(
    "text, moment",
    [
        ("2026-03-01T12:00:00.000Z", 1_772_366_400.0),
        ("2026-03-01T12:00:00.1234567+01:00", 1_772_362_800.123456),
        ("2026-03-01T12:00:00", 1_772_366_400.0),
        (" 2026-03-01T12:00:00-0500 ", 1_772_384_400.0),
        ("2026-02-30T12:00:00Z", None),
        ("1969-12-31T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (1_772_366_400, None),
        ({}, None),
    ],
)
def test_times_are_unix_seconds_or_unseen(text: Any, moment: float | None) -> None:
    (one,) = read(entry(more={"startedDateTime": text})).entries
    assert one.asked.time == (0.0 if moment is None else pytest.approx(moment, abs=1e-5))
    assert (Unseen.TIME in one.asked.unseen) is (moment is None)


def test_entries_stand_in_time_order_and_those_without_time_stay_where_they_are() -> None:
    untimed = {"startedDateTime": "never"}
    capture = read(
        entry(at=3), entry(at=1), entry(more=untimed), entry(at=2), entry(at=1), entry(more={"startedDateTime": None})
    )
    assert [one.index for one in capture.entries] == [1, 2, 4, 5, 3, 0]
    assert codes(capture) == {"no-times"}
    assert Unseen.TIME not in capture.unseen


# ---------------------------------------------------------------------------------------------- pages


def pages_of(*entries: Any, **more: Any) -> list[tuple[int, str, str]]:
    """(index, kind, host of the page) of each entry."""
    return [
        (one.index, one.asked.kind.value, one.asked.page.host if one.asked.page else "")
        for one in read(*entries, **more).entries
    ]


def test_a_page_is_its_first_entry_after_redirects() -> None:
    assert pages_of(
        entry("https://www.site.test/a.js", page="p", at=3),
        entry(
            "http://site.test/", page="p", at=0, status=301, more={"_x": 1}, response={"Location": "//www.site.test"}
        ),
        entry("https://ads.test/f", page="p", at=4, request={**HTML, "Referer": "https://ads.test/"}),
        entry("http://www.site.test/", page="p", at=1, status=307, response={"location": "https://www.site.test/#x"}),
        entry("https://www.site.test/", page="p", at=2, request=HTML),
        entry("https://other.test/x.png", page="p", at=5),
    ) == [
        (1, "document", "site.test"),
        (3, "document", "www.site.test"),
        (4, "document", "www.site.test"),
        (0, "script", "www.site.test"),
        (2, "frame", "www.site.test"),
        (5, "image", "www.site.test"),
    ]


def test_redirect_url_counts_like_location() -> None:
    first = entry("http://a.test/", page="p", status=302)
    first["response"]["redirectURL"] = "https://b.test/x"
    assert pages_of(
        first, entry("https://b.test/x", page="p", at=1), entry("https://c.test/i.gif", page="p", at=2)
    ) == [
        (0, "document", "a.test"),
        (1, "document", "b.test"),
        (2, "image", "b.test"),
    ]


def test_each_pageref_is_a_page_of_its_own() -> None:
    assert pages_of(
        entry("https://one.test/", page="p1", request=HTML),
        entry("https://two.test/", page=2, at=1, request=HTML),
        entry("https://cdn.test/a.css", page="p1", at=2),
        entry("https://cdn.test/a.css", page=2, at=3),
        entry("https://cdn.test/a.css", page=["?"], at=4),
        pages=[{"id": "p1"}],
    ) == [
        (0, "document", "one.test"),
        (1, "document", "two.test"),
        (2, "style", "one.test"),
        (3, "style", "two.test"),
        (4, "style", ""),
    ]


def test_fetch_metadata_says_best_what_a_document_is() -> None:
    document = {"Sec-Fetch-Dest": "document", **HTML}
    frame = {"Sec-Fetch-Dest": "iframe", **HTML}
    word = {"_resourceType": "document"}
    assert pages_of(
        entry("https://x.test/late.gif", page="p", request={"Sec-Fetch-Dest": "image"}),
        entry(
            "http://site.test/", page="p", at=1, status=301, request=HTML, response={"Location": "https://site.test/"}
        ),
        entry("https://site.test/", page="p", at=2, request=document, more=word),
        entry("https://ads.test/f", page="p", at=3, request=frame, more=word),
        entry("https://ads.test/old", page="p", at=4, request={}, more=word),
        entry("https://site.test/next", page="p", at=5, request=document, more=word),
        entry("https://next.test/", page="p", at=6, request=document, more=word),
        entry("https://ads.test/i", page="p", at=7, more={"_resourceType": "image"}),
    ) == [
        (0, "image", ""),
        (1, "document", "site.test"),
        (2, "document", "site.test"),
        (3, "frame", "site.test"),
        (4, "frame", "site.test"),
        (5, "document", "site.test"),
        (6, "document", "next.test"),
        (7, "image", "next.test"),
    ]


def test_a_programs_own_request_before_the_page_is_not_the_page() -> None:
    ocsp = entry("http://ocsp.ca.test/", page="p", method="POST", request=HTML, mime="application/ocsp-response")
    found = pages_of(
        ocsp, entry("https://site.test/", page="p", at=1, request=HTML), entry("https://a.test/i", page="p", at=2)
    )
    assert found[1:] == [(1, "document", "site.test"), (2, "other", "site.test")]


def test_a_group_without_its_document_is_left_to_the_headers() -> None:
    from_page = {"Referer": "https://site.test/x", "Accept": "*/*"}
    assert pages_of(
        entry("https://ads.test/p.gif", page="p", request=from_page, mime="image/gif"),
        entry("https://ads.test/f", page="p", at=1, request={**HTML, "Referer": "https://site.test/"}),
        entry("https://api.test/v1", page="p", at=2, request={"Origin": "null"}, mime="application/json"),
    ) == [(0, "image", "site.test"), (1, "frame", "site.test"), (2, "other", "")]


def test_entries_without_pages_are_left_to_their_headers() -> None:
    """As the same traffic in a flow file is: it may be of any number of pages."""
    capture = read(
        entry("https://site.test/", request=HTML),
        entry("https://cdn.test/a.js", at=1, request={"Referer": "https://site.test/"}),
        entry("https://api.test/v1", at=2, mime="application/json"),
        entry("wss://site.test/live", at=3, request={"Origin": "https://site.test"}),
    )
    assert [(e.asked.kind.value, e.asked.page_site) for e in capture.entries] == [
        ("document", "site.test"),
        ("script", "site.test"),
        ("other", ""),
        ("websocket", "site.test"),
    ]
    assert [Unseen.PAGE in e.asked.unseen for e in capture.entries] == [False, False, True, False]


def test_the_time_for_a_chain_of_redirects_grows_with_its_length() -> None:
    """Each entry could begin a page and redirects to a later one."""

    def look_at(count: int) -> None:
        chained = [
            entry(
                f"https://a.test/{n}",
                page="p",
                status=302,
                mime="x/y",
                response={"Location": f"/{n + 1}"},
                request=HTML,
            )
            for n in range(count)
        ]
        assert all(kind == "document" for _, kind, _ in pages_of(*chained))

    assert grows_below(32, look_at, 600, 4_800)


# ------------------------------------------------------------------------------- what cannot be seen


BOTH = {"cookies", "set-cookies"}
LISTED = [{"name": "a", "value": "1"}]


def hidden(seen: Capture | Entry) -> set[str]:
    """Which kinds of cookies a capture or an entry says it cannot show."""
    return {str(part) for part in (seen.asked.unseen if isinstance(seen, Entry) else seen.unseen)} & BOTH


def listing(url: str, request: Any, response: Any, **given: Any) -> dict[str, Any]:
    item = entry(url, **given)
    item["request"]["cookies"], item["response"]["cookies"] = request, response
    return item


def stripped(data: bytes) -> bytes:
    """The same capture as a browser exports it without sensitive data."""
    log = json.loads(data)
    for item in log["log"]["entries"]:
        for side in ("request", "response"):
            item[side]["headers"] = [h for h in item[side]["headers"] if "cookie" not in h["name"].lower()]
            item[side]["cookies"] = []
    return json.dumps(log).encode()


@pytest.mark.parametrize("creator", ["WebInspector", "Chrome HAR Capturer"])
def test_a_sanitised_export_is_not_a_clean_one(creator: str) -> None:
    full = har(
        entry(sends="a=1"), entry("http://cdn.test/x.js", sets="b=2"), creator={"name": creator, "version": "537.36"}
    )
    before, after = read_har(full, "a.har"), read_har(stripped(full), "a.har")
    assert (hidden(before), codes(before)) == (set(), set())
    assert (hidden(after), codes(after)) == (BOTH, {"sanitised"})
    assert all(hidden(one) == BOTH for one in after.entries)


@pytest.mark.parametrize(
    "entries, creator, unseen, found",
    [
        ([entry()], "Firefox", set(), set()),
        ([entry()], "WebInspector", BOTH, {"sanitised"}),
        ([entry("data:,")], "WebInspector", set(), set()),
        ([], "WebInspector", set(), set()),
        ([listing("https://a.test/", LISTED, [])], "Firefox", BOTH, {"sanitised", "cookies-not-in-headers"}),
        ([listing("https://a.test/", [], LISTED)], "Firefox", BOTH, {"sanitised", "cookies-not-in-headers"}),
        ([listing("https://a.test/", LISTED, LISTED, sends="a=1", sets="a=1")], "Firefox", set(), set()),
        ([listing("https://a.test/", "x", 5)], "Firefox", set(), set()),
    ],
)
def test_when_cookies_count_as_removed(entries: list[Any], creator: str, unseen: set[str], found: set[str]) -> None:
    capture = read(*entries, creator={"name": creator})
    assert (hidden(capture), codes(capture)) == (unseen, found)


def test_cookies_listed_but_in_no_header_are_unseen_in_that_entry_alone() -> None:
    capture = read(
        listing("https://a.test/", LISTED, [], sends="a=1", sets="b=1"),
        listing("https://b.test/", LISTED, []),
        listing("https://c.test/", [], LISTED),
    )
    assert codes(capture) == {"cookies-not-in-headers"}
    assert [hidden(one) for one in capture.entries] == [set(), {"cookies"}, {"set-cookies"}]
    assert not hidden(capture)


def test_entries_without_headers_show_neither_cookies_nor_their_absence() -> None:
    bare = entry("https://b.test/")
    bare["request"]["headers"] = bare["response"]["headers"] = []
    mixed = read(entry(sends="a=1"), bare)
    assert codes(mixed) == {"no-headers"}
    assert [hidden(one) for one in mixed.entries] == [set(), BOTH]
    assert not hidden(mixed)
    only = read(bare, bare, creator={"name": "WebInspector"})
    assert codes(only) == {"no-headers"}
    assert hidden(only) == BOTH
    assert only.unseen > {Unseen.PAGE, Unseen.KIND}


# ------------------------------------------------------------------------------------------ tolerance


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["https://a.test/", "//b", "http://[", "Set-Cookie", "a=1;expires=x", "2026-01-01", "\ud800"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["name", "value", "x"]), inner),
    max_leaves=12,
)
PLACES = [
    ("pageref",), ("startedDateTime",), ("_resourceType",), ("request",), ("response",), ("request", "url"),
    ("request", "method"), ("request", "headers"), ("request", "cookies"), ("response", "status"),
    ("response", "headers"), ("response", "cookies"), ("response", "content"), ("response", "redirectURL"),
    ("response", "content", "size"), ("response", "content", "mimeType"),
]  # fmt: skip


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(PLACES), JSON), min_size=1, max_size=6))
def test_wrong_types_anywhere_never_raise(changes: list[tuple[int, tuple[str, ...], Any]]) -> None:
    items = [entry(page="p", status=302, response={"Location": "/b"}), entry("https://site.test/b", page="p"), entry()]
    for number, (*path, last), value in changes:
        place: Any = items[number]
        for step in path:
            place = place.get(step) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place[last] = value
    capture = read(*items)
    assert sorted([e.index for e in capture.entries] + [s.index for s in capture.skipped]) == [0, 1, 2]


@settings(derandomize=True, max_examples=100, deadline=None)
@given(JSON)
def test_any_json_is_read_or_refused(value: Any) -> None:
    for document in (value, {"log": value}, {"log": {"entries": value, "creator": value}}):
        # An error of any other kind fails the test.
        with contextlib.suppress(CaptureError):
            assert read_har(json.dumps(document).encode(), "a.har").form == "har"
