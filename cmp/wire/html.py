"""A page as this visitor gets it: tags of denied hosts made inert, our own markup put in, every other byte as it came.

May go in here: finding what a page's markup makes a browser ask for, and splicing text. May not: deciding (each URL is
put to `decide`), encodings (text goes in and out as Latin-1, so that bytes come back as they were; what is put in is
ASCII), headers (`csp.py`, `caching.py`).

The page is read by turbohtml's tree builder, the algorithm of the HTML standard (section 13.2), so that an element is
seen exactly where a browser makes one (`<svg><style><img>`, misnested tables, templates); its source positions say
which bytes to splice. turbohtml's own rewriter is not used: it puts LF for CRLF, resolves references in every attribute
of a tag it touches, and simulates no tree. A page with `noscript` is read twice, as browsers with and without scripts
read it.

This is for usability, and for what no CSP can stop; the CSP enforces.
"""

import base64
import bisect
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from html import escape, unescape
from typing import Final, NamedTuple
from urllib.parse import unquote

import turbohtml

from cmp.core.classify import RequestRule
from cmp.core.composed import strictest
from cmp.core.consent import Visitor
from cmp.core.decide import decide
from cmp.core.decision import Reason, Ruling
from cmp.core.exchange import Exchange, Kind
from cmp.core.kept import Kept
from cmp.core.on_vendors import rule_on_vendor
from cmp.core.policy import Policy, Unknown
from cmp.core.signals import Signals
from cmp.core.urls import Url, UrlError, parse_url
from cmp.seal.site import RESERVED_PATH
from cmp.sites import registrable_domain
from cmp.wire.placeholder import frame, frame_attributes


class Stopped(NamedTuple):
    """Something the page would have asked for; `url` is the page's own for code that stands in it."""

    url: str
    kind: Kind
    ruling: Ruling


@dataclass(frozen=True, slots=True)
class Rewritten:
    """`named_hosts`: every host the page's markup names to load something from, denied ones too."""

    text: str
    stopped: tuple[Stopped, ...]
    named_hosts: frozenset[str]


# So many pages are kept, and none longer (characters): some 25 MB at most, by what markup of ours adds.
_MOST_KEPT: Final = 96
_LONGEST_KEPT: Final = 256 * 1024
_KEPT: Final = Kept[Rewritten](_MOST_KEPT)


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
    reserved: str = RESERVED_PATH,
    language: str = "en",
) -> Rewritten:
    """Rewrite a page, given as Latin-1 text. `head` goes first into its head, `body_start` first into its body,
    `frame_head` first into every page that stands in an attribute of it (`srcdoc`).

    Never raises, whatever the text; the same text gives the same text. Pages that were asked for lately are kept: the
    same page for visitors with the same choices is rewritten once.
    """
    # When they chose, and whether they want to be told of cookies, no ruling on a request looks at.
    visitor = replace(visitor, decided_at=None, policy="", tell_me=False)
    task = _Task(policy, visitor, signals, page, head, body_start, frame_head, reserved, language)
    if len(text) > _LONGEST_KEPT:
        return _rewritten(text, task)
    key = (hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest(), task)
    done = _KEPT.get(key)
    if done is None:
        done = _rewritten(text, task)
        _KEPT.put(key, done)
    return done


def speculation_stopped(
    text: str, policy: Policy, visitor: Visitor, signals: Signals, file: Url
) -> tuple[Stopped, ...]:
    """What a file of speculation rules (HTML standard, section 7.6), given as Latin-1 text, would ask for that is
    denied."""
    judge = _Judge(policy, visitor, signals, file)
    for address in _speculated(text):
        judge.stops(address, Kind.OTHER, file)
    return tuple(dict.fromkeys(judge.stopped))


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


def _rewritten(text: str, task: _Task) -> Rewritten:
    judge = _Judge(task.policy, task.visitor, task.signals, task.page)
    rewriting = _Rewriting(judge, task.reserved, task.language, task.page, head=task.frame_head)
    done = rewriting.whole(text, task.head, task.body_start)
    return Rewritten(done, tuple(dict.fromkeys(judge.stopped)), frozenset(judge.hosts))


# ------------------------------------------------------------------------------------------------ what asks for what

# How the URLs stand in an attribute.
_ONE, _LIST, _CANDIDATES, _STEPS = "one", "list", "candidates", "steps"

