"""Answers kept for a while, a bounded number of them.

May go in here: keeping and forgetting, how many and how long ones. May not: what is asked.

Who keeps an answer keeps it by everything it depends on, so a forgotten one costs time and nothing else: whoever sends
requests for ever new hosts makes the rest slower, never wrong, and never larger.

That is so only where a key has an end. What a client can make as long as it likes (the name of a cookie) is kept up to
`LONGEST`, and asked for anew beyond.
"""

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any, Generic, TypeVar

# Hosts that are told apart at a time, for each policy. A proxy sees some thousands in a day; one takes about 300 bytes.
HOSTS = 4_096
# Cookies by name, host and party, for each policy: about 400 bytes each.
COOKIES = 8_192
# Rulings for each policy: categories, vendors and rules times what visitors chose. About 600 bytes each.
RULINGS = 8_192
# Characters. Names that sites give their cookies are some tens long.
LONGEST = 256

Value = TypeVar("Value")


def kept_by_text(size: int, longest: int = LONGEST) -> Callable[[Callable[[str], Value]], Callable[[str], Value]]:
    """For a function of one text: keeps its last `size` answers, but none on a text of over `longest` characters."""

    def keeping(answer: Callable[[str], Value]) -> Callable[[str], Value]:
        kept = lru_cache(size)(answer)
        return lambda text: kept(text) if len(text) <= longest else answer(text)

    return keeping


class once(Generic[Value]):  # noqa: N801 - used like a decorator
    """A property that is made when it is first asked for, and kept as long as its object.

    As `functools.cached_property`, without the lock that takes before Python 3.12: longer than most of what is made.
    """

    def __init__(self, make: Callable[[Any], Value]) -> None:
        self._make, self._name = make, make.__name__
        self.__doc__ = make.__doc__

    def __get__(self, owner: object, _type: type | None = None) -> Value:
        made = owner.__dict__[self._name] = self._make(owner)
        return made


class Kept(Generic[Value]):
    """At most `size` answers, the ones asked for least recently forgotten first, by halves.

    Threads may share it: each step is one operation on a dictionary, and an answer that gets lost between two of them
    is found again by asking. None is no answer.
    """

    __slots__ = ("_before", "_half", "_recent")

    def __init__(self, size: int) -> None:
        self._half = size // 2
        self._recent: dict[Hashable, Value] = {}
        self._before: dict[Hashable, Value] = {}

    def __len__(self) -> int:
        return len(self._recent) + len(self._before)

    def get(self, key: Hashable) -> Value | None:
        found = self._recent.get(key)
        if found is None and (found := self._before.get(key)) is not None:
            self.put(key, found)
        return found

    def put(self, key: Hashable, value: Value) -> None:
        if len(self._recent) >= self._half:
            self._before, self._recent = self._recent, {}
        self._recent[key] = value
