"""Samples: of what is made by chance, `make test` looks at some, `make soak` at all.

May go in here: how many that are. May not: what they are, or what is said of them.
"""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from hypothesis import settings

Test = TypeVar("Test", bound=Callable[..., object])


def so_many(some: int, every: int) -> int:
    """For a test that is marked as `sampled`."""
    return every if os.environ.get("CONSENTRY_SOAK") else some


def examples(some: int, every: int, **more: Any) -> Callable[[Test], Test]:
    """Hypothesis' settings for a test, always with the same examples."""
    chosen = settings(derandomize=True, deadline=None, max_examples=so_many(some, every), **more)

    def sampled(test: Test) -> Test:
        marked: Test = pytest.mark.sampled(chosen(test))
        return marked

    return sampled
