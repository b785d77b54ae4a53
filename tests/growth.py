"""How the processor time of some work grows with what it is given: a ratio, which is the same on every machine.

May go in here: that alone. May not: bounds in seconds, which only say how busy a machine was.
"""

import gc
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# What takes less cannot be told from nothing, in seconds.
_LEAST = 0.005


def grows_below(bound: float, work: Callable[[T], object], short: T, long: T) -> bool:
    """Whether `work` takes less than `bound` times as long on `long` as on `short`.

    Both are done in turn, up to nine times, and the least of each is compared: what grows faster does so every time.
    """
    first = second = float("inf")
    for _ in range(9):
        first, second = min(first, _seconds(work, short)), min(second, _seconds(work, long))
        if second < bound * max(first, _LEAST):
            return True
    return False


def _seconds(work: Callable[[T], object], given: T) -> float:
    """Of this process, without collecting what other tests left behind."""
    gc.disable()
    try:
        begun = time.process_time()
        work(given)
        return time.process_time() - begun
    finally:
        gc.enable()
