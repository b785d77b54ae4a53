"""Tree heads kept by somebody else, so that who holds the keys cannot write the tree anew unnoticed.

May go in here: the file of heads that a witness keeps, one line of JSON each, and adding to it. May not: time stamps
(`timestamp.py`), checking a ledger against heads (`verify.py`).

    {"head":{"ledger":..,"size":..,"root":..,"hour":..,"key":..,"signature":..},"timestamp":"BASE64"}
"""

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path

from cmp.ledger.contents import Contents
from cmp.ledger.errors import LedgerError, Reason
from cmp.ledger.heads import SignedHead, read_head
from cmp.store.errors import from_os

_LONGEST_LINE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A head in a witness's file, by its line (from 1), and the RFC 3161 response about it where one was asked for."""

    line: int
    head: SignedHead
    timestamp: bytes | None


def read_witnessed(file: Path) -> list[Witnessed]:
    """All heads of a file, oldest first. Raises LedgerError, naming the line, for one that is none."""
    found = []
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(iter(lambda: lines.readline(_LONGEST_LINE), b""), start=1):
                found.append(_read(file, number, line))
    except OSError as error:
        raise from_os(LedgerError, file, error) from error
    return found


def _read(file: Path, number: int, line: bytes) -> Witnessed:
    try:
        document = json.loads(line)
        stamp = document.get("timestamp")
        return Witnessed(
            number, read_head(document["head"]), None if stamp is None else base64.b64decode(stamp, validate=True)
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = f"line {number} is no tree head ({error})"
        raise LedgerError(Reason.CORRUPT, file, what, "take another copy of the file") from error


def contradiction(contents: Contents, head: SignedHead) -> str:
    """Why a ledger is not the one that a head was taken from, "" where it is: its tree begins with that of the head."""
    state, kept = contents.state(), head.head
    if kept.ledger != state.ledger:
        return f"the head of {kept.size} records is of another ledger"
    if kept.size > state.size:
        return f"the ledger has {state.size} records, and there were {kept.size}"
    if kept.size and contents.roots([(0, kept.size)]) != [kept.root]:
        return f"the first {kept.size} records are not those of the head"
    return ""


def append_witnessed(file: Path, head: SignedHead, timestamp: bytes | None = None) -> None:
    """Adds a head as the last line. It is on disk when this returns. Raises LedgerError."""
    document: dict[str, object] = {"head": head.document}
    if timestamp is not None:
        document["timestamp"] = base64.b64encode(timestamp).decode("ascii")
    line = json.dumps(document, separators=(",", ":")).encode() + b"\n"
    try:
        handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            if os.write(handle, line) != len(line):
                raise LedgerError(Reason.FULL, file, "the disk is full", "free some space, and take out the last line")
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise from_os(LedgerError, file, error) from error
