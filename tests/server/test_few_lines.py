"""How many log lines of a kind are written in a minute, and that none is lost uncounted."""

import logging

from cmp.server.few_lines import MOST, FewLines


def written(lines: FewLines, kind: str, at: float, *values: object) -> str | None:
    """The line as a handler would write it; None for one that is left out."""
    record = logging.LogRecord("consentry.server", logging.ERROR, "", 0, kind, values, None)
    record.created = at
    return record.getMessage() if lines.filter(record) else None


def test_lines_of_a_kind_are_bounded_in_a_minute_and_the_next_says_how_many_are_missing() -> None:
    lines = FewLines()
    found = [written(lines, "a fault: %s", 60 + n / 100, n) for n in range(MOST + 25)]
    assert found == [f"a fault: {n}" for n in range(MOST)] + [None] * 25
    assert written(lines, "a fault: %s", 120, "again") == "a fault: again (25 such lines were left out before)"
    assert written(lines, "a fault: %s", 121, "again") == "a fault: again"
    assert (lines.seen("a fault: %s"), lines.left_out) == (MOST + 27, 25)


def test_one_kind_does_not_silence_another() -> None:
    lines = FewLines()
    assert [written(lines, "many", 60) for _ in range(MOST + 1)][-1] is None
    assert written(lines, "100 % other", 60) == "100 % other"


def test_a_clock_that_is_set_back_silences_nothing_for_longer_than_a_minute() -> None:
    lines = FewLines()
    assert [written(lines, "many", 6_000) for _ in range(MOST + 1)][-1] is None
    assert written(lines, "many", 60) == "many (1 such lines were left out before)"
