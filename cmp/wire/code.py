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
# A string of a JSON text that is a value, with what stands before it.
_JSON_VALUE: Final = re.compile(r'(?<=[\[{,:])(\s*+)("(?:[^"\\]|\\.)*+")(?!\s*+:)', re.DOTALL)
# ECMA-262, section 16.2.2: what a module asks for before it runs.
IMPORTED: Final = re.compile(r"\b(?:import|from)(?:\s|/\*.*?\*/)*+[\"']([^\"'\n]{1,2000}+)[\"']", re.DOTALL)
# ECMA-262, section 13.3.10, and with it what a module asks for before it runs.
_IMPORT_CALLED: Final = re.compile(
    r"(?P<before>\bimport(?:\s|/\*.*?\*/)*+\((?:\s|/\*.*?\*/)*+)"
    r"(?P<quote>[\"'`])(?P<url>(?:[^\"'`\\\n]|\\.){1,2000}+)(?P=quote)",
    re.DOTALL,
)
IMPORTS: Final = re.compile(
    rf"{_IMPORT_CALLED.pattern}|(?P<static>\b(?:import|from)(?:\s|/\*.*?\*/)*+)"
    r"(?P<mark>[\"'])(?P<name>(?:[^\"'\\\n]|\\.){1,2000}+)(?P=mark)",
    re.DOTALL,
)
MAY_IMPORT: Final = re.compile("import|from")


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


def imports_without(code: str, stops: Callable[[str], bool], *, pattern: re.Pattern[str] = _IMPORT_CALLED) -> str:
    """Code that gets an empty module in place of each that is denied: of those it calls for, or by `IMPORTS` of all."""

    def judged(match: re.Match[str]) -> str:
        found = match.groupdict()
        url = without_escapes(found["url"] or found["name"])
        denied = NAMES_HOST.search(url) and stops(url)
        quote = found["quote"] or found["mark"]
        return f"{found['before'] or found['static']}{quote}data:text/javascript,{quote}" if denied else match[0]

    return pattern.sub(judged, code)


def map_without(text: str, stops: Callable[[str], bool]) -> str:
    """An import map without the addresses that are denied."""

    def judged(match: re.Match[str]) -> str:
        url = _json_text(match[2])
        return f'{match[1]}"data:text/javascript,"' if NAMES_HOST.search(url) and stops(url) else match[0]

    return _JSON_VALUE.sub(judged, text)


def speculated_addresses(text: str) -> Iterator[str]:
    """The addresses in speculation rules that name a host, patterns of addresses too."""
    return naming_hosts(_json_values(text))


def naming_hosts(addresses: Iterable[str]) -> Iterator[str]:
    return (address for address in addresses if NAMES_HOST.search(address))


def _json_values(text: str) -> list[str]:
    return [_json_text(found[2]) for found in _JSON_VALUE.finditer(text)]


def _json_text(literal: str) -> str:
    try:
        return str(json.loads(literal, strict=False))
    except ValueError:
        return literal[1:-1]
