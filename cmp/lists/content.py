"""What reading a list gives, and what reading one cannot be.

May go in here: the values that all readers share. May not: any one format.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from cmp.core.listed import Source

# Lines that could not be read are all counted; so many of them are kept for people to see.
SHOWN_AT_MOST = 50
_CLIP = 120
_RULE_CLIP = 160


class ListError(Exception):
    """A list that cannot be had, read or used. `str()` is one line that names the list, the place and what is wrong."""


class FormatError(ListError):
    """Bytes that are not a list of the format they were said to have. `str()` says where and why, not which file."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line (or entry) that could not be read: where (line from 1, or a path of keys), its text cut, and why."""

    place: str
    text: str
    why: str


class Trouble:
    """Counts what could not be read, and keeps the first of it."""

    def __init__(self) -> None:
        self.count = 0
        self._shown: list[Malformed] = []

    def add(self, place: str | int, text: str, why: str) -> None:
        self.count += 1
        if len(self._shown) < SHOWN_AT_MOST:
            where = f"line {place}" if isinstance(place, int) else place
            self._shown.append(Malformed(where, clip(text), why))

    @property
    def shown(self) -> tuple[Malformed, ...]:
        return tuple(self._shown)


@dataclass(frozen=True, slots=True)
class Filing:
    """One list as one policy uses it: its name, its digest, and which of the policy's categories its rules fall under.

    `digest` is the SHA-256 (hex) of the bytes. `category`, if given, is that of every rule. Otherwise `categories` maps
    the list's own categories to the policy's; what it maps to "" the list says nothing of.
    """

    name: str
    digest: str
    category: str = ""
    categories: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def rule(self, text: str) -> str:
        """The id of a rule in decisions."""
        return f"list:{self.name}@{self.digest[:8]}:{clip(text, _RULE_CLIP)}"

    def under(self, own: Iterable[str]) -> str:
        """The policy's category for a rule that the list files under these of its own; "" for none."""
        if self.category:
            return self.category
        return next((found for one in own if (found := self.categories.get(one, ""))), "")

    @property
    def all_categories(self) -> frozenset[str]:
        return frozenset({self.category} if self.category else set(self.categories.values()) - {""})


class Filed:
    """A list under one filing: what `cmp.core.listed.Source` asks of every list, whatever its format."""

    def __init__(self, filing: Filing) -> None:
        self._filing = filing

    @property
    def id(self) -> str:
        return self._filing.name

    @property
    def digest(self) -> str:
        return self._filing.digest

    @property
    def categories(self) -> frozenset[str]:
        return self._filing.all_categories


class Content(ABC):
    """A list that was read. Each format has its own.

    `rules` counts them, `own` counts them by the list's own categories, strictest first (empty where the format has
    none), `malformed` counts what could not be read and `shown` has the first of that.
    """

    format: str = ""
    # The list's own categories and the usual ones of a policy: strictest first. Where a rule has several, the first
    # counts. What maps to "" is left out unless the policy says otherwise: a list makes nothing necessary.
    usual: Mapping[str, str] = MappingProxyType({})

    def __init__(self, *, rules: int, own: Mapping[str, int], trouble: Trouble) -> None:
        self.rules, self.own = rules, MappingProxyType(dict(own))
        self.malformed, self.shown = trouble.count, trouble.shown

    @abstractmethod
    def source(self, filing: Filing) -> Source:
        """The list, ready to be asked."""


def clip(text: str, length: int = _CLIP) -> str:
    """The text cut to a length, without what a terminal or a log must not be sent."""
    plain = "".join(character if character.isprintable() else "\ufffd" for character in text[: length + 1])
    return plain if len(plain) <= length else plain[: length - 1] + "…"


def text_of(data: bytes) -> str:
    """The text of a list. Bytes that are not UTF-8 spoil the line they are in, not the list; NUL spoils the list."""
    at = data.find(b"\0")
    if at >= 0:
        raise FormatError(f"byte {at}: a NUL: this is no text")
    return data.decode("utf-8-sig", "replace")


def json_of(data: bytes) -> Any:
    """The JSON value in the bytes. Raises FormatError."""
    try:
        return json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FormatError(f"byte {error.start}: is not UTF-8") from error
    except json.JSONDecodeError as error:
        raise FormatError(f"line {error.lineno}, column {error.colno}: is not JSON: {error.msg}") from error
    except RecursionError as error:
        raise FormatError("is nested too deeply") from error
    except ValueError as error:
        raise FormatError(f"is not JSON: {error}") from error


def object_at(value: Any, *keys: str) -> dict[str, Any]:
    """The JSON object under a path of keys. Raises FormatError that names the path."""
    path = ""
    for key in ("", *keys):
        if key:
            value, path = value.get(key), f"{path}/{key}"
        if not isinstance(value, dict):
            raise FormatError(f"{path or '/'}: is no JSON object")
    return dict(value)
