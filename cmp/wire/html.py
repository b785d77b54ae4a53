"""A page as this visitor gets it: tags of denied hosts made inert, our own markup put in, every other byte as it came.

May go in here: going through a page, and what becomes of each element. May not: what makes a browser ask (`asking.py`,
`css.py`, `code.py`), deciding on it (`judging.py`), edits of text (`splicing.py`, `injecting.py`), encodings (text goes
in and out as Latin-1, so that bytes come back as they were; what is put in is ASCII), headers (`csp.py`, `caching.py`).

The page is read by turbohtml's tree builder, the algorithm of the HTML standard (section 13.2), so that an element is
seen exactly where a browser makes one (`<svg><style><img>`, misnested tables, templates); its source positions say
which bytes to splice. turbohtml's own rewriter is not used: it puts LF for CRLF, resolves references in every attribute
of a tag it touches, and simulates no tree. A page with `noscript` is read twice, as browsers with and without scripts
read it, and one in which markup could hide once more, as they look ahead. Most pages are so plain that their tags say
as much (`plain_markup.py`), which takes a fraction of the time.

This is for usability, and for what no CSP can stop; the CSP enforces.
"""

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, NamedTuple

import turbohtml

from cmp.core.consent import Visitor
from cmp.core.decision import Ruling
from cmp.core.exchange import Kind
from cmp.core.kept import Kept
from cmp.core.policy import Policy, Unknown
from cmp.core.signals import Signals
from cmp.core.urls import Url, UrlError, parse_url
from cmp.seal.site import RESERVED_PATH
from cmp.wire.asking import (
    BY_TAG,
    CODE_TYPES,
    FRAMES,
    HIDDEN_STYLE,
    LINKS,
    MADE_PAGE,
    PLAIN_MARKUP,
    PRELOADS,
    SAYING,
    SELECTORS,
    STYLING,
    URLS,
    refreshed,
)
from cmp.wire.code import (
    CODE_ATTRIBUTE,
    calls_in_attributes,
    imported_addresses,
    imports_without,
    map_without,
    speculated_addresses,
)
from cmp.wire.css import css_without
from cmp.wire.data_page import data_page, runs_unguarded
from cmp.wire.injecting import injections
from cmp.wire.judging import RUNS, Judge, Stopped
from cmp.wire.placeholder import frame, frame_attributes
from cmp.wire.plain_markup import MAY_ASK, Plain, Tag
from cmp.wire.splicing import Change, Edit, Source, later_tags, without_ours


@dataclass(frozen=True, slots=True)
class Rewritten:
    """`named_hosts`: every host the page's markup names to load something from, denied ones too."""

    text: str
    stopped: tuple[Stopped, ...]
    named_hosts: frozenset[str]


# So many pages are kept, as they came and as they went, and none longer (characters): some 50 MB at most.
MOST_KEPT: Final = 96
LONGEST_KEPT: Final = 256 * 1024
_KEPT: Final = Kept[Rewritten](MOST_KEPT)


def rewrite_page(
    text: str,
    policy: Policy,
    visitor: Visitor,
    signals: Signals,
    page: Url,
    *,
    head: str,
    body_start: str,
    frame_head: str = "",
    boxed_head: Callable[[], str] = str,
    reserved: str = RESERVED_PATH,
    language: str = "en",
) -> Rewritten:
    """Rewrite a page, given as Latin-1 text. `head` goes first into its head, `body_start` first into its body,
    `frame_head` first into every page that stands in an attribute of it (`srcdoc`), or what `boxed_head` makes, where a
    sandbox lets scripts run but takes them for another site's.

    Never raises, whatever the text; the same text gives the same text. Pages that were asked for lately are kept: the
    same page for visitors with the same choices is rewritten once.
    """
    # When they chose, and whether they want to be told of cookies, no ruling on a request looks at.
    visitor = replace(visitor, decided_at=None, policy="", tell_me=False)
    task = _Task(policy, visitor, signals, page, head, body_start, frame_head, reserved, language)
    if len(text) > LONGEST_KEPT:
        return _rewritten(text, task, boxed_head)
    # The text itself: a dictionary's own hash takes a fifth of a digest's time, and is made with a secret.
    key = (text, task)
    done = _KEPT.get(key)
    if done is None:
        done = _rewritten(text, task, boxed_head)
        _KEPT.put(key, done)
    return done


