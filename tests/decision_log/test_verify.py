"""Whatever is done to a log afterwards shows, and is named."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cmp.decision_log.chain import End
from cmp.decision_log.folder import HEADS, DecisionLogError, segment_files
from cmp.decision_log.verify import check
from tests.decision_log.examples import BLOCKED, lines_of, rewrite, running_log, write
from tests.waiting import wait_for

Lines = list[bytes]
DIFFERENT = [replace(BLOCKED, kind=kind) for kind in ("image", "script", "frame", "fetch", "beacon")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three runs: three closed segments of seven lines each."""
    folder = tmp_path_factory.mktemp("whole")
    for _ in range(3):
        write(folder, *DIFFERENT)
    return folder


@pytest.fixture
def log(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "log"))


def codes(folder: Path) -> list[tuple[str, int | None, int | None]]:
    return [(fault.code, fault.segment, fault.line) for fault in check(folder).faults]


def test_a_log_that_nobody_touched_is_whole(log: Path) -> None:
    checked = check(log)
    assert (checked.faults, checked.segments, checked.lines, checked.running) == ((), 3, 21, False)


def _alter(lines: Lines) -> Lines:
    return [*lines[:2], lines[2].replace(b'"n":1', b'"n":9'), *lines[3:]]


def _drop(lines: Lines) -> Lines:
    return [*lines[:2], *lines[4:]]


def _swap(lines: Lines) -> Lines:
    return [*lines[:2], lines[3], lines[2], *lines[4:]]


def _repeat(lines: Lines) -> Lines:
    return [*lines[:3], lines[2], *lines[3:]]


def _insert(lines: Lines) -> Lines:
    return [*lines[:3], b'{"type":"decided"}\n', *lines[3:]]


def _cut(lines: Lines) -> Lines:
    return lines[:4]


def _cut_seal(lines: Lines) -> Lines:
    return lines[:-1]


def _alter_seal(lines: Lines) -> Lines:
    return [*lines[:-1], lines[-1].replace(b"stopped", b"rotated")]


@pytest.mark.parametrize(
    "change, number, found",
    [
        pytest.param(_alter, 1, ("altered", 1, 3), id="altered"),
        pytest.param(_drop, 2, ("missing", 2, 12), id="dropped"),
        pytest.param(_swap, 1, ("missing", 1, 4), id="reordered"),
        pytest.param(_repeat, 1, ("order", 1, 3), id="repeated"),
        pytest.param(_insert, 1, ("form", 1, 4), id="inserted"),
        pytest.param(_cut, 1, ("cut", 1, None), id="cut in the middle"),
        pytest.param(_cut, 3, ("cut", 3, None), id="cut at the end"),
        pytest.param(_cut_seal, 3, ("cut", 3, None), id="its close cut off"),
        pytest.param(_alter_seal, 2, ("altered", 2, 14), id="its close altered"),
        pytest.param(_alter_seal, 3, ("altered", 3, 21), id="the last line altered"),
    ],
)
def test_what_was_done_is_named(
    log: Path, change: Callable[[Lines], Lines], number: int, found: tuple[str, int, int | None]
) -> None:
    rewrite(segment_files(log)[number], change)
    assert check(log).broken
    assert codes(log)[0] == found


def test_every_byte_of_every_line_counts(log: Path) -> None:
    path = segment_files(log)[2]
    for at in range(7):
        kept = path.read_bytes()
        for start in range(0, 200, 13):

            def flip(lines: Lines, at: int = at, start: int = start) -> Lines:
                line = bytearray(lines[at])
                line[start % (len(line) - 1)] ^= 1
                return [*lines[:at], bytes(line), *lines[at + 1 :]]

            rewrite(path, flip)
            assert check(log).broken, (at, start)
            path.write_bytes(kept)


@pytest.mark.parametrize("number", [pytest.param(n, id=f"segment {n}") for n in (1, 2, 3)])
def test_a_missing_file_is_named(log: Path, number: int) -> None:
    segment_files(log)[number].unlink()
    assert codes(log) == [("segment", number, None)]


