"""Expressions of tracker data: matched as regular expressions are, in time linear in the URL."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmp.lists.sequences import SequenceError, compile_sequence


@pytest.mark.parametrize(
    "expression, text, found",
    [
        (r"ads\.example\/x", "ads.example/x?y", True),
        (r"ads\.example\/x", "adsXexample/x", False),
        ("ads.example", "adsxexample", True),
        (r"a/.*/b\.js", "a/1/2/b.js", True),
        (r"a/.*/b\.js", "a/b.js", False),
        (r"a/[^/]*\.js", "a/x/y.js", False),
        (r"n[0-9]+/", "n123/", True),
        (r"n[0-9]+/", "n/", False),
        (r"\d\w", "7q", True),
        ("ab?c", "ac", True),
        ("(abc)d", "abcd", True),
        (r"a.*.\.[c]([de]+)f*g?/t", "ab1.cdd/t", True),
        ("AbC", "xabcx", True),
    ],
)
def test_it_is_found_anywhere_whatever_the_case(expression: str, text: str, found: bool) -> None:
    assert compile_sequence(expression).found_in(text) is found


@pytest.mark.parametrize(
    "expression", ["", "a|b", "(a|b)", "(a+)+", "a{2}", "^a", "a$", "(?=a)", r"\bx", "[z-a]", ".*", "a**"]
)
def test_what_would_need_backtracking_or_means_nothing_is_refused(expression: str) -> None:
    with pytest.raises(SequenceError):
        compile_sequence(expression)


_atoms = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\.", "c"])
_expressions = st.lists(st.tuples(_atoms, st.sampled_from(["", "", "*", "+", "?"])), min_size=1, max_size=6).map(
    lambda parts: "".join(atom + often for atom, often in parts)
)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(_expressions, st.text("abc.", max_size=12))
def test_it_agrees_with_the_standard_library(expression: str, text: str) -> None:
    try:
        sequence = compile_sequence(expression)
    except SequenceError as error:
        assert str(error) == "matches everything"  # noqa: PT017
        return
    assert sequence.found_in(text) is (re.search(expression, text) is not None)


def test_a_hostile_expression_and_url_take_no_time() -> None:
    sequence = compile_sequence("x" + ".*a" * 30 + "y")
    # A backtracking matcher would need longer than the universe has.
    assert not sequence.found_in("x" + "a" * 8_000 + "z")
