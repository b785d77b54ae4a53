"""Days, durations and differences in words, in each language, and no word that only one language has."""

import re

import pytest

from cmp.policy.changes import ChangeKind
from cmp.wire import policy_words
from cmp.wire.policy_words import date_text, delivered_text, duration_text, lifetime_text, policy_word
from cmp.wire.words import LANGUAGES

DAY = 86_400


def test_every_text_is_there_in_every_language_with_the_same_blanks() -> None:
    for row in policy_words._TABLE:
        assert len(row) == 1 + len(LANGUAGES)
        assert len({tuple(sorted(re.findall(r"{\w+}", text))) for text in row[1:]}) == 1, row[0]
    assert len({row[0] for row in policy_words._TABLE}) == len(policy_words._TABLE)


@pytest.mark.parametrize("kind", ChangeKind, ids=str)
def test_every_kind_of_change_can_be_said(kind: ChangeKind) -> None:
    assert all(policy_word(language, kind.value) for language in LANGUAGES)


@pytest.mark.parametrize(
    "date, english, german",
    [
        ("2018-10-04", "4 October 2018", "4. Oktober 2018"),
        ("2018-03", "March 2018", "März 2018"),
        ("2018", "2018", "2018"),
    ],
)
def test_a_date_as_exact_as_it_is_known(date: str, english: str, german: str) -> None:
    assert (date_text("en", date), date_text("de-AT", date)) == (english, german)


@pytest.mark.parametrize(
    "seconds, english, german",
    [
        (1, "1 second", "1 Sekunde"),
        (1_800, "30 minutes", "30 Minuten"),
        (DAY, "1 day", "1 Tag"),
        (14 * DAY, "2 weeks", "2 Wochen"),
        (182 * DAY, "182 days", "182 Tage"),
        (12 * 31 * DAY, "12 months", "12 Monate"),
        (2 * 366 * DAY, "2 years", "2 Jahre"),
        (DAY + 61, "24 hours", "24 Stunden"),
        (731 * DAY, "2 years", "2 Jahre"),
        (0, "0 seconds", "0 Sekunden"),
    ],
)
def test_a_duration_in_its_own_unit(seconds: int, english: str, german: str) -> None:
    assert (duration_text("en", seconds), duration_text("de", seconds)) == (english, german)


def test_a_lifetime_is_part_of_a_sentence() -> None:
    assert lifetime_text("de", "session") == delivered_text("de", None) == "bis der Browser geschlossen wird"
    assert lifetime_text("en", "13 months") == "for 13 months"
    assert lifetime_text("de", "") == "ohne Angabe der Dauer"
