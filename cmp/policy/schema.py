"""The form of a policy: what JSON Schema can say about it.

May go in here: validation against `policies/schema/` and the wording of its faults. May not: references between parts
of a policy (`meaning.py`).
"""

import difflib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from cmp import resources
from cmp.policy.faults import Fault, pointer


@cache
def validator(name: str = "policy") -> Draft202012Validator:
    """The validator for a schema of `policies/schema/`: "policy" or "catalogue"."""
    path = resources.policies() / "schema" / f"{name}.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def faults_of_form(document: Mapping[str, Any]) -> list[Fault]:
    """Every place where the document differs from the schema, in the order of the document."""
    found = [fault for error in validator().iter_errors(document) for fault in _faults(error)]
    return sorted(found, key=lambda fault: fault.pointer)


def _faults(error: ValidationError) -> Iterator[Fault]:
    where = pointer(error.absolute_path)
    if error.validator == "additionalProperties":
        yield from _unknown_keys(error)
        return
    if error.validator in ("anyOf", "oneOf", "if") and error.context:
        # The deepest sub-error says what is missing; "is not valid under any of the schemas" tells an author nothing.
        best = max(error.context, key=lambda sub: (len(sub.absolute_path), -len(sub.message)))
        yield Fault(pointer(best.absolute_path), _what(best), _remedy(best) or _remedy(error) or _SEE_SCHEMA)
        return
    yield Fault(where, _what(error), _remedy(error) or _SEE_SCHEMA)


_SEE_SCHEMA = "see policies/schema/policy.schema.json"


def _what(error: ValidationError) -> str:
    value = _short(error.instance)
    match error.validator:
        case "required":
            return f'"{_missing(error)}" is missing'
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


def _remedy(error: ValidationError) -> str:
    schema = error.schema
    if not isinstance(schema, Mapping):
        return ""
    if error.validator == "required":
        missing = _missing(error)
        schema = schema.get("properties", {}).get(missing, schema)
        name = f'"{missing}": '
    else:
        name = ""
    examples = schema.get("examples")
    description = str(schema.get("description", ""))
    if error.validator in ("pattern", "not") and "propertyNames" in error.schema_path:
        return "write a key of lower-case letters, digits and single hyphens"
    if not examples:
        return description
    return f"write for example {name}{json.dumps(examples[0], ensure_ascii=False)}. {description}".strip()


def _value(error: ValidationError) -> Any:
    """The value of the keyword that failed. The library's types leave open that there is none; an error has one."""
    return error.validator_value


def _missing(error: ValidationError) -> str:
    present: Any = error.instance
    return next((key for key in _value(error) if key not in present), "")


def _unknown_keys(error: ValidationError) -> Iterator[Fault]:
    schema: Any = error.schema
    present: Any = error.instance
    known = list(schema.get("properties", {}))
    for key in present:
        if key in known:
            continue
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
        remedy = f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(known)}"
        yield Fault(pointer((*error.absolute_path, key)), f'the key "{_clip(key)}" is not known', remedy)


def _short(value: Any) -> str:
    return _clip(json.dumps(value, ensure_ascii=False))


def _clip(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