# Element, attribute, how, kind. Forms and refreshes count as frames: nobody can tell from the markup whether the person
# asks for them, so they get the stricter reading of a navigation.
_LOADS: Final[tuple[tuple[str, str, str, Kind], ...]] = (
    ("script", "src", _ONE, Kind.SCRIPT),
    ("script", "href", _ONE, Kind.SCRIPT),
    ("script", "xlink:href", _ONE, Kind.SCRIPT),
    ("img", "src", _ONE, Kind.IMAGE),
    ("img", "srcset", _CANDIDATES, Kind.IMAGE),
    ("input", "src", _ONE, Kind.IMAGE),
    ("image", "href", _ONE, Kind.IMAGE),
    ("image", "xlink:href", _ONE, Kind.IMAGE),
    ("feimage", "href", _ONE, Kind.IMAGE),
    ("feimage", "xlink:href", _ONE, Kind.IMAGE),
    ("use", "href", _ONE, Kind.IMAGE),
    ("use", "xlink:href", _ONE, Kind.IMAGE),
    ("iframe", "src", _ONE, Kind.FRAME),
    ("frame", "src", _ONE, Kind.FRAME),
    ("object", "data", _ONE, Kind.OBJECT),
    ("embed", "src", _ONE, Kind.OBJECT),
    ("video", "src", _ONE, Kind.MEDIA),
    ("video", "poster", _ONE, Kind.IMAGE),
    ("audio", "src", _ONE, Kind.MEDIA),
    ("source", "src", _ONE, Kind.MEDIA),
    ("source", "srcset", _CANDIDATES, Kind.IMAGE),
    ("track", "src", _ONE, Kind.MEDIA),
    ("form", "action", _ONE, Kind.FRAME),
    ("button", "formaction", _ONE, Kind.FRAME),
    ("input", "formaction", _ONE, Kind.FRAME),
    ("a", "ping", _LIST, Kind.BEACON),
    ("area", "ping", _LIST, Kind.BEACON),
    ("*", "attributionsrc", _LIST, Kind.BEACON),
    ("*", "background", _ONE, Kind.IMAGE),
    ("link", "imagesrcset", _CANDIDATES, Kind.IMAGE),
    *((tag, name, _STEPS, Kind.IMAGE) for tag in ("set", "animate") for name in ("from", "to", "by", "values")),
)

# What a link asks for, by the words of `rel` (HTML standard, section 4.6.8); the first that is there counts, and a word
# that is not here may ask for anything.
_LINKS: Final[tuple[tuple[str, Kind], ...]] = (
    ("stylesheet", Kind.STYLE),
    ("modulepreload", Kind.SCRIPT),
    ("preload", Kind.OTHER),
    ("icon", Kind.IMAGE),
    ("apple-touch-icon", Kind.IMAGE),
    ("apple-touch-icon-precomposed", Kind.IMAGE),
    ("apple-touch-startup-image", Kind.IMAGE),
    ("mask-icon", Kind.IMAGE),
    ("manifest", Kind.MANIFEST),
    ("prerender", Kind.FRAME),
)
# Words of links that only say something; they name no host that anybody asks before a person goes there.
_SAYING: Final = frozenset(
    {
        *("alternate", "amphtml", "author", "bookmark", "canonical", "dc.source", "edituri", "external", "help", "me"),
        *("license", "next", "nofollow", "noopener", "noreferrer", "opener", "pingback", "prev", "privacy-policy"),
        *("shortlink", "start", "tag", "terms-of-service", "up", "wlwmanifest"),
    }
)
_PRELOADS: Final = {
    "script": Kind.SCRIPT,
    "style": Kind.STYLE,
    "image": Kind.IMAGE,
    "font": Kind.FONT,
    "fetch": Kind.FETCH,
    "track": Kind.MEDIA,
    "video": Kind.MEDIA,
    "audio": Kind.MEDIA,
    "document": Kind.FRAME,
    "worker": Kind.WORKER,
}

# Code that stands in a page and belongs to a vendor: what it must contain, and the catalogue ids of the vendors. All of
# them must be denied: a loader that others of them may use is left to the CSP and the guard.
_INLINE: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("gtag(", ("google-analytics", "google-ads", "google-tag-manager")),
    ("googletagmanager.com/gtm.js", ("google-tag-manager",)),
    ("GoogleAnalyticsObject", ("google-analytics",)),
    ("fbq(", ("meta-pixel",)),
    ("_paq", ("matomo",)),
    ("_hjSettings", ("hotjar",)),
    ("clarity.ms/tag", ("microsoft-clarity",)),
    ("_linkedin_partner_id", ("linkedin-insight",)),
    ("TiktokAnalyticsObject", ("tiktok-pixel",)),
    ("uetq", ("microsoft-ads",)),
    ("pintrk(", ("pinterest-tag",)),
    ("snaptr(", ("snap-pixel",)),
    ("rdt(", ("reddit-pixel",)),
    ("twq(", ("twitter-ads",)),
    ("mc.yandex.ru/metrika", ("yandex-metrica",)),
    ("_tfa.push", ("taboola",)),
    ("_qevents", ("quantcast",)),
    ("mixpanel.init(", ("mixpanel",)),
    ("posthog.init(", ("posthog",)),
    ("heap.load(", ("heap",)),
    ("_fs_org", ("fullstory",)),
    ("criteo_q", ("criteo",)),
)

