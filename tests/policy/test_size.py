"""A large policy is checked and compiled in seconds, and decided on as fast as a small one.

Times are those of this process alone and the best of several, because others share the machine.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.policy_size import LARGE, SMALL, document, exchanges
from cmp.core.consent import supposed_visitor
from cmp.core.decide import decide
from cmp.core.exchange import Exchange
from cmp.core.policy import Policy
from cmp.policy.compile import compile_policy
from cmp.policy.lints import advice_of, subject_of
from cmp.policy.load import load_policy
from tests.core.examples import NOW


@pytest.fixture(scope="module")
def small() -> Policy:
    return compile_policy(document(*SMALL))


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("size") / "large.json"
    path.write_text(json.dumps(document(*LARGE)), "utf-8")
    return path


@pytest.fixture(scope="module")
def large(large_file: Path) -> Policy:
    return load_policy(large_file)


def seconds(work: Callable[[], object]) -> float:
    """Of this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def quicker(work: Callable[[], object], than: float, rounds: int) -> bool:
    """Whether one of several rounds takes less: the first that does is the last."""
    return any(seconds(work) < than for _ in range(rounds))


def test_it_is_as_large_as_it_says(large: Policy) -> None:
    rules = [
        rule for table in (large.cookies.exact, large.cookies.patterns) for found in table.values() for rule in found
    ]
    assert len(large.vendors) == 5_000
    assert len([rule for rule in rules if "consent" not in rule.id]) == 20_000


def test_a_large_policy_is_loaded_in_two_seconds(large_file: Path) -> None:
    assert quicker(lambda: load_policy(large_file), 2, 3)


def test_advice_on_a_large_policy_takes_no_longer(large: Policy) -> None:
    subject = subject_of(document(*LARGE), large, NOW)
    assert quicker(lambda: advice_of(subject), 2, 2)


@pytest.mark.parametrize("name", exchanges())
def test_a_decision_takes_no_longer_under_a_large_policy(small: Policy, large: Policy, name: str) -> None:
    exchange = exchanges()[name]
    # Both in turn, so that a busy moment hits both; one pair that keeps to it is enough.
    assert any(_time(large, exchange) / _time(small, exchange) < 1.5 for _ in range(9))


def _time(policy: Policy, exchange: Exchange) -> float:
    visitor = supposed_visitor(policy, "accept")
    return min(seconds(lambda: [decide(policy, visitor, exchange) for _ in range(150)]) for _ in range(3))


@pytest.mark.parametrize("name", exchanges())
def test_both_decide_alike_on_what_both_know(small: Policy, large: Policy, name: str) -> None:
    exchange = exchanges()[name]
    under = [decide(policy, supposed_visitor(policy, "accept"), exchange) for policy in (small, large)]
    assert under[0].action == under[1].action
    assert [edit.name for edit in under[0].edits] == [edit.name for edit in under[1].edits]
