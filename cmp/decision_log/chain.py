"""Lines and the chain over them.

May go in here: how a line is written, and what the next one says of it. May not: files (`folder.py`), checking
(`verify.py`).

Each line holds the SHA-256 of the line before it, whole and without its line feed, so whoever keeps the last one's can
tell whether any line before was changed, dropped or moved.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

FORM = 1
# What stands before the first line of a log.
ORIGIN = hashlib.sha256(f"consentry decision log {FORM}".encode()).hexdigest()


def canonical(form: Mapping[str, Any]) -> bytes:
    """JSON in one form: keys sorted, no spaces, ASCII."""
    return json.dumps(form, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def line_hash(line: bytes) -> str:
    """The hash of a line, given without its line feed."""
    return hashlib.sha256(line).hexdigest()


@dataclass(frozen=True, slots=True)
class End:
    """Where a chain ends: the number of its last line (0: none yet) and that line's hash."""

    seq: int = 0
    hash: str = ORIGIN


def linked(end: End, forms: Iterable[Mapping[str, Any]]) -> tuple[bytes, End]:
    """The lines that follow `end`, each with its line feed, and where the chain ends then."""
    lines: list[bytes] = []
    for form in forms:
        line = canonical({**form, "seq": end.seq + 1, "prev": end.hash})
        lines.append(line + b"\n")
        end = End(end.seq + 1, line_hash(line))
    return b"".join(lines), end
