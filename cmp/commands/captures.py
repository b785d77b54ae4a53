"""Captures as commands are given them: files and folders, read one after the other with a bar on a terminal.

May go in here: finding and reading them, and saying which cannot be read. May not: what is done with them.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from cmp.capture.capture import Capture, CaptureError
from cmp.commands.arguments import UsageError
from cmp.terminal import one_line

# What is taken for a capture in a folder; a file named outright may be called anything.
_ENDINGS = (".har", ".mitm", ".flow", ".flows")


def read_captures(paths: Sequence[Path]) -> tuple[list[Capture], list[CaptureError]]:
    """The captures of files and folders in a fixed order, and what cannot be read, each said in a line on stderr.

    Raises UsageError for a folder without any capture.
    """
    # Reading captures imports mitmproxy, which takes longer than most other commands need in all.
    from cmp.capture.reading import read_capture

    files = list(_files(paths))
    captures: list[Capture] = []
    unreadable: list[CaptureError] = []
    progress = _Progress(len(files))
    for file in files:
        progress.show(len(captures) + len(unreadable))
        try:
            captures.append(read_capture(file))
        except CaptureError as error:
            progress.clear()
            print(f"consentry: {one_line(str(error))}", file=sys.stderr)
            unreadable.append(error)
    progress.clear()
    return captures, unreadable


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    """The files named, and those in the folders named, in a fixed order. Raises UsageError for an empty folder."""
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in _ENDINGS and file.is_file())
        if not found:
            raise UsageError(f"{path}: no capture in this folder (looked for {', '.join(_ENDINGS)})")
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
