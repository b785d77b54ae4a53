"""The form of a policy: what JSON Schema can say about it.

May go in here: validation against `policies/schema/` and the wording of its faults. May not: references between parts
of a policy (`meaning.py`).
"""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from cmp import resources
from cmp.policy.faults import Fault, pointer

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError


@cache
def schema_of(name: str = "policy") -> dict[str, Any]:
    """A schema of `policies/schema/`: "policy", "catalogue" or "audit" (the JSON report)."""
    path = resources.policies() / "schema" / f"{name}.schema.json"
    schema: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return schema


@cache
def validator(name: str = "policy") -> "Draft202012Validator":
    """The validator for a schema of `policies/schema/`, which can say what is wrong."""
    # Only here: importing it takes as long as loading a policy does, and most have no fault to be told.
    from jsonschema import Draft202012Validator, ValidationError, validators  # noqa: PLC0415

    def of_pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
        # "$" is the very end in JSON Schema (ECMA-262); Python's also stands before a last line feed, which would let
        # "analytics\n" pass for an id.
        if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
            yield ValidationError(f"{instance!r} does not match {pattern!r}")

    made: Any = validators.extend(Draft202012Validator, {"pattern": of_pattern})  # type: ignore[no-untyped-call]
    checking: Draft202012Validator = made(schema_of(name))
    return checking


@cache
def _quick() -> jsonschema_rs.Validator:
    """A second validator for the same schema, some two hundred times as fast, that says yes or no."""
    return jsonschema_rs.validator_for(schema_of())


def _fits(document: Mapping[str, Any]) -> bool:
    try:
        return _quick().is_valid(document)
    except ValueError:
        # A text that is no Unicode (a lone surrogate) cannot be handed over.
        return False


def faults_of_form(document: Mapping[str, Any]) -> list[Fault]:
    """Every place where the document differs from the schema, in the order of the document."""
    # Most documents fit, and the validator that can say what is wrong takes seconds for a large one.
    if _fits(document):
        return []
    errors = sorted(validator().iter_errors(document), key=lambda error: _position(document, error.absolute_path))
    # The library says once for every missing key, and for every rule that asks for it, that one is missing.
    return list(dict.fromkeys(fault for error in errors for fault in _faults(error)))


def _position(document: Any, path: Iterable[str | int]) -> tuple[int, ...]:
    """Where in the document a path leads: the place of each of its parts among its siblings."""
    found: list[int] = []
    for part in path:
        found.append(part if isinstance(part, int) else list(document).index(part))
        document = document[part]
    return tuple(found)


def _faults(error: "ValidationError") -> Iterator[Fault]:
    where = pointer(error.absolute_path)
    if error.validator == "additionalProperties":
        yield from _unknown_keys(error)
        return
    if error.validator in ("anyOf", "oneOf") and error.context:
        # "is not valid under any of the schemas" tells an author nothing; the form that was meant does.
        for meant in _meant(error):
            where, what, remedy = pointer(meant.absolute_path), _what(meant), _remedy(meant) or _remedy(error)
            found = _faults(meant) if meant.validator == "additionalProperties" else [Fault(where, what, remedy)]
            yield from (fault if fault.remedy else replace(fault, remedy=_SEE_SCHEMA) for fault in found)
        return
    if error.validator == "required":
        present: Any = error.instance
        for key in (key for key in _value(error) if key not in present):
            yield Fault(where, f'"{key}" is missing', _example(_described(error, key), f'"{key}": ') or _SEE_SCHEMA)
        return
    yield Fault(where, _what(error), _remedy(error) or _SEE_SCHEMA)


def _meant(error: "ValidationError") -> "list[ValidationError]":
    """Of the forms a value may have, the errors of the one it was most likely meant to have."""
    forms: dict[Any, list[ValidationError]] = {}
    for sub in error.context:
        forms.setdefault(sub.schema_path[0], []).append(sub)
    depth = len(error.absolute_path)

    def closeness(found: "list[ValidationError]") -> tuple[bool, bool, int, int]:
        # A value of another kind was not meant so; a key that is not known says more than one that is missing.
        kind = any(sub.validator == "type" and len(sub.absolute_path) == depth for sub in found)
        known = any(sub.validator == "additionalProperties" for sub in found)
        return (not kind, known, max(len(sub.absolute_path) for sub in found), -len(found[0].message))

    best = max(forms.values(), key=closeness)
    return [sub for sub in best if sub.validator == "additionalProperties"] or [
        max(best, key=lambda sub: (len(sub.absolute_path), -len(sub.message)))
    ]


