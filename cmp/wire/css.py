"""CSS in which what is denied is not asked for.

May go in here: where an address can stand in CSS, however it is written. May not: deciding, which is asked of who
calls.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cmp.core.exchange import Kind

# CSS Syntax 3, section 4.3: comments, strings and url() as a browser delimits them, with escapes in the name, also
# unclosed at the end, line ends made LF.
_CSS_U, _CSS_R, _CSS_L = (
    rf"(?:\\?{char}|\\0{{0,4}}{code:x}\s?|\\0{{0,4}}{code - 32:x}\s?)"
    for char, code in (("u", 0x75), ("[r]", 0x72), ("l", 0x6C))
)
CSS_TOKEN: Final = re.compile(
    r"/\*.*?(?:\*/|\Z)"
    r"|(?P<string>\"(?:[^\"\\\n]++|\\.)*+(?:\"|(?=\n)|\\?\Z)"
    r"|'(?:[^'\\\n]++|\\.)*+(?:'|(?=\n)|\\?\Z))"
    rf"|(?P<open>{_CSS_U}{_CSS_R}{_CSS_L}\(\s*+)(?P<url>(?![\"'])(?:[^)\\]++|\\.)*+)",
    re.IGNORECASE | re.DOTALL,
)
# Sections 3.3 and 4.3.
_CSS_LINE_END: Final = re.compile("\r\n?|\f")
CSS_ESCAPE: Final = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\n\f]?|(.))", re.DOTALL)


def css_without(text: str, stops: Callable[[str, Kind], bool]) -> str:
    """CSS, its addresses that are denied made empty ones, every other byte as it came."""
    place, at = _CssPlace(), 0

    def judged(match: re.Match[str]) -> str:
        nonlocal at
        place.move(read[at : match.start()])
        at = match.end()
        url = match["url"]
        name = CSS_ESCAPE.sub(css_character, match["string"][1:] if url is None and match["string"] else url or "")
        if url is None:
            name = name.rstrip("\"'") if place.may_hold_url and NAMES_HOST.search(name) else ""
        # The address of a namespace is a name (CSS Namespaces 3, section 2).
        is_name = place.statement.startswith("@namespace")
        kind = Kind.STYLE if place.statement.startswith("@") else Kind.OTHER
        if url is not None:
            place.move("(")
        if is_name or not name.strip() or not stops(name, kind):
            return match[0]
        return '"data:,"' if url is None else f"{match['open']}data:,"

    read = _CSS_LINE_END.sub("\n", text)
    done = CSS_TOKEN.sub(judged, read)
    return done if done != read else text


@dataclass
class _CssPlace:
    """Where a place in CSS is, by what stands before it apart from strings, addresses and comments.

    `statement`: how the declaration or rule begins that it stands in, lower case.
    """

    statement: str = ""
    _depth: int = 0
    _signed: bool = False

    @property
    def may_hold_url(self) -> bool:
        """Whether a string can be an address: behind a rule's name, in a function, where a variable gets its value."""
        return self._depth > 0 or self._signed

    def move(self, text: str) -> None:
        block = max(text.rfind("{"), text.rfind("}")) + 1
        if block:
            self._begin()
            self._depth, text = 0, text[block:]
        for bracket in _BRACKET.findall(text):
            self._depth = max(0, self._depth + (1 if bracket == "(" else -1))
        end = text.rfind(";") + 1
        if end:
            self._begin()
            text = text[end:]
        if len(self.statement) < _HEAD:
            self.statement = (self.statement + text).lstrip()[:_HEAD].lower()
        self._signed = self._signed or _SIGN.search(text) is not None

    def _begin(self) -> None:
        self.statement, self._signed = "", False


_BRACKET: Final = re.compile("[()]")
# CSS Properties and Values 1, section 2.3, and CSS Mixins 1, section 2.4; a name may have escapes in it.
_SIGN: Final = re.compile(r"@|--|\\|initial-value|result", re.IGNORECASE)
_HEAD: Final = 20
# In CSS, where any letter can be written as an escape.
MAY_NAME_HOST: Final = re.compile(r"\\|/[\t\n\f\r]*+/|(?:http|ws)s?[\t\n\f\r]*+:", re.IGNORECASE)
NAMES_HOST: Final = re.compile(r"[\\/][\t\n\r]*+[\\/]|:")


def css_character(match: re.Match[str]) -> str:
    if match[1] is None:
        return "" if match[2] == "\n" else match[2]
    code = int(match[1], 16)
    return chr(code) if 0 < code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else "\ufffd"
