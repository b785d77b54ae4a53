"""Documents in XML that browsers show (XHTML, SVG), or make pages of (XSLT): what no CSP holds in them made inert, and
the guard put first into those that scripts run in. Every other byte as it came.

May go in here: which elements of such a document are looked at, and what becomes of them. May not: reading XML
(`xml_reading.py`), what a style sheet makes (`xslt.py`), codings (`page.py`).

The CSP that such a document goes out under holds what it asks for. What is left is what connects without asking, what
leads a whole page elsewhere, and frames with markup of their own.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from html import escape, unescape
from typing import Final

from cmp.core.urls import Url, UrlError, parse_url
from cmp.wire.asking import AHEAD, STYLING
from cmp.wire.html import Rewriting
from cmp.wire.plain_markup import Tag
from cmp.wire.splicing import Change, Edit, in_ascii, spliced
from cmp.wire.xml_reading import SVG, TAG_ATTRIBUTE, XHTML, XSLT, Element, XmlReading
from cmp.wire.xslt import MADE, Sheet

_LOOKED_AT: Final = frozenset(
    {*MADE, "base", "object", "embed", "form", "button", "input", "script"},
)
# Attributes with a page in them, or in the address that they are.
_PAGES: Final = frozenset({"srcdoc", "src", "data"})
# xml-stylesheet, section 3: what looks like attributes of an instruction.
_PSEUDO: Final = re.compile(r"([^\s=\"']+)\s*=\s*(\"[^\"]*\"|'[^']*')")
_ADDED: Final = re.compile(r"([a-z-]+)=\"([^\"]*)\"")
# Texts within each other that are waited for; of sheets that can be carried out, two are.
_MOST_WAITING: Final = 20
# Addresses that links may be relative to. A browser takes the first.
_MOST_BASES: Final = 8
_MARK: Final = "data-consent-"
# XML 1.0, section 4.6.
_DECLARED_REFERENCE: Final = re.compile("&(?!#|(?:amp|lt|gt|quot|apos);)")
_CONTROLS: Final = re.compile("[\\x00-\\x20]+")


def document_without(
    text: str,
    rewriting: Rewriting,
    *,
    guard: str = "",
    is_part: bool = False,
    is_sheet: bool = False,
    is_copied: bool = False,
) -> str:
    """The document, Latin-1 text, with `guard` as the first element in its first one.

    No guard where no script can run in it, where another document is made of it (XSLT), and where it cannot be read: a
    browser shows such a one up to the mistake. `is_part`: it is for a style sheet of XSLT to read; `is_sheet`: it is
    one. `is_copied`: a page takes elements of it over, whatever CSP it comes with.
    """
    return _Document(text, rewriting, guard, is_part, is_sheet, is_copied).without()


@dataclass
class _Document:
    text: str
    rewriting: Rewriting
    guard: str
    # Whether a style sheet makes another document of it, and whether it is one.
    transformed: bool
    is_sheet: bool
    is_copied: bool
    edits: dict[Edit, None] = field(default_factory=dict)
    # Elements whose text is waited for: their depth, what was said, who wants to know.
    _waiting: list[tuple[int, list[str], Callable[[str], None]]] = field(default_factory=list)
    _begun_at: int = 0

    def __post_init__(self) -> None:
        self.bases = [self.rewriting.base]
        self.sheet = Sheet(
            # A frame that a sheet makes gets no guard: there is no place to put it.
            replace(self.rewriting, head="", boxed_head=str),
            self.rewriting.base,
            self._collect,
            self._edit,
            self._with_values,
        )
        self.reading = XmlReading(
            self.text,
            None if self.is_copied else _LOOKED_AT,
            self._begun,
            self._ended,
            self._said,
            self._instructed,
            is_xslt=self.is_sheet,
        )
        self._rewritten = _PAGES | STYLING if self.is_copied else _PAGES

    def without(self) -> str:
        self.reading.whole()
        if self.guard and self.reading.first > 0 and self.reading.runs_scripts and not self.transformed:
            self._edit((self.reading.first, self.reading.first, self.guard))
        if self.reading.given_up >= 0:
            self._edit((self.reading.given_up, len(self.text), ""))
        return spliced(self.text, self.edits)[0] if self.edits else self.text

    def _edit(self, edit: Edit) -> None:
        self.edits[edit] = None

    def _begun(self, element: Element) -> None:
        self._begun_at = element.depth
        if element.namespace == XSLT:
            self.sheet.instruction(element)
        elif self.reading.is_xslt and element.tag in MADE:
            self.sheet.literal(element)
        elif self._counts(element):
            if element.tag != "script":
                self._judge(element, "")
            elif "speculationrules" in element.attrs.get("type", "").lower():
                self._collect(lambda text: self._judge(element, text))

    def _counts(self, element: Element) -> bool:
        if element.namespace in (XHTML, SVG) or self.reading.is_xslt:
            return True
        # A style sheet may copy it, whatever its namespace. In other languages the words of a link mean other things.
        words = element.attrs.get("rel", "").lower().split()
        return self.transformed and element.tag in MADE and (element.tag != "link" or not AHEAD.isdisjoint(words))

    def _judge(self, element: Element, text: str) -> None:
        tag = Tag(element.tag, element.attrs, element.start, element.end, text=text)
        whole = Change()
        for base in self._bases(element):
            change = self.rewriting.changed(tag, base)
            whole.inert |= change.inert
            whole.values |= change.values
            whole.added += change.added
        if element.tag == "base" and "href" in element.attrs and not whole.inert:
            if len(self.bases) < _MOST_BASES:
                self.bases += _resolved(element.attrs["href"], self.rewriting.base)
            else:
                whole.inert |= {"href"}
        values = {name: make for name, make in whole.values.items() if name in self._rewritten}
        changed = {name for name, make in values.items() if make(element.attrs[name]) != element.attrs[name]}
        if not (whole.inert or whole.added or changed):
            return
        if self.reading.has_defaults:
            # It may stand in a declaration alone.
            whole.inert |= changed & STYLING
        content = "" if element.referred else self._carried_out(element, whole)
        self._edit((element.start, element.end, content))

    def _bases(self, element: Element) -> Iterator[Url]:
        """Whatever a browser may take its addresses relative to: not all of them know `xml:base`."""
        yield from dict.fromkeys(self.bases)
        base = self.rewriting.base
        for said in element.above:
            base = next(iter(_resolved(said, base)), base)
            yield base

    def _carried_out(self, element: Element, change: Change) -> str:
        raw = self.text[element.start : element.end]
        added = dict(found for each in change.added for found in _ADDED.findall(each))
        written = {element.names[key]: key for key in element.attrs}
        first = TAG_ATTRIBUTE.search(raw)
        at = first.start() if first else len(raw.rstrip("/>"))
        parts = [raw[:at], *(f' {name}="{value}"' for name, value in added.items())]
        there: set[str] = set()
        for match in TAG_ATTRIBUTE.finditer(raw, at):
            parts.append(raw[at : match.start()])
            at = match.end()
            key = written.get(match["name"], match["name"].lower())
            if key in change.inert:
                parts.append(f" {_MARK}{match['name'].replace(':', '-')}={match['value']}")
            elif key not in added and not key.startswith(_MARK):
                there.add(key)
                parts.append(
                    self._page_in(match, change.values[key])
                    if key in self._rewritten and key in change.values
                    else match[0]
                )
        # What a declaration gives an element that does not say it.
        if self.reading.has_defaults:
            missing = sorted((change.inert & element.names.keys()) - there - added.keys())
            parts += [f' {element.names[key]}=""' for key in missing]
        return "".join([*parts, raw[at:]])

    def _page_in(self, match: re.Match[str], make: Callable[[str], str]) -> str:
        raw = match["value"][1:-1]
        made = "" if _DECLARED_REFERENCE.search(raw) else make(in_ascii(raw))
        return match[0] if made == in_ascii(raw) else f' {match["name"]}="{escape(made)}"'

    def _with_values(self, element: Element, values: dict[str, str]) -> str:
        raw = self.text[element.start : element.end]

        def changed(match: re.Match[str]) -> str:
            name = match["name"].lower()
            return f' {match["name"]}="{escape(values[name])}"' if name in values else match[0]

        done = TAG_ATTRIBUTE.sub(changed, raw)
        missing = "".join(f' {name}="{escape(value)}"' for name, value in values.items() if f" {name}=" not in done)
        at = len(done.rstrip("/>"))
        return done[:at] + missing + done[at:]

    def _instructed(self, target: str, said: str, start: int, end: int) -> None:
        if target != "xml-stylesheet":
            return
        attrs = {name: unescape(value[1:-1]) for name, value in _PSEUDO.findall(said)}
        if attrs.get("type", "").strip().lower() == "text/css":
            return
        self.transformed = True
        # A sheet in its own address is read by nobody but the browser.
        if _CONTROLS.sub("", attrs.get("href", "")).lower().startswith("data:"):
            self._edit((start, end, ""))

    def _collect(self, ready: Callable[[str], None]) -> None:
        if len(self._waiting) == _MOST_WAITING:
            self.reading.give_up()
        self._waiting.append((self._begun_at, [], ready))
        self.reading.listen(True)

    def _said(self, text: str) -> None:
        for _, parts, _ in self._waiting:
            parts.append(text)

    def _ended(self, depth: int, end: int) -> None:
        while self._waiting and self._waiting[-1][0] == depth:
            _, parts, ready = self._waiting.pop()
            ready("".join(parts))
            self.reading.listen(bool(self._waiting))
        self.sheet.ended(depth, end)


def _resolved(address: str, base: Url) -> list[Url]:
    try:
        url = parse_url(address, base)
    except UrlError:
        return []
    return [url] if url.is_network else []
