"""Patterns in policies: `*` stands for any run of characters, everything else for itself.

May go in here: matching a pattern in time linear in the text for every pattern a policy can hold. May not: regular
expressions (a policy cannot be allowed to stop the proxy with a backtracking pattern).
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Glob:
    """A compiled pattern. `prefix` and `suffix` are the literal ends, `inner` the literal parts between stars."""

    text: str
    prefix: str = field(init=False)
    suffix: str = field(init=False)
    inner: tuple[str, ...] = field(init=False)
    exact: bool = field(init=False)

    def __post_init__(self) -> None:
        parts = self.text.split("*")
        object.__setattr__(self, "exact", len(parts) == 1)
        object.__setattr__(self, "prefix", parts[0])
        object.__setattr__(self, "suffix", parts[-1] if len(parts) > 1 else "")
        object.__setattr__(self, "inner", tuple(part for part in parts[1:-1] if part))

    def matches(self, text: str) -> bool:
        """Whether the whole of `text` fits. Leftmost matches of the inner parts suffice, so nothing is tried twice."""
        if self.exact:
            return text == self.text
        if not (text.startswith(self.prefix) and text.endswith(self.suffix)):
            return False
        at, end = len(self.prefix), len(text) - len(self.suffix)
        if at > end:
            return False
        for part in self.inner:
            found = text.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True