class _Task(NamedTuple):
    """All that rewriting depends on beside the text."""

    policy: Policy
    visitor: Visitor
    signals: Signals
    page: Url
    head: str
    body_start: str
    frame_head: str
    reserved: str
    language: str


_BYTE_ORDER_MARK: Final = "\u00ef\u00bb\u00bf"


def _rewritten(text: str, task: _Task, boxed_head: Callable[[], str], *, always_by_tree: bool = False) -> Rewritten:
    judge = Judge(task.policy, task.visitor, task.signals, task.page)
    rewriting = Rewriting(judge, task.reserved, task.language, task.page, head=task.frame_head, boxed_head=boxed_head)
    rewriting.always_by_tree = always_by_tree
    # To a browser it is no part of the page (Encoding standard, section 6, "decode"), to a tree builder it is text.
    mark = _BYTE_ORDER_MARK if text.startswith(_BYTE_ORDER_MARK) else ""
    done = mark + rewriting.whole(text.removeprefix(mark), task.head, task.body_start)
    return Rewritten(done, tuple(dict.fromkeys(judge.stopped)), frozenset(judge.hosts))


_HTML: Final = turbohtml.Namespace.HTML
# Behind "javascript:" more than one string, number, or nothing.
_COMPUTES: Final = re.compile(r"[^:]*:(?!\s*void\b)[^:]*?[+(\\`\[]", re.IGNORECASE | re.DOTALL)
# Frames in frames in attributes: deeper than anybody writes them.
_DEEPEST: Final = 4
_ROUNDS: Final = 5
_MOST_BOXES: Final = 50
_WITH_STYLE: Final = 2
# So many times its own length a page's style elements may add up to.
_STYLE: Final = 4