_HTML: Final = turbohtml.Namespace.HTML
# SVG 2, section 6.6: presentation attributes that take a url().
_PRESENTING: Final = (
    *("clip-path", "cursor", "fill", "filter", "marker-end", "marker-mid", "marker-start", "mask", "stroke"),
)
_FRAMES: Final = frozenset({"iframe", "frame"})
# Which elements are looked at: selectors, by the tag they are for, in lower case, "" for any.
_SELECTORS: Final[tuple[tuple[str, str], ...]] = (
    *((tag, f"{tag}[{name}]" if ":" not in name else tag) for tag, name, _, _ in _LOADS if tag not in ("feimage", "*")),
    *((tag, tag) for tag in ("script", "style")),
    ("feimage", "feImage"),
    *(("meta", "meta[http-equiv]"), ("link", "link[href]"), ("base", "base[href]"), ("iframe", "iframe[srcdoc]")),
    *(("", f"[{name}]") for name in ("style", *_PRESENTING, *(row[1] for row in _LOADS if row[0] == "*"))),
)
_BY_TAG: Final[dict[str, tuple[tuple[str, str, Kind], ...]]] = {
    tag: tuple((name, how, kind) for row, name, how, kind in _LOADS if row in (tag, "*"))
    for tag in {row[0] for row in _LOADS}
}


# --------------------------------------------------------------------------------------------------------- judging


@dataclass
class _Judge:
    """Puts each URL of a page to `decide`, and keeps what was stopped and which hosts were named."""

    policy: Policy
    visitor: Visitor
    signals: Signals
    page: Url
    stopped: list[Stopped] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    _known: dict[tuple[str, Kind, Url], tuple[Url | None, Ruling] | None] = field(default_factory=dict)

    def stops(self, text: str, kind: Kind, base: Url) -> tuple[Url | None, Ruling] | None:
        """The URL and the ruling where the text names something denied, else None."""
        key = (text, kind, base)
        if key not in self._known:
            self._known[key] = next((found for way in _readings(text) if (found := self._judge(way, kind, base))), None)
        found = self._known[key]
        if found is not None:
            self.stopped.append(Stopped(str(found[0]) if found[0] is not None else text, kind, found[1]))
        return found

    def _judge(self, text: str, kind: Kind, base: Url) -> tuple[Url | None, Ruling] | None:
        try:
            url = parse_url(text, base)
        except UrlError:
            # Unknown, never harmless: a browser may read a host where we do not.
            denied = self.policy.unknown_host is Unknown.DENY and text.strip() != ""
            return (None, Ruling(False, Reason.UNKNOWN_DENIED, "unknown.host")) if denied else None
        if not url.is_network:
            # Of what only a policy with a list would stop, the CSP that such content inherits lets nothing pass.
            inside = _named_inside(text) if kind in _RUN else ()
            return next(
                (found for name in inside if (found := self._judge(name, kind, base)) and found[1].vendor is not None),
                None,
            )
        self.hosts.add(url.host)
        asked = Exchange(
            method="GET",
            url=url,
            host_site=registrable_domain(url.host),
            page=self.page,
            page_site=registrable_domain(self.page.host),
            kind=kind,
            signals=self.signals,
        )
        ruling = decide(self.policy, self.visitor, asked).ruling
        # On the page's own host whoever sends the page stands between, and reduces.
        passes = ruling.allowed if url.host == self.page.host else ruling.direct
        return None if passes else (url, ruling)

    def stops_code(self, code: str) -> bool:
        """Whether code in the page belongs to vendors that are denied."""
        for sign, vendors in _INLINE:
            known = [self.policy.vendors[id_] for id_ in vendors if id_ in self.policy.vendors]
            if not known or sign not in code:
                continue
            rulings = [self._on_vendor(vendor.id) for vendor in known]
            if not any(ruling.direct for ruling in rulings):
                self.stopped.append(Stopped(str(self.page), Kind.SCRIPT, rulings[0]))
                return True
        return False

    def _on_vendor(self, id_: str) -> Ruling:
        """What is said of a vendor as a whole, by every policy that knows it."""
        rules = [
            (part, RequestRule(f"vendor:{id_}", id_, part.vendors[id_].category))
            for part in self.policy.each
            if id_ in part.vendors
        ]
        return strictest([rule_on_vendor(part, self.visitor, self.signals, rule) for part, rule in rules])


def _named_inside(url: str) -> Iterator[str]:
    """The addresses that stand in the content of a data: or javascript: URL."""
    head, _, content = url.lstrip(_CONTROLS).partition(":")
    scheme = _BREAKS.sub("", head).lower()
    if scheme not in ("data", "javascript"):
        return
    if scheme == "data" and content.partition(",")[0].lower().rstrip().endswith("base64"):
        try:
            content = base64.b64decode(content.partition(",")[2] + "==").decode("latin-1")
        except ValueError:
            return
    content = unquote(content, "latin-1")
    yield from (found[0] for found in _ABSOLUTE.finditer(unescape(content)))


