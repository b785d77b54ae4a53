#!/usr/bin/env python3
"""Writes docs/policy.md from policies/schema/policy.schema.json.

    scripts/policy_reference.py            write it
    scripts/policy_reference.py --check    exit with 1 where it is not what would be written

May go in here: the introduction, the order of the keys, and how the schema becomes tables. May not: what a key means:
that stands in the schema, where the checker and editors read it too.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = ROOT / "policies" / "schema" / "policy.schema.json"
PAGE = ROOT / "docs" / "policy.md"

Schema = Mapping[str, Any]

INTRODUCTION = """\
<!-- Written by scripts/policy_reference.py from policies/schema/policy.schema.json: change those, then `make docs`. -->

# The policy language

A policy is one JSON file. It says what a website promises about cookies, pixels and beacons, and the same file decides
on the wire, is shown to visitors, and is what captures are audited against. `consentry check FILE` says where each
fault is (as a JSON pointer), what is wrong, and what to write instead; `consentry init --upstream URL` writes a first
one.

## A whole policy on one page

Only `consentry`, `id`, `version`, `title` and `categories` must be there; everything else has a default. This is all
that a simple site needs:

```json
{example}
```

* Whatever neither the policy nor an adopted vendor names is stopped.
  `"unknown": {{"host": "report", "cookie": "report"}}` lets it pass and lists it instead, until the list is worked
  through.
* `preset` says what browser signals deny, what holds before a choice, and when visitors are asked again: in the Union,
  the United Kingdom or the United States. What the policy says itself wins.
* `catalogue` adopts shipped vendors with their hosts, cookies and countries; `vendors` and `cookies` declare what it
  does not know.
* A saved file holds within seconds, without a restart and without dropping a connection; a broken one changes nothing
  and is reported. With `effective` it holds from that day on; `successor` names the policy that follows, which is
  announced to visitors.
* `promises` ties each sentence of a privacy policy to what keeps it; `consentry check --promises FILE` prints the
  table.

## How to read the tables

