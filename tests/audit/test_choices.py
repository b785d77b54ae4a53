"""What was chosen when: events, records of a ledger and consent platforms' cookies, in one order with the requests."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from cmp.audit.audit import find_all
from cmp.audit.choices import Event, read_event
from cmp.audit.clocks import clock_of
from cmp.audit.consent_records import Records
from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding
from cmp.audit.replay import Replay, replay
from cmp.capture.har import read_har
from cmp.cli import main
from cmp.core.consent import Visitor
from cmp.ledger.ledger import Ledger
from cmp.seal.cookie import write_cookie
from cmp.seal.keys import make_keys
from cmp.seal.site import ConsentSite
from tests.audit.hars import POLICY, SITE, START, Json, document, policy, request
from tests.ledger.records import given, withdrawn

STATS = "https://stats.test/s.js"


def at(seconds: float, entry: Json, took: float = 0.0, ahead: float | None = None) -> Json:
    """The entry begun so many seconds after the start; `ahead`: that of the server's clock."""
    entry = {**entry, "startedDateTime": iso(START + seconds), "time": took * 1000}
    if ahead is not None:
        said = datetime.fromtimestamp(START + seconds + ahead, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
        entry["response"]["headers"].append({"name": "Date", "value": said})
    return entry


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def visit(*entries: Json) -> bytes:
    return json.dumps({"log": {"creator": {"name": "tests"}, "entries": entries}}).encode()


def replayed(*entries: Json, events: str = "", records: Records | None = None, **changes: Any) -> Replay:
    capture = read_har(visit(*entries), "test.har")
    told = [read_event(text) for text in events.split()]
    return replay(policy(**changes), capture, events=told, records=records)


def found(done: Replay) -> list[Finding]:
    return [one for one in find_all(Evidence(done, baseline=False)) if one.code.startswith("consent.")]


def told(done: Replay) -> list[tuple[str, str]]:
    return [(one.code, one.level.value) for one in found(done)]


BEFORE, AFTER = "consent.request-before", "consent.request-after-reject"

EVENTS = [
    pytest.param("", 5, 0, [(BEFORE, "violation")], id="nothing was chosen"),
    pytest.param("2=accept", 5, 0, [], id="agreed before"),
    pytest.param("2=analytics", 5, 0, [], id="agreed to that category"),
    pytest.param("2=advertising", 5, 0, [(AFTER, "violation")], id="agreed to another"),
    pytest.param("2=refuse", 5, 0, [(AFTER, "violation")], id="refused before"),
    pytest.param("8=accept", 5, 0, [(BEFORE, "violation")], id="agreed afterwards"),
    pytest.param("2=accept 4=withdraw", 5, 0, [(AFTER, "violation")], id="agreed, then withdrawn"),
    pytest.param("2=accept 8=withdraw", 5, 0, [], id="withdrawn afterwards"),
    pytest.param("4=withdraw 2=accept", 5, 0, [(AFTER, "violation")], id="in the order of time, not of arguments"),
    pytest.param("5.5=accept", 5, 1, [(BEFORE, "potential")], id="agreed while it was under way"),
    pytest.param("5.5=refuse", 5, 1, [(BEFORE, "violation")], id="refused meanwhile: forbidden either way"),
    pytest.param("2=accept 5.5=withdraw", 5, 1, [], id="asked for before the withdrawal"),
    pytest.param(f"{iso(START + 2).replace('+00:00', 'Z')}=accept", 5, 0, [], id="a moment of the calendar"),
]


@pytest.mark.parametrize("events, second, took, expected", EVENTS)
def test_an_event_counts_from_its_moment_on(
    events: str, second: float, took: float, expected: list[tuple[str, str]]
) -> None:
    assert told(replayed(at(0, document()), at(second, request(STATS), took), events=events)) == expected


def test_a_cookie_set_by_an_answer_that_came_after_a_withdrawal_is_a_race() -> None:
    setting = request(STATS, set_cookie=["_st=1; Max-Age=60"])
    done = replayed(at(0, document()), at(5, setting, 1), events="2=accept 5.5=withdraw")
    (one,) = found(done)
    assert (one.code, one.level.value, one.evidence["races"]) == ("consent.set-after-reject", "potential", 1)
    assert "race" in {note.code for note in done.notes}


def test_a_finding_is_lowered_only_where_every_request_raced() -> None:
    done = replayed(at(0, document()), at(1, request(STATS)), at(5, request(STATS), 1), events="5.5=accept")
    (one,) = found(done)
    assert (one.level.value, one.evidence["count"], one.evidence["races"]) == ("violation", 2, 1)


@pytest.mark.parametrize("events, forbidden", [("2=gpc", True), ("8=gpc", False), ("2=gpc 4=accept", True)])
def test_a_browser_that_sends_gpc_from_a_moment_on(events: str, forbidden: bool) -> None:
    done = replayed(at(0, document()), at(5, request("https://ads.test/a.js")), events=events)
    assert (done.steps[1].decision.ruling.reason == "gpc") is forbidden


def test_an_event_counts_more_than_what_our_proxy_or_a_platform_recorded() -> None:
    agreed = f"session=1; {platform('true')}"
    done = replayed(at(0, document(cookie=agreed)), at(5, request(STATS)), events="2=refuse")
    assert told(done) == [("consent.after-withdrawal", "violation")]
    assert [step.source for step in done.steps] == ["Cookiebot", "event"]


EVENT_TEXTS = [("12.5=refuse", Event(12.5, "refuse")), ("0=a,b", Event(0, "a,b"))]


@pytest.mark.parametrize("text, event", EVENT_TEXTS)
def test_an_event_is_a_time_and_a_choice(text: str, event: Event) -> None:
    assert read_event(text) == event


WRONG = ["refuse", "soon=refuse", "-1=refuse", "12=", "12=nonsense", "12=necessary"]


@pytest.mark.parametrize("event", WRONG)
def test_what_is_no_event_is_said_in_one_line(event: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.har").write_bytes(visit(at(0, document())))
    assert main(["audit", str(tmp_path / "a.har"), f"--event={event}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--event" in line


# ------------------------------------------------------------------------------------------- consent platforms


def platform(said: str, moment: float | None = None) -> str:
    utc = "" if moment is None else f",utc:{round(moment * 1000)}"
    value = f"{{stamp:'x',necessary:true,preferences:{said},statistics:{said},marketing:{said}{utc}}}"
    return f"CookieConsent={quote(value)}"


STORED = [
    pytest.param(4, 5, [], id="after the moment in the cookie"),
    pytest.param(4, 3, [(BEFORE, "violation")], id="before that moment"),
    pytest.param(None, 5, [(BEFORE, "potential")], id="no moment in the cookie: some time in between"),
]


@pytest.mark.parametrize("moment, second, expected", STORED)
def test_a_platforms_choice_counts_from_the_moment_its_cookie_names(
    moment: float | None, second: float, expected: list[tuple[str, str]]
) -> None:
    later = document(cookie=f"session=1; {platform('true', None if moment is None else START + moment)}")
    assert told(replayed(at(0, document()), at(second, request(STATS)), at(9, later))) == expected


def test_a_moment_outside_the_visit_is_not_believed() -> None:
    later = document(cookie=f"session=1; {platform('true', START - 86_400)}")
    (one,) = found(replayed(at(0, document()), at(5, request(STATS)), at(9, later)))
    assert one.evidence["races"] == 1


# ------------------------------------------------------------------------------------------- clocks


@pytest.mark.parametrize("ahead, said", [(0, None), (2, None), (7, "7"), (-90, "90")])
def test_the_recording_machines_clock_is_held_against_those_of_servers(ahead: float, said: str | None) -> None:
    done = replayed(at(0, document(), ahead=ahead), *(at(n, request(STATS), 0.2, ahead) for n in range(1, 4)))
    notes = [note.text for note in done.notes if note.code == "clock-skew"]
    assert bool(notes) is (said is not None)
    if said is not None:
        assert abs(float(notes[0].split(" s ")[0].rpartition(" ")[2]) - abs(ahead)) <= 0.6
        assert ("behind" in notes[0]) is (ahead > 0)


def test_an_answer_out_of_a_cache_says_nothing_of_a_clock() -> None:
    kept = at(2, request(STATS), ahead=-500)
    aged = at(3, request("https://cdn.test/x.js", answers=[("Age", "500")]), ahead=-500)
    capture = read_har(visit(at(0, document(), ahead=0), at(1, request(STATS), ahead=0), kept, aged), "test.har")
    clock = clock_of(capture.entries)
    assert clock is not None
    assert abs(clock.behind) <= 0.6
    assert clock.hosts == 3


def test_without_times_or_dates_no_clock_is_known() -> None:
    assert replayed(at(0, document())).clock is None


# ------------------------------------------------------------------------------------------- records of a ledger


class Kept:
    """A ledger with one person who agreed 2.5 s into the visit, withdrew at 6 s; its clock `ahead` of the capture."""

    def __init__(self, folder: Path, ahead: float = 0.0) -> None:
        self.address = str(folder / "ledger.db")
        keys = make_keys(folder / "keys.json")
        with Ledger(self.address, signer=keys) as ledger:
            first = asyncio.run(ledger.append(given("analytics", at=START + 2.5 + ahead)))
            self.person = first.person or ""
            asyncio.run(ledger.append(withdrawn("analytics", at=START + 6 + ahead, person=self.person)))
        site = ConsentSite(SITE.rstrip("/"))
        value = write_cookie(keys, site, Visitor(granted=frozenset({"analytics"})), self.person)
        self.cookie = f"session=1; {site.cookie_name}={value}"


RECORDS = [
    pytest.param(0.5, 0, [(BEFORE, "violation")], id="before any record"),
    pytest.param(4, 0, [], id="between consent and withdrawal"),
    pytest.param(8, 0, [(AFTER, "violation")], id="after the withdrawal"),
    pytest.param(4, 60, [], id="by a clock that is a minute ahead"),
    pytest.param(8, 60, [(AFTER, "violation")], id="after the withdrawal, by that clock"),
]


@pytest.mark.parametrize("second, ahead, expected", RECORDS)
def test_the_records_of_the_captures_visitor_say_what_was_chosen(
    tmp_path: Path, second: float, ahead: float, expected: list[tuple[str, str]]
) -> None:
    kept = Kept(tmp_path, ahead)
    pages = [at(0, document(), ahead=ahead), at(9, document(cookie=kept.cookie), ahead=ahead)]
    done = replayed(pages[0], at(second, request(STATS)), pages[1], records=Records(kept.address))
    assert told(done) == expected
    assert sorted(done.records) == [0, 1]


def test_records_of_nobody_in_the_capture_are_no_evidence(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    records = Records(kept.address)
    done = replayed(at(0, document()), at(4, request(STATS)), records=records)
    assert told(done) == [(BEFORE, "violation")]
    assert [note.code for note in done.notes if note.code.startswith("ledger")] == ["ledger-silent"]
    named = Records(kept.address, frozenset({kept.person}))
    assert told(replayed(at(0, document(), ahead=0), at(4, request(STATS)), records=named)) == []


def test_the_command_reads_the_ledger_and_its_manifest_holds_the_slice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = Kept(tmp_path)
    entries = [at(0, document(), ahead=0), at(8, request(STATS)), at(9, document(cookie=kept.cookie))]
    (tmp_path / "a.har").write_bytes(visit(*entries))
    (tmp_path / "policy.json").write_text(json.dumps(POLICY), "utf-8")
    report = tmp_path / "report.json"
    given_ = [str(tmp_path / "a.har"), "--policy", str(tmp_path / "policy.json"), "--format", "json", "-o", str(report)]
    assert main(["audit", *given_, "--ledger", kept.address]) == 1
    form = json.loads(report.read_text("utf-8"))
    choices = form["captures"][0]["choices"]
    assert [(one["source"], one["choice"]) for one in choices] == [("ledger", "analytics"), ("ledger", "withdrawn")]
    assert main(["audit", "--verify", str(report)]) == 0
    assert "2 records of ledger" in capsys.readouterr().out
    manifest = json.loads((tmp_path / "report.json.manifest.json").read_text("utf-8"))
    manifest["ledger"]["sha256"] = "0" * 64
    (tmp_path / "report.json.manifest.json").write_text(json.dumps(manifest), "utf-8")
    assert main(["audit", "--verify", str(report)]) == 1


def test_a_choice_for_the_whole_capture_and_events_are_not_given_together(tmp_path: Path) -> None:
    (tmp_path / "a.har").write_bytes(visit(at(0, document())))
    assert main(["audit", str(tmp_path / "a.har"), "--choice=refuse", "--event=1=accept"]) == 2


UNRECORDED = [
    pytest.param("0=analytics", True, ["consent.no-record"], id="used on a consent that no record tells of"),
    pytest.param("0=refuse", True, [AFTER], id="refused: not used on any consent"),
    pytest.param("0=analytics", False, [], id="no cookie names a record"),
]


@pytest.mark.parametrize("events, named, expected", UNRECORDED)
def test_a_consent_needs_a_record_in_the_ledger(tmp_path: Path, events: str, named: bool, expected: list[str]) -> None:
    for folder in ("that of the cookie", "another"):
        (tmp_path / folder).mkdir()
    cookie = Kept(tmp_path / "that of the cookie").cookie if named else "session=1"
    records = Records(Kept(tmp_path / "another").address)
    done = replayed(at(0, document(cookie=cookie)), at(4, request(STATS)), events=events, records=records)
    found_ = [one for one in found(done) if one.code in ("consent.no-record", AFTER)]
    assert [one.code for one in found_] == expected
    assert all((one.level.value, one.vendor) == ("potential", "stats") for one in found_ if one.code != AFTER)


def test_a_consent_with_its_record_is_no_finding(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    done = replayed(
        at(0, document(cookie=kept.cookie)), at(4, request(STATS)), events="0=analytics", records=Records(kept.address)
    )
    assert "consent.no-record" not in {one.code for one in found(done)}


def test_a_promise_makes_a_missing_record_a_violation(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    promise = {"id": "PP-1", "title": {"en": "Kept"}, "shows": ["audited"], "keptBy": ["detector:consent.no-record"]}
    cookie, records = Kept(tmp_path / "a").cookie, Records(Kept(tmp_path / "b").address)
    visit_ = (at(0, document(cookie=cookie)), at(4, request(STATS)))
    done = replayed(*visit_, events="0=analytics", records=records, promises=[promise])
    assert ("consent.no-record", "violation") in told(done)