# What a data: URL is run as; in a picture nothing is asked for (SVG 2, section 2.2.5).
_RUN: Final = frozenset({Kind.FRAME, Kind.OBJECT, Kind.SCRIPT, Kind.STYLE})
_CONTROLS: Final = "".join(map(chr, range(0x21)))
_BREAKS: Final = re.compile("[\\t\\n\\r]")
_ABSOLUTE: Final = re.compile(r"(?:(?:http|ws)s?:)?[\\/]{2}[^\\/\s\"'`()<>,;][^\s\"'`()<>,;]{0,2000}+", re.IGNORECASE)


def _readings(text: str) -> Iterator[str]:
    """What a URL of a Latin-1 text can be to a browser: the same in ASCII, else perhaps UTF-8 under it.

    Full-width letters make a host (UTS 46), so a tracker could be named by bytes that say nothing in Latin-1.
    """
    yield text
    if not text.isascii():
        data = b"".join(
            char.encode("latin-1" if char <= "\xff" else "utf-8", "surrogatepass" if char > "\xff" else "strict")
            for char in text
        )
        yield data.decode("utf-8", "replace")


# ------------------------------------------------------------------------------------------------------ rewriting

_CODE_TYPES: Final = re.compile(
    r"(?:module|(?:text|application)/(?:x-)?(?:java|ecma|j|live)script[0-9.]*)?", re.IGNORECASE
)
_REFRESH: Final = re.compile(r"[\s\d.]*[;,\s]*(?:url\s*=\s*)?['\"]?([^'\"]*)", re.IGNORECASE | re.DOTALL)
_HIDDEN_STYLE: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
# A string of a JSON text that is a value, with what stands before it.
_JSON_VALUE: Final = re.compile(r'(?<=[\[{,:])(\s*+)("(?:[^"\\]|\\.)*+")(?!\s*+:)', re.DOTALL)
# ECMA-262, section 16.2.2: what a module asks for before it runs.
_IMPORTED: Final = re.compile(r"\b(?:import|from)(?:\s|/\*.*?\*/)*+[\"']([^\"'\n]{1,2000}+)[\"']", re.DOTALL)

# HTML standard, sections 13.2.5.32 to 13.2.5.39: a name may begin with "=", an unquoted value holds "/".
_ATTRIBUTE: Final = re.compile(
    r"[\t\n\f\r /]*+(?P<whole>(?P<name>=?[^\t\n\f\r />=]*+)"
    r"(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:\"[^\"]*+\"|'[^']*+'|(?![\"'])[^\t\n\f\r >]*+))?+)"
)
_TAG_NAME: Final = re.compile(r"<[^\t\n\f\r />]*+")

# CSS Syntax 3, section 4.3: comments, strings and url() as a browser delimits them, with escapes in the name, also
# unclosed at the end. Bounded: no URL is longer.
_CSS_U, _CSS_R, _CSS_L = (
    rf"(?:\\?{char}|\\0{{0,4}}{code:x}\s?|\\0{{0,4}}{code - 32:x}\s?)"
    for char, code in (("u", 0x75), ("[r]", 0x72), ("l", 0x6C))
)
_CSS_TOKEN: Final = re.compile(
    r"/\*.*?(?:\*/|\Z)"
    r"|(?P<string>\"(?:[^\"\\\n]|\\.){0,100000}+(?:\"|(?=\n)|\\?\Z)"
    r"|'(?:[^'\\\n]|\\.){0,100000}+(?:'|(?=\n)|\\?\Z))"
    rf"|(?P<open>{_CSS_U}{_CSS_R}{_CSS_L}\(\s*+)(?P<url>(?![\"'])(?:[^)\\]|\\.){{0,100000}}+)",
    re.IGNORECASE | re.DOTALL,
)
_AT_RULE: Final = re.compile(r"@([A-Za-z-]++)[^;{}]*+\Z")
_CSS_ESCAPE: Final = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\n\f]?|(.))", re.DOTALL)
_REFERENCE: Final = re.compile(r"&(?:#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,31};?)")

# Frames in frames in attributes: deeper than anybody writes them.
_DEEPEST: Final = 4
_ROUNDS: Final = 3
# So many times its own length a page's style elements may add up to.
_STYLE: Final = 4

# start, end, what goes there; in the text with its line ends made LF.
_Edit = tuple[int, int, str]


