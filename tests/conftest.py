"""What holds for a run of the tests as a whole: the memory that collecting them takes.

May go in here: what any test does without. May not: anything a test relies on to pass.
"""

import gc
from collections.abc import Iterator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Ten thousand tests, and what is imported for them, stay to the end: looking through them for garbage again and
    again takes a third of the time of collecting, and goes on while they run."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
