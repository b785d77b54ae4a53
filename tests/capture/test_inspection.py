"""What the EDPS collector's inspection.json tells, and what it cannot tell."""

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cmp.audit.audit import find_all
from cmp.audit.evidence import Evidence
from cmp.audit.replay import replay
from cmp.capture.capture import Capture, CaptureError, Gap
from cmp.capture.inspection import read_inspection
from cmp.capture.reading import read_capture
from cmp.core.exchange import Kind, Phase, Unseen
from tests.audit.hars import policy

SITE = "https://shop.example/"
AT = "2025-06-15T15:06:41.000Z"

Json = dict[str, Any]


def cookie(name: str, domain: str, setter: str = "", *, script: str = "", **more: object) -> Json:
    """A cookie that an answer set (`setter`), or a script of the document `script`."""
    log = {"type": "Cookie.HTTP", "stack": [{"fileName": setter}], "timestamp": AT, "location": SITE}
    if script:
        log = {
            "type": "Cookie.JS",
            "stack": [{"fileName": "https://cdn.test/x.js"}],
            "timestamp": AT,
            "location": script,
        }
    form = {"name": name, "value": "91c0", "domain": domain, "path": "/", "expires": -1, "secure": True, **more}
    return {**form, "log": log} if setter or script else form


def form(**changes: object) -> Json:
    """An inspection of one page, laid out as the collector of version 2 does."""
    return {
        "title": "Website Evidence Collection",
        "task_description": None,
        "uri_ins": "http://shop.example/",
        "uri_refs": ["http://shop.example/"],
        "uri_dest": SITE,
        "uri_redirects": ["http://shop.example/"],
        "secure_connection": {"https_redirect": True, "https_support": True},
        "host": "shop.example",
        "script": {"host": "box", "version": {"npm": "2.1.1", "commit": "v2.1.1"}},
        "localStorage": {"https://shop.example": {"theme": {"value": "dark"}, "id": {"value": 7}}},
        "cookies": [cookie("session", "shop.example", SITE)],
        "beacons": [
            {
                "filter": "||stats.test^",
                "listName": "easyprivacy.txt",
                "query": {"tid": 1},
                "url": "https://stats.test/collect?tid=1",
                "log": {"stack": [{"fileName": SITE}], "timestamp": "2025-06-15T15:06:42.500Z"},
                "occurrances": 5,
            }
        ],
        "links": {"firstParty": [], "thirdParty": [], "social": [], "keywords": []},
        "browser": {"name": "Chromium", "extra_headers": {"dnt": 1}, "preset_cookies": {}},
        "browsing_history": [SITE, "https://shop.example/cart"],
        "hosts": {
            "requests": {"firstParty": ["shop.example"], "thirdParty": ["stats.test", "img.ads.test", None]},
            "beacons": {"firstParty": [], "thirdParty": ["stats.test"]},
        },
        "start_time": "2025-06-15T15:06:40.000Z",
        "end_time": "2025-06-15T15:06:50.000Z",
        "websocketLog": {"12.3": {"url": "wss://live.test/s", "timestamp": AT, "messages": [{"io": "in", "m": [1]}]}},
        **changes,
    }


def read(**changes: object) -> Capture:
    return read_inspection(io.BytesIO(json.dumps(form(**changes)).encode()), "inspection.json")


def shown(capture: Capture) -> dict[str, Any]:
    return {str(entry.asked.url): entry.asked for entry in capture.entries}


def test_pages_beacons_sockets_and_hosts_are_entries() -> None:
    capture = read()
    assert list(shown(capture)) == [
        *("http://shop.example/", SITE, "https://shop.example/cart"),
        *("wss://live.test/s", "https://img.ads.test/", "https://stats.test/collect?tid=1"),
    ]
    assert (capture.form, capture.creator) == ("inspection", "website-evidence-collector 2.1.1")
    assert [entry.index for entry in capture.entries] == [0, 1, 2, 4, 5, 3]