_SEE_SCHEMA = "see policies/schema/policy.schema.json"


def _what(error: "ValidationError") -> str:
    value = _short(error.instance)
    match error.validator:
        case "required":
            return f'"{_value(error)[0]}" is missing'
        case "type":
            return f"{value} is not of type {error.validator_value}"
        case "enum":
            return f"{value} is none of {', '.join(json.dumps(v) for v in _value(error))}"
        case "const":
            return f"{value} is not {json.dumps(error.validator_value)}"
        case "pattern":
            return f"{value} does not have the form asked for"
        case "minLength" | "minItems" | "minProperties":
            return f"{value} is too short"
        case "maxLength":
            return f"{value} is longer than {error.validator_value} characters"
        case "uniqueItems":
            return f"{value} lists something twice"
        case "not":
            return f"{value} is a word with a meaning of its own here"
        case _:
            return error.message if len(error.message) < 200 else f"{value} does not fit ({error.validator})"


def _remedy(error: "ValidationError") -> str:
    if error.validator == "not":
        return "write another word: none, accept and refuse are what --choice understands"
    if "propertyNames" in error.schema_path:
        schema: Any = error.schema
        if re.search(schema.get("pattern", ""), "pt-BR"):
            return 'write a language tag such as "en" or "pt-BR"'
        return "write a key of at most 64 lower-case letters, digits and single hyphens"
    if error.validator == "enum" and (near := _near(error.instance, _value(error))):
        return f'did you mean "{near}"?'
    return _example(error.schema)


def _near(value: Any, known: Iterable[Any]) -> str:
    """The text of `known` that `value` is most likely meant to be, "" for none."""
    if not isinstance(value, str):
        return ""
    names = {str(name).lower(): str(name) for name in known}
    # However long a text is, what it is compared with is short.
    near = difflib.get_close_matches(value[:100].lower(), names, n=1, cutoff=0.6)
    return names[near[0]] if near else ""


def _described(error: "ValidationError", key: str) -> Any:
    """The schema of a missing key: a condition that asks for a key stands inside the object that describes it."""
    node = _resolved(schema_of())
    found = node["properties"].get(key)
    # The library follows a reference without writing it into the path; the last part is the rule that failed.
    for part in list(error.absolute_schema_path)[:-1]:
        node = _resolved(node[part])
        if isinstance(node, Mapping) and key in node.get("properties", {}):
            found = node["properties"][key]
    return found


def _resolved(schema: Any) -> Any:
    if not isinstance(schema, Mapping) or "$ref" not in schema:
        return schema
    return schema_of()["$defs"][schema["$ref"].rpartition("/")[2]]


def _example(schema: Any, name: str = "") -> str:
    """What to write, from a schema's own description and first example."""
    if not isinstance(schema, Mapping):
        return ""
    description = str(schema.get("description", ""))
    examples = schema.get("examples")
    if not examples:
        return description
    return f"write for example {name}{json.dumps(examples[0], ensure_ascii=False)}. {description}".strip()


def _value(error: "ValidationError") -> Any:
    """The value of the keyword that failed. The library's types leave open that there is none; an error has one."""
    return error.validator_value


def _unknown_keys(error: "ValidationError") -> Iterator[Fault]:
    schema: Any = error.schema
    present: Any = error.instance
    known = list(schema.get("properties", {}))
    for key in present:
        if key in known:
            continue
        near = _near(key, known)
        remedy = f'did you mean "{near}"?' if near else f"known here: {', '.join(known)}"
        yield Fault(pointer((*error.absolute_path, key)), f'the key "{_clip(key)}" is not known', remedy)


def _short(value: Any) -> str:
    return _clip(json.dumps(value, ensure_ascii=False))


def _clip(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
