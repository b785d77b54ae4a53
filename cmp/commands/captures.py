"""Captures as commands are given them: files and folders, read one after the other with a bar on a terminal.

May go in here: finding and reading them, and saying which cannot be read. May not: what is done with them.
"""

import gc
import multiprocessing
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from cmp.capture.capture import Capture, CaptureError
from cmp.capture.packed import ENDINGS, PACKED_ENDINGS
from cmp.commands.arguments import UsageError
from cmp.terminal import one_line

T = TypeVar("T")


def read_captures(paths: Sequence[Path]) -> tuple[list[Capture], list[CaptureError]]:
    """The captures of files and folders in a fixed order, and what cannot be read, each said in a line on stderr.

    Raises UsageError for a folder without any capture.
    """
    unreadable: list[CaptureError] = []
    return list(each_capture(paths, partial(in_file, _as_it_is), unreadable)), unreadable


def each_capture(
    paths: Sequence[Path],
    work: "Callable[[Path], Sequence[T | CaptureError]]",
    unreadable: list[CaptureError],
    workers: int = 1,
) -> "Iterator[T]":
    """What `work` makes of each capture in each file, in the order of `read_captures` however many processes there are.

    What cannot be read is said and goes to `unreadable`. With several workers `work` and what it makes go from process
    to process. Raises UsageError as `read_captures` does.
    """
    files = list(_files(paths))
    progress = _Progress(len(files))
    for done, found in enumerate(_worked(files, work, workers), 1):
        for one in found:
            if isinstance(one, CaptureError):
                progress.clear()
                print(f"consentry: {one_line(str(one))}", file=sys.stderr)
                unreadable.append(one)
            else:
                yield one
        progress.show(done)
    progress.clear()


def in_file(made_of: "Callable[[Capture], T]", file: Path) -> "list[T | CaptureError]":
    """What is made of each capture in a file; one that cannot be read is the error that says why."""
    return [made_of(read) if isinstance(read, Capture) else read for read in _read(file)]


def _as_it_is(capture: Capture) -> Capture:
    return capture


def _worked(
    files: Sequence[Path], work: "Callable[[Path], Sequence[T | CaptureError]]", workers: int
) -> "Iterator[Sequence[T | CaptureError]]":
    """Forked processes share the policy, its lists and all code. Where there is no fork there is one process."""
    workers = min(workers, len(files))
    if workers < 2 or "fork" not in multiprocessing.get_all_start_methods():
        yield from map(work, files)
        return
    # What is there already stays one copy: counting references in it is the only thing that would touch it.
    gc.freeze()
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(work,)) as pool:
        try:
            yield from pool.map(_in_worker, files)
        except BrokenProcessPool:
            why = "a worker process was ended, perhaps for want of memory"
            raise UsageError(f"--workers {workers}: {why}: try fewer") from None
        finally:
            gc.unfreeze()


_work: "Callable[[Path], Sequence[Any]]"


def _begin(work: "Callable[[Path], Sequence[Any]]") -> None:
    global _work  # noqa: PLW0603 - of a worker process, which does nothing else
    _work = work


def _in_worker(file: Path) -> Sequence[Any]:
    return _work(file)


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
