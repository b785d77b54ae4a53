"""Edits of a text at places that a parser gave, every other byte as it came.

May go in here: start tags taken apart and put together, line ends, overlapping edits. May not: what an edit is for.
"""

import bisect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from html import escape, unescape
from typing import Final

import turbohtml

# HTML standard, sections 13.2.5.32 to 13.2.5.39: a name may begin with "=", an unquoted value holds "/".
_ATTRIBUTE: Final = re.compile(
    r"[\t\n\f\r /]*+(?P<whole>(?P<name>=?[^\t\n\f\r />=]*+)"
    r"(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:\"[^\"]*+\"|'[^']*+'|(?![\"'])[^\t\n\f\r >]*+))?+)"
)
_TAG_NAME: Final = re.compile(r"<[^\t\n\f\r />]*+")
_REFERENCE: Final = re.compile(r"&(?:#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,31};?)")
# Begins the names of attributes that only we give.
_MARK: Final = "data-consent-"
# start, end, what goes there; in the text with its line ends made LF.
Edit = tuple[int, int, str]


@dataclass(slots=True)
class Change:
    """What is done to one start tag.

    `inert`: attributes that get "data-consent-" before their name, every one of them where a name stands twice (the
    first counts, but takes its rank along). `values`: new values, made of the raw one. `added`: attributes put first.
    `before`: markup put before the element.
    """

    inert: set[str] = field(default_factory=set)
    added: list[str] = field(default_factory=list)
    values: dict[str, Callable[[str], str]] = field(default_factory=dict)
    before: str = ""

    @property
    def says_something(self) -> bool:
        return bool(self.inert or self.added or self.values)

    def carried_out(self, tag: str) -> str:
        name = _TAG_NAME.match(tag)
        if name is None or not (self.says_something or _MARK in tag.lower()):
            return tag
        parts = [tag[: name.end()], *(f" {attribute}" for attribute in dict.fromkeys(self.added))]
        at = name.end()
        for match in _attributes(tag, at):
            key = match["name"].lower()
            parts.append(tag[at : match.start("whole")])
            at = match.end("whole")
            parts.append(self._attribute(key, match))
        changed = "".join([*parts, tag[at:]])
        return self.before + changed if changed != tag else tag

    def _attribute(self, key: str, match: re.Match[str]) -> str:
        whole: str = match["whole"]
        if key.startswith(_MARK):
            # Only ours say that something was stopped.
            return ""
        if key in self.inert:
            return f"{_MARK}{whole}"
        if key in self.values:
            raw = whole[len(match["name"]) :].lstrip("\t\n\f\r ").removeprefix("=").strip("\t\n\f\r ")
            value = raw[1:-1] if raw[:1] in ('"', "'") and raw[:1] == raw[-1:] and len(raw) > 1 else raw
            plain = in_ascii(value)
            made = self.values[key](plain)
            if made != plain:
                return f'{match["name"]}="{escape(made)}"'
        return whole


def in_ascii(value: str) -> str:
    """A value with its references resolved where they stand for ASCII. Any other stays, and is resolved one level
    further in: resolved here it could not be told from a byte of the page's own encoding."""
    return _REFERENCE.sub(lambda match: text if (text := unescape(match[0])).isascii() else match[0], value)


def _attributes(tag: str, at: int) -> Iterator[re.Match[str]]:
    """The attributes of a start tag, every one, in order."""
    end = len(tag)
    while at < end:
        match = _ATTRIBUTE.match(tag, at)
        if match is None or match.end() == at or not match["name"]:
            return
        yield match
        at = match.end()


def later_tags(source: "Source", tag: str, after: int, change: Change) -> Iterator[Edit]:
    """The attributes of a second `html` or `body` tag become the first one's (HTML standard, section 13.2.6.4.7)."""
    if not (change.inert or change.values):
        return
    for found in re.compile(rf"<{tag}(?=[\t\n\f\r />])", re.IGNORECASE).finditer(source.lines, after):
        end = max([found.end(), *(attribute.end() for attribute in _attributes(source.lines, found.end()))])
        raw = source.raw(found.start(), end)
        changed = Change(inert=change.inert, values=change.values).carried_out(raw)
        if changed != raw:
            yield found.start(), end, changed


def without_ours(element: turbohtml.Element, source: "Source", done: set[tuple[int, int]]) -> Iterator[Edit]:
    place = element.source_location
    if place is None:
        return
    start, end = place.start_tag.start_offset, place.start_tag.end_offset
    if (start, end) in done:
        return
    raw = source.raw(start, end)
    changed = Change().carried_out(raw)
    if changed != raw:
        yield start, end, changed


class Source:
    """A text, and the same with its line ends normalised (HTML standard, section 13.2.3.5): the tree builder counts its
    positions in the second."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
        self.low = self.lines.lower()
        # Whether it has attributes that only we give.
        self.marked = _MARK in self.low
        self._pairs = [found.start() - n for n, found in enumerate(re.finditer("\r\n", text))] if "\r" in text else []

    def place(self, at: int) -> int:
        """Where in the text a position of `lines` is."""
        return at + bisect.bisect_left(self._pairs, at) if self._pairs else at

    def raw(self, start: int, end: int) -> str:
        return self.text[self.place(start) : self.place(end)]

    def parsed(self, *, scripting: bool) -> turbohtml.Document:
        # Shadow roots as plain templates: what is in them is markup of the page like any other.
        return turbohtml.parse(
            self.lines, source_locations=True, scripting=scripting, allow_declarative_shadow_roots=False
        )

    def spliced(self, edits: list[Edit]) -> tuple[str, bool]:
        """The text with the edits made, and whether some were left out because they overlap others.

        Two readings of a page can place a tag inside of another's: the outer is made, and the page then read again.
        """
        return spliced(self.text, edits, self.place)


def spliced(text: str, edits: Iterable[Edit], place: Callable[[int], int] = int) -> tuple[str, bool]:
    """The same of any text. `place`: where in it a position of an edit is."""
    parts: list[str] = []
    at = last = 0
    overlapped = False
    for start, end, content in sorted(edits, key=lambda edit: (edit[0], edit[1] > edit[0], -edit[1])):
        if start < last:
            overlapped = True
            continue
        last = end
        parts += [text[at : place(start)], content]
        at = place(end)
    return "".join([*parts, text[at:]]), overlapped
