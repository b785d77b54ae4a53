"""The log is written beside the traffic: bounded, rotated, honest about what it lost, and never in anybody's way."""

import json
import logging
import re
import shutil
import subprocess
import sys
import threading
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from cmp.decision_log.folder import HEADS, DecisionLogError, Limits, segment_files
from cmp.decision_log.rows import Taken
from cmp.decision_log.verify import check
from cmp.decision_log.writer import DecisionLog, LogSettings
from tests.decision_log.examples import (
    BLOCKED,
    Clock,
    Item,
    lines_of,
    read_item,
    running_log,
    settled,
    taken_in,
    text_of,
    write,
)
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]

HOUR, DAY = 3_600, 86_400


def child(folder: Path, what: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.decision_log.child", str(folder), what]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_a_round_is_written_when_it_is_over_and_not_before(tmp_path: Path) -> None:
    clock = Clock()
    with running_log(tmp_path, clock, round_seconds=600) as log:
        log.note(Item(BLOCKED))
        assert wait_for((tmp_path / HEADS).exists)
        clock.now += 599
        assert wait_for(lambda: lines_of(tmp_path, "waiting") != [])
        assert (log.counts.waiting, lines_of(tmp_path, "decided")) == (1, [])
        clock.now += 1
        assert settled(log)
        assert [line["n"] for line in lines_of(tmp_path, "decided")] == [1]


def test_a_round_ends_with_the_hour(tmp_path: Path) -> None:
    clock = Clock(1_800_000_000 + HOUR - 5)
    with running_log(tmp_path, clock) as log:
        for _ in range(2):
            log.note(Item(BLOCKED))
            assert taken_in(log)
            clock.now += 10
            assert wait_for(lambda: len(lines_of(tmp_path, "decided")) == 1)
    assert [(line["hour"], line["n"]) for line in lines_of(tmp_path, "decided")] == [
        (1_800_000_000, 1),
        (1_800_000_000 + HOUR, 1),
    ]


def test_one_place_is_another_in_the_next_round(tmp_path: Path) -> None:
    """Else a place that only one person asks for would join that person's hours."""
    clock = Clock()
    with running_log(tmp_path, clock) as log:
        for _ in range(2):
            log.note(Item(BLOCKED))
            assert taken_in(log)
            clock.now += HOUR
            assert settled(log)
    places = [line["place"] for line in lines_of(tmp_path, "decided")]
    assert len(places) == len(set(places)) == 2


def test_a_clean_stop_writes_what_waits_and_closes_the_log(tmp_path: Path) -> None:
    counts = write(tmp_path, *[BLOCKED] * 1_000)
    assert (counts.noted, counts.written, counts.waiting, counts.lost) == (1_000, 1_000, 0, 0)
    assert lines_of(tmp_path)[-1]["type"] == "seal"
    assert check(tmp_path).faults == ()
    assert [path.suffix for path in segment_files(tmp_path).values()] == [".gz"]


def test_the_next_run_goes_on_with_the_chain(tmp_path: Path) -> None:
    for _ in range(3):
        write(tmp_path, BLOCKED)
    openings = [line["previous"]["end"] for line in lines_of(tmp_path, "open")]
    assert openings == ["none", "sealed", "sealed"]
    assert [line["seq"] for line in lines_of(tmp_path)] == list(range(1, 10))
    assert check(tmp_path).faults == ()


def test_a_run_that_decided_nothing_says_so_too(tmp_path: Path) -> None:
    write(tmp_path)
    assert [line["type"] for line in lines_of(tmp_path)] == ["open", "seal"]


class TestSegments:
    """Closed by size and by age, packed, and removed in their turn."""

    def fill(self, folder: Path, hours: int, **limits: float) -> None:
        clock = Clock()
        with running_log(folder, clock, limits=Limits(**limits)) as log:  # type: ignore[arg-type]
            for hour in range(hours):
                for number in range(20):
                    log.note(Item(replace(BLOCKED, path=f"/{number}")))
                assert taken_in(log)
                clock.now += HOUR
                assert settled(log), hour

    def test_by_size(self, tmp_path: Path) -> None:
        self.fill(tmp_path, 6, segment_bytes=10_000)
        files = segment_files(tmp_path)
        assert len(files) == 3
        assert all(len(text_of(path)) < 20_000 for path in files.values())
        assert [line["why"] for line in lines_of(tmp_path, "seal")] == ["rotated"] * 3
        assert sum(line["n"] for line in lines_of(tmp_path, "decided")) == 120
        assert check(tmp_path).faults == ()

    def test_by_age(self, tmp_path: Path) -> None:
        self.fill(tmp_path, 6, segment_seconds=2 * HOUR)
        assert [line["why"] for line in lines_of(tmp_path, "seal")] == ["rotated", "rotated", "stopped"]
        assert check(tmp_path).faults == ()

    def test_those_beyond_the_number_are_removed_and_the_log_says_so(self, tmp_path: Path) -> None:
        self.fill(tmp_path, 12, segment_bytes=10_000, segments=3)
        assert len(segment_files(tmp_path)) == 3
        assert min(segment_files(tmp_path)) > 2
        assert lines_of(tmp_path, "retired")
        assert check(tmp_path).faults == ()

    def test_those_too_old_are_removed(self, tmp_path: Path) -> None:
        self.fill(tmp_path, 14, segment_seconds=HOUR, days=0.25)
        assert 3 <= len(segment_files(tmp_path)) <= 8
        assert check(tmp_path).faults == ()

    def test_one_that_was_removed_by_hand_is_missing(self, tmp_path: Path) -> None:
        self.fill(tmp_path, 12, segment_bytes=10_000, segments=3)
        first = min(segment_files(tmp_path))
        segment_files(tmp_path)[first].unlink()
        assert [(fault.code, fault.segment) for fault in check(tmp_path).faults] == [("segment", first)]

    def test_packing_the_same_lines_gives_the_same_bytes(self, tmp_path: Path) -> None:
        write(tmp_path, BLOCKED)
        (path,) = segment_files(tmp_path).values()
        # No name and no time in the header (RFC 1952, section 2.3).
        assert path.read_bytes()[3:8] == b"\0" * 5


class TestKilled:
    """After kill -9 what was written is whole, and what is missing is said."""

    @pytest.fixture(scope="class")
    def left(self, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
        """What a process that was killed left behind, and what it said last."""
        folder = tmp_path_factory.mktemp("killed")
        said: dict[str, int] = {}
        with child(folder, "kill") as process:
            for line in process.stdout or ():
                said = json.loads(line)
                if said["written"] > 5_000 and said["noted"] - said["written"] > 500:
                    process.kill()
        return folder, said

    @pytest.fixture
    def killed(self, left: tuple[Path, dict[str, int]], tmp_path: Path) -> Path:
        return Path(shutil.copytree(left[0], tmp_path / "killed"))

    def test_what_was_written_is_whole_and_the_end_is_honest(self, left: tuple[Path, dict[str, int]]) -> None:
        folder, said = left
        checked = check(folder)
        assert not checked.broken
        (fault,) = checked.faults
        assert fault.code == "killed"
        written = sum(line["n"] for line in lines_of(folder, "decided"))
        assert written >= said["written"]
        # The last count of what waited is a floor: it was in memory alone, and is gone.
        assert lines_of(folder, "waiting")
        assert fault.decisions is not None

    def test_the_next_run_goes_on_and_says_what_it_found(self, killed: Path) -> None:
        missing = check(killed).faults[0].decisions
        write(killed, BLOCKED)
        checked = check(killed)
        assert [(fault.code, fault.segment, fault.decisions) for fault in checked.faults] == [("killed", 2, missing)]
        assert lines_of(killed, "open")[1]["previous"]["end"] == "killed"

    def test_half_a_line_at_the_end_is_no_alteration(self, killed: Path) -> None:
        (path,) = segment_files(killed).values()
        whole = path.read_bytes()
        path.write_bytes(whole + whole.splitlines()[-1][:50])
        assert not check(killed).broken
        write(killed, BLOCKED)
        opening = json.loads(text_of(segment_files(killed)[2]).splitlines()[0])
        assert opening["previous"]["end"] == "torn"
        assert [fault.code for fault in check(killed).faults] == ["killed"]


class TestLosses:
    """What cannot be logged is counted, told in the log, and costs the site nothing."""

    def test_a_full_queue_loses_decisions_and_says_how_many(self, tmp_path: Path) -> None:
        going = threading.Event()

        def slowly(item: Item) -> Taken | None:
            going.wait(60)
            return item.taken

        log = DecisionLog(LogSettings(tmp_path, queue=100), slowly, clock=Clock())
        for _ in range(1_000):
            log.note(Item(BLOCKED))
        assert log.counts.lost_queue >= 890
        going.set()
        log.close()
        (gap,) = lines_of(tmp_path, "gap")
        assert (gap["why"], gap["decisions"]) == ("queue", log.counts.lost_queue)
        assert log.counts.written + log.counts.lost == log.counts.noted == 1_000
        assert [(fault.code, fault.decisions) for fault in check(tmp_path).faults] == [("lost", gap["decisions"])]

    def test_waiting_decisions_are_bounded_by_their_size(self, tmp_path: Path) -> None:
        going = threading.Event()
        log: DecisionLog[Item] = DecisionLog(
            LogSettings(tmp_path, queue_bytes=1_000_000), lambda item: _after(going, item), clock=Clock()
        )
        tracemalloc.start()
        for number in range(2_000):
            log.note(Item(replace(BLOCKED, path=f"{number}" * 10_000), size=10_000))
        used, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        going.set()
        log.close()
        assert log.counts.lost_queue > 1_800
        assert used < 10_000_000

    def test_a_round_with_too_many_different_rows_is_written_early(self, tmp_path: Path) -> None:
        with running_log(tmp_path, rows=200) as log:
            for number in range(1_000):
                log.note(Item(replace(BLOCKED, path=f"/{number}")))
            assert wait_for(lambda: log.counts.written >= 800)
        assert (log.counts.written, log.counts.lost) == (1_000, 0)

    def test_what_cannot_be_read_is_counted(self, tmp_path: Path) -> None:
        with running_log(tmp_path) as log:
            log.note(Item(None))
            log.note(Item(replace(BLOCKED, decision={"rule": 7})))
            log.note(Item(BLOCKED))
        assert (log.counts.lost_unread, log.counts.written) == (2, 1)
        assert [(line["why"], line["decisions"]) for line in lines_of(tmp_path, "gap")] == [("unread", 2)]

    def test_what_could_not_be_handed_over_is_counted_with_it(self, tmp_path: Path) -> None:
        with running_log(tmp_path) as log:
            log.miss()
            log.note(Item(BLOCKED))
            assert taken_in(log)
            assert log.counts.waiting == 1
        assert (log.counts.noted, log.counts.lost_unread, log.counts.written) == (2, 1, 1)
        assert [(line["why"], line["decisions"]) for line in lines_of(tmp_path, "gap")] == [("unread", 1)]

    def test_without_room_the_log_waits_loses_and_goes_on(self, tmp_path: Path) -> None:
        with child(tmp_path, "room") as process:
            assert process.stdout is not None
            full, after = (json.loads(line) for line in process.stdout)
        assert (full["failing"], full["written"], len(full["said"])) == (True, 0, 1)
        assert "the site keeps running" in full["said"][0]
        assert not after["failing"]
        assert after["written"] + after["lost"] == after["noted"] == 501
        assert len(after["said"]) == 2
        told = re.search(r"(\d+) decisions were lost", after["said"][1])
        assert told is not None
        assert full["lost"] <= int(told[1]) <= after["lost"]
        gaps = {line["why"]: line["decisions"] for line in lines_of(tmp_path, "gap")}
        assert gaps == {"disk": after["lost"]}
        assert sum(line["n"] for line in lines_of(tmp_path, "decided")) == after["written"]
        assert not check(tmp_path).broken

    def test_a_folder_that_cannot_be_written_is_said_once_and_tried_again(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "file").write_text("in the way")
        clock = Clock()
        with caplog.at_level(logging.WARNING), running_log(tmp_path / "file" / "log", clock) as log:
            log.note(Item(BLOCKED))
            assert wait_for(lambda: log.counts.failing)
            clock.now += 60
            (tmp_path / "file").unlink()
            clock.now += HOUR
            assert settled(log)
        said = [record.getMessage() for record in caplog.records]
        assert [text for text in said if "cannot be written" in text] == said[:1]
        assert "written again" in said[1]
        assert check(tmp_path / "file" / "log").faults == ()


def _after(going: threading.Event, item: Item) -> Taken | None:
    going.wait(60)
    return item.taken


def test_two_proxies_do_not_write_one_log(tmp_path: Path) -> None:
    with running_log(tmp_path), pytest.raises(DecisionLogError, match="another proxy writes its decision log there"):
        DecisionLog(LogSettings(tmp_path), read_item)


def test_only_the_owner_can_read_a_log(tmp_path: Path) -> None:
    write(tmp_path / "log", BLOCKED)
    assert (tmp_path / "log").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "log").iterdir()} == {0o600}
