"""Small pages and what belongs to them, in text files: one page after the other, each with what is said of it.

May go in here: the form of such files. May not: what a page is for.

    === ID                                   readable, the name of a host label
    :: WORD ...                              said of the page, one line each
    :: header NAME: VALUE                    a header field of the page
    :: charset CODEC                         how Python writes its bytes (default utf-8)
    the page
    --- PATH TYPE | NAME: VALUE | ...        a further resource below the page's folder
    its content
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Part:
    """One resource: path below the page's own folder, header fields, content before it is filled in."""

    path: str
    fields: tuple[tuple[str, str], ...]
    content: str
    charset: str


@dataclass(frozen=True, slots=True)
class Filed:
    """One page. `said` are its lines that begin with "::", in order; `parts` begin with the page itself."""

    id: str
    file: str
    said: tuple[str, ...]
    parts: tuple[Part, ...]

    def about(self, word: str) -> tuple[str, ...]:
        """What is said after a word, each time it is."""
        return tuple(line.removeprefix(f"{word} ") for line in self.said if line.startswith(f"{word} "))


def read_pages(folder: Path) -> Iterator[Filed]:
    """Every page, in the order of files and pages."""
    for path in sorted(folder.glob("*.txt")):
        for text in re.split(r"^=== ", path.read_text("utf-8"), flags=re.MULTILINE)[1:]:
            yield _page(path.stem, text)


def _page(file: str, text: str) -> Filed:
    name, _, rest = text.partition("\n")
    first, *others = re.split(r"^--- ", rest, flags=re.MULTILINE)
    said: list[str] = []
    lines = first.split("\n")
    while lines and lines[0].startswith(":: "):
        said.append(lines.pop(0).removeprefix(":: "))
    fields = tuple(_field(line.removeprefix("header ")) for line in said if line.startswith("header "))
    charset = next((line.removeprefix("charset ") for line in said if line.startswith("charset ")), "utf-8")
    if not any(key.lower() == "content-type" for key, _ in fields):
        fields = (("Content-Type", "text/html; charset=utf-8"), *fields)
    parts = [Part("", fields, "\n".join(lines).strip("\n"), charset)]
    for other in others:
        head, _, content = other.partition("\n")
        path, _, more = head.partition(" ")
        type_, *extra = more.split(" | ")
        typed = (("Content-Type", type_),) if type_ else ()
        parts.append(Part(path, (*typed, *map(_field, extra)), content.strip("\n"), "utf-8"))
    return Filed(name.strip(), file, tuple(said), tuple(parts))


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()