@dataclass
class Rewriting:
    """Goes through pages, and says what becomes of elements that others found."""

    judge: Judge
    reserved: str
    language: str
    base: Url
    depth: int = 0
    # What goes first into every page that stands in this one, and into those in a sandbox that are not the site's.
    head: str = ""
    boxed_head: Callable[[], str] = str
    # One for each page in an address that may still get it: it is long.
    boxes: list[None] = field(default_factory=lambda: [None] * _MOST_BOXES)
    # For comparison: the tree builder reads plain pages too.
    always_by_tree: bool = False
    # Characters of style elements that may still be read: in SVG they stand in each other, and each is read whole.
    _room: int = 0

    def whole(self, text: str, head: str = "", body_start: str = "") -> str:
        """The text with everything denied made inert, and our markup put in."""
        source = Source(text)
        by_tree = self.always_by_tree or source.marked or calls_in_attributes(source.low)
        plain = None if by_tree else PLAIN_MARKUP.read(source.lines, source.low)
        if plain is not None and (not (head or body_start) or min(plain.head, plain.body) >= 0):
            ours = [(plain.head, plain.head, head), (plain.body, plain.body, body_start)] if head or body_start else []
            return source.spliced([*ours, *self._plain_edits(plain, source)])[0]
        return self._by_tree(source, head, body_start)

    def _by_tree(self, source: "Source", head: str, body_start: str) -> str:
        document = source.parsed(scripting=True)
        ours = injections(document, source, head, body_start) if head or body_start else []
        done, overlapped = source.spliced([*ours, *self._edits(source, document)])
        if not overlapped:
            return done
        for n in range(_ROUNDS):
            # What still stands in each other then is style in style: the last rounds leave none.
            text, overlapped = source.spliced(self._edits(source, source.parsed(scripting=True), style=n < _WITH_STYLE))
            source = Source(text)
            if not overlapped:
                break
        return source.spliced(injections(source.parsed(scripting=True), source, head, body_start))[0]

    def _plain_edits(self, plain: Plain, source: "Source") -> list[Edit]:
        base = self._base_of(tag.attrs["href"] for tag in plain.tags if tag.tag == "base" and "href" in tag.attrs)
        self._room = _room_in(source)
        return [edit for tag in (*plain.tags, *plain.without_scripts) for edit in self._element(tag, source, base)]

    def _edits(self, source: "Source", document: turbohtml.Document, *, style: bool = True) -> list[Edit]:
        found: dict[Edit, None] = {}
        read: set[_Read] = set()
        calls = calls_in_attributes(source.low)
        for reading in _all_readings(source, document):
            base, self._room = self._base(reading), _room_in(source) if style else 0
            for element, place in _looked_at(reading, calls=calls):
                if (what := _read_of(element, place, base)) not in read:
                    read.add(what)
                    for edit in self._element(_tag_of(element, place), source, base):
                        found[edit] = None
            if source.marked:
                done = {edit[:2] for edit in found}
                for element in reading.select("*"):
                    for edit in without_ours(element, source, done):
                        found[edit] = None
        return list(found)

    def _base(self, document: turbohtml.Document) -> Url:
        return self._base_of(
            element.attr("href") or ""
            for element in document.select("base[href]")
            if element.namespace is _HTML and not _in_template(element)
        )

    def _base_of(self, hrefs: Iterable[str]) -> Url:
        """What addresses are relative to, once the bases that are denied are inert (HTML standard, section 2.4.3)."""
        for href in hrefs:
            if self._denied_base(href):
                continue
            try:
                url = parse_url(href, self.base)
            except UrlError:
                return self.base
            return self.base if url.scheme in ("data", "javascript") else url
        return self.base

    def _denied_base(self, href: str) -> bool:
        return self.judge.stops(href, Kind.OTHER, self.base) is not None

    def _set_base(self, element: Tag, _base: Url, change: "Change") -> None:
        # A base on a host that may not be asked sends everything there that names no host, our own files too.
        href = element.attrs.get("href")
        if href is not None and self._denied_base(href):
            change.inert.add("href")

    def _element(self, element: Tag, source: "Source", base: Url) -> Iterator[Edit]:
        tag, start, end = element.tag, element.start, element.end
        change = self.changed(element, base)
        if tag in ("style", "script"):
            stop = element.stop if element.stop >= 0 else len(source.lines)
            content = source.raw(end, stop)
            self._room -= len(content) if tag == "style" else 0
            if tag == "style" and self._room < 0 < len(content):
                # Deeper than anybody writes them: not style any more (HTML standard, section 4.2.6).
                _no_code(change)
                content = ""
            if (
                tag == "style"
                and element.made is not None
                and not element.is_html
                and ("<" in content or "&" in content)
            ):
                # Markup like any other: references count, and what stands between two pieces of text does not.
                text = "".join(child.data for child in element.made.children if isinstance(child, turbohtml.Text))
                if self._css(text, base) != text:
                    _no_code(change)
            kept = self._css(content, base) if tag == "style" else self._code(element, content, base)
            if kept != content:
                yield end, stop, kept
        if change.says_something or source.marked:
            raw = source.raw(start, end)
            changed = change.carried_out(raw)
            if changed != raw:
                yield start, end, changed
        if tag in ("html", "body"):
            yield from later_tags(source, tag, end, change)

    def changed(self, element: Tag, base: Url) -> "Change":
        """What becomes of its start tag."""
        change = Change()
        self._loads(element, base, change)
        special = _SPECIAL.get(element.tag)
        if special is not None:
            special(self, element, base, change)
        if not STYLING.isdisjoint(element.attrs):
            for name in STYLING.intersection(element.attrs):
                if MAY_ASK.search(element.attrs[name]):
                    change.values[name] = lambda raw: self._css(raw, base)
        for name in _calling(element.attrs):
            change.values[name] = lambda raw: imports_without(raw, lambda url: self._stops_code(url, base))
        return change

    def _stops_code(self, address: str, base: Url) -> bool:
        return self.judge.stops(address, Kind.SCRIPT, base) is not None

    def _code(self, element: Tag, content: str, base: Url) -> str:
        type_ = (element.attrs.get("type") or "").strip().lower()

        stops = partial(self._stops_code, base=base)
        if type_ == "importmap":
            return map_without(content, stops)
        return imports_without(content, stops) if type_ == "module" or CODE_TYPES.fullmatch(type_) else content

    def _loads(self, element: Tag, base: Url, change: "Change") -> None:
        for name, how, kind in BY_TAG.get(element.tag, BY_TAG["*"]):
            value = element.attrs.get(name)
            if value is None:
                continue
            if (
                element.tag in FRAMES
                and RUNS.match(value)
                and (self._makes_page(value) or (element.made is not None and _in_template(element.made)))
            ):
                change.inert.add(name)
                continue
            if name in ("action", "formaction") and MADE_PAGE.match(value) and not RUNS.match(value):
                _not_sent(name, change)
                continue
            urls = URLS[how](value)
            denied = [found for url in urls if (found := self.judge.stops(url, kind, base)) is not None]
            if not denied:
                if (element.tag, name) in _SHOWN:
                    self._page_in(element, name, value, change)
                continue
            change.inert.add(name)
            self._instead(element, name, denied[0], change)

    def _page_in(self, element: Tag, name: str, value: str, change: "Change") -> None:
        """A page in an address is another site's, and cannot ask for our files: it gets the guard whole."""
        page = data_page(value)
        if page is None:
            if runs_unguarded(value):
                change.inert.add(name)
            return
        if self.depth >= _DEEPEST or not self.boxes:
            change.inert.add(name)
            return
        runs = page.runs_code and _lets_run(element.attrs.get("sandbox"))
        if runs:
            self.boxes.pop()

        def rewritten(address: str) -> str:
            found = data_page(address)
            head = self.boxed_head() if runs else ""
            if found is None or (head and head in found.text):
                return address
            inner = replace(self, base=self.base, depth=self.depth + 1, head=head)
            text = inner.whole(found.text, head=head)
            return found._replace(text=text).address() if text != found.text else address

        change.values[name] = rewritten

    def _makes_page(self, value: str) -> bool:
        """Whether code in a frame's address puts a page together where only a guard could hold that: it comes too late.

        In a shadow root no guard sees the frame before its code has run, whatever it does.
        """
        return self.judge.policy.unknown_host is not Unknown.DENY and _COMPUTES.match(value) is not None

    def _instead(self, element: Tag, name: str, denied: tuple[Url | None, Ruling], change: "Change") -> None:
        """What stands where the attribute was, so that the page stays usable."""
        tag = element.tag
        url, ruling = denied
        host, address = (url.host, str(url)) if url is not None else ("", "")
        if tag == "script":
            _no_code(change)
        elif name in ("action", "formaction"):
            _not_sent(name, change)
        elif _is_hidden(element):
            pass
        elif tag in FRAMES and (tag == "frame" or element.attrs.get("srcdoc") is None):
            change.inert |= {"sandbox", "srcdoc"}
            change.added.append(frame_attributes(ruling, host, self.language, self.reserved, address))
        elif tag in ("object", "embed") and element.is_html:
            change.before = frame(ruling, host, self.language, self.reserved, address)

    def _script(self, element: Tag, base: Url, change: "Change") -> None:
        type_ = (element.attrs.get("type") or "").strip()
        if element.attrs.get("src") is not None:
            return
        if type_.lower() in ("speculationrules", "module"):
            speculated = type_.lower() != "module"
            named = speculated_addresses(element.text) if speculated else imported_addresses(element.text)
            kind = Kind.OTHER if speculated else Kind.SCRIPT
            if [url for url in named if self.judge.stops(url, kind, base) is not None]:
                _no_code(change)
                return
        if CODE_TYPES.fullmatch(type_) and self.judge.stops_code(element.text):
            _no_code(change)

    def _link(self, element: Tag, base: Url, change: "Change") -> None:
        words = (element.attrs.get("rel") or "").lower().split()
        if SAYING.issuperset(words):
            return
        kind = next((kind for word, kind in LINKS if word in words), Kind.OTHER)
        if "preload" in words and kind is Kind.OTHER:
            kind = PRELOADS.get((element.attrs.get("as") or "").lower(), Kind.OTHER)
        href = element.attrs.get("href")
        if href is not None and href.strip() and self.judge.stops(href, kind, base) is not None:
            change.inert.add("href")

    def _meta(self, element: Tag, base: Url, change: "Change") -> None:
        if (element.attrs.get("http-equiv") or "").strip().lower() != "refresh":
            return
        addresses = refreshed(element.attrs.get("content") or "")
        # A page in an address has no guard in it where a refresh leads to it.
        if any(MADE_PAGE.match(url) or self.judge.stops(url, Kind.FRAME, base) is not None for url in addresses):
            change.inert.add("http-equiv")

    def _iframe(self, element: Tag, base: Url, change: "Change") -> None:
        if element.attrs.get("srcdoc") is None or "srcdoc" in change.inert:
            return
        if self.depth >= _DEEPEST:
            change.inert.add("srcdoc")
        else:
            head = self._head_in(element.attrs.get("sandbox"))
            inner = replace(self, base=base, depth=self.depth + 1, head=head)
            change.values["srcdoc"] = partial(inner.whole, head=head)

    def _head_in(self, sandbox: str | None) -> str:
        """What goes first into a page in an attribute, by the frame's sandbox (HTML standard, section 7.1.5)."""
        if not _lets_run(sandbox):
            # It would only be complained of.
            return ""
        # A file of the site's own comes there without its cookies, for nobody.
        ours = sandbox is None or "allow-same-origin" in _SPACES.split(sandbox.lower())
        return self.head if ours else self.boxed_head()

    def _css(self, text: str, base: Url) -> str:
        return css_without(text, lambda name, kind: self.judge.stops(name, kind, base) is not None)


