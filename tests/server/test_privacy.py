"""What is kept about people who refuse: nothing that could be linked to them."""

import time
from pathlib import Path

import pytest

from cmp.ledger.leaves import Part
from cmp.ledger.reading import entries
from tests.server.site import NOW, Running, running

MARKERS = {
    "User-Agent": "marker-agent",
    "X-Forwarded-For": "203.0.113.77",
    "Cookie": "sid=marker-session; _st=marker-visitor",
    "Referer": "https://www.shop.test/marker-page?marker=query",
    "Accept-Language": "de-marker,de;q=0.9",
    "X-Marker": "marker-field",
}


def person(number: int) -> dict[str, str]:
    return {name.replace("-", "_"): value.replace("marker", f"marker{number}") for name, value in MARKERS.items()}


def test_two_refusals_of_one_day_are_the_same_cookie(server: Running) -> None:
    first = server.post_json("choice", {"choice": "refuse"}, **person(1))
    server.now[0] = NOW + 3600
    second = server.post_form("choice", {"choice": "save", "lang": "en"}, **person(2), Sec_GPC="1", DNT="1")
    assert first.consent
    assert first.set_cookies[0] == second.set_cookies[0]


def test_two_refusals_of_one_hour_are_the_same_record(server: Running) -> None:
    server.post_json("choice", {"choice": "refuse"}, **person(1))
    server.now[0] = NOW + 60
    server.post_json("choice", {"choice": "refuse"}, **person(2), Sec_GPC="1")
    first, second = entries(server.ledger, Part.UNLINKABLE)
    assert first.leaf == second.leaf
    assert list(entries(server.ledger, Part.PERSONAL)) == []


@pytest.mark.parametrize("choice", ["refuse", "accept"])
def test_nothing_a_browser_sent_is_in_the_ledgers_files(tmp_path: Path, choice: str) -> None:
    folder = tmp_path / "l"
    folder.mkdir()
    with running(folder) as server:
        for number in range(3):
            server.post_json("choice", {"choice": choice}, **person(number))
            server.post_form("choice", {"choice": choice, "back": "/marker-back"}, **person(number))
            server.get("", **person(number))
            server.get("guard.js", **person(number))
            server.post("report", b'{"csp-report":{"document-uri":"https://marker.test/"}}', "application/csp-report")
    kept = b"".join(file.read_bytes() for file in folder.iterdir() if file.name.startswith("ledger"))
    assert server.policy.fingerprint.encode() in kept
    for marker in (b"marker", b"203.0.113.77", b"agent"):
        assert marker not in kept


def test_a_refusal_keeps_the_hour_and_not_the_moment(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.now[0] = 1_791_376_496.789
        server.post_json("choice", {"choice": "refuse"})
        file = server.ledger
    kept = file.read_bytes()
    assert b"1791374400" in kept
    assert b"1791376496" not in kept
    assert time.strftime("%H:%M", time.gmtime(1_791_376_496)).encode() not in kept
