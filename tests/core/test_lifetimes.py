"""Declared lifetimes: what may be written, and how long it is."""

import pytest

from cmp.core.lifetimes import in_words, read_lifetime


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("session", None),
        ("1 second", 1),
        ("1 seconds", 1),
        ("30 minutes", 1800),
        ("2 hours", 7200),
        ("1 day", 86_400),
        ("1 week", 604_800),
        pytest.param("1 month", 31 * 86_400, id="a month is its longest"),
        pytest.param("1 year", 366 * 86_400, id="a year is its longest"),
        ("13 months", 13 * 31 * 86_400),
        ("999999 years", 999_999 * 366 * 86_400),
    ],
)
def test_reads(text: str, seconds: int | None) -> None:
    lifetime = read_lifetime(text)
    assert (lifetime.seconds, lifetime.text, lifetime.session) == (seconds, text, seconds is None)


@pytest.mark.parametrize(
    "text",
    [
        *("", "0 days", "-1 days", "1", "day", "1  day", "1 day ", " 1 day", "1.5 days", "1000000 days", "1 Day"),
        *("1 day\n", "Session", "forever", "1 fortnight", "\u0661 day", "13 months or so", "1day"),
    ],
)
def test_refuses_anything_else_and_says_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="is no lifetime: write") as caught:
        read_lifetime(text)
    assert '"13 months"' in str(caught.value)


@pytest.mark.parametrize(
    "seconds, words",
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (59.4, "59 seconds"),
        (60, "1 minute"),
        (1800, "30 minutes"),
        (3600, "1 hour"),
        (86_400, "1 day"),
        (30 * 86_400, "30 days"),
        (31 * 86_400, "1 month"),
        (63_072_000, "24 months"),
        (13 * 31 * 86_400, "13 months"),
    ],
)
def test_says_a_duration_in_its_largest_fitting_unit(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
