"""CSP reports: numbers, and nothing else."""

import json
from pathlib import Path
from typing import Any

import pytest

from cmp.core.networks import read_networks
from cmp.ledger.statistics import statistics_of
from cmp.server.client import client_of
from cmp.server.limits import Limit
from cmp.server.report import Events, read_reports
from tests.server.site import Running, running

SINGLE, SEVERAL = "application/csp-report", "application/reports+json"


def single(directive: str, blocked: str) -> bytes:
    report = {
        "document-uri": "https://www.shop.test/account?marker=1",
        "referrer": "https://marker.test/",
        "violated-directive": f"{directive} 'self'",
        "effective-directive": directive,
        "blocked-uri": blocked,
        "script-sample": "marker",
    }
    return json.dumps({"csp-report": report}).encode()


def several(*violations: tuple[str, str]) -> bytes:
    return json.dumps(
        [
            {
                "type": "csp-violation",
                "age": 1,
                "url": "https://www.shop.test/marker",
                "user_agent": "marker",
                "body": {"effectiveDirective": directive, "blockedURL": blocked},
            }
            for directive, blocked in violations
        ]
        + [{"type": "deprecation", "body": {"id": "marker"}}]
    ).encode()


def test_both_kinds_are_counted_by_directive_and_site(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        assert server.post("report", single("img-src", "https://a.b.ads.test/px?id=marker"), SINGLE).status == 204
        body = several(("img-src", "https://ads.test/x"), ("script-src-elem", "inline"))
        answer = server.post("report", body, SEVERAL)
        assert (answer.status, answer.body, answer.set_cookies) == (204, b"", [])
        file = server.ledger
    (counted,) = statistics_of(file).counted.values()
    assert counted == {"csp.img-src.ads.test": 2, "csp.script-src-elem.inline": 1}
    kept = b"".join(found.read_bytes() for found in tmp_path.iterdir() if found.name.startswith("ledger"))
    assert b"marker" not in kept


@pytest.mark.parametrize(
    "blocked, site",
    [
        ("https://a.b.example.co.uk/x?y", "example.co.uk"),
        ("wss://live.ads.test", "ads.test"),
        ("data", "data"),
        ("data:image/png;base64,marker", "data"),
        ("blob:https://www.shop.test/marker", "blob"),
        ("self", "self"),
        ("http://9.9.9.9/x", "9.9.9.9"),
        ("http://192.168.7.1/x", "other"),
        ("http://[fd00::7]/x", "other"),
        ("http://marker/x", "other"),
        ("chrome-extension://marker/x.js", "other"),
        ("moz-extension://marker.test/x.js", "other"),
        ("", "other"),
        ("\x00", "other"),
        ("https://", "other"),
    ],
)
def test_what_is_left_of_an_address(blocked: str, site: str) -> None:
    assert read_reports(SINGLE, single("img-src", blocked)) == [("img-src", site)]


@pytest.mark.parametrize("directive", ["marker", "", "IMG-SRC", "x" * 5_000])
def test_an_unknown_directive_is_other(directive: str) -> None:
    assert read_reports(SINGLE, single(directive, "https://ads.test/")) == [("other", "ads.test")]


@pytest.mark.parametrize(
    "media_type, body",
    [
        (SINGLE, b""),
        (SINGLE, b"{}"),
        (SINGLE, b"[]"),
        (SINGLE, b'{"csp-report": []}'),
        (SINGLE, b"[" * 16_000),
        (SINGLE, b"\xff"),
        (SEVERAL, b"{}"),
        (SEVERAL, b"[1]"),
        (SEVERAL, b'[{"type":"csp-violation"}]'),
    ],
)
def test_what_is_no_report_is_said(server: Running, media_type: str, body: bytes) -> None:
    answer = server.post("report", body, media_type)
    assert (answer.status, answer.code) == (400, "bad-request")


def test_values_of_the_wrong_type_are_other() -> None:
    document: dict[str, Any] = {"csp-report": {"effective-directive": 5, "blocked-uri": ["x"]}}
    assert read_reports(SINGLE, json.dumps(document).encode()) == [("other", "other")]


def test_made_up_sites_do_not_fill_the_ledger() -> None:
    events = Events()
    names = {events.name("img-src", f"made-up-{n}.test") for n in range(5_000)}
    assert len(names) == 1_001
    assert "csp.img-src.other" in names
    assert events.name("img-src", "made-up-1.test") == "csp.img-src.made-up-1.test"


@pytest.mark.parametrize("site", ["xn--bcher-kva.test", "[2001:db8::1]", "a_b.test", "-", "a" * 80 + ".test"])
def test_a_site_that_cannot_name_a_counter_is_other(server: Running, site: str) -> None:
    assert Events().name("img-src", site) == "csp.img-src.other"
    assert server.post("report", single("img-src", f"https://{site}/"), SINGLE).status == 204


def test_reports_of_other_sites_are_not_counted(server: Running) -> None:
    answer = server.post("report", single("img-src", "https://ads.test/"), SINGLE, Sec_Fetch_Site="cross-site")
    assert answer.status == 403


def test_there_is_a_limit_for_each_client_behind_the_proxy(server: Running) -> None:
    def status(client: str) -> int:
        return server.post("report", single("img-src", "inline"), SINGLE, X_Forwarded_For=client).status

    assert {status("203.0.113.7") for _ in range(120)} == {204}
    assert status("203.0.113.7") == 429
    assert status("198.51.100.1, 203.0.113.7") == 429
    assert status("203.0.113.8") == 204
    server.now[0] += 60
    assert status("203.0.113.7") == 204


def test_a_limit_for_all_together_bounds_the_memory() -> None:
    limit = Limit(each=2, together=3)
    assert [limit.admits(client, 0.0) for client in ("a", "a", "a", "b", "c")] == [True, True, False, True, False]
    assert limit.admits("c", 60.0)


def test_clients_that_cannot_be_told_apart_share_the_limit_for_all() -> None:
    limit = Limit(each=2, together=5)
    assert [limit.admits("", 0.0) for _ in range(6)] == [True] * 5 + [False]


TRUSTED = read_networks(["127.0.0.1", "::1", "10.0.0.0/8"])


@pytest.mark.parametrize(
    "peer, forwarded, client",
    [
        ("203.0.113.7", [], "203.0.113.7"),
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),
        ("127.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", ["198.51.100.1, 203.0.113.7, 10.1.1.1"], "203.0.113.7"),
        ("127.0.0.1", ["198.51.100.1", "203.0.113.7"], "203.0.113.7"),
        ("::ffff:127.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("::1", ["2001:db8:1:2:3::4"], "2001:db8:1:2::/64"),
        ("127.0.0.1", [], ""),
        ("127.0.0.1", ["unknown"], ""),
        ("127.0.0.1", ["203.0.113.7, unknown"], ""),
        ("127.0.0.1", ["127.0.0.1"], ""),
        (None, ["203.0.113.7"], ""),
    ],
)
def test_whose_word_about_the_client_counts(peer: str | None, forwarded: list[str], client: str) -> None:
    assert client_of(peer, forwarded, TRUSTED) == client
