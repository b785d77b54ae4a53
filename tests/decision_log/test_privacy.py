"""What a log may not say: nobody's way through the site, and nothing a visitor sent."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cmp.core.consent import Visitor
from cmp.decision_log.naming import shortened
from cmp.decision_log.rows import Choice, choice_of
from tests.decision_log.examples import BLOCKED, Clock, edited, lines_of, unknown, write


@pytest.mark.parametrize(
    "visitor, choice",
    [
        pytest.param(Visitor(), Choice.NONE, id="no choice"),
        pytest.param(Visitor(refused=frozenset({"ads"})), Choice.REFUSED, id="refused"),
        pytest.param(Visitor(granted=frozenset({"vendor:x"}), refused=frozenset({"ads"})), Choice.SOME, id="some"),
        pytest.param(Visitor(granted=frozenset({"ads"})), Choice.ACCEPTED, id="accepted"),
        pytest.param(Visitor(place="DE", events=frozenset({"chat"}), tell_me=True), Choice.NONE, id="place and events"),
    ],
)
def test_a_choice_is_one_of_four_words(visitor: Visitor, choice: Choice) -> None:
    assert choice_of(visitor) is choice


@pytest.mark.parametrize(
    "name, shown",
    [
        pytest.param("session", "session", id="word"),
        pytest.param("_ga", "_ga", id="short word"),
        pytest.param("PHPSESSID", "PHPSESSID", id="capitals"),
        pytest.param("wp-settings-1", "wp-settings-1", id="short number"),
        pytest.param("utm_source", "utm_source", id="query member"),
        pytest.param("user[email]", "user[email]", id="brackets"),
        pytest.param("_hjSession_31415926", "_hjSession_*", id="number"),
        pytest.param("_ga_4XK2LM9PQ1", "_ga_*", id="mixed"),
        pytest.param("sid.d9b2d63d-a233-4123", "sid.*", id="uuid"),
        pytest.param("jane.doe@example.test", "jane.doe*", id="address"),
        pytest.param("4539578763621486", "*", id="number alone"),
        pytest.param("x" * 100, "*", id="long"),
        pytest.param("a-" * 40, "a-" * 20 + "*", id="long with separators"),
        pytest.param("Grüße", "Gr*", id="beyond ASCII"),
        pytest.param("", "", id="no name"),
    ],
)
def test_what_looks_like_an_identifier_is_cut_off_a_name(name: str, shown: str) -> None:
    assert shortened(name) == shown


def test_a_round_says_how_often_and_not_in_which_order(tmp_path: Path) -> None:
    way = [replace(BLOCKED, path=path) for path in ("/a", "/b", "/a", "/c", "/b", "/a")]
    write(tmp_path / "one", *way)
    write(tmp_path / "two", *sorted(way, key=lambda taken: taken.path))
    counted = [[line["n"] for line in lines_of(tmp_path / run, "decided")] for run in ("one", "two")]
    assert sorted(counted[0]) == sorted(counted[1]) == [1, 2, 3]
    for run in ("one", "two"):
        lines = [
            {key: value for key, value in line.items() if key not in ("seq", "prev")}
            for line in lines_of(tmp_path / run, "decided")
        ]
        assert lines == sorted(lines, key=lambda line: json.dumps(line, sort_keys=True))


def test_the_only_time_is_the_hour(tmp_path: Path) -> None:
    write(tmp_path, BLOCKED, clock=Clock(1_800_001_234.5))
    for line in lines_of(tmp_path):
        assert {key: value for key, value in line.items() if "time" in key or key == "at"} == {}
        assert line.get("hour", 1_800_000_000) == 1_800_000_000


def test_places_cannot_be_told_by_trying(tmp_path: Path) -> None:
    """The key is in memory alone: the same place has another digest in each run."""
    for run in ("one", "two"):
        write(tmp_path / run, BLOCKED)
    first, second = (lines_of(tmp_path / run, "decided")[0]["place"] for run in ("one", "two"))
    assert len(first) == len(second) == 16
    assert first != second


def test_a_path_is_one_place_whatever_its_query(tmp_path: Path) -> None:
    write(tmp_path, *(replace(BLOCKED, path=path) for path in ("/p?mail=jane", "/p?mail=john", "/p")))
    assert [line["n"] for line in lines_of(tmp_path, "decided")] == [3]


def test_only_a_vendors_host_is_named_and_only_its_domain(tmp_path: Path) -> None:
    on_own_host = {**BLOCKED.decision, "rule": "vendor:tracker#/g/collect?tid"}
    write(
        tmp_path,
        replace(BLOCKED, host="u4711.px.tracker.test"),
        replace(BLOCKED, decision=on_own_host, host="jane.blog.test"),
        edited("session"),
        replace(BLOCKED, decision={**BLOCKED.decision, "rule": "vendor:alias"}, host="t.jane.test", aliased=True),
    )
    assert {line["rule"]: line["site"] for line in lines_of(tmp_path, "decided")} == {
        "vendor:tracker": "tracker.test",
        "vendor:tracker#/g/collect?tid": None,
        "first-party": None,
        "vendor:alias": None,
    }


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param("strip-cookie", id="cookie"),
        pytest.param("strip-set-cookie", id="cookie set"),
        pytest.param("strip-query", id="query member"),
        pytest.param("strip-header", id="field"),
    ],
)
def test_a_rare_name_is_hidden_and_a_common_one_shown(tmp_path: Path, edit: str) -> None:
    write(tmp_path, *[edited("common", edit=edit)] * 5, *[edited("rare", edit=edit)] * 4)
    names = {line["changes"][0]["name"]: line["n"] for line in lines_of(tmp_path, "decided")}
    assert names.pop("common") == 5
    ((hidden, count),) = names.items()
    assert (hidden[0], len(hidden), count) == ("~", 9, 4)


def test_a_name_that_the_policy_writes_out_is_always_shown(tmp_path: Path) -> None:
    write(tmp_path, edited("JSESSIONID12345", rule="cookie:shop/JSESSIONID12345"))
    assert lines_of(tmp_path, "decided")[0]["changes"][0]["name"] == "JSESSIONID12345"


def test_the_name_in_the_rule_on_a_confined_cookie_is_shortened(tmp_path: Path) -> None:
    decision = {**BLOCKED.decision, "reason": "confined-cookie", "rule": "cookie:chat_31415926535", "vendor": None}
    write(tmp_path, replace(BLOCKED, decision=decision))
    assert lines_of(tmp_path, "decided")[0]["rule"] == "cookie:chat_*"


def test_the_type_of_a_body_is_not_written(tmp_path: Path) -> None:
    write(tmp_path, *[edited("text/x-jane", edit="reduce-body")] * 9)
    assert lines_of(tmp_path, "decided")[0]["changes"][0]["name"] == ""


def test_unknown_hosts_are_counted_by_domain_apart_from_what_visitors_chose(tmp_path: Path) -> None:
    hosts = [f"u{n}.often.test" for n in range(6)] + ["jane.rare.test", "john.other.test"]
    write(tmp_path, *(unknown(host) for host in hosts), unknown("cdn.often.test", "image"))
    found = lines_of(tmp_path, "unknown-site")
    assert [(line["site"], line["n"], line["kinds"]) for line in found] == [
        ("often.test", 7, {"image": 1, "script": 6}),
        (None, 2, {"script": 2}),
    ]
    assert all("choice" not in line for line in found)


def test_what_was_stopped_inside_a_page_is_a_row_of_its_own(tmp_path: Path) -> None:
    tag = {"url": "http://px.tracker.test/tag.js", "kind": "script", **BLOCKED.decision}
    write(tmp_path, replace(edited(), tags=[tag, tag]))
    rows = {line["where"]: (line["n"], line["action"], line["kind"]) for line in lines_of(tmp_path, "decided")}
    assert rows == {"wire": (1, "edit", "document"), "page": (2, "block", "script")}


def test_of_many_changes_some_are_written_and_the_others_counted(tmp_path: Path) -> None:
    write(tmp_path, *[edited(*(f"{'abcdefghij'[n // 10]}-{n % 10}" for n in range(100)))] * 5)
    (line,) = lines_of(tmp_path, "decided")
    assert (len(line["changes"]), line["more"]) == (32, 68)


def test_an_audit_visit_has_lines_of_its_own(tmp_path: Path) -> None:
    linked = replace(BLOCKED, visit="0123456789ab", at=1_800_000_123.456)
    write(tmp_path, BLOCKED, linked, replace(linked, path="/q"))
    visits = lines_of(tmp_path, "visit")
    assert [(line["visit"], line["at"]) for line in visits] == [("0123456789ab", 1_800_000_123_456)] * 2
    assert [line["n"] for line in lines_of(tmp_path, "decided")] == [1]
