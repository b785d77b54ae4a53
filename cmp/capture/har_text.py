"""The JSON of a HAR file, read entry by entry, so that a file of any size needs the memory of its largest entry.

May go in here: bytes to text to the members of `log`, and what is no HAR file. May not: what an entry says (`har.py`).

Python's own decoder reads one value at a time; here the two objects and the list around the entries are walked, and
everything within them is left to it.
"""

import codecs
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any, Generic, NoReturn, TypeVar

from cmp.capture.capture import CaptureError, Note

T = TypeVar("T")

_AGAIN = "export it again as HAR 1.2 with content"
# Read at once, in bytes; and the longest value that is taken, in characters.
_STEP = 1024**2
_LONGEST = 256 * 1024**2

# The longer marks first: UTF-32 begins like UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

# A call around the JSON, as HAR Viewer wants it: onInputData({...});
_CALL = re.compile(r"\s*(?:/\*.*?\*/\s*)?[A-Za-z_$][\w.$]*\s*\(", re.DOTALL)
_SPACE = re.compile(r"[ \t\r\n]*")
_ANY_SPACE = re.compile(r"\s*")


def _read_int(digits: str) -> int | float:
    # int() refuses 4,301 digits and more, and with them the whole file.
    return int(digits) if len(digits) <= 20 else float(digits)


_DECODER = json.JSONDecoder(parse_int=_read_int)


@dataclass(slots=True)
class Log(Generic[T]):
    """The `log` object: what was made of each of its entries, and its other members."""

    entries: list[T]
    members: dict[str, Any]
    sha256: str
    notes: list[Note] = field(default_factory=list)


def read_log(opened: IO[bytes], file: str, made: Callable[[int, Any], T]) -> Log[T]:
    """The `log` of a HAR file, with what is `made` of each entry and its index. Raises CaptureError.

    Of a member that is written twice the last counts, as everywhere in Python.
    """
    text = _Text(opened, file)
    call = text.begin()
    members: dict[str, Any] = {}
    entries: list[T] | None = None
    if text.next() != "{":
        text.value()
    else:
        for name in text.names():
            if name != "log" or text.next() != "{":
                text.value()
                if name == "log":
                    entries = None
                continue
            members, entries = {}, None
            for member in text.names():
                if member != "entries":
                    members[member] = text.value()
                elif text.next() == "[":
                    entries = [made(index, text.value()) for index in text.items()]
                else:
                    text.value()
                    entries = None
    text.finish(call=call)
    if entries is None:
        raise CaptureError(file, "JSON, but without the list log.entries of a HAR file", _AGAIN)
    return Log(entries, members, text.sha256, text.notes)


def read_members(opened: IO[bytes], file: str, again: str) -> tuple[dict[str, Any], str, list[Note]]:
    """The members of a file that is one JSON object, its SHA-256, and what must be known of its text. `again` says how
    such a file is made. Raises CaptureError."""
    text = _Text(opened, file, again)
    text.begin()
    if text.next() != "{":
        raise CaptureError(file, "JSON, but no object", again)
    members = {name: text.value() for name in text.names()}
    text.finish(call=False)
    return members, text.sha256, text.notes


