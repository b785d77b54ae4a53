"""The policy file while a program runs under it: looked at, read again when it changed, and handed on whole.

May go in here: files, the clock, and telling the operator. May not: which policy holds when (`in_force.py`), what
anybody does under it.

A file is taken once its content was the same at two looks, so a half-written one is not, whether the editor writes in
place or renames. One that is broken changes nothing: the operator is told once, and again when its content changes.
"""

import asyncio
import contextlib
import hashlib
import logging
import stat
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from cmp.core.policy import Policy
from cmp.policy.document import LIMIT
from cmp.policy.faults import DocumentError, PolicyError
from cmp.policy.in_force import InForce, in_force
from cmp.policy.load import load_with_files
from cmp.terminal import one_line, place_of

_log = logging.getLogger("consentry.policy")

# Seconds between two looks.
EVERY = 1.0
# Nanoseconds by which a file's times may lag behind the clock: they come from the kernel's timer tick.
_TICK = 20_000_000

Follower = Callable[[InForce], None]
_Signature = tuple[int, ...] | None
_Digest = bytes | None


@dataclass(frozen=True, slots=True)
class _Look:
    """The files as one look found them. None stands for a file that is not there or cannot be read."""

    signatures: Mapping[Path, _Signature]
    digests: Mapping[Path, _Digest]


class PolicyWatch:
    """Follows a policy file and those it depends on, as `async with watch:`, and calls its followers at each change.

    `in_force` is what holds. `clock` gives Unix seconds, `every` is the time between two looks in seconds. There is no
    signal to send: saving the file is enough, and a date that was announced comes by itself.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time, every: float = EVERY) -> None:
        """Reads the policy. Raises DocumentError or PolicyError."""
        began = time.time_ns() - _TICK
        policy, files = load_with_files(path)
        self.in_force = in_force(policy, clock())
        self._path, self._clock, self._every = path, clock, every
        self._followers: list[Follower] = []
        self._task: asyncio.Task[None] | None = None
        # A pipe was read once and for all.
        self._files = frozenset(files) if path.is_file() else frozenset()
        self._last = _look_at(self._files)
        # What was changed while it was read is read again, at the first look.
        unchanged = all(found is not None and max(found[:2]) < began for found in self._last.signatures.values())
        self._settled = self._last.signatures if unchanged else {}
        self._taken: Mapping[Path, _Digest] = self._last.digests if unchanged else {}
        self._refused: Mapping[Path, _Digest] | None = None

    def follow(self, follower: Follower) -> None:
        """Call it with each new state, in the order of following.

        One that cannot work with it raises ValueError; then those after it are not called, and what held holds on.
        """
        self._followers.append(follower)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(_report_death)
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if self._task is not None and not self._task.done():
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._pause())
            self._keep_dates()
            await self._look()

    def _pause(self) -> float:
        announced = self.in_force.announced
        return self._every if announced is None else min(self._every, max(announced.since - self._clock(), 0))

    def _keep_dates(self) -> None:
        moved = self.in_force.moved_to(self._clock())
        if moved is not self.in_force:
            self._hand_on(moved)
            _log.warning("policy %s holds from now on, as announced", _name(moved.current))

    async def _look(self) -> None:
        signatures = _signatures(self._files)
        if signatures == self._settled:
            return
        # Hashing a large file takes milliseconds, and a disk may be slow.
        look = await asyncio.to_thread(_look_at, self._files)
        stable, self._last = look == self._last, look
        if not stable:
            return
        if look.digests == self._taken:
            self._settle(look)
            self._mended()
        elif look.digests == self._refused:
            self._settle(look)
        else:
            await self._take(look)

    async def _take(self, look: _Look) -> None:
        fault: Exception | None = None
        try:
            policy, files = await asyncio.to_thread(load_with_files, self._path)
        except (PolicyError, DocumentError) as error:
            fault, files = error, (*self._files, Path(error.file))
        if not self._files.issuperset(files):
            # Files that it newly depends on are looked at twice as well.
            self._files = self._files.union(files)
            return
        if await asyncio.to_thread(_look_at, self._files) != look:
            return
        if fault is None:
            # Only now are the old ones of no interest: until it was read, the new policy might have named them too.
            look = _only(look, files)
            self._files = frozenset(files)
            try:
                self._accept(self.in_force.replaced_by(policy, self._clock()))
            except ValueError as error:
                fault = PolicyWatchError(self._path, error)
        self._settle(look)
        if fault is None:
            self._mended()
            self._taken = look.digests
        else:
            self._refused = look.digests
            _log.warning("%s; %s stays in force", one_line(str(fault)), _name(self.in_force.current))

    def _settle(self, look: _Look) -> None:
        self._settled = look.signatures

    def _mended(self) -> None:
        if self._refused is not None:
            self._refused = None
            _log.warning("policy file %s is in order again", one_line(str(self._path)))

    def _accept(self, new: InForce) -> None:
        old = self.in_force
        self._hand_on(new)
        if _states(old) == _states(new):
            return
        if new.current.fingerprint != old.current.fingerprint:
            _log.warning("policy %s holds from now on", _name(new.current))
        for announced in new.upcoming:
            day = datetime.fromtimestamp(announced.since, UTC).strftime("%Y-%m-%d %H:%M UTC")
            _log.warning("policy %s is announced: it holds from %s", _name(announced.policy), day)

    def _hand_on(self, new: InForce) -> None:
        for follower in self._followers:
            follower(new)
        self.in_force = new


class PolicyWatchError(ValueError):
    """A policy that is right, and that a part of the running program cannot work with."""

    def __init__(self, path: Path, why: ValueError) -> None:
        super().__init__(f"{path}: cannot be used: {why}")


def _name(policy: Policy) -> str:
    return one_line(f"{policy.id} {policy.version} ({policy.fingerprint[:12]})")


def _states(state: InForce) -> list[tuple[str, float]]:
    """What tells two states apart for people."""
    upcoming = [(announced.policy.fingerprint, announced.since) for announced in state.upcoming]
    return [(state.current.fingerprint, 0.0), *upcoming]


def _look_at(files: Iterable[Path]) -> _Look:
    signatures = _signatures(files)
    return _Look(signatures, {path: _digest(path) if signature else None for path, signature in signatures.items()})


def _only(look: _Look, files: Iterable[Path]) -> _Look:
    kept = set(files)
    return _Look(
        {path: found for path, found in look.signatures.items() if path in kept},
        {path: found for path, found in look.digests.items() if path in kept},
    )


def _signatures(files: Iterable[Path]) -> dict[Path, _Signature]:
    return {path: _signature(path) for path in files}


def _signature(path: Path) -> _Signature:
    try:
        found = path.stat()
    except (OSError, ValueError):
        # ValueError: a path with a null character.
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    # The time of change as well: copying can keep the other one.
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


def _digest(path: Path) -> _Digest:
    try:
        with path.open("rb") as file:
            return hashlib.sha256(file.read(LIMIT + 1)).digest()
    except OSError:
        return None


def _report_death(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("the policy file is no longer followed (%s): restart to take a new one", place_of(error))