`categories.ID.basis` is the key `basis` of each category, `vendors[].hosts` the list `hosts` of each vendor. A key in
**bold** has to be there wherever the object around it is. An ID consists of lower-case letters, digits and single
hyphens. Forms such as [texts](#texts) and [lifetime](#lifetime) are described at the end.
"""

EXAMPLE: Mapping[str, Any] = {
    "consentry": 1,
    "id": "example-shop",
    "version": "1",
    "title": {"en": "Privacy at Example Shop"},
    "preset": "eu",
    "controller": {"name": "Example Shop Ltd", "contact": "privacy@shop.example"},
    "sites": ["shop.example"],
    "categories": {
        "necessary": {"basis": "necessary", "title": {"en": "Necessary"}},
        "analytics": {
            "basis": "consent",
            "title": {"en": "Analytics"},
            "reason": {"en": "Shows us which pages are read"},
        },
    },
    "catalogue": {"adopt": ["matomo", "stripe"], "categories": {"infrastructure": "necessary"}},
    "cookies": [
        {"name": "session", "category": "necessary", "lifetime": "session", "purpose": "Keeps you signed in"},
        {"name": "basket", "category": "necessary", "lifetime": "30 days", "purpose": "Remembers your basket"},
    ],
}

# Every key at the top of a document stands in one of these.
GROUPS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "The document",
        "What it is called, which languages it speaks, and from when it holds.",
        (
            *(
                "consentry",
                "$schema",
                "id",
                "version",
                "title",
                "languages",
                "preset",
                "source",
                "effective",
                "reviewed",
            ),
            *("reviewEvery", "successor", "changes", "contradictions"),
        ),
    ),
    ("Who answers for it", "The controller, and whom else it concerns.", ("controller", "parties")),
    (
        "Where it holds",
        "Which hosts and paths, on how much of the traffic, for visitors from where.",
        ("sites", "exclude", "mode", "rollout", "onError", "regions"),
    ),
    (
        "What visitors decide on",
        "Categories, how visitors are asked, and what their browsers say for them.",
        ("categories", "consent", "signals"),
    ),
    (
        "Vendors and cookies",
        "Who may receive requests, which cookies there are, and what becomes of the rest.",
        ("catalogue", "lists", "vendors", "authorisation", "transfers", "cookies", "events", "unknown", "presume"),
    ),
    (
        "Data on its way out",
        "What requests may carry, to whom.",
        ("sensitive", "location", "outgoing", "identifiers", "transport"),
    ),
    (
        "People and their rights",
        "What people can ask for beside cookies, and what they are told.",
        ("rights", "optOuts", "purposes", "dataSubjects", "notices", "desk", "security"),
    ),
    ("Promises", "What keeps what the privacy policy says.", ("promises",)),
)

# Definitions that are one value for an author, described once at the end.
FORMS = ("texts", "lifetime", "duration", "date", "host", "path", "place", "technique")


class Row(NamedTuple):
    """One line of a table."""

    path: str
    required: bool
    type: str
    meaning: str
    default: str
    example: str


def reference(schema: Schema) -> str:
    """The whole page. Raises LookupError for a key that stands in no group."""
    left = set(schema["properties"]) - {key for _, _, keys in GROUPS for key in keys}
    if left:
        raise LookupError(f"put these keys into GROUPS of scripts/policy_reference.py: {', '.join(sorted(left))}")
    example = json.dumps(EXAMPLE, indent=2, ensure_ascii=False)
    parts = [INTRODUCTION.format(example=_short_objects(example))]
    for title, words, keys in GROUPS:
        parts.append(f"## {title}\n\n{words}\n")
        parts.extend(_section(schema, key) for key in keys if key in schema["properties"])
    parts.append("## Forms\n\nValues that are written alike wherever they stand.\n")
    parts.extend(_form(schema, name) for name in FORMS if name in schema["$defs"])
    return "\n".join(parts)


def _short_objects(text: str) -> str:
    """JSON with what fits on a line on one line, as people write it."""
    found = json.loads(text)

    def lines(value: Any, indent: int, prefix: str) -> Iterator[str]:
        flat = json.dumps(value, ensure_ascii=False)
        pad = "  " * indent
        if not isinstance(value, (dict, list)) or (indent and len(pad + prefix + flat) <= 110):
            yield f"{pad}{prefix}{flat}"
            return
        pairs = value.items() if isinstance(value, dict) else (("", inner) for inner in value)
        inside = [
            list(lines(inner, indent + 1, f"{json.dumps(key)}: " if isinstance(value, dict) else ""))
            for key, inner in pairs
        ]
        yield f"{pad}{prefix}{'{' if isinstance(value, dict) else '['}"
        for n, block in enumerate(inside):
            yield from block[:-1]
            yield block[-1] + ("," if n < len(inside) - 1 else "")
        yield f"{pad}{'}' if isinstance(value, dict) else ']'}"

    return "\n".join(lines(found, 0, ""))


# ------------------------------------------------------------------------------------------------ a key and its parts


def _section(root: Schema, key: str) -> str:
    node = _resolved(root, root["properties"][key])
    required = key in root["required"]
    rows = list(_inner_rows(root, node, key))
    facts = [f"*{_type(root, root['properties'][key])}*"]
    if required:
        facts.append("**required**")
    if "default" in node:
        facts.append(f"default {_code(node['default'])}")
    lines = [f"### `{key}`", "", f"{_sentence(node)} ({', '.join(facts)})", ""]
    examples = "\n".join(f'"{key}": {json.dumps(one, ensure_ascii=False)}' for one in node.get("examples", ())[:2])
    lines += ["```", examples, "```", ""]
    return "\n".join([*lines, *_table(rows)])


def _inner_rows(root: Schema, node: Schema, path: str) -> Iterator[Row]:
    """The rows for what stands inside of a value."""
    for name, inner in node.get("properties", {}).items():
        yield from _rows(root, inner, f"{path}.{name}", required=name in node.get("required", ()))
    if "properties" in _resolved(root, more := _more(node)):
        yield from _rows(root, more, f"{path}.ID", required=False)
    if isinstance(items := node.get("items"), Mapping) and not _is_form(items):
        yield from _inner_rows(root, _resolved(root, items), f"{path}[]")
    for choice in (*node.get("oneOf", ()), *node.get("anyOf", ())):
        if "type" in choice:
            yield from _inner_rows(root, _resolved(root, choice), path)


def _rows(root: Schema, raw: Schema, path: str, *, required: bool) -> Iterator[Row]:
    node = _resolved(root, raw)
    yield Row(
        path,
        required,
        _type(root, raw),
        _sentence(node),
        _code(node["default"]) if "default" in node else "",
        _code(node["examples"][0]) if node.get("examples") else "",
    )
    if not _is_form(raw):
        yield from _inner_rows(root, node, path)


def _table(rows: list[Row]) -> Iterator[str]:
    if rows:
        yield "| key | type | meaning | default | example |"
        yield "|---|---|---|---|---|"
        for row in rows:
            key = f"**`{row.path}`**" if row.required else f"`{row.path}`"
            yield f"| {key} | {row.type} | {_cell(row.meaning)} | {row.default} | {row.example} |"
        yield ""


# ------------------------------------------------------------------------------------------------ types and words


def _type(root: Schema, raw: Schema) -> str:
    """What may stand there, in a few words. Names of definitions link to where they are described."""
    if name := _reference(raw):
        if name in FORMS:
            return f"[{name}](#{name})"
        raw = root["$defs"][name]
    if "const" in raw:
        return _code(raw["const"])
    if "enum" in raw:
        return ", ".join(_code(value) for value in raw["enum"])
    if choices := [*raw.get("oneOf", ()), *raw.get("anyOf", ())]:
        typed = [_type(root, choice) for choice in choices if "const" in choice or "type" in choice or "$ref" in choice]
        if typed and "type" not in raw:
            return " or ".join(dict.fromkeys(typed))
    if _is_texts(raw):
        return "[texts](#texts)"
    return _plain_type(root, raw)


def _plain_type(root: Schema, raw: Schema) -> str:
    match raw.get("type"):
        case "array":
            items = raw.get("items", {})
            inner = _resolved(root, items)
            if inner.get("type") == "object" and not _is_form(items) and not _is_texts(inner):
                return "list of objects"
            return f"list of {_type(root, items)}"
        case "object":
            if not (more := _more(raw)):
                return "object"
            return "object by ID" if "properties" in _resolved(root, more) else f"object from ID to {_type(root, more)}"
        case "boolean":
            return "`true`, `false`"
        case "integer" | "number" as kind:
            word = "whole number" if kind == "integer" else "number"
            limits = [f"from {raw['minimum']}"] if "minimum" in raw else []
            limits += [f"to {raw['maximum']}"] if "maximum" in raw else []
            return " ".join([word, *limits])
        case "string":
            # The pattern of ids, wherever it stands.
            return "ID" if raw.get("pattern") == "^[a-z0-9]+(-[a-z0-9]+)*$" else "text"
        case _:
            return "any"


def _form(root: Schema, name: str) -> str:
    node = root["$defs"][name]
    lines = [f"### {name}", "", _sentence(node), ""]
    if "enum" in node:
        lines += [f"One of {', '.join(_code(value) for value in node['enum'])}.", ""]
    examples = ", ".join(_code(example) for example in node.get("examples", ()))
    return "\n".join([*lines, f"For example {examples}.", ""])


def _reference(raw: Schema) -> str:
    return str(raw.get("$ref", "")).rpartition("/")[2]


def _resolved(root: Schema, raw: Schema) -> Schema:
    """A reference followed; what stands beside it wins."""
    name = _reference(raw)
    return {**root["$defs"][name], **raw} if name else raw


def _is_form(raw: Schema) -> bool:
    return _reference(raw) in FORMS


def _more(node: Schema) -> Schema:
    """What the values of an object are whose keys the author chooses; empty for another."""
    more = node.get("additionalProperties")
    return more if isinstance(more, Mapping) and not _is_texts(node) else {}


def _is_texts(node: Schema) -> bool:
    """A text in several languages, written out instead of referred to."""
    more = node.get("additionalProperties")
    return isinstance(more, Mapping) and more.get("type") == "string" and "maxLength" in more


def _sentence(node: Schema) -> str:
    return str(node.get("description", "")).strip()


def _code(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False).replace("|", "\\|")
    return f"`{text}`"


def _cell(text: str) -> str:
    return text.replace("\n", " ").replace("|", "\\|")


def main() -> int:
    parser = argparse.ArgumentParser(description="Writes docs/policy.md from the policy schema.")
    parser.add_argument("--check", action="store_true", help="write nothing, exit with 1 where it is stale")
    check = parser.parse_args().check
    page = reference(json.loads(SCHEMA.read_text("utf-8")))
    if check:
        return 0 if PAGE.is_file() and PAGE.read_text("utf-8") == page else 1
    PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
