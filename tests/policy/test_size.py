"""A large policy is checked and compiled in a time that grows with its size, and decided on as fast as a small one."""

import json
from pathlib import Path

import pytest

from benchmarks.policy_size import LARGE, SMALL, document, exchanges
from cmp.core.consent import supposed_visitor
from cmp.core.decide import decide
from cmp.core.policy import Policy
from cmp.policy.compile import compile_policy
from cmp.policy.document import read_document
from cmp.policy.lints import advice_of, subject_of
from cmp.policy.load import load_policy
from tests.core.examples import NOW
from tests.growth import grows_below

# How many times larger the large policy is than the middle one.
_TIMES = 8


@pytest.fixture(scope="module")
def small() -> Policy:
    return compile_policy(document(*SMALL))


@pytest.fixture(scope="module")
def middle_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _written(tmp_path_factory.mktemp("size") / "middle.json", LARGE[0] // _TIMES, LARGE[1] // _TIMES)


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _written(tmp_path_factory.mktemp("size") / "large.json", *LARGE)


def _written(path: Path, vendors: int, cookies: int) -> Path:
    path.write_text(json.dumps(document(vendors, cookies)), "utf-8")
    return path


@pytest.fixture(scope="module")
def large(large_file: Path) -> Policy:
    return load_policy(large_file)


def test_it_is_as_large_as_it_says(large: Policy) -> None:
    rules = [
        rule for table in (large.cookies.exact, large.cookies.patterns) for found in table.values() for rule in found
    ]
    assert len(large.vendors) == 5_000
    assert len([rule for rule in rules if "consent" not in rule.id]) == 20_000


def test_the_time_to_load_a_policy_grows_with_its_size(middle_file: Path, large_file: Path) -> None:
    assert grows_below(3 * _TIMES, load_policy, middle_file, large_file)


def test_the_time_for_advice_grows_with_the_size(middle_file: Path, large_file: Path) -> None:
    middle, large = (subject_of(read_document(file), load_policy(file), NOW) for file in (middle_file, large_file))
    assert grows_below(3 * _TIMES, advice_of, middle, large)


@pytest.mark.parametrize("name", exchanges())
def test_a_decision_takes_no_longer_under_a_large_policy(small: Policy, large: Policy, name: str) -> None:
    exchange = exchanges()[name]

    def decisions(policy: Policy) -> None:
        visitor = supposed_visitor(policy, "accept")
        for _ in range(1_500):
            decide(policy, visitor, exchange)

    assert grows_below(1.5, decisions, small, large)


@pytest.mark.parametrize("name", exchanges())
def test_both_decide_alike_on_what_both_know(small: Policy, large: Policy, name: str) -> None:
    exchange = exchanges()[name]
    under = [decide(policy, supposed_visitor(policy, "accept"), exchange) for policy in (small, large)]
    assert under[0].action == under[1].action
    assert [edit.name for edit in under[0].edits] == [edit.name for edit in under[1].edits]
