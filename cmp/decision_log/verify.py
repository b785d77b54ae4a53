"""Checking that a log is whole: every line as it was written, none missing, none moved; and what it says it lost.

May go in here: the walk over the segments, and what is wrong as data. May not: mending anything, judging what the lines
say (`cmp.audit`).

The chain shows whatever was changed before the last line. That the end was cut off shows by heads.json, and by a closed
end that is missing. Whoever can write the folder can write both anew: a head kept elsewhere shows that too.
"""

import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cmp.decision_log.chain import FORM, ORIGIN, End, line_hash
from cmp.decision_log.folder import (
    HEADS,
    LONGEST_LINE,
    DecisionLogError,
    Head,
    Heads,
    is_written,
    opened,
    read_heads,
    segment_files,
)

# Codes of faults that only say what the log itself says: it is whole, and something is not in it.
HONEST = frozenset({"lost", "killed"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `segment` and `line` (its number in the log) say where, None for the log as a whole.

    `code` is one of: altered, missing, order, form, cut, segment, heads, unreadable, head; or, in a log that is whole,
    lost (it says itself what was not written) and killed (it was not closed). `decisions` is how many are missing at
    least, None where nobody knows.
    """

    code: str
    what: str
    segment: int | None = None
    line: int | None = None
    decisions: int | None = None

    @property
    def broken(self) -> bool:
        """Whether lines are not as they were written."""
        return self.code not in HONEST

    def __str__(self) -> str:
        where = "log" if self.segment is None else f"segment {self.segment}"
        return f"{where}{'' if self.line is None else f', line {self.line}'}: {self.what}"


@dataclass(frozen=True, slots=True)
class Checked:
    """A log that was read: its segments and lines, where it ends, whether it is written now, and what is wrong."""

    folder: str
    segments: int
    lines: int
    end: End
    running: bool
    faults: tuple[Fault, ...]

    @property
    def broken(self) -> bool:
        return any(fault.broken for fault in self.faults)


Take = Callable[[Mapping[str, Any]], None]

_WORDS = ("choice", "policy", "mode", "where", "action", "reason", "rule", "kind", "place")
_WORDS_OR_NONE = ("category", "vendor", "site")
_OF_A_CHANGE = ("edit", "name", "rule", "reason")


def check(folder: Path, take: Take = lambda _form: None, kept: End | None = None, *, limit: int = 1_000) -> Checked:
    """Read a whole log, in use or not; `take` is shown each line that can be read, in the order they stand in.

    `kept` is an end of the chain that was kept elsewhere. At most `limit` faults are listed. Memory does not grow with
    the log. Raises DecisionLogError where the folder holds no log.
    """
    try:
        # Before the files: what is written in between is then only more.
        heads, files, running = read_heads(folder), segment_files(folder), is_written(folder)
    except OSError as error:
        raise DecisionLogError(
            f"{folder}: cannot be read ({error.strerror}); name the folder of a decision log"
        ) from None
    if not files and heads is None:
        raise DecisionLogError(f"{folder}: no decision log in this folder; it holds files called decisions-*.jsonl")
    walk = _Walk(take, kept, limit)
    if heads is None:
        walk.fault("heads", f"{HEADS} is missing or damaged: a missing end would not show")
    heads = heads or Heads()
    numbers = sorted(files.keys() | {head.segment for head in heads.segments})
    if numbers and numbers[0] > 1:
        walk.begin_late(numbers[0], heads.retired)
    for number in numbers:
        walk.segment(number, files.get(number), _head(heads, number))
    if not running:
        walk.closed()
    if kept is not None and not walk.met:
        walk.fault("head", f"no line {kept.seq} with the hash that was kept: the log was cut, or written anew")
    return Checked(str(folder), len(files), walk.lines, walk.end, running, tuple(walk.faults))


def _head(heads: Heads, number: int) -> Head | None:
    return next((head for head in heads.segments if head.segment == number), None)


@dataclass
class _Walk:
    """Goes from line to line. `end` is where the chain stands."""

    take: Take
    kept: End | None
    limit: int
    end: End = field(default_factory=End)
    lines: int = 0
    met: bool = False
    faults: list[Fault] = field(default_factory=list)
    _number: int = 0
    _sealed: bool = True
    _waiting: int = 0
    _lost: bool = False
    _unknown: bool = False

    def fault(self, code: str, what: str, line: int | None = None, decisions: int | None = None) -> None:
        if len(self.faults) < self.limit:
            self.faults.append(Fault(code, what, self._number or None, line, decisions))

    def begin_late(self, number: int, retired: Head | None) -> None:
        """The first segments are not there: removed by the proxy itself, or not."""
        if retired is not None and retired.segment == number - 1:
            self.end = End(retired.seq, retired.hash)
            return
        self.fault("segment", f"segments before {number} are missing, and nothing says that they were removed")
        self._unknown = True

    def segment(self, number: int, path: Path | None, head: Head | None) -> None:
        if self._number and number != self._number + 1:
            self.fault("segment", f"segments {self._number + 1} to {number - 1} are missing")
            self._unknown = True
        self._number = number
        if path is None:
            self.fault(
                "segment", f"the file of this segment is missing; it ended with line {head.seq if head else '?'}"
            )
            if head is not None:
                self.end, self._sealed = End(head.seq, head.hash), head.sealed
            return
        before, passed = self.end, head is None
        for line in self._read(path):
            form = self._form(line)
            if form is None:
                continue
            self._follow(form, line)
            passed = passed or (head is not None and self.end == End(head.seq, head.hash))
        if head is not None and not passed:
            if self.end.seq < head.seq:
                start = self.end.seq if self.end.seq > before.seq else before.seq
                self.fault("cut", f"lines {start + 1} to {head.seq} are missing at its end")
                self.end, self._unknown = End(head.seq, head.hash), False
            else:
                self.fault("altered", f"line {head.seq} is not the one that {HEADS} noted", head.seq)

    def _read(self, path: Path) -> Iterator[bytes]:
        """The whole lines of a segment."""
        self._sealed = False
        try:
            with opened(path) as file:
                while line := file.readline(LONGEST_LINE):
                    if not line.endswith(b"\n"):
                        # The proxy died while it wrote; what was whole counts.
                        return
                    yield line[:-1]
        except (OSError, EOFError, zlib.error) as error:
            self.fault("unreadable", f"{path.name} cannot be read on ({type(error).__name__})", self.end.seq + 1)

    def _form(self, line: bytes) -> dict[str, Any] | None:
        try:
            form = json.loads(line)
            number, previous, kind = form["seq"], form["prev"], form["type"]
        except (ValueError, KeyError, TypeError, RecursionError):
            self.fault("form", "a line that is none of a log", self.end.seq + 1)
            self.end, self._unknown = End(self.end.seq + 1, ""), True
            return None
        if not (isinstance(number, int) and isinstance(previous, str) and isinstance(kind, str)):
            self.fault("form", "a line that is none of a log", self.end.seq + 1)
            self.end, self._unknown = End(self.end.seq + 1, ""), True
            return None
        return form if isinstance(form, dict) else None

    def _follow(self, form: dict[str, Any], line: bytes) -> None:
        number: int = form["seq"]
        expected = self.end.seq + 1
        if number > expected and not self._unknown:
            self.fault("missing", f"lines {expected} to {number - 1} are missing", number)
        elif number < expected and not self._unknown:
            self.fault("order", f"line {number} stands where line {expected} should", number)
        elif form["prev"] != self.end.hash and not self._unknown:
            self.fault("altered", f"line {number - 1} is not as it was when line {number} was written", number - 1)
        self._unknown = False
        self.end = End(number, line_hash(line))
        self.met = self.met or self.end == self.kept
        self.lines += 1
        self._understand(form)
        if _is_whole(form):
            self.take(form)
        else:
            self.fault("form", f"a line that lacks what {form['type']!r} has", number)

    def _understand(self, form: dict[str, Any]) -> None:
        """What the line says of the log itself."""
        kind = form["type"]
        self._sealed = kind == "seal"
        if kind == "waiting":
            self._waiting = _count(form.get("decisions"))
        elif kind == "decided":
            self._waiting = 0
        elif kind == "gap":
            self._lose(form)
        elif kind == "open":
            self._opened(form)

    def _lose(self, form: dict[str, Any]) -> None:
        count, why = _count(form.get("decisions")), form.get("why")
        self.fault("lost", f"{count} decisions were not written ({why})", self.end.seq, count)

    def _opened(self, form: dict[str, Any]) -> None:
        if form.get("form") != FORM:
            self.fault("form", f"a form of log that this version does not know: {form.get('form')!r}", self.end.seq)
        previous = form.get("previous")
        how = previous.get("end") if isinstance(previous, dict) else None
        if how in ("killed", "torn", "damaged"):
            waiting = _count(previous.get("waiting")) if isinstance(previous, dict) else 0
            self._killed(waiting, f"the segment before was not closed ({how})")
        self._waiting = 0

    def _killed(self, waiting: int, what: str) -> None:
        known = f"; at least {waiting} decisions were not written yet" if waiting else ""
        self.fault("killed", f"{what}{known}", self.end.seq, waiting)

    def closed(self) -> None:
        """Nobody writes the log: its last line must be the one that closes it."""
        if not self._sealed and self.end != End(0, ORIGIN):
            self._killed(self._waiting, "the log was not closed: what was decided after its last line is not in it")


def _is_whole(form: Mapping[str, Any]) -> bool:
    """Whether a line that tells of traffic has its fields (docs/decision-log.md). Other lines are read with care."""
    if form["type"] == "unknown-site":
        return _count(form.get("n")) > 0 and _is_word_or_none(form, "site") and isinstance(form.get("kinds"), dict)
    if form["type"] == "decided":
        counted = _count(form.get("n")) > 0
    elif form["type"] == "visit":
        counted = isinstance(form.get("visit"), str)
    else:
        return True
    changes = form.get("changes", [])
    return (
        counted
        and all(isinstance(form.get(name), str) for name in _WORDS)
        and all(_is_word_or_none(form, name) for name in _WORDS_OR_NONE)
        and isinstance(changes, list)
        and all(isinstance(one, dict) and all(isinstance(one.get(n), str) for n in _OF_A_CHANGE) for one in changes)
    )


def _is_word_or_none(form: Mapping[str, Any], name: str) -> bool:
    return name in form and (form[name] is None or isinstance(form[name], str))


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