class _Text:
    """The text of a file with a place in it. Of what was passed nothing is kept but the number of its lines."""

    def __init__(self, opened: IO[bytes], file: str, again: str = _AGAIN) -> None:
        self._opened, self._file, self._again = opened, file, again
        self._digest = hashlib.sha256()
        self._buffer, self._at = "", 0
        self._ended = False
        # Lines and characters of the last line that were passed and dropped.
        self._lines, self._columns = 0, 0
        self._bytes = 0
        self.notes: list[Note] = []
        start = b""
        while len(start) < _STEP and (piece := opened.read(_STEP - len(start))):
            start += piece
        self._coding, mark = next(((name, len(mark)) for mark, name in _MARKS if start.startswith(mark)), ("utf-8", 0))
        self._decoder = codecs.getincrementaldecoder(self._coding)("strict")
        self._digest.update(start[:mark])
        self._bytes = mark
        self._take(start[mark:], final=not start)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    # ------------------------------------------------------------------------------------- bytes to text

    def _take(self, data: bytes, *, final: bool) -> None:
        self._digest.update(data)
        waiting = self._decoder.getstate()
        try:
            text = self._decoder.decode(data, final)
        except UnicodeDecodeError as error:
            start = self._bytes - len(waiting[0]) + error.start
            what = f"not {self._coding.upper()} from byte {start} on; what cannot be read there is shown as \ufffd"
            self.notes.append(Note("not-unicode", what))
            self._decoder = codecs.getincrementaldecoder(self._coding)("replace")
            self._decoder.setstate(waiting)
            text = self._decoder.decode(data, final)
        self._bytes += len(data)
        passed = self._buffer[: self._at]
        if lines := passed.count("\n"):
            self._lines, self._columns = self._lines + lines, len(passed) - passed.rfind("\n") - 1
        else:
            self._columns += len(passed)
        self._buffer, self._at = self._buffer[self._at :] + text, 0
        self._ended = final

    def _more(self, step: int = _STEP) -> bool:
        """Read on; False at the end of the file."""
        if self._ended:
            return False
        data = self._opened.read(step)
        self._take(data, final=not data)
        return True

    # ------------------------------------------------------------------------------------- text to values

    def begin(self) -> bool:
        """Pass what stands before the JSON; whether that is a call. Raises CaptureError for an empty file."""
        while not self._buffer.strip():
            self._at = len(self._buffer)
            if not self._more():
                raise CaptureError(self._file, "the file is empty", "record it again")
        call = _CALL.match(self._buffer, self._at)
        if call:
            self._at = call.end()
        return call is not None

    def next(self) -> str:
        """The next character that is no space, "" at the end."""
        while True:
            found = _SPACE.match(self._buffer, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more():
                return ""

    def names(self) -> Iterator[str]:
        """The names in the object here, each with the place at its value, which is to be read before the next."""
        for _ in self._parts("}"):
            if self.next() != '"':
                self._wrong("Expecting property name enclosed in double quotes")
            name = self.value()
            if self.next() != ":":
                self._wrong("Expecting ':' delimiter")
            self._at += 1
            yield name

    def items(self) -> Iterator[int]:
        """The indices of the list here, each with the place at its item, which is to be read before the next."""
        return self._parts("]")

    def _parts(self, end: str) -> Iterator[int]:
        self._at += 1
        if self.next() == end:
            self._at += 1
            return
        index = 0
        while True:
            yield index
            index += 1
            if (found := self.next()) == end:
                self._at += 1
                return
            if found != ",":
                self._wrong("Expecting ',' delimiter")
            self._at += 1

    def value(self) -> Any:
        """The value here. One that the text read so far does not hold whole is tried again with twice as much."""
        self.next()
        step = _STEP
        while True:
            try:
                value, end = _DECODER.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                if len(self._buffer) - self._at > _LONGEST:
                    self._wrong(f"a value that does not end within {_LONGEST // 1024**2} million characters")
                if self._more(step):
                    step *= 2
                    continue
                self._wrong(error.msg, error.pos)
            except RecursionError:
                raise CaptureError(self._file, "JSON nested too deeply to be a capture", self._again) from None
            # A number may go on.
            if end == len(self._buffer) and self._more():
                continue
            self._at = end
            return value

    def finish(self, *, call: bool) -> None:
        """Pass what may follow the JSON: spaces, and the end of a call. Raises CaptureError for more than that."""
        space = _ANY_SPACE if call else _SPACE
        for mark in (")", ";", "") if call else ("",):
            while True:
                found = space.match(self._buffer, self._at)
                self._at = found.end() if found else self._at
                if self._at < len(self._buffer) or not self._more():
                    break
            if mark and self._buffer.startswith(mark, self._at):
                self._at += 1
        if self._at < len(self._buffer):
            line, column = self._place(self._at)
            raise CaptureError(self._file, f"more text after the JSON at line {line}, column {column}", self._again)

    def _wrong(self, what: str, at: int | None = None) -> NoReturn:
        line, column = self._place(self._at if at is None else at)
        raise CaptureError(self._file, f"not JSON at line {line}, column {column} ({what})", self._again)

    def _place(self, at: int) -> tuple[int, int]:
        lines = self._buffer.count("\n", 0, at)
        if lines:
            return self._lines + lines + 1, at - self._buffer.rfind("\n", 0, at)
        return self._lines + 1, self._columns + at + 1
