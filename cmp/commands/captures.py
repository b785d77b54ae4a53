"""Captures as commands are given them: files and folders, read one after the other with a bar on a terminal.

May go in here: finding and reading them, and saying which cannot be read. May not: what is done with them.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from cmp.capture.capture import Capture, CaptureError
from cmp.capture.packed import ENDINGS, PACKED_ENDINGS
from cmp.commands.arguments import UsageError
from cmp.terminal import one_line


def read_captures(paths: Sequence[Path]) -> tuple[list[Capture], list[CaptureError]]:
    """The captures of files and folders in a fixed order, and what cannot be read, each said in a line on stderr.

    Raises UsageError for a folder without any capture.
    """
    files = list(_files(paths))
    captures: list[Capture] = []
    unreadable: list[CaptureError] = []
    progress = _Progress(len(files))
    for done, file in enumerate(files):
        progress.show(done)
        for read in _read(file):
            if isinstance(read, Capture):
                captures.append(read)
            else:
                progress.clear()
                print(f"consentry: {one_line(str(read))}", file=sys.stderr)
                unreadable.append(read)
    progress.clear()
    return captures, unreadable


def _read(file: Path) -> "Iterator[Capture | CaptureError]":
    # Reading captures imports mitmproxy, which takes longer than most other commands need in all.
    from cmp.capture import reading

    try:
        yield from reading.read_captures(file)
    except CaptureError as error:
        yield error


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """The files named, and those in the folders named, in a fixed order. Raises UsageError for an empty folder."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        endings = (*ENDINGS, *PACKED_ENDINGS)
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in endings and file.is_file())
        if not found:
            raise UsageError(f"{path}: no capture in this folder (looked for {', '.join(endings)})")
        yield from found


class _Progress:
    """A bar on a terminal's stderr while several captures are read; nothing in a pipe."""

    _WIDTH = 30

    def __init__(self, total: int) -> None:
        self._total = total
        self._shown = total > 1 and sys.stderr.isatty()

    def show(self, done: int) -> None:
        if self._shown:
            full = done * self._WIDTH // self._total
            bar = f"{'#' * full}{'.' * (self._WIDTH - full)}"
            print(f"\r{bar} {done} of {self._total} captures", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
