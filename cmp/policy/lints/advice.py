"""What an author should know of a policy that is usable.

May go in here: the values, and what a lint may look at. May not: the lints.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from cmp.core.policy import Policy
from cmp.policy.compile import moment_of

Where = tuple[str | int, ...]
Found = tuple[Where, str, str]
"""Where in the written document, what, and what to do about it."""


class Level(StrEnum):
    """Error: the policy does not do what it says. Warning: most likely a mistake. Note: worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Advice:
    """One piece of advice. `pointer` is a JSON Pointer (RFC 6901) into the document as written; `source` names the law
    or standard it rests on, "" where it rests on how policies work."""

    code: str
    level: Level
    pointer: str
    what: str
    remedy: str
    source: str


@dataclass(frozen=True)
class Subject:
    """What lints look at: the document as written, its complete form, the compiled policy, and the time (Unix seconds).

    `announced`: another policy names this one as its successor.
    """

    document: Mapping[str, Any]
    whole: Mapping[str, Any]
    policy: Policy
    now: float
    announced: bool = False

    @property
    def categories(self) -> Mapping[str, Mapping[str, Any]]:
        found: Mapping[str, Mapping[str, Any]] = self.whole["categories"]
        return found

    @property
    def optional(self) -> dict[str, Mapping[str, Any]]:
        """The categories a visitor decides on."""
        return {
            id_: category
            for id_, category in self.categories.items()
            if category["basis"] != "necessary" and not category["never"]
        }

    def necessary(self, category: str) -> bool:
        return bool(self.categories[category]["basis"] == "necessary")

    def vendor_place(self, id_: str) -> Where:
        """Where the document speaks of a vendor; one it only adopts is a matter of what it adopts."""
        return self._vendor_places.get(id_, ("catalogue",))

    @cached_property
    def _vendor_places(self) -> dict[str, Where]:
        return {vendor["id"]: ("vendors", n) for n, vendor in enumerate(self.document.get("vendors", []))}

    def day(self, *keys: str) -> float | None:
        """The day a key of the document names, Unix seconds."""
        value: Any = self.document
        for key in keys:
            value = value.get(key, {})
        return moment_of(value) if value else None


@dataclass(frozen=True, slots=True)
class Lint:
    """One thing that is looked for."""

    code: str
    level: Level
    find: Callable[[Subject], Iterator[Found]]
    source: str = ""