def _all_readings(source: "Source", document: turbohtml.Document) -> Iterator[turbohtml.Document]:
    """The page as a browser reads it with scripts, and where there is a difference without, and ahead of itself."""
    yield document
    if "<noscript" in source.low:
        yield source.parsed(scripting=False)
    ahead = "<frameset" in source.low or ("<col" in source.low and "shadowroot" in source.low)
    if ahead or (_FOREIGN.search(source.low) and _hides_markup(source, document)):
        yield Source(_APART.sub(lambda found: "<x" + found[0][2:], source.lines)).parsed(scripting=True)


def _hides_markup(source: "Source", document: turbohtml.Document) -> bool:
    """Whether what is other markup, or none, in SVG and MathML could be taken for some by a browser that looks ahead.

    It asks for what it finds before it makes a tree of it, and knows no SVG: there every style is one of HTML, no CDATA
    ends with "]]>", and in a frameset, or behind a column in a shadow root, it finds pictures (Chromium's
    HTMLPreloadScanner).
    """
    if "<![cdata[" in source.low:
        return True
    for element in document.select(_RAW_IN_FOREIGN):
        place = element.source_location
        if place is not None and (
            place.end_tag is None or "<" in source.lines[place.start_tag.end_offset : place.end_tag.start_offset]
        ):
            return True
    return False


