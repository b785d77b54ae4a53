"""What in a page's markup makes a browser ask for something.

May go in here: elements, attributes and kinds of links as tables, and how addresses stand in a value. May not: finding
them in a page (`html.py`), deciding on them (`judging.py`).
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from cmp.core.exchange import Kind
from cmp.wire.css import CSS_ESCAPE, CSS_TOKEN, NAMES_HOST, css_character
from cmp.wire.plain_markup import PlainMarkup

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
    # No standard has it, Chromium does (HTMLEmbedElement::ParseAttribute).
    ("embed", "code", _ONE, Kind.OBJECT),
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
LINKS: Final[tuple[tuple[str, Kind], ...]] = (
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
SAYING: Final = frozenset(
    {
        *("alternate", "amphtml", "author", "bookmark", "canonical", "dc.source", "edituri", "external", "help", "me"),
        *("license", "next", "nofollow", "noopener", "noreferrer", "opener", "pingback", "prev", "privacy-policy"),
        *("shortlink", "start", "tag", "terms-of-service", "up", "wlwmanifest"),
    }
)
# Words of links for which a browser connects before anything is asked for, or asks before there is a need.
AHEAD: Final = frozenset({"preconnect", "dns-prefetch", "prefetch", "preload", "modulepreload", "prerender"})
PRELOADS: Final = {
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
# SVG 2, section 6.6: presentation attributes that take a url().
_PRESENTING: Final = (
    *("clip-path", "cursor", "fill", "filter", "marker-end", "marker-mid", "marker-start", "mask", "stroke"),
)
STYLING: Final = frozenset({"style", *_PRESENTING})
FRAMES: Final = frozenset({"iframe", "frame"})
# Which elements are looked at: selectors, by the tag they are for, in lower case, "" for any.
SELECTORS: Final[tuple[tuple[str, str], ...]] = (
    *((tag, f"{tag}[{name}]" if ":" not in name else tag) for tag, name, _, _ in _LOADS if tag not in ("feimage", "*")),
    *((tag, tag) for tag in ("script", "style")),
    ("feimage", "feImage"),
    *(("meta", "meta[http-equiv]"), ("link", "link[href]"), ("base", "base[href]"), ("iframe", "iframe[srcdoc]")),
    *(("", f"[{name}]") for name in ("style", *_PRESENTING, *(row[1] for row in _LOADS if row[0] == "*"))),
)
BY_TAG: Final[dict[str, tuple[tuple[str, str, Kind], ...]]] = {
    tag: tuple((name, how, kind) for row, name, how, kind in _LOADS if row in (tag, "*"))
    for tag in {row[0] for row in _LOADS}
}


# Elements that ask for something by one attribute alone need not be looked at without it.
_ONLY_BY: Final = frozenset({"ping", *(name for tag, name, _, _ in _LOADS if tag == "*")})
PLAIN_MARKUP: Final = PlainMarkup(
    tags={
        *(tag for tag, name, _, _ in _LOADS if name not in _ONLY_BY),
        *("script", "style", "meta", "link", "base", "iframe"),
    },
    loading=_ONLY_BY,
    styling=STYLING,
)


CODE_TYPES: Final = re.compile(
    r"(?:module|(?:text|application)/(?:x-)?(?:java|ecma|j|live)script[0-9.]*)?", re.IGNORECASE
)
_REFRESH: Final = re.compile(r"[\s\d.]*[;,\s]*(?:url\s*=\s*)?(['\"]?)(.*)", re.IGNORECASE | re.DOTALL)
# An address that is a page or code itself.
MADE_PAGE: Final = re.compile(
    "[\\x00- ]*+(?:{}|{})[\t\n\r]*+:".format(*("[\t\n\r]*+".join(word) for word in ("data", "javascript"))),
    re.IGNORECASE,
)
HIDDEN_STYLE: Final = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


def refreshed(content: str) -> Iterator[str]:
    """The addresses that a refresh may lead to: one in quotes ends with the next of the kind (HTML standard, section
    4.2.5.3), in Chromium with the last."""
    found = _REFRESH.fullmatch(content)
    quote, rest = (found[1], found[2]) if found is not None else ("", "")
    ends = {rest.find(quote), rest.rfind(quote)} - {-1} if quote else set()
    ways = [rest[:end] for end in sorted(ends)] or [rest]
    return (url for url in ways if url.strip())


def _candidates(srcset: str) -> list[str]:
    """The URLs of a srcset (HTML standard, section 4.8.4.3.10), read loosely: a descriptor counts as a path of the
    site's own, and what follows a comma inside of a URL too. Data URLs hold commas and ask for nothing."""
    found: list[str] = []
    for word in srcset.split():
        if word.lower().startswith("data:"):
            continue
        found += [word.strip(","), *(part for part in word.split(",") if NAMES_HOST.search(part))]
    return [url for url in dict.fromkeys(found) if url and not re.fullmatch(r"[0-9.]+[wxh]", url)]


# With escapes of CSS as well.
_NAMES_HOST: Final = re.compile(rf"{NAMES_HOST.pattern}|\\[0-9a-f]", re.IGNORECASE)


def _step(step: str) -> list[str]:
    """The URLs of a value of an animation (SMIL Animation, section 3.2.2), alone or in a url(); most values are numbers
    and colours, which name no host."""
    found = [match["url"] or (match["string"] or "").strip("\"'") for match in CSS_TOKEN.finditer(step)]
    return [step, *(CSS_ESCAPE.sub(css_character, url) for url in found if url)]


URLS: Final[dict[str, Callable[[str], list[str]]]] = {
    _ONE: lambda value: [value],
    _LIST: str.split,
    _CANDIDATES: _candidates,
    _STEPS: lambda value: [part for step in value.split(";") if _NAMES_HOST.search(step) for part in _step(step)],
}
