"""Policy files as JSON objects.

May go in here: bytes to a JSON object, with the place named where that fails. May not: what the object should hold.
"""

import json
from pathlib import Path
from typing import Any

from cmp.policy.faults import DocumentError

# A policy of 5,000 vendors is about 3 MB; more is a mistake of path.
LIMIT = 64 * 1024 * 1024
# The schema goes nine levels deep. What is far deeper would exhaust the stack while its faults are put into words.
DEPTH_LIMIT = 64


def read_document(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises DocumentError for anything else, duplicate keys included."""
    try:
        with path.open("rb") as file:
            data = file.read(LIMIT + 1)
    except OSError as error:
        raise DocumentError(str(path), f"cannot be read: {error.strerror}") from error
    if len(data) > LIMIT:
        raise DocumentError(str(path), f"is larger than {LIMIT // 1024 // 1024} MiB: no policy is")
    return parse_document(data, str(path))


def parse_document(data: bytes, file: str) -> dict[str, Any]:
    """The JSON object in `data`; `file` is for messages. Raises DocumentError."""
    try:
        document = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_without_twins, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise DocumentError(file, f"is not JSON: line {error.lineno}, column {error.colno}: {error.msg}") from error
    except UnicodeDecodeError as error:
        raise DocumentError(file, f"is not UTF-8 at byte {error.start}") from error
    except _TwinKeyError as error:
        raise DocumentError(file, f'has the key "{error}" twice in one object: one of them would be lost') from error
    except RecursionError as error:
        raise DocumentError(file, "is nested too deeply for a policy") from error
    except ValueError as error:
        raise DocumentError(file, f"is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise DocumentError(file, "holds no JSON object: a policy begins with { and ends with }")
    if _deeper_than(document, DEPTH_LIMIT):
        raise DocumentError(file, "is nested too deeply for a policy")
    return document


def _deeper_than(document: Any, limit: int) -> bool:
    level = [document]
    for _ in range(limit):
        level = [
            inner
            for value in level
            if isinstance(value, (dict, list))
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return False
    return True


class _TwinKeyError(ValueError):
    pass


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # json keeps the last of two equal keys in silence: half a policy would be gone without a word.
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _TwinKeyError(key)
        found[key] = value
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")
