"""When Python looks for garbage: cycles of objects that nobody else holds.

May go in here: not looking where nothing would be found. May not: what is loaded or made meanwhile.

What a program loads before it is at work stays to the end, and there is much of it. Looking through it while it loads
takes a tenth of that time; looking through it later makes everybody who is just being served wait.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def undisturbed() -> Iterator[None]:
    """Nothing is looked for within, or until `settled`. Also a decorator."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def settled() -> None:
    """All that is there by now stays: from here on only what comes is looked through."""
    gc.freeze()
    gc.enable()