def test_what_the_layout_cannot_say_is_unseen() -> None:
    capture = read()
    assert capture.unseen == {Unseen.COOKIES, Gap.BODIES, Gap.DETAILS}
    host = shown(capture)["https://img.ads.test/"]
    assert {Unseen.TIME, Unseen.KIND, Unseen.COOKIES} <= host.unseen
    assert [note.code for note in capture.notes] == ["summary", "local-storage"]
    assert "2 items" in capture.notes[1].text


def test_what_was_only_asked_for_has_no_answer() -> None:
    phases = {url: exchange.phase for url, exchange in shown(read()).items()}
    answered = {url for url, phase in phases.items() if phase is Phase.RESPONSE}
    assert answered == {"http://shop.example/", SITE}


def test_moments_signals_and_pages_are_told() -> None:
    exchanges = shown(read())
    beacon = exchanges["https://stats.test/collect?tid=1"]
    assert (beacon.time, str(beacon.page), beacon.signals.dnt) == (1_750_000_002.5, SITE, True)
    assert [exchanges[url].kind for url in (SITE, "wss://live.test/s")] == [Kind.DOCUMENT, Kind.WEBSOCKET]


SETTERS = [
    pytest.param(cookie("a", "ads.test", "https://img.ads.test/p.gif"), "https://img.ads.test/p.gif", id="an answer"),
    pytest.param(cookie("a", "shop.example", script=SITE), SITE, id="a script of the page"),
    pytest.param(cookie("a", "", script=SITE), SITE, id="a script, no domain written"),
    pytest.param(cookie("a", "frame.test", script="https://frame.test/f"), "https://frame.test/f", id="in a frame"),
    pytest.param(cookie("a", "shop.example"), SITE, id="no log, the site's own"),
    pytest.param(cookie("a", "ads.test"), "https://img.ads.test/", id="no log, a host of the domain"),
    pytest.param(cookie("a", "other.test"), "https://other.test/", id="no log, no host of the domain"),
    pytest.param(cookie("a", "ads.test", "https://liar.test/"), "https://img.ads.test/", id="a log that cannot be"),
]


@pytest.mark.parametrize("given, setter", SETTERS)
def test_a_cookie_is_set_by_what_the_log_names(given: Json, setter: str) -> None:
    setting = {url: one.set_cookies for url, one in shown(read(cookies=[given])).items() if one.set_cookies}
    assert list(setting) == [setter]
    assert [one.name for one in setting[setter]] == ["a"]


EXPIRIES = [
    *((-1, None), (1_750_000_101.0, 100.0), ("2025-06-15T15:08:21.000Z", 100.0)),
    *(("soon", None), (True, None), (1e400, None)),
]


@pytest.mark.parametrize("expires, lifetime", EXPIRIES)
def test_a_cookie_ends_when_it_is_written(expires: object, lifetime: float | None) -> None:
    exchange = shown(read(cookies=[cookie("a", "ads.test", "https://img.ads.test/p.gif", expires=expires)]))
    setter = exchange["https://img.ads.test/p.gif"]
    assert setter.set_cookies[0].lifetime(setter.time) == lifetime


def test_attributes_nobody_wrote_are_no_fault() -> None:
    bare = {"name": "PREF", "domain": "shop.example", "path": "/", "value": "f"}
    (found,) = shown(read(cookies=[bare]))[SITE].set_cookies
    assert (found.secure, found.http_only) == (True, True)
    (found,) = shown(read(cookies=[{**bare, "secure": False, "httpOnly": False, "sameSite": "Lax"}]))[SITE].set_cookies
    assert (found.secure, found.http_only, found.same_site) == (False, False, "lax")


def test_a_cookie_the_collector_brought_along_is_none_of_the_visit() -> None:
    preset = {"name": "given", "value": "1", "url": SITE}
    browser = {"preset_cookies": [preset], "extra_headers": {}}
    capture = read(browser=browser, cookies=[cookie("given", "shop.example")])
    assert [one.why for one in capture.skipped] == ["a cookie that was in the browser before the visit"]
    assert shown(capture)[SITE].set_cookies == ()