@dataclass
class _Rewriting:
    judge: _Judge
    reserved: str
    language: str
    base: Url
    depth: int = 0
    # What goes first into every page that stands in this one.
    head: str = ""
    # Characters of style elements that may still be read: in SVG they stand in each other, and each is read whole.
    _room: int = 0

    def whole(self, text: str, head: str = "", body_start: str = "") -> str:
        """The text with everything denied made inert, and our markup put in."""
        source = _Source(text)
        document = source.parsed(scripting=True)
        ours = _injections(document, source, head, body_start) if head or body_start else []
        done, overlapped = source.spliced([*ours, *self._edits(source, document)])
        if not overlapped:
            return done
        for _ in range(_ROUNDS):
            text, overlapped = source.spliced(self._edits(source, source.parsed(scripting=True)))
            source = _Source(text)
            if not overlapped:
                break
        return source.spliced(_injections(source.parsed(scripting=True), source, head, body_start))[0]

    def _edits(self, source: "_Source", document: turbohtml.Document) -> list[_Edit]:
        low = source.lines.lower()
        found: dict[_Edit, None] = {}
        read: set[_Read] = set()
        for reading in [document, source.parsed(scripting=False)] if "<noscript" in low else [document]:
            base, self._room = self._base(reading), _STYLE * len(low) + 100_000
            for element in _looked_at(reading):
                place = element.source_location
                if place is not None and (what := _read_of(element, place, base)) not in read:
                    read.add(what)
                    for edit in self._element(element, place, source, base):
                        found[edit] = None
            if "data-consent-" in low:
                done = {edit[:2] for edit in found}
                for element in reading.select("*"):
                    for edit in _without_ours(element, source, done):
                        found[edit] = None
        return list(found)

    def _base(self, document: turbohtml.Document) -> Url:
        """What addresses are relative to, once the bases that are denied are inert (HTML standard, section 2.4.3)."""
        for element in document.select("base[href]"):
            href = element.attr("href") or ""
            if element.namespace is not _HTML or _in_template(element) or self._denied_base(href):
                continue
            try:
                url = parse_url(href, self.base)
            except UrlError:
                return self.base
            return self.base if url.scheme in ("data", "javascript") else url
        return self.base

    def _denied_base(self, href: str) -> bool:
        return self.judge.stops(href, Kind.OTHER, self.base) is not None

    def _set_base(self, element: turbohtml.Element, _base: Url, change: "_Change") -> None:
        # A base on a host that may not be asked sends everything there that names no host, our own files too.
        href = element.attr("href")
        if href is not None and self._denied_base(href):
            change.inert.add("href")

    def _element(
        self, element: turbohtml.Element, place: turbohtml.SourceLocation, source: "_Source", base: Url
    ) -> Iterator[_Edit]:
        tag, start, end = element.tag.lower(), place.start_tag.start_offset, place.start_tag.end_offset
        change = _Change()
        self._loads(element, tag, base, change)
        special = _SPECIAL.get(tag)
        if special is not None:
            special(self, element, base, change)
        for name in ("style", *_PRESENTING):
            value = element.attr(name)
            if value is not None and "(" in value:
                change.values[name] = lambda raw: self._css(raw, base)
        if tag in ("style", "script"):
            stop = place.end_tag.start_offset if place.end_tag is not None else len(source.lines)
            content = source.raw(end, stop)
            self._room -= len(content) if tag == "style" else 0
            if tag == "style" and self._room < 0:
                # Deeper than anybody writes them: not style any more (HTML standard, section 4.2.6).
                _no_code(change)
                content = ""
            kept = self._css(content, base) if tag == "style" else self._map(element, content, base)
            if kept != content:
                yield end, stop, kept
        raw = source.raw(start, end)
        changed = change.carried_out(raw)
        if changed != raw:
            yield start, end, changed
        if tag in ("html", "body"):
            yield from _later_tags(source, tag, end, change)

    def _map(self, element: turbohtml.Element, content: str, base: Url) -> str:
        """An import map without the addresses that are denied."""
        if (element.attr("type") or "").strip().lower() != "importmap":
            return content

        def judged(match: re.Match[str]) -> str:
            url = _json_text(match[2])
            denied = _NAMES_HOST.search(url) and self.judge.stops(url, Kind.SCRIPT, base) is not None
            return f'{match[1]}"data:text/javascript,"' if denied else match[0]

        return _JSON_VALUE.sub(judged, content)

    def _loads(self, element: turbohtml.Element, tag: str, base: Url, change: "_Change") -> None:
        for name, how, kind in _BY_TAG.get(tag, _BY_TAG["*"]):
            value = element.attr(name)
            if value is None:
                continue
            urls = _URLS[how](value)
            denied = [found for url in urls if (found := self.judge.stops(url, kind, base)) is not None]
            if not denied:
                continue
            change.inert.add(name)
            self._instead(element, tag, name, denied[0], change)

    def _instead(
        self, element: turbohtml.Element, tag: str, name: str, denied: tuple[Url | None, Ruling], change: "_Change"
    ) -> None:
        """What stands where the attribute was, so that the page stays usable."""
        url, ruling = denied
        host, address = (url.host, str(url)) if url is not None else ("", "")
        if tag == "script":
            _no_code(change)
        elif name in ("action", "formaction"):
            # method=dialog: outside of a dialog a form so marked is sent nowhere (HTML standard, section 4.10.21.3).
            method = "method" if name == "action" else "formmethod"
            change.inert.add(method)
            change.added += [f'{method}="dialog"']
        elif _is_hidden(element):
            pass
        elif tag in _FRAMES and (tag == "frame" or element.attr("srcdoc") is None):
            change.inert |= {"sandbox", "srcdoc"}
            change.added.append(frame_attributes(ruling, host, self.language, self.reserved, address))
        elif tag in ("object", "embed") and element.namespace is _HTML:
            change.before = frame(ruling, host, self.language, self.reserved, address)

    def _script(self, element: turbohtml.Element, base: Url, change: "_Change") -> None:
        type_ = (element.attr("type") or "").strip()
        if element.attr("src") is not None:
            return
        if type_.lower() in ("speculationrules", "module"):
            speculated = type_.lower() != "module"
            named = _speculated(element.text) if speculated else _naming_hosts(_IMPORTED.findall(element.text))
            kind = Kind.OTHER if speculated else Kind.SCRIPT
            if [url for url in named if self.judge.stops(url, kind, base) is not None]:
                _no_code(change)
                return
        if _CODE_TYPES.fullmatch(type_) and self.judge.stops_code(element.text):
            _no_code(change)

    def _link(self, element: turbohtml.Element, base: Url, change: "_Change") -> None:
        words = (element.attr("rel") or "").lower().split()
        if _SAYING.issuperset(words):
            return
        kind = next((kind for word, kind in _LINKS if word in words), Kind.OTHER)
        if "preload" in words and kind is Kind.OTHER:
            kind = _PRELOADS.get((element.attr("as") or "").lower(), Kind.OTHER)
        href = element.attr("href")
        if href is not None and href.strip() and self.judge.stops(href, kind, base) is not None:
            change.inert.add("href")

    def _meta(self, element: turbohtml.Element, base: Url, change: "_Change") -> None:
        if (element.attr("http-equiv") or "").strip().lower() != "refresh":
            return
        found = _REFRESH.match(element.attr("content") or "")
        if found is not None and found[1].strip() and self.judge.stops(found[1], Kind.FRAME, base) is not None:
            change.inert.add("http-equiv")

    def _iframe(self, element: turbohtml.Element, base: Url, change: "_Change") -> None:
        if element.attr("srcdoc") is not None and "srcdoc" not in change.inert and self.depth < _DEEPEST:
            # Where a sandbox lets no script of ours run, it would only be complained of.
            boxed = element.attr("sandbox")
            head = "" if boxed is not None and not _LETS_IN.issubset(boxed.lower().split()) else self.head
            inner = _Rewriting(self.judge, self.reserved, self.language, base, self.depth + 1, head)
            change.values["srcdoc"] = partial(inner.whole, head=head)

    def _css(self, text: str, base: Url) -> str:
        def judged(match: re.Match[str]) -> str:
            url = match["url"]
            name = _CSS_ESCAPE.sub(
                _css_character, match["string"][1:] if url is None and match["string"] else url or ""
            )
            if url is None:
                name = name.rstrip("\"'") if _may_be_url(text, match.start(), name) else ""
            rule = _at_rule(text, match.start())
            # The address of a namespace is a name (CSS Namespaces 3, section 2).
            kind = Kind.STYLE if rule == "import" else Kind.OTHER
            if rule == "namespace" or not name.strip() or self.judge.stops(name, kind, base) is None:
                return match[0]
            return '"data:,"' if url is None else f"{match['open']}data:,"

        return _CSS_TOKEN.sub(judged, text)


