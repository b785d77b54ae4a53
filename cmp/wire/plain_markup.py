"""Markup so plain that its tags alone say which elements a browser makes of it: where those stand that count.

May go in here: reading tags, and what makes a page one that only the tree builder can read. May not: what an element
asks for, splicing (`html.py`).

The tree builder is needed where what a tag means depends on what stands around it. Most pages use none of that: each
start tag makes an element of its name, each quote and comment ends where it seems to. Such a page is read here by
regular expressions, in a fraction of the time. Whatever is unusual (a tag in a tag, `template`, `frameset`, a second
`html`, what HTML does not allow in `svg` or `select`, quotes in odd places) makes the answer None. A test compares what
comes of both ways for pages of any kind.
"""

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import turbohtml


class Tag(NamedTuple):
    """An element by its start tag, which stands from `start` to `end`.

    `tag`: its name in lower case. `attrs`: the first of each name, in lower case. `stop`: where its end tag begins, -1
    for elements that are read by their start tag alone. `text`: what stands between, of a script.
    `is_html`: no element of a picture or a formula. `made`: as the tree builder made it; None where it was not asked.
    """

    tag: str
    attrs: dict[str, str]
    start: int
    end: int
    stop: int = -1
    text: str = ""
    is_html: bool = True
    made: turbohtml.Element | None = None


@dataclass(slots=True)
class Plain:
    """Elements of interest: as a browser that runs scripts makes them, and those in `noscript`, each in order.

    `head`: where the start tag of the head ends, or that of `html` where the head has none; `body`: where that of the
    body does. -1: there is none.
    """

    tags: list[Tag] = field(default_factory=list)
    without_scripts: list[Tag] = field(default_factory=list)
    head: int = -1
    body: int = -1


class _NotPlainError(Exception):
    """Only the tree builder can read it."""


# Where style takes an address, or gives one to a variable; a name may have escapes in it.
MAY_ASK: Final = re.compile(r"\(|--|\\")
_SPACE: Final = r"[\t\n ]"
# Every attribute with space before it, and quotes only around a value: nothing that two readers could see differently
# (HTML standard, sections 13.1.2.3 and 13.2.5.32 to 13.2.5.39).
_NAME: Final = r"[^\t\n \"'<>/=]++"
_VALUE: Final = r"(?:\"[^\"]*+\"|'[^']*+'|[^\t\n \"'<>=`]++)"
_ATTRIBUTES: Final = rf"(?:{_SPACE}++{_NAME}(?:{_SPACE}*+={_SPACE}*+{_VALUE})?+)*+{_SPACE}*+"
_COMMON: Final = r" (?:class|href|id|title|rel|target|alt|role|for|data-[a-z-]++|aria-[a-z]++)=\"[^\"]*+\""
_START: Final = re.compile(rf"<([A-Za-z][A-Za-z0-9:-]*+){_ATTRIBUTES}(/?+)>")
_END: Final = re.compile(rf"</([A-Za-z][A-Za-z0-9:-]*+){_SPACE}*+>")
# Comments that end nowhere sooner ("<!-->", "--!>"), what XML calls an instruction, and conditions of old browsers.
_COMMENT: Final = re.compile(r"<!--(?!-?>)(?:(?!--!?>).)*+-->|<\?[^<>]*+>|<!\[(?:end)?if[^<>]*+>", re.DOTALL)
_DOCTYPE: Final = re.compile(r"<!doctype[^<>]*+>", re.IGNORECASE)
# What begins no tag (HTML standard, section 13.2.5.6).
_LESS_THAN: Final = re.compile(r"<(?![A-Za-z/!?])")
_BLANK: Final = re.compile(rf"(?:{_SPACE}++|{_COMMENT.pattern})*+", re.DOTALL)

