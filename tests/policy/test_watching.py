"""The policy file while a program runs under it: real files, looked at in quick succession."""

import asyncio
import functools
import json
import logging
import os
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from cmp.core.policy import Policy
from cmp.policy import watching
from cmp.policy.faults import DocumentError, PolicyError
from cmp.policy.in_force import InForce
from cmp.policy.load import load_with_files
from cmp.policy.watching import PolicyWatch
from tests.core.examples import shop

# 2026-12-01 and 2027-01-01, 00:00 UTC.
DECEMBER, JANUARY = 1_796_083_200.0, 1_798_761_600.0
NOW = DECEMBER - 86_400
QUICK = 0.02


def on_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def run(**fixtures: Any) -> None:
        asyncio.run(test(**fixtures))

    return run


class Followed:
    """A watch that runs, with what it handed on and what the operator was told."""

    def __init__(self, file: Path, caplog: pytest.LogCaptureFixture) -> None:
        self.now = NOW
        self.file, self._caplog = file, caplog
        self.states: list[InForce] = []
        self.watch = PolicyWatch(file, clock=lambda: self.now, every=QUICK)
        self.watch.follow(self.states.append)

    @property
    def version(self) -> str:
        return self.watch.in_force.current.version

    @property
    def told(self) -> list[str]:
        return [record.getMessage() for record in self._caplog.records if record.name == "consentry.policy"]

    async def until(self, ready: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not ready():  # noqa: ASYNC110 - files and log lines set no event
                await asyncio.sleep(QUICK / 2)

    async def settled(self, looks: int = 10) -> None:
        """Wait until it has looked at the file several times more: what would happen has happened by then."""
        watch, seen = self.watch, 0
        look = watch._look

        async def counted() -> None:
            nonlocal seen
            await look()
            seen += 1

        watch._look = counted  # type: ignore[method-assign]
        await self.until(lambda: seen >= looks)
        watch._look = look  # type: ignore[method-assign]


def document(version: str, **changes: Any) -> dict[str, Any]:
    return shop(version=version, **changes)


def write(file: Path, version: str, **changes: Any) -> None:
    file.write_text(json.dumps(document(version, **changes)), encoding="utf-8")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "shop.json"
    write(found, "1")
    # A younger one is read again at the first look.
    time.sleep(2 * watching._TICK / 1e9)
    return found


@pytest.fixture
def followed(file: Path, caplog: pytest.LogCaptureFixture) -> Followed:
    caplog.set_level(logging.WARNING, logger="consentry.policy")
    return Followed(file, caplog)


def in_place(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def renamed(file: Path, text: str) -> None:
    other = file.with_suffix(".tmp")
    other.write_text(text, encoding="utf-8")
    other.replace(file)


def same_size_and_time(file: Path, text: str) -> None:
    """As a tool does that keeps the times of what it copies."""
    before = file.stat()
    file.write_text(text, encoding="utf-8")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def another_folder(file: Path, text: str) -> None:
    """As a container's mounted configuration changes: the file's folder is a link that is turned to another."""
    new = file.parent.with_name("new")
    new.mkdir()
    (new / file.name).write_text(text, encoding="utf-8")
    file.parent.rename(file.parent.with_name("old"))
    file.parent.symlink_to(new)


@pytest.mark.parametrize("way", [in_place, renamed, same_size_and_time, another_folder], ids=lambda way: way.__name__)
@on_a_loop
async def test_a_saved_policy_is_taken(followed: Followed, way: Callable[[Path, str], None]) -> None:
    async with followed.watch:
        way(followed.file, json.dumps(document("2")))
        await followed.until(lambda: followed.version == "2")
    assert [state.current.version for state in followed.states] == ["2"]
    assert followed.told == [f"policy shop 2 ({followed.states[0].current.fingerprint[:12]}) holds from now on"]


@on_a_loop
async def test_nothing_is_handed_on_while_nothing_changes(followed: Followed) -> None:
    async with followed.watch:
        await followed.settled()
        os.utime(followed.file)
        await followed.settled()
    assert (followed.states, followed.told) == ([], [])


@on_a_loop
async def test_what_was_written_while_the_program_started_is_taken(followed: Followed) -> None:
    write(followed.file, "2")
    async with followed.watch:
        await followed.until(lambda: followed.version == "2")
    assert followed.version == "2"


@on_a_loop
async def test_a_file_as_young_as_the_program_is_read_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have changed between reading it and the first look, within one tick of its clock."""
    # A slow tick, so that the file is that young on a slow machine as well.
    monkeypatch.setattr(watching, "_TICK", 3_600 * 10**9)
    write(file, "2")
    watch = PolicyWatch(file, every=QUICK)
    again = asyncio.Event()
    watch.follow(lambda _state: again.set())
    async with watch, asyncio.timeout(60):
        await again.wait()
    assert watch.in_force.current.version == "2"


@on_a_loop
async def test_a_half_written_file_is_not_taken(followed: Followed) -> None:
    text = json.dumps(document("2"))
    for written in (text[:100], text[:-100], text):
        in_place(followed.file, written)
        await followed.watch._look()
    assert (followed.version, followed.told) == ("1", [])
    await followed.watch._look()
    assert followed.version == "2"


@on_a_loop
async def test_what_changes_while_it_is_read_is_read_again(followed: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    read = load_with_files

    def interrupted(path: Path) -> tuple[Policy, tuple[Path, ...]]:
        found = read(path)
        if found[0].version == "2":
            write(path, "3")
        return found

    monkeypatch.setattr(watching, "load_with_files", interrupted)
    async with followed.watch:
        write(followed.file, "2")
        await followed.until(lambda: followed.version == "3")
    assert [state.current.version for state in followed.states] == ["3"]


@on_a_loop
async def test_a_broken_file_keeps_the_old_policy_and_says_so_once(followed: Followed) -> None:
    async with followed.watch:
        in_place(followed.file, '{"consentry": 1,\n')
        await followed.until(lambda: bool(followed.told))
        await followed.settled()
        (line,) = followed.told
        assert line.startswith(f"{followed.file}: is not JSON: line 2, column 1: ")
        assert line.endswith(f"; shop 1 ({followed.watch.in_force.current.fingerprint[:12]}) stays in force")
        os.utime(followed.file)
        await followed.settled()
        assert len(followed.told) == 1, "touched, with the same fault in it"
        write(followed.file, "2", unknwon={})
        await followed.until(lambda: len(followed.told) == 2)
        assert '/unknwon: the key "unknwon" is not known; did you mean "unknown"?' in followed.told[1]
    assert (followed.version, followed.states) == ("1", [])


@pytest.mark.parametrize("version", [pytest.param("1", id="as it was"), pytest.param("2", id="a new one")])
@on_a_loop
async def test_a_mended_file_is_said_to_be_in_order(followed: Followed, version: str) -> None:
    async with followed.watch:
        in_place(followed.file, "{")
        await followed.until(lambda: bool(followed.told))
        write(followed.file, version)
        await followed.until(lambda: f"policy file {followed.file} is in order again" in followed.told)
    assert followed.version == version


@on_a_loop
async def test_a_file_that_is_gone_keeps_the_old_policy(followed: Followed) -> None:
    async with followed.watch:
        followed.file.unlink()
        await followed.until(lambda: bool(followed.told))
        assert followed.told[0].startswith(f"{followed.file}: cannot be read: ")
        write(followed.file, "2")
        await followed.until(lambda: followed.version == "2")


@on_a_loop
async def test_a_policy_with_a_date_to_come_is_announced_and_switched_to_on_time(followed: Followed) -> None:
    async with followed.watch:
        write(followed.file, "2", effective="2026-12-01")
        await followed.until(lambda: len(followed.states) == 1)
        (state,) = followed.states
        assert state.announced is not None
        assert (state.current.version, state.announced.policy.version, state.announced.since) == ("1", "2", DECEMBER)
        followed.now = DECEMBER - 0.001
        await followed.settled()
        assert followed.version == "1"
        followed.now = DECEMBER
        await followed.until(lambda: followed.version == "2")
    name = f"shop 2 ({followed.watch.in_force.current.fingerprint[:12]})"
    assert followed.told == [
        f"policy {name} is announced: it holds from 2026-12-01 00:00 UTC",
        f"policy {name} holds from now on, as announced",
    ]


@on_a_loop
async def test_it_does_not_wait_for_the_next_look_when_a_date_comes(file: Path) -> None:
    write(file.with_name("next.json"), "2", effective="2026-12-01")
    write(file, "1", successor="next.json")
    loop, start = asyncio.get_running_loop(), float("inf")
    # It stands still while the policy is read, however long that takes: the date is to come while it is followed.
    watch = PolicyWatch(file, clock=lambda: DECEMBER - 0.2 + max(loop.time() - start, 0), every=watching.EVERY * 600)
    switched = asyncio.Event()
    watch.follow(lambda _state: switched.set())
    start = loop.time()
    async with watch, asyncio.timeout(60):
        await switched.wait()
    assert watch.in_force.current.version == "2"


@pytest.mark.parametrize("broken", [pytest.param('{"', id="broken"), pytest.param(None, id="not there")])
@on_a_loop
async def test_the_files_it_depends_on_are_followed_too(followed: Followed, tmp_path: Path, broken: str | None) -> None:
    later = tmp_path / "next.json"
    if broken is not None:
        in_place(later, broken)
    async with followed.watch:
        write(followed.file, "1", successor="next.json")
        await followed.until(lambda: bool(followed.told))
        await followed.settled()
        (line,) = followed.told
        assert str(later) in line
        assert "stays in force" in line
        write(later, "2", effective="2026-12-01")
        await followed.until(lambda: followed.watch.in_force.announced is not None)
        write(later, "3", effective="2027-01-01")
        await followed.until(
            lambda: [(a.policy.version, a.since) for a in followed.watch.in_force.upcoming] == [("3", JANUARY)]
        )
    assert followed.version == "1"


@on_a_loop
async def test_a_composed_policy_changes_with_its_parts(followed: Followed, tmp_path: Path) -> None:
    client = tmp_path / "client.json"
    write(client, "1", id="client")
    party = {"id": "client", "role": "client", "name": "Client", "policy": "client.json"}
    async with followed.watch:
        write(followed.file, "1", parties=[party])
        await followed.until(lambda: len(followed.states) == 1)
        composed = followed.watch.in_force.current
        write(client, "2", id="client")
        await followed.until(lambda: followed.watch.in_force.current.fingerprint != composed.fingerprint)
    assert [part.version for part in followed.watch.in_force.current.parts] == ["1", "2"]


@on_a_loop
async def test_a_policy_that_a_follower_cannot_work_with_is_not_taken(followed: Followed) -> None:
    after: list[InForce] = []

    def refusing(state: InForce) -> None:
        if state.current.version == "2":
            raise ValueError("no room")

    followed.watch.follow(refusing)
    followed.watch.follow(after.append)
    async with followed.watch:
        write(followed.file, "2")
        await followed.until(lambda: bool(followed.told))
        assert f"{followed.file}: cannot be used: no room; shop 1" in followed.told[0]
        assert (followed.version, after) == ("1", [])
        write(followed.file, "3")
        await followed.until(lambda: followed.version == "3")
    assert [state.current.version for state in after] == ["3"]


@on_a_loop
async def test_no_request_waits_while_a_large_policy_is_compiled(followed: Followed) -> None:
    vendors = [
        {"id": f"v{n}", "name": "V", "category": "analytics", "hosts": [f"v{n}.test"], "cookies": [{"name": f"c{n}"}]}
        for n in range(1_500)
    ]
    loop = asyncio.get_running_loop()
    longest, running = 0.0, True

    async def other_work() -> None:
        nonlocal longest
        while running:
            began = loop.time()
            await asyncio.sleep(0.001)
            longest = max(longest, loop.time() - began)

    async def compiled(version: str) -> bool:
        """Whether nothing waited for half of the time it took: a busy machine keeps things waiting, but not always."""
        nonlocal longest
        write(followed.file, version, vendors=vendors)
        began, longest = loop.time(), 0.0
        await followed.until(lambda: followed.version == version)
        return longest < (loop.time() - began) / 2

    task = asyncio.create_task(other_work())
    async with followed.watch:
        assert any([await compiled(version) for version in "2345"])
    running = False
    await task


def test_a_broken_policy_does_not_start(file: Path) -> None:
    in_place(file, "{")
    with pytest.raises(DocumentError, match="is not JSON"):
        PolicyWatch(file)
    write(file, "1", unknwon={})
    with pytest.raises(PolicyError, match="did you mean"):
        PolicyWatch(file)


@on_a_loop
async def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writing = asyncio.create_task(asyncio.to_thread(write, pipe, "1"))
    watch = await asyncio.to_thread(PolicyWatch, pipe, every=QUICK)
    await writing
    async with watch:
        # Opening it again would wait for a writer who never comes.
        await asyncio.sleep(QUICK * 5)
    assert watch.in_force.current.version == "1"


@on_a_loop
async def test_the_operator_is_told_when_following_ends(
    followed: Followed, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumbling(_path: Path) -> None:
        raise KeyError("a fault of ours")

    monkeypatch.setattr(watching, "load_with_files", stumbling)
    async with followed.watch:
        write(followed.file, "2")
        await followed.until(lambda: bool(followed.told))
    assert "is no longer followed (KeyError < " in followed.told[0]
    assert (followed.version, followed.states) == ("1", [])
