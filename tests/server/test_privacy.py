"""What is kept about people who refuse: nothing that could be linked to them."""

import logging
import sqlite3
import time
from pathlib import Path

import pytest

from cmp.ledger.leaves import Part
from cmp.ledger.reading import entries
from tests.server.desk_site import desk_running
from tests.server.site import NOW, Running, running, shop_policy

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


def test_nothing_a_refusing_visitor_sends_is_kept_anywhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Database, desk, backups, log and metrics; the proxy's decision log is held to the same in `tests/addons`."""
    marked = {**person(7), "Origin": "https://marker7.test", "Sec_Fetch_Site": "cross-site"}
    with caplog.at_level(logging.DEBUG), desk_running(tmp_path, policy=shop_policy()) as server:
        for name in ("choice", "withdraw", "do-not-sell", "receipt", "record", "export", "erase"):
            texts = {"choice": "refuse", "record": "marker7", "token": "marker7", "back": "/marker7", "lang": "marker7"}
            server.post_form(name, texts, **person(7))
            server.post_json(name, {"token": "marker7", "language": "marker7"}, **person(7))
            server.post_form(name, texts, **marked)
            server.post(name, b"marker7", "application/marker7", **person(7))
            server.get(f"{name}?lang=marker7&back=/marker7&form=marker7", **person(7))
            server.ask("MARKER7", f"/.consent/{name}")
            server.ask("GET", f"/.consent/{name}/marker7?marker7")
        server.post_json("choice", {"choice": "refuse", "surface": "embed"}, **person(7))
        server.now[0] += 3600
        metrics = server.call("otto", "GET", "/metrics").text
        with sqlite3.connect(server.ledger) as ledger, sqlite3.connect(tmp_path / "backup.db") as backup:
            ledger.backup(backup)
        ledger.close()
        backup.close()
    assert 'consentry_choices_total{kind="refused"}' in metrics
    kept = {file.name: file.read_bytes().lower() for file in tmp_path.iterdir() if file.is_file()}
    assert server.policy.fingerprint.encode() in kept["backup.db"]
    for marker in ("marker7", "203.0.113.77", "127.0.0.1"):
        assert [name for name, data in kept.items() if marker.encode() in data] == []
        assert marker not in (caplog.text + metrics).lower()


def test_a_refusal_keeps_the_hour_and_not_the_moment(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.now[0] = 1_791_376_496.789
        server.post_json("choice", {"choice": "refuse"})
        file = server.ledger
    kept = file.read_bytes()
    assert b"1791374400" in kept
    assert b"1791376496" not in kept
    assert time.strftime("%H:%M", time.gmtime(1_791_376_496)).encode() not in kept
