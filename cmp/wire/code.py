"""Scripts, import maps and speculation rules in which what is denied is not asked for.

May go in here: addresses that are asked for before code runs, or by a call that names them. May not: deciding; what
code puts together as it runs (`static/guard.js`).
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from cmp.wire.css import NAMES_HOST

# A character that code writes in another way (ECMA-262, section 12.9.4), octal ones too (Annex B.1.2).
_ESCAPED: Final = re.compile(
    r"\\(?:x(?P<two>[0-9a-fA-F]{2})|u(?P<four>[0-9a-fA-F]{4})|u\{0*+(?P<any>[0-9a-fA-F]{0,6})\}"
    r"|(?P<octal>[0-3][0-7]{0,2}|[4-7][0-7]?)|(?P<end>\r\n|[\n\r\u2028\u2029])|(?P<self>.))",
    re.DOTALL,
)
_SINGLE: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "v": "\v", "f": "\f"}
# A string of a JSON text, and behind it what makes it a name.
_JSON_STRING: Final = re.compile(r'("(?:[^"\\]|\\.)*+")(\s*+:)?+', re.DOTALL)
# ECMA-262, sections 12.2 to 12.4 and B.1.1: what may stand between two words. Whatever is not ASCII counts as a blank,
# as some of it is; U+2028 and U+2029 end a line, in UTF-8 too. No comment is read further than one is written there,
# or a file of nothing but beginnings would be read for each of them.
_GAP: Final = (
    r"(?:\s|[^\x00-\x7f]|/\*[^*]{0,2000}+\*++(?:[^*/][^*]{0,500}+\*++){0,9}+/"
    r"|(?://|<!--|-->)(?:[^\n\r\u2028\u2029\xe2]{1,100}+|\xe2(?!\x80[\xa8\xa9])){0,12}+"
    r"(?:[\n\r\u2028\u2029]|\xe2\x80[\xa8\xa9]))*+"
)
_STRING: Final = r"\"(?:[^\"\\\n]|\\.)++\"|'(?:[^'\\\n]|\\.)++'"
# Section 16.2.2: what a module asks for before it runs.
_IMPORTED: Final = rf"\b(?:import|from){_GAP}"
# Section 13.3.10; what stands in brackets of its own, alone in an array, or behind a comma, names no less.
_CALLED: Final = rf"\bimport{_GAP}\({_GAP}(?:(?:[(\[]|[\w$]{{1,20}}+{_GAP},){_GAP}){{0,3}}+"
_IMPORT_CALLED: Final = re.compile(rf"(?P<before>{_CALLED})(?P<url>{_STRING}|`(?:[^`\\]|\\.)++`)", re.DOTALL)
IMPORTS: Final = re.compile(rf"(?P<before>{_CALLED}|{_IMPORTED})(?P<url>{_STRING}|`(?:[^`\\]|\\.)++`)", re.DOTALL)
_STATIC: Final = re.compile(rf"(?P<before>{_IMPORTED})(?P<url>{_STRING})", re.DOTALL)
MAY_IMPORT: Final = re.compile("import|from")
# Attributes with code (HTML standard, section 8.1.8.1) or with an address that may be code, and all of them in a page.
CODE_ATTRIBUTE: Final = re.compile("on[a-z]+|(?:xlink:)?href|(?:form)?action")
_CODE_ATTRIBUTES: Final = re.compile(
    r"(?<![a-z])(?:on[a-z]++|href|(?:form)?+action)[\t\n\f\r ]*+=[\t\n\f\r ]*+(\"[^\"]*+\"|'[^']*+'|[^\t\n\f\r \"'>]++)"
)
_CALLS: Final = re.compile("import(?![a-z])|&#")


def without_escapes(code: str) -> str:
    """Code as its strings read when it runs: `https:\\x2f\\57a` names what `https://a` names."""
    if "\\" not in code:
        return code
    text = _ESCAPED.sub(_character, code)
    # Halves of a character, written one by one (ECMA-262, section 6.1.4).
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _character(match: re.Match[str]) -> str:
    found = match.groupdict()
    if found["octal"] is not None:
        return chr(int(found["octal"], 8))
    if (single := found["self"]) is not None:
        return _SINGLE.get(single, single)
    if found["end"] is not None:
        return ""
    number = int(found["two"] or found["four"] or found["any"] or "0", 16)
    return chr(number) if number <= 0x10FFFF else "\ufffd"


def calls_in_attributes(page: str) -> bool:
    """Whether code in attributes of a page, in lower case, may call for modules; the word can be written in
    references."""
    return _CALLS.search(page) is not None and any(_CALLS.search(code[1]) for code in _CODE_ATTRIBUTES.finditer(page))


def imports_without(code: str, stops: Callable[[str], bool], *, pattern: re.Pattern[str] = _IMPORT_CALLED) -> str:
    """Code that gets an empty module in place of each that is denied: of those it calls for, or by `IMPORTS` of all."""
    parts, at = [], 0
    for found in _found(pattern, code):
        url = without_escapes(found["url"][1:-1])
        if found.start("url") >= at and NAMES_HOST.search(url) and stops(url):
            quote = found["url"][0]
            parts += [code[at : found.start("url")], f"{quote}data:text/javascript,{quote}"]
            at = found.end()
    return "".join([*parts, code[at:]])


def imported_addresses(code: str) -> Iterator[str]:
    """The addresses of modules that a module asks for before it runs and that name a host."""
    return naming_hosts(without_escapes(found["url"][1:-1]) for found in _found(_STATIC, code))


def _found(pattern: re.Pattern[str], code: str) -> Iterator[re.Match[str]]:
    """Each match, also where the last seemed to hold it: a word can stand in a string (`{"a from" as b} from "c"`)."""
    found = pattern.search(code)
    while found is not None:
        yield found
        found = pattern.search(code, found.start("url"))


def map_without(text: str, stops: Callable[[str], bool]) -> str:
    """An import map without the addresses that are denied."""

    def judged(match: re.Match[str]) -> str:
        url = "" if match[2] else _json_text(match[1])
        return '"data:text/javascript,"' if NAMES_HOST.search(url) and stops(url) else match[0]

    return _JSON_STRING.sub(judged, text)


def speculated_addresses(text: str) -> Iterator[str]:
    """The addresses in speculation rules that name a host, patterns of addresses too."""
    return naming_hosts(_json_values(text))


def naming_hosts(addresses: Iterable[str]) -> Iterator[str]:
    return (address for address in addresses if NAMES_HOST.search(address))


def _json_values(text: str) -> list[str]:
    return [_json_text(found[1]) for found in _JSON_STRING.finditer(text) if not found[2]]


def _json_text(literal: str) -> str:
    try:
        return str(json.loads(literal, strict=False))
    except ValueError:
        return literal[1:-1]