_FOREIGN: Final = re.compile("<(?:svg|math)(?=[\t\n\f\r />])")
_APART: Final = re.compile("<(?:svg|math|frameset|col)(?=[\t\n\f\r />])", re.IGNORECASE)
# HTML standard, section 13.2.6.4.7 and 13.2.6.2: what switches the tokenizer where it is HTML.
_RAW: Final = ("style", "script", "title", "textarea", "xmp", "iframe", "noembed", "noframes", "noscript", "plaintext")
_RAW_IN_FOREIGN: Final = ",".join(f"{above} {tag}" for above in ("svg", "math") for tag in _RAW)


# Where an element stands, and what else its edits come from.
_Read = tuple[int, int, int, str, turbohtml.Namespace, Hashable, Url]


def _calling(attrs: Mapping[str, str | None]) -> list[str]:
    """The attributes with code that calls for modules, if something happens."""
    return [
        name
        for name, value in attrs.items()
        if value
        and "import" in value
        and CODE_ATTRIBUTE.fullmatch(name)
        and (name.startswith("on") or RUNS.match(value))
    ]


def _looked_at(
    document: turbohtml.Document, *, calls: bool
) -> list[tuple[turbohtml.Element, turbohtml.SourceLocation]]:
    """The elements that may ask for something, in the order in which they are written. `calls`: also those with code
    that calls for modules.

    A selector takes its time by what it lists: only what is for tags that are there is asked for.
    """
    there = {"", *map(str.lower, {element.tag for element in document.select("*")})}
    found = document.select(",".join(dict.fromkeys(selector for tag, selector in SELECTORS if tag in there)))
    if calls:
        found += [
            element
            for element in document.select("*")
            if _calling({name: element.attr(name) for name in element.attrs})
        ]
    placed = [(element, place) for element in found if (place := element.source_location) is not None]
    return sorted(placed, key=lambda each: each[1].start_tag.start_offset)


