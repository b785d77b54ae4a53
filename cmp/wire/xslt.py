"""Style sheets in XSLT: what the pages that they make would ask for ahead, and for a whole page.

May go in here: elements that a sheet makes, literally or by instructions, and text that it writes as markup. May not:
reading XML (`xml_reading.py`), deciding (`judging.py`). Sections are those of XSLT 1.0.

What a sheet makes is read as HTML, so names count in any case and namespace. An element whose name or attributes are
computed may be any: of those that no CSP holds, none is left to that.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cmp.core.exchange import Kind
from cmp.core.urls import Url
from cmp.wire.asking import AHEAD
from cmp.wire.html import Rewriting
from cmp.wire.plain_markup import Tag
from cmp.wire.splicing import Edit
from cmp.wire.xml_reading import Element

# Links ask ahead, a refresh leads the whole page, and frames hold markup of their own.
MADE: Final = frozenset({"link", "meta", "iframe", "frame"})
# Section 7.6.2: an expression, or a brace that is written twice.
_TEMPLATE: Final = re.compile(
    r"(?P<brace>\{\{|\}\})|\{(?P<expression>(?:[^{}'\"]|'[^']*'|\"[^\"]*\")+)\}|(?P<text>[^{}]+)"
)
# What brings attributes that stand elsewhere.
_FROM_ELSEWHERE: Final = frozenset({"apply-templates", "apply-imports", "call-template", "copy", "copy-of"})
# Section 16.4: what needs to be written as it is, and asks for nothing: a doctype, tags without attributes.
_HARMLESS: Final = re.compile(r"(?:[^<]|<!doctype[^<>]*>|</?[a-z][a-z0-9]*\s*/?>)*+", re.IGNORECASE)
_UNESCAPED: Final = "disable-output-escaping"


@dataclass
class _Made:
    """An element that a sheet makes. A value of None is computed; `is_open`: it may get any others."""

    tag: str
    start: int
    depth: int
    referred: bool
    attrs: list[tuple[str, str | None]]
    is_open: bool

    def values(self, name: str) -> list[str | None]:
        return [value for key, value in self.attrs if key == name]

    def computes(self, name: str) -> bool:
        return self.is_open or None in self.values(name)


@dataclass
class Sheet:
    """Told of the elements of a sheet in order. `collect` calls back with the text of the element that just began,
    `edit` takes edits, `written` makes the start tag of an element with other values."""

    rewriting: Rewriting
    base: Url
    collect: Callable[[Callable[[str], None]], None]
    edit: Callable[[Edit], None]
    written: Callable[[Element, dict[str, str]], str]
    _made: list[_Made] = field(default_factory=list)
    # The instruction for an attribute that is open: its depth, and whether it computes.
    _attribute: list[tuple[int, list[bool]]] = field(default_factory=list)

    def literal(self, element: Element) -> None:
        """An element that stands in the sheet as it is made (section 7.1.1)."""
        if element.tag in MADE:
            attrs = [(name, _value(value)) for name, value in element.attrs.items()]
            is_open = any(name.endswith(":use-attribute-sets") for name in element.attrs)
            self._begin(element.tag, element, attrs, is_open=is_open)

    def instruction(self, element: Element) -> None:
        """An element in the namespace of XSLT."""
        name = element.attrs.get("name", "")
        self._escape(element)
        if self._attribute:
            if element.tag != "text":
                self._attribute[-1][1].append(True)
        elif element.tag == "element" and "{" in name:
            self._set(element, "name", _never(name))
        elif element.tag == "element" and _local(name) in MADE:
            self._begin(_local(name), element, [], is_open="use-attribute-sets" in element.attrs)
        elif self._made and (element.tag in _FROM_ELSEWHERE or (element.tag == "attribute" and "{" in name)):
            self._made[-1].is_open = True
        elif self._made and element.tag == "attribute":
            self._gather(self._made[-1], _local(name), element.depth)

    def _gather(self, made: _Made, name: str, depth: int) -> None:
        computes: list[bool] = []
        self._attribute.append((depth, computes))
        self.collect(lambda text: made.attrs.append((name, None if computes else text)))

    def ended(self, depth: int, end: int) -> None:
        if self._attribute and self._attribute[-1][0] == depth:
            self._attribute.pop()
        if self._made and self._made[-1].depth == depth:
            made = self._made.pop()
            if self._asks(made):
                self.edit((made.start, end, ""))

    def _begin(self, tag: str, element: Element, attrs: list[tuple[str, str | None]], *, is_open: bool) -> None:
        self._made.append(_Made(tag, element.start, element.depth, element.referred, attrs, is_open))

    def _asks(self, made: _Made) -> bool:
        if made.tag == "link":
            return self._link_asks(made)
        if made.tag == "meta" and made.computes("content") and _may_refresh(made):
            return True
        attrs = {name: value for name, value in made.attrs if value is not None}
        change = self.rewriting.changed(Tag(made.tag, attrs, made.start, made.start), self.base)
        return bool(change.inert) or any(make(attrs[name]) != attrs[name] for name, make in change.values.items())

    def _link_asks(self, made: _Made) -> bool:
        words = {word for value in made.values("rel") if value for word in value.lower().split()}
        if not made.computes("rel") and AHEAD.isdisjoint(words):
            return False
        hrefs = made.values("href")
        return made.computes("href") or any(
            self.rewriting.judge.stops(href, Kind.OTHER, self.base) is not None for href in hrefs if href
        )

    def _escape(self, element: Element) -> None:
        """No processor has to write text as markup (section 16.4): what could ask for something is text."""
        if element.attrs.get(_UNESCAPED, "").strip() != "yes":
            return
        if element.tag != "text":
            self._set(element, _UNESCAPED, "no")
            return

        def judge(text: str) -> None:
            if not _HARMLESS.fullmatch(text):
                self._set(element, _UNESCAPED, "no")

        self.collect(judge)

    def _set(self, element: Element, name: str, value: str) -> None:
        self.edit((element.start, element.end, "" if element.referred else self.written(element, {name: value})))


def _may_refresh(made: _Made) -> bool:
    return made.computes("http-equiv") or any((v or "").strip().lower() == "refresh" for v in made.values("http-equiv"))


def _local(name: str) -> str:
    return name.strip().rpartition(":")[2].lower()


def _value(template: str) -> str | None:
    """What an attribute value template comes out as, None where that is computed."""
    if "{" not in template and "}" not in template:
        return template
    parts = [match["brace"][0] if match["brace"] else match["text"] for match in _TEMPLATE.finditer(template)]
    return None if None in parts or not parts else "".join(parts)


def _never(template: str) -> str:
    """A template for a name that comes out as it did, and with letters before it where that is one of `MADE`."""
    parts: list[str] = []
    at = 0
    for match in _TEMPLATE.finditer(template):
        if match.start() != at or match["brace"] or "'" in (match["text"] or ""):
            break
        at = match.end()
        parts.append(f"({match['expression']})" if match["expression"] else f"'{match['text']}'")
    if at != len(template):
        # No name is made of it.
        return "x-element"
    names = f"'|{'|'.join(sorted(MADE))}|'"
    whole = f"translate(concat({','.join(parts)},''),'AEFIKLMNRT','aefiklmnrt')"
    ways = (f"contains({names},concat('|',{part},'|'))" for part in (whole, f"substring-after({whole},':')"))
    return f"{{substring('x-',1,2*({' or '.join(ways)}))}}{template}"
