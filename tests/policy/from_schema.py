"""Documents made from a JSON schema: valid ones, and ones that are a little broken.

May go in here: strategies that walk the schema, and the words they fill in where a pattern alone would name nothing.
May not: assertions.
"""

import copy
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

Strategy = st.SearchStrategy[Any]

HOSTS = (
    "stats.test",
    "ads.test",
    "deep.ads.test",
    "pay.test",
    "shop.test",
    "cdn.shop.test",
    "192.0.2.1",
    "bücher.test",
)
PATHS = ("/collect", "/collect/*", "*", "/*", "/a*b*", "*/g/collect", "/billing*", "/%74r")
COOKIES = ("sid", "_st", "_st_*", "*", "_*", "a*b", 'q"x', "ü", "__Host-consent", "consent*")
QUERIES = ("tid", "v", "v=2", "v=*", "uid")
EVENTS, CATEGORIES, VENDORS = ("message", "open"), ("necessary", "analytics", "ads", "chat"), ("stats", "pay", "hotjar")

# What is written under a key, where it names something else in the document or is best known by heart.
WORDS: Mapping[str, tuple[Any, ...]] = {
    **dict.fromkeys(("category", "pings", "denies"), CATEGORIES),
    **dict.fromkeys(("after", "event"), EVENTS),
    "except": VENDORS,
    "catalogue": ("hotjar", "stripe", "google-analytics"),
    "adopt": ("*", "advertising", "hotjar", "infrastructure"),
    "to": ("own", "vendor:stats", "pay.test"),
    **dict.fromkeys(("host", "hosts", "sites", "aliases"), HOSTS),
    **dict.fromkeys(("path", "paths", "pages"), PATHS),
    "query": QUERIES,
    "identifiers": ("uid", "respondent*", "*"),
    "drop": ("x-client-data", "Referer", "cookie"),
    **dict.fromkeys(("effective", "reviewed", "date", "from", "until"), ("2026-10-01", "2025-01-31", "2027-02-28")),
    "languages": ("en",),
    "between": ("SP-1", "SP-2"),
    "keptBy": ("unknown.host", "unknown.cookie", "category:analytics", "detector:x"),
    "referTo": ("client",),
    "policy": ("https://shop.test/security",),
    "expires": ("2027-06-01T00:00:00Z",),
}
# Names of members where any may stand.
NAMES: Mapping[str, tuple[str, ...]] = {
    "categories": CATEGORIES,
    "events": EVENTS,
    "defaults": CATEGORIES,
}
_LETTERS = "".join(chr(code) for code in range(0x20, 0x7F)) + "äß中"
_LEFT_OUT = frozenset({"$schema", "successor"})


def documents(schema: Mapping[str, Any]) -> Strategy:
    """Documents that fit the schema; most references in them lead somewhere."""
    return _Maker(schema).of(schema, "")


