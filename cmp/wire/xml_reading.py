"""Documents in XML read as browsers read them: which elements stand where, up to the first mistake.

May go in here: expat, namespaces, entities, places. May not: what an element asks for, edits.

A text is Latin-1, a character for each byte, of any coding in which ASCII is ASCII; it is read alike whatever the other
bytes mean. Namespaces are resolved here: a prefix that stands for nothing ends expat's reading, but no browser's.
"""

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from html.entities import html5
from typing import Final, NoReturn
from xml.parsers import expat

XHTML: Final = "http://www.w3.org/1999/xhtml"
SVG: Final = "http://www.w3.org/2000/svg"
XSLT: Final = "http://www.w3.org/1999/XSL/Transform"
_XLINK: Final = "http://www.w3.org/1999/xlink"

# Every byte that is not ASCII is a letter of its own to expat, so that names of any script are names.
_CODING: Final = "consentry-bytes"
_FIRST_LETTER: Final = 0x4E00
_AS_LETTERS: Final = "".join(chr(byte) if byte < 0x80 else chr(_FIRST_LETTER + byte) for byte in range(256))
_AS_BYTES: Final = {_FIRST_LETTER + byte: byte for byte in range(0x80, 256)}


def _coding(name: str) -> codecs.CodecInfo | None:
    if name != _CODING.replace("-", "_"):
        return None

    def encode(text: str, errors: str = "strict") -> tuple[bytes, int]:
        return codecs.charmap_encode(text, errors, codecs.charmap_build(_AS_LETTERS))

    return codecs.CodecInfo(
        encode,
        lambda data, errors="strict": codecs.charmap_decode(bytes(data), errors, _AS_LETTERS),
        name=_CODING,
    )


codecs.register(_coding)

_SPACE: Final = r"[\t\n\r ]"
# XML 1.0, section 3.1; a tag that expat has read is one by its grammar.
TAG_ATTRIBUTE: Final = re.compile(
    rf"{_SPACE}++(?P<name>[^\t\n\r =/>]++){_SPACE}*+={_SPACE}*+(?P<value>\"[^\"]*+\"|'[^']*+')"
)
_TAG: Final = re.compile(
    rf"<[^\t\n\r />]++(?:{_SPACE}++[^\t\n\r =/>]++{_SPACE}*+={_SPACE}*+(?:\"[^\"]*+\"|'[^']*+'))*+{_SPACE}*+/?>"
)
_ENTITY: Final = re.compile(r"&[^;&<]*;")
# Elements that may come of references: beyond it, a document is one that grows to be too much for its reader.
_MOST_REFERRED: Final = 100_000
# So are declarations of more characters that every element gets, more `xml:base` within each other, and more text that
# is waited for.
_MOST_DECLARED: Final = 4_000
_MOST_ABOVE: Final = 20
_MOST_SAID: Final = 8_000_000
# XML_ERROR_AMPLIFICATION_LIMIT_BREACH of expat 2.4.
_AMPLIFIED: Final = 43


@dataclass(frozen=True, slots=True)
class Element:
    """An element by its start tag, from `start` to `end`, or by the reference to an entity that it comes out of.

    `tag`: its name without prefix, lower case. `attrs`: values by lower-case names, `xlink:href` whatever the prefix;
    a byte that is not ASCII is a character of Latin-1. `names`: how these names are written. `depth`: 1 for the first.
    `above`: what `xml:base` says, outermost first.
    """

    tag: str
    namespace: str
    attrs: dict[str, str]
    names: dict[str, str]
    start: int
    end: int
    referred: bool
    depth: int
    above: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Scope:
    depth: int
    # What prefixes stood for outside of it.
    outside: dict[str, str]
    above: tuple[str, ...]


