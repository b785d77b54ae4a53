"""What holds for a run of the tests as a whole: the order of the files, the memory that collecting them takes, what is
read at its first use, and that examples made by chance are the same in every run and are not timed.

May go in here: what any test does without. May not: anything a test relies on to pass.
"""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from cmp.sites import registrable_domain

HERE = Path(__file__).parent

# How long an example takes, or drawing it, only says how busy a machine is; and other examples in each run would make a
# fault come and go.
settings.register_profile(
    "steady", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")

# The files that take longest are begun first: begun last, one of them would keep one process while the other is idle.
FIRST = (
    "demo/test_demo.py",
    "browser/test_evasion.py",
    "promises/test_mutations.py",
    "browser/test_guard.py",
    "browser/test_captured_site.py",
    "browser/test_up.py",
    "browser/test_preferences.py",
    "wire_vectors/test_wire_vectors.py",
    "server/test_hostile.py",
    "soak/test_streaming.py",
    "soak/test_one_path.py",
    "commands/test_reload.py",
    # Not so long, but by their names the last of all.
    "wire/test_fuzzed_pages.py",
    "wire_vectors/test_fuzzed_messages.py",
)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Ten thousand tests, and what is imported for them, stay to the end: looking through them for garbage again and
    again takes a third of the time of collecting, and goes on while they run."""
    gc.disable()
    # The list of suffixes is read at the first look-up, which no example of a property is to be timed for.
    registrable_domain("www.example.com")
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    place = {HERE / name: number for number, name in enumerate(FIRST)}
    items.sort(key=lambda item: place.get(item.path, len(FIRST)))
