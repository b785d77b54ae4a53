"""The addresses that header fields of an answer name, and where in a field value each of them stands.

May go in here: reading field values, as a table by field, into references with the span that names them. May not: which
of them may stay (`answers.py`), cutting bytes (`cmp.wire.answer_fields`).

A browser acts on these fields by itself: it opens connections, fetches, reports, and goes elsewhere. What a browser
cannot read does nothing, so what cannot be read here names nothing; where browsers are more lenient than a grammar, the
lenient reading counts.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from cmp.core.exchange import Kind

# Servers say the same again and again; what is longer than so many characters is read anew each time.
_REMEMBERED: Final = 2_048


@dataclass(frozen=True, slots=True)
class Reference:
    """An address in a field value: [start, end) is what has to go so that it is not named any more.

    `kind` is what a browser wants from there. `group` is the name that reports are sent under. A member of a list may
    hold several; they have the same span. Of a field that names a group alone the address is "".
    """

    start: int
    end: int
    address: str
    kind: Kind
    group: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one field value names. `members` are the spans of all members where it is a list, else None."""

    references: tuple[Reference, ...] = ()
    members: tuple[tuple[int, int], ...] | None = None


def read_references(field: str, value: str) -> Reading:
    """What the value of the field (lower case, one of `NAMING`) names, in order."""
    return NAMING[field](value) if len(value) > _REMEMBERED else _remembered(field, value)


@lru_cache(maxsize=1024)
def _remembered(field: str, value: str) -> Reading:
    return NAMING[field](value)


# -- lists of members, divided by commas

_QUOTED: Final = r'"(?:[^"\\]|\\.)*+"?'
_STRING: Final = re.compile(rf"\s*+({_QUOTED})")
# A comma in quotes, in <...> or in (...) divides nothing.
_MEMBER: Final = re.compile(rf"(?:[^,\"<(]|{_QUOTED}|<[^>]*+>?|\((?:[^)\"]|{_QUOTED})*+\)?)*+", re.DOTALL)


def _members(value: str, member: re.Pattern[str] = _MEMBER) -> Iterator[tuple[int, int]]:
    """The spans of the members that are not empty, without the white space around them."""
    at = 0
    while at < len(value):
        found = member.match(value, at)
        end = found.end() if found else at
        text = value[at:end]
        if bare := text.strip(" \t\r\n"):
            start = at + text.index(bare[0])
            yield start, start + len(bare)
        at = end + 1


# RFC 8288, section 3; the relations for which browsers fetch or connect (HTML standard, section 4.6.7, and
# Compression Dictionary Transport, section 3). Of others ("canonical", "next") they do nothing.
_LINK: Final = re.compile(r"<([^>]*+)>")
# Here brackets hold nothing together.
_LINK_MEMBER: Final = re.compile(rf"(?:[^,\"<]|{_QUOTED}|<[^>]*+>?)*+", re.DOTALL)
_PARAMETER: Final = re.compile(rf";\s*+([A-Za-z0-9*_-]++)\s*+(?:=\s*+({_QUOTED}|[^\s;,]*+))?")
_SIZE: Final = re.compile(r"[0-9.]*[wxh]?")
_CONNECTING: Final = frozenset({"preconnect", "dns-prefetch"})
_FETCHING: Final = MappingProxyType(
    {
        "stylesheet": Kind.STYLE,
        "modulepreload": Kind.SCRIPT,
        "manifest": Kind.MANIFEST,
        "icon": Kind.IMAGE,
        "preload": Kind.OTHER,
        "prefetch": Kind.OTHER,
        "prerender": Kind.FRAME,
        "compression-dictionary": Kind.OTHER,
    }
)
_AS: Final = MappingProxyType(
    {
        **{kind.value: kind for kind in (Kind.SCRIPT, Kind.STYLE, Kind.IMAGE, Kind.FONT, Kind.FETCH, Kind.WORKER)},
        **dict.fromkeys(("audio", "video", "track"), Kind.MEDIA),
        **dict.fromkeys(("document", "iframe", "frame"), Kind.FRAME),
    }
)


