"""The files of a log: segments in a folder, which of them is written, and which are kept.

May go in here: opening, appending, rotating, packing and removing segments, and the list of their heads. May not: what
stands in a line (`rows.py`), when it is written (`writer.py`), checking (`verify.py`).

    DIR/decisions-00000007.jsonl       the segment that is written
    DIR/decisions-00000006.jsonl.gz    one that is closed
    DIR/heads.json                     where each segment ends, so that a missing end or file shows
    DIR/lock                           held by the proxy that writes
"""

import fcntl
import gzip
import json
import os
import re
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from cmp.decision_log.chain import FORM, End, canonical, line_hash, linked

HEADS = "heads.json"
LOCK = "lock"
_NAME = re.compile(r"decisions-([0-9]{8})\.jsonl(\.gz)?")
# No line of ours is longer (bytes).
LONGEST_LINE = 1024 * 1024
_DAY = 86_400


class DecisionLogError(Exception):
    """A log that cannot be written or read. Names the folder, what is wrong and what to do, in one line."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a segment is closed, and how much is kept: bytes and seconds of one segment, number and days of all."""

    segment_bytes: int = 16 * 1024 * 1024
    segment_seconds: float = _DAY
    segments: int = 400
    days: float = 90


@dataclass(frozen=True, slots=True)
class Head:
    """Where a segment ends, as far as was noted: its last line, and whether it was closed (`sealed`).

    `hour` is the Unix time of the hour of that note. `first` is the number of the segment's first line.
    """

    segment: int
    first: int
    seq: int
    hash: str
    sealed: bool
    hour: int


@dataclass(frozen=True, slots=True)
class Heads:
    """What heads.json says: the head of each segment that should be there, and of the last one that was removed."""

    segments: tuple[Head, ...] = ()
    retired: Head | None = None

    def with_head(self, head: Head) -> "Heads":
        return replace(self, segments=(*(one for one in self.segments if one.segment != head.segment), head))

    def without(self, head: Head) -> "Heads":
        return Heads(tuple(one for one in self.segments if one.segment != head.segment), head)


def segment_files(folder: Path) -> dict[int, Path]:
    """The segments that are there, by number, in order. Of one that was being packed the plain file counts."""
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir(), reverse=True):
        if match := _NAME.fullmatch(path.name):
            found[int(match[1])] = path
    return dict(sorted(found.items()))


def is_log(path: Path) -> bool:
    """Whether a decision log stands there."""
    return path.is_dir() and bool(segment_files(path))