# Elements that are made wherever their start tag stands in the body, and whose content is read like any other.
_ORDINARY: Final = frozenset(
    {
        *("a", "abbr", "acronym", "address", "area", "article", "aside", "audio", "b", "bdi", "bdo", "big"),
        *("blockquote", "br", "button", "canvas", "center", "cite", "code", "data", "datalist", "dd", "del", "details"),
        *("dfn", "dialog", "dir", "div", "dl", "dt", "em", "embed", "fieldset", "figcaption", "figure", "font"),
        *("footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "i", "img", "input", "ins", "kbd"),
        *("label", "legend", "li", "link", "main", "map", "mark", "menu", "meta", "meter", "nav", "object", "ol"),
        *(
            "nobr",
            "output",
            "p",
            "param",
            "picture",
            "pre",
            "progress",
            "q",
            "rb",
            "rp",
            "rt",
            "rtc",
            "ruby",
            "s",
            "samp",
            "search",
            "section",
            "slot",
            "small",
        ),
        *("source", "span", "strike", "strong", "sub", "summary", "sup", "time", "track", "tt", "u", "ul", "var"),
        *("video", "wbr"),
    }
)
# Their start tags count in a table alone, so none of these may ask for anything.
_OF_TABLES: Final = frozenset({"table", "caption", "colgroup", "col", "tbody", "thead", "tfoot", "tr", "td", "th"})
# Of these everything up to the end tag is text (HTML standard, sections 13.2.5.2 to 13.2.5.4).
_TEXTS: Final = frozenset({"script", "style", "title", "textarea", "iframe"})
_OPTIONS: Final = frozenset({"option", "optgroup"})
# Children of svg that HTML has not got, so that each stands in the picture (HTML standard, section 13.2.6.5). What is
# HTML again in a picture, and scripts and style in it, are for the tree builder.
_OF_SVG: Final = frozenset(
    {
        *("svg", "g", "a", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "defs", "symbol", "use"),
        *("image", "clippath", "mask", "pattern", "marker", "lineargradient", "radialgradient", "stop", "filter"),
        *("text", "tspan", "textpath", "switch", "view", "metadata", "set", "animate", "animatetransform"),
        *("animatemotion", "mpath", "feimage", "feblend", "fecolormatrix", "fecomposite", "feflood", "fegaussianblur"),
        *("femerge", "femergenode", "feoffset", "fedropshadow", "femorphology", "feturbulence"),
    }
)
# A name for what is in the picture, in letters alone.
_SVG_TITLE: Final = re.compile(rf"<(title|desc){_ATTRIBUTES}>[^<]*+</\1{_SPACE}*+>", re.IGNORECASE)
_IN_HEAD: Final = frozenset({"meta", "link", "base", "title", "style", "script", "noscript"})
_ENDS: Final = {tag: re.compile(rf"</{tag}(?=[\t\n\f\r />])", re.IGNORECASE) for tag in sorted(_TEXTS | {"noscript"})}


class PlainMarkup:
    """Reads for elements of these names, and for any that have one of these attributes.

    `styling`: attributes that count only where their value may ask for something (`MAY_ASK`).
    """

    def __init__(self, tags: Iterable[str], loading: Iterable[str], styling: Iterable[str]) -> None:
        self._tags, self._loading, self._styling = frozenset(tags), frozenset(loading), frozenset(styling)
        self._counting = self._loading | self._styling
        # What is passed over without another look: most of a page. Looked for in lower case.
        load, style = ("|".join(map(re.escape, sorted(names))) for names in (self._loading, self._styling))
        value = r"(?:\"[^\"]*+\"|'[^']*+'|[^\t\n \"'<>=`]++)"
        harmless = r"(?:\"(?:[^\"(&\\-]|-(?!-))*+\"|'(?:[^'(&\\-]|-(?!-))*+')"
        attribute = (
            rf"{_SPACE}++(?:(?!(?:{load}|{style})(?![^\t\n \"'<>/=]))[^\t\n \"'<>/=]++(?:={value})?+"
            rf"|(?:{style})={harmless})"
        )
        # The commonest first, on their own: they are most of what there is.
        attributes = rf"(?:{_COMMON})*+(?:>|(?:{attribute})*+{_SPACE}*+/?+>)"
        dull = _one_of((_ORDINARY | _OPTIONS | _OF_TABLES) - self._tags)
        self._dull = re.compile(rf"(?:[^<]*+<(?:/(?!form)[a-z][a-z0-9-]*+>|{dull}{attributes}))*+[^<]*+")
        option = _one_of(_OPTIONS)
        self._options = re.compile(rf"(?:[^<]*+<(?:/{option}>|{option}{attributes}))*+[^<]*+")

    def read(self, lines: str, low: str) -> Plain | None:
        """The elements of a page whose line ends are LF, None where only the tree builder can tell. `low`: the page in
        lower case."""
        if "\0" in lines or "\f" in lines or len(low) != len(lines):
            return None
        if "<frameset" in low or ("<![cdata[" in low and ("<svg" in low or "<math" in low)):
            # Such a page browsers read in another way when they look ahead, and hide markup from themselves.
            return None
        try:
            return _Reading(self, lines, low).whole()
        except _NotPlainError:
            return None

    def counts(self, tag: str, attrs: dict[str, str]) -> bool:
        return tag in self._tags or self.has_counting(attrs)

    def has_counting(self, attrs: dict[str, str]) -> bool:
        names = self._counting.intersection(attrs)
        return bool(names) and any(name in self._loading or MAY_ASK.search(attrs[name]) for name in names)

    def pass_over(self, low: str, at: int, end: int) -> int:
        """Where the first tag begins that may be of interest or needs another look."""
        return _end(self._dull, low, at, end)

    def pass_over_options(self, low: str, at: int, end: int) -> int:
        return _end(self._options, low, at, end)


def _one_of(names: Iterable[str]) -> str:
    """A pattern that first looks at the first letter."""
    by_letter: dict[str, list[str]] = {}
    for name in sorted(names, key=lambda name: (-len(name), name)):
        by_letter.setdefault(name[0], []).append(name[1:])
    choices = [f"{letter}(?:{'|'.join(rest)})" for letter, rest in by_letter.items()]
    return f"(?:{'|'.join(choices)})"


class _Reading:
    """One page under way. Each step takes a place in the page, and says where the next begins."""

    def __init__(self, of_interest: PlainMarkup, lines: str, low: str) -> None:
        self._of, self._lines, self._low, self.found = of_interest, lines, low, Plain()
        self._form_is_open = self._has_base = False

    def whole(self) -> Plain:
        self._body(self._head(), len(self._lines), self.found.tags, scripts=True)
        return self.found

    def _head(self) -> int:
        """Up to the first that stands in the body: only here are `html`, `head` and `body` what they seem to be."""
        at, before = 0, ""
        while True:
            at = _end(_BLANK, self._lines, at)
            start = _START.match(self._lines, at)
            name = start[1].lower() if start is not None else ""
            if start is None:
                doctype, end = _DOCTYPE.match(self._lines, at), _END.match(self._lines, at)
                if doctype is not None and not before:
                    at = doctype.end()
                elif end is not None and end[1].lower() == "head" and before in _OPENS_HEAD:
                    at = end.end()
                else:
                    return at
            elif name in _IN_HEAD:
                at = self._started(start, len(self._lines), self.found.tags, scripts=True)
            elif (name, before) in _TOP:
                at = start.end()
                self._add(name, start, self.found.tags)
                if name != "body":
                    self.found.head = at
                else:
                    self.found.body = at
                    return at
            else:
                return at
            before = name or before

    def _body(self, at: int, end: int, into: list[Tag], *, scripts: bool) -> None:
        while (at := self._of.pass_over(self._low, at, end)) < end:
            at = self._one(at, end, into, scripts=scripts)

    def _one(self, at: int, end: int, into: list[Tag], *, scripts: bool) -> int:
        found = _START.match(self._lines, at, end)
        if found is not None:
            return self._started(found, end, into, scripts=scripts)
        found = _END.match(self._lines, at, end)
        if found is not None and found[1].lower() == "form":
            if not scripts:
                raise _NotPlainError
            self._form_is_open = False
        for pattern in (_COMMENT, _LESS_THAN, _DOCTYPE):
            found = found or pattern.match(self._lines, at, end)
        if found is None:
            raise _NotPlainError
        return found.end()

    def _started(self, start: re.Match[str], end: int, into: list[Tag], *, scripts: bool) -> int:
        name = start[1].lower()
        if name in _TEXTS or name == "noscript":
            return self._text(name, start, end, into, scripts=scripts)
        if name in _OF_TABLES:
            if self._of.has_counting(_attributes(start)):
                raise _NotPlainError
            return start.end()
        if name == "svg":
            return self._picture(start, end, into)
        if name == "select":
            self._add(name, start, into)
            return self._options(start.end(), end)
        if name == "form":
            # One in another makes no element.
            if self._form_is_open or not scripts:
                raise _NotPlainError
            self._form_is_open = True
        elif name == "base":
            # Of several the first counts, of those that a browser reads.
            if self._has_base or not scripts:
                raise _NotPlainError
            self._has_base = True
        elif not (name in _ORDINARY or name in _OPTIONS or "-" in name or ":" in name):
            raise _NotPlainError
        self._add(name, start, into)
        return start.end()

    def _text(self, name: str, start: re.Match[str], end: int, into: list[Tag], *, scripts: bool) -> int:
        """An element whose content is text, to a browser that runs scripts."""
        begin = start.end()
        stop = _ENDS[name].search(self._lines, begin, end)
        closed = _END.match(self._lines, stop.start(), end) if stop is not None else None
        if stop is None or closed is None:
            raise _NotPlainError
        content = self._lines[begin : stop.start()] if name == "script" else ""
        if "<!--" in content and "<script" in content.lower():
            # There an end tag need not end it (HTML standard, section 13.2.5.17).
            raise _NotPlainError
        self._add(name, start, into, stop=stop.start(), text=content)
        if name == "noscript":
            if not scripts:
                raise _NotPlainError
            self._body(begin, stop.start(), self.found.without_scripts, scripts=False)
        return closed.end()

    def _options(self, at: int, end: int) -> int:
        """What stands in `select`: options, and nothing that they could have."""
        while True:
            at = self._of.pass_over_options(self._low, at, end)
            found = _END.match(self._lines, at, end)
            if found is not None and found[1].lower() == "select":
                return found.end()
            found = _COMMENT.match(self._lines, at, end)
            if found is None:
                raise _NotPlainError
            at = found.end()

    def _picture(self, start: re.Match[str], end: int, into: list[Tag]) -> int:
        """`svg`, closed as it was opened."""
        open_: list[str] = []
        found: re.Match[str] | None = start
        while found is not None:
            name = found[1].lower()
            if found[0][1] == "/":
                if open_.pop() != name:
                    raise _NotPlainError
            elif name in _OF_SVG:
                self._add(name, found, into, is_html=False)
                if not found[2]:
                    open_.append(name)
            elif self._of.has_counting(_attributes(found)):
                raise _NotPlainError
            else:
                # A title, with its end tag.
                found = _SVG_TITLE.match(self._lines, found.start(), end)
                if found is None:
                    break
            if not open_:
                return found.end()
            at = _end(_TEXT, self._lines, found.end(), end)
            found = _START.match(self._lines, at, end) or _END.match(self._lines, at, end)
        raise _NotPlainError

    def _add(
        self,
        name: str,
        start: re.Match[str],
        into: list[Tag],
        *,
        stop: int = -1,
        text: str = "",
        is_html: bool = True,
    ) -> None:
        attrs = _attributes(start)
        if self._of.counts(name, attrs):
            into.append(Tag(name, attrs, start.start(), start.end(), stop, text, is_html))


_OPENS_HEAD: Final = _IN_HEAD | {"head"}
# Which may follow on which; between them stand blanks and comments.
_TOP: Final = frozenset(
    {("html", ""), ("head", ""), ("head", "html"), *(("body", before) for before in ("html", *_OPENS_HEAD))}
)
_TEXT: Final = re.compile(rf"(?:[^<]++|{_COMMENT.pattern})*+", re.DOTALL)


def _end(pattern: re.Pattern[str], lines: str, at: int, end: int = sys.maxsize) -> int:
    """Where a match of what matches anything ends."""
    found = pattern.match(lines, at, end)
    return found.end() if found is not None else at


def _attributes(start: re.Match[str]) -> dict[str, str]:
    """Read by the tokeniser that reads them in a page, references resolved as there."""
    if "=" not in start[0] and not start[0][len(start[1]) + 1 : -1].strip(" \t\n/"):
        return {}
    return dict(next(iter(turbohtml.tokenize(start[0]))).attrs or ())
