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
_OF_A_NAME: Final = "\\w\0\x80-\U0010ffff-"
CSS_TOKEN: Final = re.compile(
    r"(?P<comment>/\*.*?(?:\*/|\Z))"
    r"|(?P<string>\"(?:[^\"\\\n]++|\\.)*+(?:\"|(?=\n)|\\?\Z)"
    r"|'(?:[^'\\\n]++|\\.)*+(?:'|(?=\n)|\\?\Z))"
    # A name that only ends so ("curl(", "#url(") takes no address, and what is in it is read like anything else.
    rf"|(?P<open>(?<![{_OF_A_NAME}#@\\]){_CSS_U}{_CSS_R}{_CSS_L}\(\s*+)(?P<url>(?![\"'])(?:[^)\\]++|\\.)*+)"
    rf"|(?:\\(?:[0-9a-f]{{1,6}}\s?|[^\n])[{_OF_A_NAME}]*+)++",
    re.IGNORECASE | re.DOTALL,
)
# Sections 3.3 and 4.3.
_CSS_LINE_END: Final = re.compile("\r\n?|\f")
CSS_ESCAPE: Final = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\n\f]?|(.))", re.DOTALL)


# In Shift_JIS, Big5 and GBK a backslash can be the second half of a letter (Encoding standard, sections 10.2, 11.1 and
# 12.3), and so can a bracket. What stands for it then says nothing in CSS.
_HALF_A_LETTER: Final = re.compile(r"(?<=[\x81-\xfe])[\\{}\[\]]")
_HALVES: Final = {ord(char): 0xFDD0 + n for n, char in enumerate("\\{}[]")}
_WHOLE: Final = {half: char for char, half in _HALVES.items()}


def css_without(text: str, stops: Callable[[str, Kind], bool]) -> str:
    """CSS, its addresses that are denied made empty ones, every other byte as it came."""
    done = _read_once(text, stops)
    if _HALF_A_LETTER.search(done):
        halves = _HALF_A_LETTER.sub(lambda found: found[0].translate(_HALVES), done)
        done = _read_once(halves, lambda name, kind: stops(name.translate(_WHOLE), kind)).translate(_WHOLE)
    return done


def _read_once(text: str, stops: Callable[[str, Kind], bool]) -> str:
    place, at = _CssPlace(), 0

    def judged(match: re.Match[str]) -> str:
        nonlocal at
        place.move(read[at : match.start()])
        at = match.end()
        url, string = match["url"], match["string"]
        if "@" in match[0] and any(stops(found[1], Kind.STYLE) for found in _AHEAD.finditer(match[0])):
            # A browser that looks ahead finds a sheet to ask for in a string, an address or a comment: to it each ends
            # with the next semicolon (Chromium's CSSPreloadScanner).
            return f"{match['open']}data:," if url is not None else "/**/" if match["comment"] else '""'
        if url is None and string is None:
            # Behind a backslash a bracket or semicolon is a letter.
            place.move("" if match["comment"] else _MARK.sub("x", match[0]))
            return match[0]
        name = CSS_ESCAPE.sub(css_character, string[1:] if string is not None else url)
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

    def bare(match: re.Match[str]) -> str:
        return f"{match['before']}data:," if stops(match["name"], Kind.STYLE) else match[0]

    read = _CSS_LINE_END.sub("\n", text)
    done = CSS_TOKEN.sub(judged, _BARE_IMPORT.sub(bare, read) if "@" in read else read)
    return done if done != read else text


# A sheet without quotes, which only a browser that looks ahead asks for.
_BARE_IMPORT: Final = re.compile(r"(?P<before>@import[ \t\n]++)(?P<name>(?!url\()[^\s\"'(){};]++)", re.IGNORECASE)
_AHEAD: Final = re.compile(r"@import[ \t\n]++(?:url\()?+[\"']?+([^\s\"'();]++)", re.IGNORECASE)


@dataclass
class _CssPlace:
    """Where a place in CSS is, by what stands before it apart from strings, addresses and comments.

    `statement`: how the declaration or rule begins that it stands in, lower case. `_open`: the brackets that are open,
    from the first round one on: what ends a statement elsewhere ends none in these (CSS Syntax 3, section 5.5.9).
    """

    statement: str = ""
    _open: str = ""
    _signed: bool = False

    @property
    def may_hold_url(self) -> bool:
        """Whether a string can be an address: behind a rule's name, in a function, where a variable gets its value."""
        return bool(self._open) or self._signed

    def move(self, text: str) -> None:
        begin = 0
        for found in _MARK.finditer(text):
            mark = found[0]
            if mark == "(" or (self._open and mark in _CLOSED_BY):
                self._open += mark
            elif not self._open:
                if mark in "{};":
                    self.statement, self._signed, begin = "", False, found.end()
            elif _CLOSED_BY[self._open[-1]] == mark:
                self._open = self._open[:-1]
        text = text[begin:]
        if len(self.statement) < _HEAD:
            self.statement = (self.statement + text).lstrip()[:_HEAD].lower()
        self._signed = self._signed or _SIGN.search(text) is not None


_MARK: Final = re.compile(r"[()\[\]{};]")
_CLOSED_BY: Final = {"(": ")", "[": "]", "{": "}"}
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
