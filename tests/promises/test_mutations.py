"""The tests of the promises, tested: a rule that keeps a promise is needed, for without it one of its tests fails.

May go in here: taking rules out and running the tests of the promise against what is left. May not: what a promise
says (the files beside this one), what taking out means (`mutation.py`).
"""

import importlib
import inspect
import random
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cmp.policy.load import find_faults
from cmp.policy.references import kept_by
from tests.promises.mutation import without
from tests.promises.world import World, shipped

MODULES = {
    "SS": "test_stellaservice",
    "SC": "test_stella_connect",
    "HC": "test_hellocustomer",
    "CS": "test_customersat",
    "CU": "test_customerly",
}
POLICIES = ("stellaservice", "stella-connect", "hellocustomer", "customersat", "customerly")
HERE = Path(__file__).parent
# Counted by hand in the five documents. StellaService's promises are Stella Connect's too.
PROMISES = {"SS": 13, "SC": 3, "HC": 32, "CS": 14, "CU": 26}
ORGANISATIONAL = {"CS-4", "CU-6", "CU-21", "CU-24"}
# How many are taken out in `make test` where servers run, and where none does; `make soak` takes out every one.
SAMPLE, OFTEN = 5, 24

Test = Callable[[World], None]


class Case(NamedTuple):
    policy: str
    promise: str
    rule: str

    @property
    def served(self) -> bool:
        """Whether tests of the promise run servers, which takes a moment each."""
        return any("served(" in source(test) for test in carrying(self.promise))


@cache
def module_of(promise: str) -> Any:
    return importlib.import_module(f"tests.promises.{MODULES[promise.partition('-')[0]]}")


@cache
def source(test: Test) -> str:
    return inspect.getsource(test)


def carrying(promise: str) -> list[Test]:
    """The test functions that carry the id of a promise, by the beginning of their names."""
    begins = f"test_{promise.lower().replace('-', '_')}_"
    return [found for name, found in vars(module_of(promise)).items() if name.startswith(begins)]


def promises_of(policy: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shipped(policy)["promises"]
    return found


def cases() -> Iterator[Case]:
    """Every rule that a promise names, in either mode."""
    for policy in POLICIES:
        for promise in promises_of(policy):
            rules = dict.fromkeys(rule for mode in kept_by(promise).values() for rule in mode)
            yield from (Case(policy, promise["id"], rule) for rule in rules)


CASES = list(cases())


def broken(world: World, promise: str) -> bool:
    """Whether a test of the promise says that it is not kept. Nothing but a failed assertion counts."""
    for test in carrying(promise):
        try:
            test(world)
        except AssertionError:
            return True
    return False


def case_id(case: Case) -> str:
    return f"{case.policy}-{case.promise}-{case.rule}"


def test_every_promise_of_the_five_documents_is_there() -> None:
    listed = {promise["id"] for policy in POLICIES for promise in promises_of(policy)}
    assert len(listed) == sum(PROMISES.values()) == 88
    assert listed == {f"{prefix}-{number}" for prefix, count in PROMISES.items() for number in range(1, count + 1)}


@pytest.mark.parametrize("policy", POLICIES)
def test_a_promise_has_rules_and_a_test_or_it_is_organisational_and_says_why(policy: str) -> None:
    for promise in promises_of(policy):
        if promise["id"] in ORGANISATIONAL:
            assert promise["shows"] == ["declared"], promise["id"]
            assert promise["reason"], promise["id"]
            continue
        assert promise.get("keptBy"), promise["id"]
        assert carrying(promise["id"]), promise["id"]
        if "declared" in promise["shows"]:
            assert promise["reason"], promise["id"]


@pytest.mark.parametrize("policy", POLICIES)
def test_a_promise_names_a_test_that_carries_its_id(policy: str) -> None:
    for promise in promises_of(policy):
        if promise["id"] not in ORGANISATIONAL:
            file, _, name = promise["test"].partition("::")
            assert file == f"tests/promises/{MODULES[promise['id'][:2]]}.py"
            assert name in {test.__name__ for test in carrying(promise["id"])}


# How a test that shows a promise in one of these ways asks.
WAYS = {
    "enforced": r"world\.(?:decide|reaches|sends|keeps|page)\(|opt-out/",
    "served": r"served\(",
    "audited": r"world\.audit\(",
}


@pytest.mark.parametrize("policy", POLICIES)
def test_each_way_in_which_a_promise_shows_has_a_test(policy: str) -> None:
    for promise in promises_of(policy):
        for way in WAYS.keys() & set(promise["shows"]):
            assert any(re.search(WAYS[way], source(test)) for test in carrying(promise["id"])), (promise["id"], way)


def test_every_test_carries_the_id_of_a_promise() -> None:
    listed = {promise["id"] for policy in POLICIES for promise in promises_of(policy)}
    for name in MODULES.values():
        text = (HERE / f"{name}.py").read_text("utf-8")
        found = re.findall(r"^def test_([a-z]{2})_([0-9]+)_", text, re.MULTILINE)
        assert len(found) == len(re.findall(r"^def test_", text, re.MULTILINE))
        assert {f"{prefix.upper()}-{number}" for prefix, number in found} <= listed


DECIDED = [case for case in CASES if not case.served]
CHOSEN = frozenset(random.Random(4).sample(DECIDED, OFTEN))


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case_id(case), marks=() if case in CHOSEN else pytest.mark.soak) for case in DECIDED],
)
def test_taking_out_a_rule_breaks_its_promise(case: Case) -> None:
    assert broken(without(World.of(case.policy), case.rule), case.promise)


SERVED = [case for case in CASES if case.served]


def test_without_a_rule_there_is_still_a_policy() -> None:
    faults = {case_id(case): find_faults(without(World.of(case.policy), case.rule).document) for case in SERVED}
    assert {name: found for name, found in faults.items() if found} == {}


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param(random.Random(4).sample(SERVED, min(SAMPLE, len(SERVED))), id="sample"),
        pytest.param(SERVED, id="all", marks=[pytest.mark.soak, pytest.mark.timeout(1800)]),
    ],
)
def test_taking_out_a_rule_breaks_its_promise_where_servers_run(chosen: list[Case]) -> None:
    kept = [case_id(case) for case in chosen if not broken(without(World.of(case.policy), case.rule), case.promise)]
    assert kept == []
