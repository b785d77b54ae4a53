"""Many path patterns at once.

May go in here: telling that a path fits none of them. May not: which of them it fits (`globs.py`).
"""

from collections.abc import Iterable

from cmp.core.globs import Glob
from cmp.core.urls import plain_path


class Sieve:
    """Tells in a few steps that a path fits none of many patterns, which is so of most paths."""

    __slots__ = ("_ends", "_exact", "_parts", "_starts")

    def __init__(self, patterns: Iterable[Glob]) -> None:
        """Sort the patterns by the longest text that whatever fits them begins with, ends in or holds."""
        exact, starts, ends, parts = set(), set(), set(), set()
        for glob in patterns:
            inner = max(glob.inner, key=len, default="")
            if glob.exact:
                exact.add(glob.text)
            elif len(glob.prefix) >= max(len(glob.suffix), len(inner)):
                starts.add(glob.prefix)
            elif len(glob.suffix) >= len(inner):
                ends.add(glob.suffix)
            else:
                parts.add(inner)
        self._exact, self._parts = frozenset(exact), tuple(parts)
        self._starts, self._ends = tuple(starts), tuple(ends)

    def may_hold(self, path: str) -> bool:
        """Whether the path of a `Url` may fit one of them; False is certain."""
        if "%" in path:
            path = plain_path(path)
        if path in self._exact or path.startswith(self._starts) or path.endswith(self._ends):
            return True
        return bool(self._parts) and any(part in path for part in self._parts)