def _link(value: str) -> Reading:
    found: list[Reference] = []
    members = tuple(_members(value, _LINK_MEMBER))
    for start, end in members:
        target = _LINK.match(value, start, end)
        if target is None:
            continue
        # Of a parameter given twice the first counts.
        parameters: dict[str, str] = {}
        for one in _PARAMETER.finditer(value, target.end(), end):
            parameters.setdefault(one[1].lower(), _unquoted(one[2] or ""))
        relations = set(parameters.get("rel", "").lower().split())
        if relations & _CONNECTING:
            found.append(Reference(start, end, target[1], Kind.OTHER))
        elif kinds := [kind for relation, kind in _FETCHING.items() if relation in relations]:
            kind = _AS.get(parameters.get("as", "").lower(), kinds[0])
            found.append(Reference(start, end, target[1], kind))
            # HTML standard, section 4.2.4.4: what a preload asks for instead of its target, by the size of the screen.
            sizes = parameters.get("imagesrcset", "").replace(",", " ").split()
            found += [Reference(start, end, url, Kind.IMAGE) for url in sizes if not _SIZE.fullmatch(url)]
    return Reading(tuple(found), members)


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    return re.sub(r"\\(.)", r"\1", text[1:].removesuffix('"'))


_ENDPOINT: Final = re.compile(rf"([a-z*][a-z0-9_.*-]*+)\s*+=\s*+({_QUOTED})")


def _reporting_endpoints(value: str) -> Reading:
    """Reporting API, section 3.3: a dictionary of names and addresses."""
    members = tuple(_members(value))
    matches = ((start, end, _ENDPOINT.match(value, start, end)) for start, end in members)
    return Reading(
        tuple(
            Reference(start, end, _unquoted(found[2]), Kind.BEACON, found[1]) for start, end, found in matches if found
        ),
        members,
    )


def _addresses(value: str) -> Reading:
    """Strings, each an address (Speculation Rules, "The `Speculation-Rules` HTTP header"); parameters say nothing."""
    members = tuple(_members(value))
    matches = ((start, end, _STRING.match(value, start, end)) for start, end in members)
    return Reading(
        tuple(Reference(start, end, _unquoted(found[1]), Kind.OTHER) for start, end, found in matches if found),
        members,
    )


# -- JSON

_DECODER: Final = json.JSONDecoder()
_SPACE_OR_COMMA: Final = re.compile(r"[\s,]*+")


def _objects(value: str) -> Iterator[tuple[int, int, Mapping[str, object]]]:
    """The objects of a list without brackets. One that cannot be read spoils the rest, for browsers as well."""
    at = _after(value, 0)
    while at < len(value):
        try:
            found, end = _DECODER.raw_decode(value, at)
        except (ValueError, RecursionError):
            return
        if isinstance(found, dict):
            yield at, end, found
        at = _after(value, end)


def _after(value: str, at: int) -> int:
    found = _SPACE_OR_COMMA.match(value, at)
    return found.end() if found else at


def _report_to(value: str) -> Reading:
    """Reporting API as first published, section 3.1: groups, each with endpoints."""
    found: list[Reference] = []
    members: list[tuple[int, int]] = []
    for start, end, group in _objects(value):
        members.append((start, end))
        name, endpoints = group.get("group", "default"), group.get("endpoints")
        for endpoint in endpoints if isinstance(endpoints, list) else []:
            address = endpoint.get("url") if isinstance(endpoint, dict) else None
            if isinstance(address, str):
                found.append(Reference(start, end, address, Kind.BEACON, str(name)))
    return Reading(tuple(found), tuple(members))


def _nel(value: str) -> Reading:
    """Network Error Logging, section 5.1: the group that reports go to."""
    for start, end, policy in _objects(value):
        group = policy.get("report_to")
        if isinstance(group, str):
            return Reading((Reference(start, end, "", Kind.BEACON, group),))
    return Reading()


# -- the rest

_REPORT_URI: Final = re.compile(r"(?:^|[;,])\s*+report-uri(?=\s)([^;,]*+)", re.IGNORECASE)
_WORD: Final = re.compile(r"\s*+\S++")