class _Maker:
    def __init__(self, root: Mapping[str, Any]) -> None:
        self._definitions: Mapping[str, Mapping[str, Any]] = root.get("$defs", {})

    def of(self, schema: Mapping[str, Any], key: str) -> Strategy:
        """Values for a schema that stands under `key`."""
        if "$ref" in schema:
            schema = {**self._definitions[schema["$ref"].rpartition("/")[2]], **schema}
        if "const" in schema:
            return st.just(schema["const"])
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        if "oneOf" in schema:
            return st.one_of([self.of(one, key) for one in schema["oneOf"]])
        made: Mapping[str, Callable[[Mapping[str, Any], str], Strategy]] = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "boolean": lambda _schema, _key: st.booleans(),
            "integer": lambda schema, _key: st.integers(schema["minimum"], schema["maximum"]),
            "number": lambda schema, _key: st.floats(schema["minimum"], schema["maximum"], allow_subnormal=False),
        }
        return made[schema["type"]](schema, key)

    def _object(self, schema: Mapping[str, Any], key: str) -> Strategy:
        rest = schema.get("additionalProperties")
        if isinstance(rest, Mapping):
            names = NAMES.get(key, ("en",) if "2,8" in str(schema.get("propertyNames")) else ("analytics", "media"))
            least = schema.get("minProperties", 0)
            return st.dictionaries(st.sampled_from(names), self.of(rest, key), min_size=least, max_size=len(names))
        needed, members = set(schema.get("required", ())), schema["properties"]
        for form in schema.get("anyOf", ()):
            # One of them would do; all of them fit as well.
            needed |= set(form["required"])
        if "catalogue" in members and "allOf" in schema:
            needed.add("name")
        always = {name: self.of(members[name], name) for name in members if name in needed}
        often = {name: self.of(members[name], name) for name in members if name not in needed | _LEFT_OUT}
        least, most = schema.get("minProperties", 0), schema.get("maxProperties")
        return _members(always, often, least, most)

    def _array(self, schema: Mapping[str, Any], key: str) -> Strategy:
        unique = (lambda value: json.dumps(value, sort_keys=True)) if schema.get("uniqueItems") else None
        items = self.of(schema["items"], key)
        return st.lists(items, min_size=schema.get("minItems", 0), max_size=3, unique_by=unique)

    def _string(self, schema: Mapping[str, Any], key: str) -> Strategy:
        if key in WORDS:
            return st.sampled_from(WORDS[key])
        known = [text for text in schema.get("examples", ()) if isinstance(text, str)]
        if key == "name" and "=;" in schema.get("pattern", ""):
            known += COOKIES
        least, most = schema.get("minLength", 0), schema.get("maxLength", 100)
        if "pattern" in schema:
            free = st.from_regex(re.sub(r"\$$", r"\\Z", schema["pattern"]), alphabet=_LETTERS)
            free = free.filter(lambda text: least <= len(text) <= most)
        else:
            free = st.text(_LETTERS, min_size=least, max_size=min(most, 12))
        return st.one_of(st.sampled_from(known), free) if known else free


def _members(always: Mapping[str, Strategy], often: Mapping[str, Strategy], least: int, most: int | None) -> Strategy:
    room = min(_MOST, len(often)) if most is None else most - len(always)
    wanted = max(least - len(always), 0)
    chosen = st.lists(st.sampled_from(sorted(often)), min_size=wanted, max_size=room, unique=True)
    return _drawn(always, often, chosen if often else st.just([]))


# So many of the members that may be left out: documents stay small, and over many of them every member is drawn.
_MOST = 8


@st.composite
def _drawn(
    draw: st.DrawFn, always: Mapping[str, Strategy], often: Mapping[str, Strategy], chosen: Strategy
) -> dict[str, Any]:
    names = [*always, *draw(chosen)]
    return {name: draw(always[name] if name in always else often[name]) for name in names}


@st.composite
def broken(draw: st.DrawFn, whole: Strategy, values: Strategy, keys: Strategy) -> Any:
    """A document with some places overwritten, dropped, doubled, or called otherwise."""
    document = copy.deepcopy(draw(whole))
    for _ in range(draw(st.integers(1, 3))):
        place: Any = document
        while inner := list(place.keys() if isinstance(place, dict) else range(len(place))):
            key = draw(st.sampled_from(inner))
            if isinstance(place[key], dict | list) and place[key] and draw(st.integers(0, 3)):
                place = place[key]
                continue
            _break(draw, place, key, values, keys)
            break
    return document


def _break(draw: st.DrawFn, place: Any, key: Any, values: Strategy, keys: Strategy) -> None:
    match draw(st.integers(0, 4)):
        case 0:
            del place[key]
        case 1 if isinstance(place, list):
            place.append(copy.deepcopy(place[key]))
        case 2 if isinstance(place, dict):
            place[draw(keys)] = draw(values)
        case 3 if isinstance(place, dict):
            place[f"{key}s"] = place.pop(key)
        case _:
            place[key] = draw(values)
