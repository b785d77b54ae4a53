"""Health, readiness and numbers for machines; and that the numbers tell of nobody."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.desk_site import DeskRunning, desk_running


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskRunning]:
    with desk_running(tmp_path_factory.mktemp("desk")) as found:
        yield found


def numbers(server: DeskRunning) -> dict[str, str]:
    answer = server.call("otto", "GET", "/metrics")
    assert answer.value("Content-Type").startswith("text/plain; version=0.0.4")
    return dict(line.rpartition(" ")[::2] for line in answer.text.splitlines() if not line.startswith("#"))


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_probes_need_no_token_and_say_nothing_else(desk: DeskRunning, path: str) -> None:
    answer = desk.call("", "GET", path)
    assert (answer.status, answer.json) == (200, {"ok": True})


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_probes_answer_this_machine_alone(desk: DeskRunning, path: str) -> None:
    assert desk.call("", "GET", path, host="evil.test").code == "wrong-host"
    assert desk.call("", "GET", path, fields=[("X-Forwarded-For", "203.0.113.1")]).code == "proxied"


def test_numbers_need_a_token(desk: DeskRunning) -> None:
    assert desk.call("", "GET", "/metrics").status == 401


def test_choices_are_counted_by_the_hour_so_that_no_scrape_tells_when_somebody_refused(desk: DeskRunning) -> None:
    desk.post_json("choice", {"choice": "refuse"})
    desk.now[0] += 3600
    before = numbers(desk)
    assert before["consentry_ready"] == "1"
    desk.post_json("choice", {"choice": "refuse"})
    assert numbers(desk) == before
    desk.now[0] += 3600
    name = 'consentry_choices_total{kind="refused"}'
    assert int(numbers(desk)[name]) == int(before[name]) + 1


def test_what_could_not_be_read_and_what_was_not_logged_are_counted_at_once(
    desk: DeskRunning, one_minute: None
) -> None:
    before = numbers(desk)
    for _ in range(12):
        desk.send(b"GET / HTTP/1.1\r\nno field\r\n\r\n")
    after = numbers(desk)
    names = ("consentry_unread_requests_total", "consentry_log_lines_left_out_total")
    assert [int(after[name]) - int(before[name]) for name in names] == [12, 2]


def test_scrapes_do_not_fill_the_access_log_and_strangers_do_stand_in_it(desk: DeskRunning) -> None:
    def entries() -> list[tuple[str, str]]:
        found = desk.call("otto", "GET", "/access-log").json["accesses"]
        return [(one["what"], one["outcome"]) for one in found]

    desk.call("nobody", "GET", "/metrics")
    for _ in range(3):
        numbers(desk)
    assert [outcome for what, outcome in entries() if what == "GET metrics"].count("allowed") == 0
    assert ("GET metrics", "unauthenticated") in entries()


def test_a_server_that_cannot_store_is_alive_and_not_ready(tmp_path: Path) -> None:
    with desk_running(tmp_path) as server:
        server.open_ledger.close()
        assert server.post_json("choice", {"choice": "refuse"}).status == 503
        assert server.call("", "GET", "/health").status == 200
        answer = server.call("", "GET", "/ready")
        assert (answer.status, answer.code) == (503, "not-ready")
        assert numbers(server)["consentry_ready"] == "0"