# Where an element stands, and what else its edits come from.
_Read = tuple[int, int, int, str, turbohtml.Namespace, int, Url]


def _looked_at(document: turbohtml.Document) -> list[turbohtml.Element]:
    """The elements that may ask for something, in document order.

    A selector takes its time by what it lists: only what is for tags that are there is asked for.
    """
    there = {"", *map(str.lower, {element.tag for element in document.select("*")})}
    return document.select(",".join(dict.fromkeys(selector for tag, selector in _SELECTORS if tag in there)))


def _read_of(element: turbohtml.Element, place: turbohtml.SourceLocation, base: Url) -> _Read:
    """Equal where the edits are: two readings of a page have most elements in common."""
    tag, start, end = element.tag, place.start_tag, place.end_tag
    # Its own text counts for a script, later tags' attributes for these two.
    more = hash(element.text) if tag == "script" else len(element.attrs) if tag in ("html", "body") else 0
    return start.start_offset, start.end_offset, end.start_offset if end else -1, tag, element.namespace, more, base


# What a sandbox must allow for a file of the site's own to be loaded and run in it (HTML standard, section 7.1.5).
_LETS_IN: Final = frozenset({"allow-scripts", "allow-same-origin"})
_NAMES_HOST: Final = re.compile(r"[\\/][\t\n\r]*+[\\/]|:")


