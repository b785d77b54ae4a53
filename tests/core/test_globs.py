"""Patterns: a star is any run of characters, everything else is itself, and none takes more than linear time."""

import fnmatch
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmp.core.globs import Glob
from tests.growth import grows_below


@pytest.mark.parametrize(
    "pattern, text, fits",
    [
        ("_ga", "_ga", True),
        ("_ga", "_gac", False),
        pytest.param("_ga", "_GA", False, id="case counts"),
        ("_ga_*", "_ga_X", True),
        pytest.param("_ga_*", "_ga_", True, id="a star may stand for nothing"),
        ("_ga_*", "x_ga_X", False),
        ("*_id", "visitor_id", True),
        ("*_id", "_id2", False),
        ("a*b", "ab", True),
        ("a*b", "axxb", True),
        pytest.param("ab*ba", "aba", False, id="the two ends may not overlap"),
        ("ab*ba", "abba", True),
        ("*", "", True),
        ("*", "anything", True),
        ("**", "", True),
        pytest.param("a**b", "a b", True, id="two stars are one"),
        ("*a*", "bab", True),
        pytest.param("*ab*b", "ab", False, id="an inner part may not reach into the end"),
        ("*ab*b", "abb", True),
        ("", "", True),
        ("", "a", False),
        pytest.param("a?c", "abc", False, id="a question mark is itself"),
        ("a?c", "a?c", True),
        pytest.param("[ab]", "a", False, id="brackets are themselves"),
        ("a.c", "abc", False),
        pytest.param("a*c", "a\nc", True, id="a line feed is a character"),
        ("é*", "été"[1:], False),
    ],
)
def test_matches(pattern: str, text: str, fits: bool) -> None:
    assert Glob(pattern).matches(text) is fits


@settings(derandomize=True, max_examples=600, deadline=None)
@given(st.text(alphabet="ab*", max_size=8), st.text(alphabet="ab", max_size=10))
def test_agrees_with_fnmatch(pattern: str, text: str) -> None:
    assert Glob(pattern).matches(text) is fnmatch.fnmatchcase(text, pattern)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.text(max_size=6), st.text(max_size=8))
def test_agrees_with_a_regular_expression_on_any_characters(pattern: str, text: str) -> None:
    reference = re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)
    assert Glob(pattern).matches(text) is bool(reference.fullmatch(text))


@pytest.mark.parametrize(
    "pattern, text",
    [
        pytest.param("*a*a*a*a*a*a*a*a*b", "a" * 10_000, id="many stars, no end"),
        pytest.param("*" + "a*" * 120 + "b*", "a" * 10_000, id="many stars, missing part"),
        pytest.param("*" + "a" * 100 + "b*", "a" * 10_000, id="a part that nearly fits everywhere"),
        pytest.param("a*" * 128, "b" * 10_000, id="wrong beginning"),
    ],
)
def test_a_hostile_pattern_takes_no_longer_than_another(pattern: str, text: str) -> None:
    glob = Glob(pattern)
    # A backtracking matcher would need longer than the universe has.
    assert not glob.matches(text)
    assert grows_below(40, glob.matches, text * 5, text * 50)