def _tag_of(element: turbohtml.Element, place: turbohtml.SourceLocation) -> Tag:
    attrs = {name: element.attr(name) or "" for name in element.attrs}
    tag, start, end = element.tag.lower(), place.start_tag, place.end_tag
    stop = end.start_offset if end is not None else -1
    text = element.text if tag == "script" else ""
    return Tag(tag, attrs, start.start_offset, start.end_offset, stop, text, element.namespace is _HTML, element)


def _room_in(source: "Source") -> int:
    return _STYLE * len(source.lines) + 100_000


def _read_of(element: turbohtml.Element, place: turbohtml.SourceLocation, base: Url) -> _Read:
    """Equal where the edits are: two readings of a page have most elements in common."""
    tag, start, end = element.tag, place.start_tag, place.end_tag
    # Its own text counts for a script, later tags' attributes for these two.
    more: Hashable = None
    if tag == "script":
        more = element.text
    elif tag in ("html", "body"):
        more = tuple((name, element.attr(name)) for name in element.attrs)
    return start.start_offset, start.end_offset, end.start_offset if end else -1, tag, element.namespace, more, base


_SPACES: Final = re.compile(r"[\t\n\f\r ]+")
# What shows a page that stands in an address.
_SHOWN: Final = frozenset(
    {("iframe", "src"), ("frame", "src"), ("embed", "src"), ("embed", "code"), ("object", "data")}
)

_SPECIAL: Final[dict[str, Callable[[Rewriting, Tag, Url, "Change"], None]]] = {
    "base": Rewriting._set_base,
    "script": Rewriting._script,
    "link": Rewriting._link,
    "meta": Rewriting._meta,
    "iframe": Rewriting._iframe,
}


def _lets_run(sandbox: str | None) -> bool:
    """Whether scripts run in a frame (HTML standard, section 7.1.5)."""
    return sandbox is None or "allow-scripts" in _SPACES.split(sandbox.lower())


def _in_template(element: turbohtml.Element) -> bool:
    """Whether it stands in a template's contents, which are no part of the document."""
    return any(isinstance(above, turbohtml.DocumentFragment) for above in element.ancestors)


def _is_hidden(element: Tag) -> bool:
    """Whether a frame is there to be seen: one of a pixel, or not shown, is left empty."""
    small = any((element.attrs.get(name) or "").strip() in ("0", "1", "0px", "1px") for name in ("width", "height"))
    return (
        small or element.attrs.get("hidden") is not None or bool(HIDDEN_STYLE.search(element.attrs.get("style") or ""))
    )


def _not_sent(name: str, change: "Change") -> None:
    # method=dialog: outside of a dialog a form so marked is sent nowhere (HTML standard, section 4.10.21.3).
    method = "method" if name == "action" else "formmethod"
    change.inert |= {name, method}
    change.added += [f'{method}="dialog"']


def _no_code(change: "Change") -> None:
    change.inert.add("type")
    change.added.append('type="text/plain"')
