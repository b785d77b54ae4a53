"""A capture written as the EDPS collector's inspection.json: what stands where, and that it reads back."""

import json
from pathlib import Path
from typing import Any

import pytest

from cmp.audit.audit import find_all
from cmp.audit.evidence import Evidence
from cmp.audit.inspection import inspection_text
from cmp.audit.replay import replay
from cmp.capture.capture import Capture
from cmp.capture.reading import read_capture
from cmp.cli import main
from cmp.core.exchange import Kind
from tests.audit.hars import START, captured, document, har, policy, request

VISIT = (
    document(set_cookie=["session=1; Path=/; HttpOnly", "gone=1; Max-Age=0"], cookie="seen=by-script", DNT="1"),
    request("https://stats.test/collect?tid=1&v=2", "fetch", cookie="_st=5"),
    request("https://stats.test/collect?tid=2&v=2", "fetch"),
    request("https://img.ads.test/a.gif", "image", set_cookie=["uid=a81f; Max-Age=8640000; Domain=ads.test"]),
    request("wss://live.test/s", "websocket", answered=False),
    document("https://shop.example/cart"),
)


def written(*entries: dict[str, Any]) -> dict[str, Any]:
    form: dict[str, Any] = json.loads(inspection_text(replay(policy(), captured(*entries))))
    return form


def test_pages_and_hosts_stand_where_the_layout_has_them() -> None:
    form = written(*VISIT)
    assert (form["uri_ins"], form["uri_dest"], form["host"]) == (document()["request"]["url"],) * 2 + ("shop.example",)
    assert form["browsing_history"] == ["https://shop.example/", "https://shop.example/cart"]
    third = ["stats.test", "img.ads.test", "live.test"]
    assert form["hosts"]["requests"] == {"firstParty": ["shop.example"], "thirdParty": third}
    assert [one["url"] for one in form["websocketLog"].values()] == ["wss://live.test/s"]
    assert (form["start_time"], form["end_time"]) == ("2025-06-15T15:06:40.000Z", "2025-06-15T15:06:45.000Z")
    assert form["browser"]["extra_headers"] == {"dnt": 1}


def test_redirects_lead_to_the_page_that_was_meant() -> None:
    first = document("http://shop.example/", status=301, answers=[("Location", "https://shop.example/")])
    form = written(first, document("https://shop.example/"))
    assert (form["uri_ins"], form["uri_dest"]) == ("http://shop.example/", "https://shop.example/")
    assert form["uri_redirects"] == ["http://shop.example/"]
    assert form["secure_connection"]["https_redirect"] is True


def test_beacons_are_what_needs_consent_counted_by_host_and_path() -> None:
    beacons = {one["url"]: one for one in written(*VISIT)["beacons"]}
    assert list(beacons) == ["https://stats.test/collect?tid=1&v=2", "https://img.ads.test/a.gif"]
    stats = beacons["https://stats.test/collect?tid=1&v=2"]
    assert (stats["occurrances"], stats["listName"], stats["query"]) == (2, "policy test", {"tid": "1", "v": "2"})


def test_cookies_are_those_of_the_browser_after_the_visit() -> None:
    cookies = {one["name"]: one for one in written(*VISIT)["cookies"]}
    assert set(cookies) == {"seen", "session", "_st", "uid"}
    assert (cookies["uid"]["domain"], cookies["uid"]["expires"], cookies["uid"]["expiresDays"]) == (
        *("ads.test", START + 3 + 8_640_000, 100.0),
    )
    assert (cookies["session"]["session"], cookies["session"]["httpOnly"]) == (True, True)
    assert [cookies[name]["firstPartyStorage"] for name in ("session", "uid")] == [True, False]
    # Sent, and set by no answer: nothing tells by whom, nor for how long.
    assert "log" not in cookies["seen"]
    assert "expires" not in cookies["seen"]


def test_what_a_capture_cannot_show_is_named() -> None:
    assert {"localStorage", "links", "unsafeForms"} <= set(written(*VISIT)["_not_assessable"])
    assert "cookies" not in written(*VISIT)["_not_assessable"]
    without = request("https://shop.example/", "document", set_cookie=["a=1"])
    without["response"] = {"status": 200, "headers": [], "cookies": [{"name": "a", "value": "1"}]}
    assert "cookies" in written(without)["_not_assessable"]


def facts(capture: Capture) -> tuple[Any, ...]:
    """What both forms can say."""
    asked = [entry.asked for entry in capture.entries]
    set_ = [(one, cookie) for one in asked for cookie in one.set_cookies]
    return (
        {one.url.host for one in asked},
        list(dict.fromkeys(str(one.url) for one in asked if one.kind is Kind.DOCUMENT)),
        {(cookie.name, cookie.value, cookie.expires or one.time + (cookie.max_age or 0)) for one, cookie in set_},
    )


def test_what_is_written_reads_back_as_the_same_visit(tmp_path: Path) -> None:
    entries = (
        document(set_cookie=["session=1; Path=/"]),
        request("https://stats.test/collect?tid=1&v=2", "fetch"),
        request("https://img.ads.test/a.gif", "image", set_cookie=["uid=a81f; Path=/; Max-Age=8640000"]),
        document("https://shop.example/cart", cookie="session=1"),
    )
    before, file = captured(*entries), tmp_path / "inspection.json"
    file.write_text(inspection_text(replay(policy(), before)))
    after = read_capture(file)
    seen_before, seen_after = facts(before), facts(after)
    assert seen_after[:2] == seen_before[:2]
    assert {one[:2] for one in seen_after[2]} == {("session", "1"), ("uid", "a81f")}
    assert [one for one in seen_after[2] if one[0] == "uid"] == [one for one in seen_before[2] if one[0] == "uid"]

    def found(capture: Capture) -> set[tuple[str, str | None]]:
        return {(one.code, one.vendor) for one in find_all(Evidence(replay(policy(), capture), False))}

    about = {"consent.request-before", "consent.set-before", "decl.undeclared-host"}
    assert {one for one in found(after) if one[0] in about} == {one for one in found(before) if one[0] in about}


def test_written_again_from_what_was_read_it_keeps_hosts_and_cookies(tmp_path: Path) -> None:
    file = tmp_path / "inspection.json"
    file.write_text(json.dumps(written(*VISIT)))
    again = json.loads(inspection_text(replay(policy(), read_capture(file))))
    first = json.loads(file.read_text())
    for party in ("firstParty", "thirdParty"):
        assert set(again["hosts"]["requests"][party]) == set(first["hosts"]["requests"][party])
    assert {(one["name"], one["value"]) for one in again["cookies"]} == {
        (one["name"], one["value"]) for one in first["cookies"]
    }


def test_the_command_writes_it_and_audit_reads_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture, file = tmp_path / "visit.har", tmp_path / "inspection.json"
    capture.write_bytes(har(*VISIT))
    assert main(["edps", str(capture), "-o", str(file)]) == 0
    assert main(["audit", str(file), "--format", "json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["captures"]
    assert (told["form"], told["assessable"], "details" in told["unseen"]) == ("inspection", True, True)


def test_a_capture_without_a_page_is_refused_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capture = tmp_path / "visit.har"
    capture.write_bytes(har(request("https://stats.test/a.js")))
    assert main(["edps", str(capture), "-o", str(tmp_path / "out.json")]) == 2
    assert "no page in this capture" in capsys.readouterr().err
