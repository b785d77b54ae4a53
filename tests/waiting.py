"""Waiting for something to become true.

May go in here: that alone, so that a process which needs no more starts quickly. May not: anything of the product.
"""

import time
from collections.abc import Callable


def wait_for(ready: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Whether `ready` became true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if ready():
            return True
        time.sleep(0.02)
    return ready()