def _speculated(text: str) -> Iterator[str]:
    """The addresses in speculation rules that name a host, patterns of addresses too."""
    return _naming_hosts(_json_values(text))


def _naming_hosts(addresses: Iterable[str]) -> Iterator[str]:
    return (address for address in addresses if _NAMES_HOST.search(address))


_SPECIAL: Final[dict[str, Callable[[_Rewriting, turbohtml.Element, Url, "_Change"], None]]] = {
    "base": _Rewriting._set_base,
    "script": _Rewriting._script,
    "link": _Rewriting._link,
    "meta": _Rewriting._meta,
    "iframe": _Rewriting._iframe,
}


def _may_be_url(text: str, at: int, string: str) -> bool:
    """Whether a string of CSS can be an address: behind a rule's name, in a function, in a custom property. One that
    names no host is no other's."""
    before = text[max(0, at - 500) : at]
    before = before[max(map(before.rfind, ";{}")) + 1 :]
    return any(sign in before for sign in ("(", "@", "--")) and _NAMES_HOST.search(string) is not None


def _at_rule(text: str, at: int) -> str:
    """The name of the at-rule that a place in CSS stands in the head of, "" for none."""
    found = _AT_RULE.search(text[max(0, at - 200) : at])
    return found[1].lower() if found is not None else ""


def _json_values(text: str) -> list[str]:
    return [_json_text(found[2]) for found in _JSON_VALUE.finditer(text)]


def _json_text(literal: str) -> str:
    try:
        return str(json.loads(literal, strict=False))
    except ValueError:
        return literal[1:-1]


def _css_character(match: re.Match[str]) -> str:
    if match[1] is None:
        return "" if match[2] == "\n" else match[2]
    code = int(match[1], 16)
    return chr(code) if 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else "\ufffd"


def _candidates(srcset: str) -> list[str]:
    """The URLs of a srcset (HTML standard, section 4.8.4.3.10), read loosely: a descriptor counts as a path of the
    site's own, and what follows a comma inside of a URL too. Data URLs hold commas and ask for nothing."""
    found: list[str] = []
    for word in srcset.split():
        if word.lower().startswith("data:"):
            continue
        found += [word.strip(","), *(part for part in word.split(",") if part and "//" in part.replace("\\", "/"))]
    return [url for url in dict.fromkeys(found) if url and not re.fullmatch(r"[0-9.]+[wxh]", url)]


def _step(step: str) -> list[str]:
    """The URLs of a value of an animation (SMIL Animation, section 3.2.2), alone or in a url(); most values are numbers
    and colours, which name no host."""
    found = [match["url"] or (match["string"] or "").strip("\"'") for match in _CSS_TOKEN.finditer(step)]
    return [step, *(_CSS_ESCAPE.sub(_css_character, url) for url in found if url)]


_URLS: Final[dict[str, Callable[[str], list[str]]]] = {
    _ONE: lambda value: [value],
    _LIST: str.split,
    _CANDIDATES: _candidates,
    _STEPS: lambda value: [part for step in value.split(";") if _NAMES_HOST.search(step) for part in _step(step)],
}


def _in_template(element: turbohtml.Element) -> bool:
    """Whether it stands in a template's contents, which are no part of the document."""
    return any(isinstance(above, turbohtml.DocumentFragment) for above in element.ancestors)


def _is_hidden(element: turbohtml.Element) -> bool:
    """Whether a frame is there to be seen: one of a pixel, or not shown, is left empty."""
    small = any((element.attr(name) or "").strip() in ("0", "1", "0px", "1px") for name in ("width", "height"))
    return small or element.attr("hidden") is not None or bool(_HIDDEN_STYLE.search(element.attr("style") or ""))


def _no_code(change: "_Change") -> None:
    change.inert.add("type")
    change.added.append('type="text/plain"')


# ------------------------------------------------------------------------------------------------------- splicing