def read_heads(folder: Path) -> Heads | None:
    """The heads of a folder; None where the list is missing or is none."""
    try:
        document = json.loads((folder / HEADS).read_bytes())
        retired = document["retired"]
        return Heads(tuple(_head(one) for one in document["segments"]), _head(retired) if retired else None)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _head(form: Any) -> Head:
    """Raises TypeError for a member of another type than it was written with."""
    head = Head(**form)
    numbers = (head.segment, head.first, head.seq, head.hour)
    # As types: in Python `True == 1`.
    if not (all(type(number) is int for number in numbers) and type(head.hash) is str and type(head.sealed) is bool):
        raise TypeError("no head of a segment")
    return head


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A segment to be read, packed or not. Reading raises OSError, EOFError or zlib.error where it is damaged."""
    if not path.exists() and path.suffix != ".gz":
        # It was closed while the list of files was read.
        path = path.with_name(f"{path.name}.gz")
    with path.open("rb") as raw:
        if path.suffix == ".gz":
            with gzip.open(raw) as file:
                yield file  # type: ignore[misc]  # reads as a file does
        else:
            yield raw


def is_written(folder: Path) -> bool:
    """Whether a proxy is writing the log now."""
    try:
        handle = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


@dataclass(frozen=True, slots=True)
class _Before:
    """How the last segment in a folder ends: the last whole line, how, and what it says was waiting to be written."""

    end: End = field(default_factory=End)
    how: str = "none"
    waiting: int = 0


class Folder:
    """Writes one log. Used by one thread. Everything but `claim` raises OSError as the file system does.

    `hour` gives the Unix time of the present hour, the only time that is written.
    """

    def __init__(self, path: Path, limits: Limits, hour: Callable[[], int], software: str) -> None:
        self.path, self.limits = path, limits
        self._hour, self._software = hour, software
        self._lock: int | None = None
        self._file: int | None = None
        self._heads = Heads()
        self._segment = self._size = self._first = 0
        self._began = 0.0
        self._end = End()
        self.segments = 0

    def claim(self) -> None:
        """Make the folder and take its lock. Raises DecisionLogError where another proxy has it; OSError."""
        if self._lock is not None:
            return
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise DecisionLogError(
                f"{self.path}: another proxy writes its decision log there; give each a folder of its own"
            ) from None
        self._lock = handle

    def append(self, forms: Iterable[Mapping[str, Any]], now: float) -> None:
        """Write lines behind the last one, all of them or none, and make them durable. `now` is in Unix seconds."""
        self.claim()
        if self._file is None:
            self._open(now)
        self._write(forms)

    def note_head(self, *, sealed: bool = False) -> None:
        """Put down in heads.json where the segment ends now."""
        head = Head(self._segment, self._first, self._end.seq, self._end.hash, sealed, self._hour())
        self._save(self._heads.with_head(head))

    def is_due(self, now: float) -> bool:
        """Whether the segment is to be closed: it is long or old."""
        return self._file is not None and (
            self._size >= self.limits.segment_bytes or now - self._began >= self.limits.segment_seconds
        )

    def close_segment(self, why: str) -> None:
        """Seal the segment, pack it, and remove what need not be kept. The next line opens another."""
        if self._file is None:
            return
        self._write([{"type": "seal", "hour": self._hour(), "why": why}])
        self.note_head(sealed=True)
        os.close(self._file)
        self._file = None
        _pack(self._plain(self._segment))

    def release(self) -> None:
        """Let go of the files, sealed or not."""
        if self._file is not None:
            os.close(self._file)
        if self._lock is not None:
            os.close(self._lock)
        self._file = self._lock = None

    # ------------------------------------------------------------------------------------- parts of the above

    def _plain(self, segment: int) -> Path:
        return self.path / f"decisions-{segment:08}.jsonl"

    def _open(self, now: float) -> None:
        files = segment_files(self.path)
        self._heads = _with_unlisted(read_heads(self.path) or Heads(), files, self._hour())
        last = max(files, default=0)
        before = _before(files[last]) if last else _Before()
        noted = next((head for head in self._heads.segments if head.segment == last), None)
        if before.how == "damaged" and noted is not None and noted.seq > before.end.seq:
            before = replace(before, end=End(noted.seq, noted.hash))
        # A segment that is gone took its number with it.
        known = max((head.segment for head in self._heads.segments), default=0)
        segment = max(last, known, self._heads.retired.segment if self._heads.retired else 0) + 1
        file = os.open(self._plain(segment), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._file, self._segment, self._size, self._began = file, segment, 0, now
        self._end, self._first = before.end, before.end.seq + 1
        previous = {"segment": last, "seq": before.end.seq, "head": before.end.hash, "end": before.how}
        if before.waiting:
            previous["waiting"] = before.waiting
        opening = {
            "type": "open",
            "form": FORM,
            "segment": segment,
            "hour": self._hour(),
            "software": self._software,
            "previous": previous,
        }
        try:
            self._write([opening])
        except OSError:
            # An empty file would take a number from the next try.
            with suppress(OSError):
                self._plain(segment).unlink()
            raise
        self.note_head()
        self._tidy(now, files)

    def _write(self, forms: Iterable[Mapping[str, Any]]) -> None:
        if self._file is None:
            raise OSError("the segment is not open")
        data, end = linked(self._end, forms)
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._file, view) :]
            os.fsync(self._file)
        except OSError:
            self._take_back()
            raise
        self._end, self._size = end, self._size + len(data)

    def _take_back(self) -> None:
        """Leave the file as it was before a write that failed; where that fails too, another segment goes on."""
        file = self._file
        if file is None:
            return
        try:
            os.ftruncate(file, self._size)
        except OSError:
            os.close(file)
            self._file = None

    def _tidy(self, now: float, files: Mapping[int, Path]) -> None:
        """Pack what was left plain, and remove the oldest closed segments beyond what is kept.

        A line says which, before they are gone.
        """
        for path in files.values():
            if path.suffix != ".gz":
                _pack(path)
        closed = sorted(
            (head for head in self._heads.segments if head.segment != self._segment), key=lambda h: h.segment
        )
        files = segment_files(self.path)
        for at, head in enumerate(closed):
            too_many = len(closed) - at >= self.limits.segments
            if not (too_many or now - head.hour > self.limits.days * _DAY):
                break
            self._write([{"type": "retired", "hour": self._hour(), "segment": head.segment, "head": head.hash}])
            self._save(self._heads.without(head))
            if head.segment in files:
                files[head.segment].unlink()
        self.segments = len(segment_files(self.path))

    def _save(self, heads: Heads) -> None:
        retired = asdict(heads.retired) if heads.retired else None
        document = {"form": FORM, "segments": [asdict(head) for head in heads.segments], "retired": retired}
        new = self.path / f"{HEADS}.new"
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(canonical(document) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.path / HEADS)
        self._heads = heads


def _with_unlisted(heads: Heads, files: Mapping[int, Path], hour: int) -> Heads:
    """The heads with those of files that are not listed, so that these are removed in their turn."""
    listed = {head.segment for head in heads.segments}
    for number, path in files.items():
        if number not in listed:
            before = _before(path)
            heads = heads.with_head(Head(number, 0, before.end.seq, before.end.hash, before.how == "sealed", hour))
    return heads


def _pack(plain: Path) -> None:
    """Put a packed file in the place of a plain one."""
    packed = plain.with_name(plain.name + ".gz")
    new = packed.with_name(packed.name + ".new")
    with plain.open("rb") as source, os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as raw:
        # No name and no time in it: the same lines give the same bytes.
        with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as target:
            shutil.copyfileobj(source, target)
        raw.flush()
        os.fsync(raw.fileno())
    new.replace(packed)
    plain.unlink()


def _before(path: Path) -> _Before:
    """How a segment of an earlier run ends."""
    end, how, waiting = End(), "killed", 0
    try:
        with opened(path) as file:
            for line in iter(lambda: file.readline(LONGEST_LINE), b""):
                if not line.endswith(b"\n"):
                    how = "torn"
                    break
                form = json.loads(line)
                end = End(int(form["seq"]), line_hash(line[:-1]))
                if form["type"] == "waiting":
                    waiting = int(form["decisions"])
                elif form["type"] in ("decided", "seal"):
                    waiting = 0
                how = "sealed" if form["type"] == "seal" else "killed"
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError):
        how = "damaged"
    return _Before(end, how, waiting)
