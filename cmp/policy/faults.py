"""What is wrong with a policy, said so that its author can mend it.

May go in here: the values. May not: the checks that find them (`schema.py`, `meaning.py`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: where it is (JSON Pointer, RFC 6901), what is wrong, and what to write instead."""

    pointer: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.pointer or '/'}: {self.what}\n    {self.remedy}"


class PolicyError(Exception):
    """A document that is no policy. `faults` is never empty; `str()` names file and first fault, in one line."""

    def __init__(self, file: str, faults: Sequence[Fault]) -> None:
        more = f" (and {len(faults) - 1} more: consentry check {file})" if len(faults) > 1 else ""
        first = faults[0]
        super().__init__(f"{file}: {first.pointer or '/'}: {first.what}; {first.remedy}{more}")
        self.file, self.faults = file, tuple(faults)


class DocumentError(Exception):
    """A file that cannot be read as JSON at all. `str()` names file and place in one line."""

    def __init__(self, file: str, what: str) -> None:
        super().__init__(f"{file}: {what}")
        self.file, self.what = file, what


def pointer(parts: Iterable[str | int]) -> str:
    """A JSON Pointer from path parts: ("vendors", 3, "a/b") is /vendors/3/a~1b."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