@dataclass
class XmlReading:
    """Goes through a text once. `tags`: the elements that are told of, by `Element.tag`, beside all of those of XSLT;
    None for every one.

    `ended` gets the depth and the place behind the element, `said` text, while `listens`.
    """

    text: str
    tags: frozenset[str] | None
    begun: Callable[[Element], None]
    ended: Callable[[int, int], None]
    said: Callable[[str], None]
    instructed: Callable[[str, str, int, int], None]
    # The place behind the first start tag, where something can follow it.
    first: int = -1
    # Whether attributes may come out of declarations.
    has_defaults: bool = False
    # Where reading was given up: what follows may be anything to a browser.
    given_up: int = -1
    is_xslt: bool = False
    # Whether elements of it can be scripts (HTML standard, section 4.12.1; SVG 2, section 15.8).
    runs_scripts: bool = False
    _depth: int = 0
    _referred: int = 0
    _declared: int = 0
    _heard: int = 0
    # Behind the last element told of, where it is one tag alone: there it ends to expat too.
    _empty: int = -1
    _namespaces: dict[str, str] = field(default_factory=dict)
    _scopes: list[_Scope] = field(default_factory=lambda: [_Scope(0, {}, ())])

    def __post_init__(self) -> None:
        self._skip = 3 if self.text.startswith("\xef\xbb\xbf") else 0
        parser = expat.ParserCreate(_CODING)
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_ALWAYS)
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.AttlistDeclHandler = self._default
        parser.ProcessingInstructionHandler = self._instruction
        parser.ExternalEntityRefHandler = self._external
        self._parser = parser

    def listen(self, listens: bool) -> None:
        self._parser.CharacterDataHandler = self._said if listens else None

    def whole(self) -> None:
        """Read it, up to the first mistake."""
        try:
            self._parser.Parse(self.text[self._skip :].encode("latin-1"), True)
        except _TooMuchError:
            pass
        except expat.ExpatError as error:
            if error.code == _AMPLIFIED:
                self.given_up = min(self._place(), len(self.text))

    def give_up(self) -> NoReturn:
        """It grows to be too much: leave what follows unread."""
        self.given_up = self._place()
        raise _TooMuchError

    def _place(self) -> int:
        return self._parser.CurrentByteIndex + self._skip

    def _default(self, _element: str, name: str, _type: str, value: str | None, _required: bool) -> None:
        self.has_defaults = True
        self._declared += len(name) + len(value or "")
        if self._declared > _MOST_DECLARED:
            self.give_up()

    def _instruction(self, target: str, said: str) -> None:
        at = self._place()
        self.instructed(target, said.translate(_AS_BYTES), at, self.text.find("?>", at) + 2)

    def _external(self, context: str | None, _base: str | None, system: str | None, _public: str | None) -> int:
        # No browser reads files of declarations, but knows what XHTML's would say (HTML standard, section 14.2).
        if context is not None or system is not None:
            self._parser.ExternalEntityParserCreate(context, "utf-8").Parse(_named_characters(), True)
        return 1

    def _start(self, name: str, values: dict[str, str]) -> None:
        self._depth += 1
        scope = self._scopes[-1]
        if values and any(key.startswith("xml") for key in values):
            scope = self._scope(values)
        at = self._place()
        end = 0
        referred = self.text[at : at + 1] != "<"
        if self.first < 0:
            end = self._end_of_tag(at)
            self.first = -2 if self.text[end - 2] == "/" else end
        if referred:
            self._referred += 1
            if self._referred > _MOST_REFERRED:
                self.give_up()
        prefix, _, local = name.rpartition(":")
        namespace = self._namespaces.get(prefix, "")
        if self.tags is None or local.lower() in self.tags or namespace == XSLT:
            end = end or self._end_of_tag(at)
            self._empty = end if self.text[end - 2 : end] == "/>" else -1
            written = {self._key(key): key for key in values}
            self.begun(
                Element(
                    local.lower(),
                    namespace,
                    {key: values[name].translate(_AS_BYTES) for key, name in written.items()},
                    {key: name.translate(_AS_BYTES) for key, name in written.items()},
                    at,
                    end,
                    referred,
                    self._depth,
                    scope.above,
                )
            )

    def _key(self, name: str) -> str:
        prefix, _, local = name.rpartition(":")
        return "xlink:href" if prefix and self._namespaces.get(prefix) == _XLINK and local == "href" else name.lower()

    def _scope(self, values: dict[str, str]) -> _Scope:
        outer = self._scopes[-1]
        declared = {
            key.removeprefix("xmlns").removeprefix(":"): value
            for key, value in values.items()
            if key == "xmlns" or key.startswith("xmlns:")
        }
        self.is_xslt = self.is_xslt or XSLT in declared.values()
        self.runs_scripts = self.runs_scripts or not {XHTML, SVG}.isdisjoint(declared.values())
        above = (*outer.above, values["xml:base"].translate(_AS_BYTES)) if "xml:base" in values else outer.above
        if len(above) > _MOST_ABOVE:
            self.give_up()
        made = _Scope(self._depth, {prefix: self._namespaces.get(prefix, "") for prefix in declared}, above)
        self._namespaces |= declared
        self._scopes.append(made)
        return made

    def _end(self, _name: str) -> None:
        if self._scopes[-1].depth == self._depth:
            self._namespaces |= self._scopes.pop().outside
        at = self._place()
        self.ended(self._depth, at if at == self._empty else self._end_of_tag(at))
        self._empty = -1
        self._depth -= 1

    def _end_of_tag(self, at: int) -> int:
        """Behind the tag or reference that begins there."""
        found = (_TAG if self.text[at : at + 1] == "<" else _ENTITY).match(self.text, at)
        return found.end() if found else self.text.find(">", at) + 1

    def _said(self, text: str) -> None:
        self._heard += len(text)
        if self._heard > _MOST_SAID:
            self.give_up()
        self.said(text.translate(_AS_BYTES))


class _TooMuchError(Exception):
    """It grows without end."""


@lru_cache(maxsize=1)
def _named_characters() -> bytes:
    lines = []
    for name, text in html5.items():
        if name.endswith(";") and name not in ("lt;", "gt;", "amp;", "quot;", "apos;"):
            value = "".join(f"&#38;#{ord(char)};" if char in "<&" else f"&#{ord(char)};" for char in text)
            lines.append(f'<!ENTITY {name[:-1]} "{value}">')
    return "".join(lines).encode("ascii")