def test_without_a_list_of_cookies_those_set_are_unseen_too() -> None:
    assert Unseen.SET_COOKIES in read(cookies=None).unseen


def test_it_is_audited_as_any_capture() -> None:
    capture = read(cookies=[cookie("uid", "ads.test", "https://img.ads.test/p.gif", expires=1_760_000_000)])
    found = {(one.code, one.level.value, one.vendor) for one in find_all(Evidence(replay(policy(), capture), False))}
    # Nothing tells that a beacon was answered; of the other host a cookie does.
    assert ("consent.request-before", "potential", "stats") in found
    assert ("consent.request-before", "violation", "ads") in found
    assert ("consent.set-before", "violation", "ads") in found
    assert ("cap.incomplete", "not-assessable", None) in found


ODD: list[object] = [None, 7, "x", [], {}, [None], [[]], [{}], [7], {"a": None}, {"": []}, True]


@pytest.mark.parametrize("key", sorted(set(form()) - {"uri_ins"}))
@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_a_member_of_another_kind_shows_nothing_and_breaks_nothing(key: str, odd: object) -> None:
    capture = read(**{key: odd})
    assert "http://shop.example/" in shown(capture)
    find_all(Evidence(replay(policy(), capture), False))


@pytest.mark.parametrize(
    "odd", [{"name": 7}, {"name": "a", "domain": "[::1"}, {"name": "a", "domain": 7, "log": [], "path": None}], ids=repr
)
def test_a_cookie_that_is_none_is_skipped_or_read_for_what_it_says(odd: Json) -> None:
    capture = read(cookies=[odd])
    assert len(capture.skipped) == (0 if odd.get("domain") == 7 else 1)


REFUSED = [
    pytest.param(b'{"uri_ins": null, "cookies": []}', "no address of a visited page", id="no page"),
    pytest.param(b'{"uri_ins": "data:,x"}', "no address of a visited page", id="a page of no network"),
    pytest.param(b'{"uri_ins": "https://a.test/", "cookies": [', "not JSON at line 1", id="cut off"),
    pytest.param(b'[{"uri_ins": "https://a.test/"}]', "no object", id="a list of them"),
    pytest.param(b'{"uri_ins": "https://a.test/"} x', "more text after the JSON", id="more text"),
    pytest.param(b'{"uri_ins": ' + b"[" * 100_000, "nested too deeply", id="nested"),
    pytest.param(b'{"uri_inz": "https://a.test/"}', "without the list log.entries", id="neither form"),
]


@pytest.mark.parametrize("data, why", REFUSED)
def test_what_is_none_is_refused_in_one_line(data: bytes, why: str, tmp_path: Path) -> None:
    file = tmp_path / "inspection.json"
    file.write_bytes(data)
    with pytest.raises(CaptureError, match=why) as told:
        read_capture(file)
    assert "\n" not in str(told.value)


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda data: data,
    "with a byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "compressed": lambda data: gzip.compress(data, mtime=0),
}


@pytest.mark.parametrize("pack", PACKED)
@pytest.mark.parametrize("keys", [False, True], ids=["as written", "keys sorted"])
def test_it_is_told_by_its_content(pack: str, keys: bool, tmp_path: Path) -> None:
    file = tmp_path / "any.name"
    file.write_bytes(PACKED[pack](json.dumps(form(), indent=2, sort_keys=keys).encode()))
    assert read_capture(file).form == "inspection"


def test_a_har_file_that_speaks_of_one_stays_a_har_file(tmp_path: Path) -> None:
    entry = {"request": {"method": "POST", "url": SITE, "postData": {"text": json.dumps(form())}}}
    file = tmp_path / "a.har"
    for document in ({"log": {"entries": [entry]}}, {"comment": "x", "log": {"entries": [entry]}}):
        file.write_text(json.dumps(document))
        assert read_capture(file).form == "har"