@dataclass
class _Change:
    """What is done to one start tag.

    `inert`: attributes that get "data-consent-" before their name, every one of them where a name stands twice (the
    first counts, but takes its rank along). `values`: new values, made of the raw one. `added`: attributes put first.
    `before`: markup put before the element.
    """

    inert: set[str] = field(default_factory=set)
    added: list[str] = field(default_factory=list)
    values: dict[str, Callable[[str], str]] = field(default_factory=dict)
    before: str = ""

    def carried_out(self, tag: str) -> str:
        name = _TAG_NAME.match(tag)
        if name is None or not (self.inert or self.added or self.values or "data-consent-" in tag.lower()):
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
        if key.startswith("data-consent-"):
            # Only ours say that something was stopped.
            return ""
        if key in self.inert:
            return f"data-consent-{whole}"
        if key in self.values:
            raw = whole[len(match["name"]) :].lstrip("\t\n\f\r ").removeprefix("=").strip("\t\n\f\r ")
            value = raw[1:-1] if raw[:1] in ('"', "'") and raw[:1] == raw[-1:] and len(raw) > 1 else raw
            plain = _REFERENCE.sub(_ascii_reference, value)
            made = self.values[key](plain)
            if made != plain:
                return f'{match["name"]}="{escape(made)}"'
        return whole


def _ascii_reference(match: re.Match[str]) -> str:
    """A reference resolved where it stands for ASCII. Any other stays, and is resolved one level further in: resolved
    here it could not be told from a byte of the page's own encoding."""
    text = unescape(match[0])
    return text if text.isascii() else match[0]


def _attributes(tag: str, at: int) -> Iterator[re.Match[str]]:
    """The attributes of a start tag, every one, in order."""
    end = len(tag)
    while at < end:
        match = _ATTRIBUTE.match(tag, at)
        if match is None or match.end() == at or not match["name"]:
            return
        yield match
        at = match.end()


def _later_tags(source: "_Source", tag: str, after: int, change: _Change) -> Iterator[_Edit]:
    """The attributes of a second `html` or `body` tag become the first one's (HTML standard, section 13.2.6.4.7)."""
    if not (change.inert or change.values):
        return
    for found in re.compile(rf"<{tag}(?=[\t\n\f\r />])", re.IGNORECASE).finditer(source.lines, after):
        end = max([found.end(), *(attribute.end() for attribute in _attributes(source.lines, found.end()))])
        raw = source.raw(found.start(), end)
        changed = _Change(inert=change.inert, values=change.values).carried_out(raw)
        if changed != raw:
            yield found.start(), end, changed


def _without_ours(element: turbohtml.Element, source: "_Source", done: set[tuple[int, int]]) -> Iterator[_Edit]:
    place = element.source_location
    if place is None:
        return
    start, end = place.start_tag.start_offset, place.start_tag.end_offset
    if (start, end) in done:
        return
    raw = source.raw(start, end)
    changed = _Change().carried_out(raw)
    if changed != raw:
        yield start, end, changed


class _Source:
    """A text, and the same with its line ends normalised (HTML standard, section 13.2.3.5): the tree builder counts its
    positions in the second."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
        self._pairs = [found.start() - n for n, found in enumerate(re.finditer("\r\n", text))]

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

    def spliced(self, edits: list[_Edit]) -> tuple[str, bool]:
        """The text with the edits made, and whether some were left out because they overlap others.

        Two readings of a page can place a tag inside of another's: the outer is made, and the page then read again.
        """
        parts: list[str] = []
        at = last = 0
        overlapped = False
        for start, end, content in sorted(edits, key=lambda edit: (edit[0], edit[1] > edit[0], -edit[1])):
            if start < last:
                overlapped = True
                continue
            last = end
            parts += [self.text[at : self.place(start)], content]
            at = self.place(end)
        return "".join([*parts, self.text[at:]]), overlapped


# ------------------------------------------------------------------------------------------------------ injecting

_PROLOGUE: Final = re.compile(
    "(?:\ufeff|\u00ef\u00bb\u00bf)?(?:[\\t\\n\\f\\r ]|<!---?>|<!--(?!-?>).*?--!?>|<!doctype[^>]*>|<\\?[^>]*>)*",
    re.IGNORECASE | re.DOTALL,
)


def _injections(document: turbohtml.Document, source: "_Source", head: str, body_start: str) -> list[_Edit]:
    """Our markup: `head` before anything of the page can run, `body_start` before anything is to be read."""
    prologue = _PROLOGUE.match(source.lines)
    top = prologue.end() if prologue is not None else 0
    for element in document.select("html,head"):
        if element.source_location is not None:
            top = max(top, element.source_location.start_tag.end_offset)
    body = document.select_one("body")
    if document.select_one("frameset") is not None:
        return [(top, top, head)]
    if body is not None and body.source_location is not None:
        first = body.source_location.start_tag.end_offset
    else:
        first = max([top, *_ends_of_head(document)])
    return [(top, top, head), (first, first, body_start)]


def _ends_of_head(document: turbohtml.Document) -> Iterator[int]:
    """Where the head's own tag or its last element ends: the body that nobody wrote begins behind it."""
    head = document.select_one("head")
    if head is None:
        return
    for element in (head, *head.find_all(axis=turbohtml.Axis.CHILDREN)):
        place = element.source_location
        if place is not None:
            span = place.end_tag if place.end_tag is not None else place.start_tag
            yield span.end_offset