def test_segments_that_change_places_are_noticed(log: Path) -> None:
    files = segment_files(log)
    one, two = files[1].read_bytes(), files[2].read_bytes()
    files[1].write_bytes(two)
    files[2].write_bytes(one)
    assert check(log).broken


def test_a_damaged_file_is_named(log: Path) -> None:
    path = segment_files(log)[2]
    path.write_bytes(path.read_bytes()[:100])
    assert ("unreadable", 2) in [(fault.code, fault.segment) for fault in check(log).faults]


def test_without_the_list_of_heads_a_missing_end_would_not_show(log: Path) -> None:
    (log / HEADS).unlink()
    assert codes(log) == [("heads", None, None)]
    rewrite(segment_files(log)[2], _cut)
    assert ("missing", 3, 15) in codes(log)


def test_a_log_made_anew_is_told_by_an_end_kept_elsewhere(log: Path, tmp_path: Path) -> None:
    kept = check(log).end
    write(log, BLOCKED)
    assert check(log, kept=kept).faults == ()
    write(tmp_path / "anew", *DIFFERENT * 3, *DIFFERENT)
    assert [fault.code for fault in check(tmp_path / "anew", kept=kept).faults] == ["head"]
    assert [fault.code for fault in check(log, kept=End(kept.seq, "0" * 64)).faults] == ["head"]


def test_a_log_that_is_written_is_whole_as_far_as_it_goes(tmp_path: Path) -> None:
    with running_log(tmp_path):
        assert wait_for((tmp_path / HEADS).exists)
        checked = check(tmp_path)
    assert (checked.running, checked.faults) == (True, ())


def test_lines_are_shown_to_who_asks(log: Path) -> None:
    seen: list[object] = []
    check(log, lambda form: seen.append(form["type"]))
    assert seen == [line["type"] for line in lines_of(log)]


def test_a_folder_without_a_log_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(DecisionLogError, match="no decision log in this folder"):
        check(tmp_path)
    with pytest.raises(DecisionLogError, match="cannot be read"):
        check(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "name, value", [("segment", "1"), ("seq", None), ("hash", 1), ("sealed", "no"), ("first", 1.5)]
)
def test_a_list_of_heads_with_another_type_in_it_counts_as_damaged(tmp_path: Path, name: str, value: object) -> None:
    write(tmp_path, BLOCKED)
    form = json.loads((tmp_path / HEADS).read_bytes())
    form["segments"][0][name] = value
    (tmp_path / HEADS).write_text(json.dumps(form), "utf-8")
    assert "heads" in {fault.code for fault in check(tmp_path).faults}


@pytest.mark.parametrize(
    "field, value",
    [
        pytest.param("category", ..., id="a-field-missing"),
        pytest.param("rule", 7, id="no-text"),
        pytest.param("vendor", ["a"], id="neither-text-nor-null"),
        pytest.param("n", 0, id="counts-nothing"),
        pytest.param("changes", [{"edit": "strip-cookie"}], id="half-a-change"),
    ],
)
def test_a_line_that_lacks_what_its_type_has_is_said_and_not_shown(log: Path, field: str, value: object) -> None:
    def change(lines: Lines) -> Lines:
        at = next(n for n, line in enumerate(lines) if json.loads(line)["type"] == "decided")
        form = json.loads(lines[at])
        form = {k: v for k, v in form.items() if k != field} | ({} if value is ... else {field: value})
        return [*lines[:at], json.dumps(form).encode() + b"\n", *lines[at + 1 :]]

    first = next(iter(segment_files(log).values()))
    whole: list[str] = []
    check(log, lambda form: whole.append(form["type"]))
    rewrite(first, change)
    shown: list[str] = []
    found = check(log, lambda form: shown.append(form["type"]))
    assert shown.count("decided") == whole.count("decided") - 1
    assert "form" in {fault.code for fault in found.faults}
