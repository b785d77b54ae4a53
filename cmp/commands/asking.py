"""Questions to a person at a terminal, or to a script that pipes its answers in.

May go in here: asking, asking again, taking defaults. May not: what is asked (`init.py`).
"""

import sys
from collections.abc import Callable
from typing import TypeVar

from cmp.terminal import one_line, printable

T = TypeVar("T")


class EndOfAnswersError(Exception):
    """The input ended before everything was answered. `str()` is the question that was open."""


class Asking:
    """Asks at most `most` numbered questions. With `defaults` nothing is asked and every default taken."""

    def __init__(self, most: int, *, defaults: bool) -> None:
        self._most, self._defaults = most, defaults
        self._asked = 0

    def tell(self, text: str) -> None:
        print(printable(text), flush=True)

    def ask(self, question: str, default: str, read: Callable[[str], T], shown: str | None = None) -> T:
        """What `read` makes of the answer; an empty one is the default. ValueError of `read` is said, and asked again.

        `shown` stands for a default that does not speak for itself.
        """
        self._asked += 1
        if self._defaults:
            return read(default)
        self.tell(f"\n{self._asked} of {self._most}. {question}")
        while True:
            print(one_line(f"   [{default if shown is None else shown}] "), end="", flush=True)
            line = sys.stdin.readline()
            if not line:
                print(flush=True)
                raise EndOfAnswersError(question.splitlines()[0])
            try:
                return read(line.strip() or default)
            except ValueError as error:
                self.tell(f"   {one_line(str(error))}")