def _csp(value: str) -> Reading:
    """CSP 3, section 6.5.1: addresses behind `report-uri`. What the policy forbids stays as it is."""
    found: list[Reference] = []
    for directive in _REPORT_URI.finditer(value):
        words = _WORD.finditer(value, directive.start(1), directive.end(1))
        found += [Reference(word.start(), word.end(), word[0].strip(), Kind.BEACON) for word in words]
    return Reading(tuple(found))


_HINTS: Final = re.compile(r"\s*+(ch-[a-z0-9-]++)\s*+=\s*+\(")


def _permissions_policy(value: str) -> Reading:
    """Origins that client hints are passed on to (Client Hints Infrastructure, section 3.2)."""
    found: list[Reference] = []
    for start, end in _members(value):
        hint = _HINTS.match(value, start, end)
        origins = _STRING.finditer(value, hint.end(), end) if hint else ()
        found += [Reference(one.start(), one.end(), _unquoted(one[1]), Kind.OTHER) for one in origins]
    return Reading(tuple(found))


# HTML standard, section 4.2.5.3 ("shared declarative refresh steps").
_REFRESH: Final = re.compile(r"\s*+[0-9.]*+[\s;,]++(?:url\s*+=\s*+)?(['\"]?)(.*)", re.IGNORECASE | re.DOTALL)


def _refresh(value: str) -> Reading:
    found = _REFRESH.fullmatch(value)
    if found is None or not found[2].strip():
        return Reading()
    rest, quote = found[2], found[1]
    # In Chromium the last quotation mark ends it.
    ways = dict.fromkeys((rest.split(quote)[0], rest.rpartition(quote)[0] or rest) if quote else (rest,))
    return Reading(tuple(Reference(0, len(value), way.strip(), Kind.FRAME) for way in ways))


def _address(value: str) -> Reading:
    return Reading((Reference(0, len(value), value.strip(), Kind.OTHER),)) if value.strip() else Reading()


# Fields that name addresses, lower case, and how each is read.
NAMING: Final[Mapping[str, Callable[[str], Reading]]] = MappingProxyType(
    {
        "link": _link,
        "reporting-endpoints": _reporting_endpoints,
        "report-to": _report_to,
        "nel": _nel,
        "content-security-policy": _csp,
        "content-security-policy-report-only": _csp,
        "permissions-policy": _permissions_policy,
        "speculation-rules": _addresses,
        "refresh": _refresh,
        "location": _address,
        "sourcemap": _address,
        "x-sourcemap": _address,
    }
)


# Browsers read them over all lines as one (RFC 9110, section 5.3): what begins in one line may end in the next.
_LISTS: Final = frozenset({"link", "reporting-endpoints", "report-to", "nel", "speculation-rules"})


def in_one_line(fields: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """The fields of an answer; a list that over all its lines names something else than line by line is one line."""
    names = [name.lower() for name, _ in fields]
    for repeated in sorted(name for name in _LISTS.intersection(names) if names.count(name) > 1):
        lines = [value for name, value in fields if name.lower() == repeated]
        whole = ", ".join(lines)
        if _addressed(repeated, [whole]) != _addressed(repeated, lines):
            at = names.index(repeated)
            others = [(name, value) for name, value in fields[at + 1 :] if name.lower() != repeated]
            fields = [*fields[:at], (fields[at][0], whole), *others]
            names = [name.lower() for name, _ in fields]
    return fields


def _addressed(field: str, lines: Sequence[str]) -> list[tuple[str, str]]:
    return [(one.address, one.group) for line in lines for one in read_references(field, line).references]


def without(field: str, value: str, gone: frozenset[int] | set[int]) -> str | None:
    """The value without the references at these places (from 0, as `read_references` has them); None where nothing is
    left of it. What stays, stays as it was; members of a list stand with ", " between them."""
    reading = read_references(field, value)
    spans = {(one.start, one.end) for n, one in enumerate(reading.references) if n in gone}
    if not spans:
        return value
    if reading.members is not None:
        kept = [value[start:end] for start, end in reading.members if (start, end) not in spans]
        return ", ".join(kept) if kept else None
    for start, end in sorted(spans, reverse=True):
        value = value[:start] + value[end:]
    return value if value.strip() else None
