"""What a page asks a browser to load, and the forms and pings on it, read from its HTML and CSS.

May go in here: reading text into values, with the little of HTML's rules the demo needs. May not: loading anything
(`visit.py`), judging anything.
"""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from demo.effects import Effect, read_effects

_JAVASCRIPT = frozenset({"", "module", "text/javascript", "application/javascript"})
_STYLE_KIND = {"woff": "font", "woff2": "font", "ttf": "font", "otf": "font"}
_URL = re.compile(r"url\(\s*['\"]?([^'\")]+?)['\"]?\s*\)")
_IMPORT = re.compile(r"@import\s+(?:url\(\s*)?['\"]?([^'\");]+)")


@dataclass(frozen=True, slots=True)
class Resource:
    """Something to load: a word of `manners.KINDS` and the address as it stands in the page."""

    kind: str
    url: str
    method: str = "GET"
    body: str = ""
    preload: bool = False


@dataclass(slots=True)
class Form:
    """A form: where it goes, the values it has before anybody fills it in, and its buttons by name."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Link:
    """A link whose click tells somebody (`ping`)."""

    href: str
    pings: tuple[str, ...]


@dataclass(slots=True)
class Page:
    resources: list[Resource] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)


def read_page(text: str, *, scripts: bool) -> Page:
    """The page as a browser with or without scripts takes it: `noscript` counts only without."""
    reader = _Reader(scripts=scripts)
    reader.feed(text)
    reader.close()
    return reader.page


def read_style(text: str) -> list[Resource]:
    """What a style sheet loads. Every font is taken to be used."""
    imports = [Resource("style", found) for found in _IMPORT.findall(text)]
    imported = {resource.url for resource in imports}
    found = [url for url in _URL.findall(_IMPORT.sub("", text)) if not url.startswith("data:") and url not in imported]
    return imports + [Resource(_STYLE_KIND.get(url.rpartition(".")[2].lower(), "image"), url) for url in found]


class _Reader(HTMLParser):
    def __init__(self, *, scripts: bool) -> None:
        super().__init__()
        self.page = Page()
        self._scripts = scripts
        # Elements whose contents are not part of the page: template always, noscript where scripts run.
        self._inert = ("template", "noscript") if scripts else ("template",)
        self._skipping = 0
        self._form: Form | None = None
        self._style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._inert:
            self._skipping += 1
        if self._skipping:
            return
        values = {name: value or "" for name, value in attrs}
        match tag:
            case "script":
                self._script(values)
            case "img":
                self._add("image", _first_candidate(values.get("srcset", "")) or values.get("src", ""))
            case "iframe" | "frame":
                self._add("iframe", values.get("src", ""))
            case "link":
                self._link(values)
            case "style":
                self._style = True
            case "a" if values.get("ping"):
                self.page.links.append(Link(values.get("href", ""), tuple(values["ping"].split())))
            case "form":
                self._form = Form(values.get("action", ""), values.get("method", "get").upper())
                self.page.forms.append(self._form)
            case "input" | "button" | "textarea" | "select" if self._form is not None:
                _field(self._form, tag, values)
        if "style" in values:
            self.page.resources += read_style(values["style"])

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inert and self._skipping:
            self._skipping -= 1
        elif tag == "form":
            self._form = None
        elif tag == "style":
            self._style = False

    def handle_data(self, data: str) -> None:
        if self._style and not self._skipping:
            self.page.resources += read_style(data)

    def _script(self, values: dict[str, str]) -> None:
        # Another type is data to a browser: that is how tags are kept from running until there is consent.
        if not self._scripts or values.get("type", "").strip().lower() not in _JAVASCRIPT:
            return
        if "src" in values:
            self._add("script", values["src"])
        else:
            effects = read_effects(values.get("data-demo-does", ""))
            self.page.resources += [_resource_of(effect) for effect in effects]

    def _link(self, values: dict[str, str]) -> None:
        relations = values.get("rel", "").lower().split()
        if "stylesheet" in relations:
            self._add("style", values.get("href", ""))
        elif "preload" in relations:
            kind = {"fetch": "fetch", "document": "iframe"}.get(values.get("as", ""), values.get("as", ""))
            # Without JavaScript a browser does not even preload scripts.
            if kind in ("style", "image", "font", "fetch") or (kind == "script" and self._scripts):
                self._add(kind, values.get("href", ""), preload=True)

    def _add(self, kind: str, url: str, *, preload: bool = False) -> None:
        if url.strip() and not url.startswith(("data:", "about:", "javascript:")):
            self.page.resources.append(Resource(kind, url.strip(), preload=preload))


def _resource_of(effect: Effect) -> Resource:
    return Resource(effect.kind, effect.url, effect.method, effect.body)


def _first_candidate(srcset: str) -> str:
    """The first of the candidates: on the pages here that is the one for an ordinary screen."""
    words = srcset.partition(",")[0].split()
    return words[0] if words else ""


def _field(form: Form, tag: str, values: dict[str, str]) -> None:
    name, type_ = values.get("name", ""), values.get("type", "").lower()
    if not name or "disabled" in values:
        return
    if tag == "button" or type_ == "submit":
        form.buttons.setdefault(name, []).append(values.get("value", ""))
    elif type_ in ("checkbox", "radio"):
        if "checked" in values:
            form.fields[name] = values.get("value", "on")
    elif type_ not in ("reset", "button", "image", "file"):
        form.fields[name] = values.get("value", "")
