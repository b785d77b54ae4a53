"""Acknowledged is durable: across kill -9, and as the kernel sees it."""

import asyncio
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from cmp.ledger.errors import LedgerError, Reason
from cmp.ledger.leaves import Part
from cmp.ledger.ledger import Ledger
from cmp.ledger.reading import entries
from cmp.ledger.verify import verify
from tests.ledger.records import ROOT, number_of, numbered
from tests.postgres import postgres

SEED = 20261007
ROUNDS = 2
ALL_ROUNDS = 30
APART = 1_000_000


class Stream:
    """A process that appends without end, and what it was told is stored."""

    def __init__(self, address: str, first: int) -> None:
        command = [sys.executable, "-m", "tests.ledger.child", "stream", address, str(first)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        self._lines: list[bytes] = []

    def wait_for(self, acknowledgements: int) -> None:
        assert self._process.stdout is not None
        self._lines += [self._process.stdout.readline() for _ in range(acknowledgements)]

    def kill(self) -> list[int]:
        """Numbers acknowledged."""
        with self._process as process:
            assert process.stdout is not None
            process.send_signal(signal.SIGKILL)
            rest = process.stdout.read()
        # What the pipe holds was acknowledged before the end; the kill may have cut the last line.
        lines = b"".join([*self._lines, rest]).split(b"\n")[:-1]
        return [int(line) for line in lines if line.isdigit()]


def numbers(address: str) -> Counter[int]:
    personal = (number_of(entry.payload["granted"]) for entry in entries(address, Part.PERSONAL) if entry.payload)
    refusals = (
        int(number) for entry in entries(address, Part.UNLINKABLE) for number in re.findall(rb'"n(\d+)"', entry.leaf)
    )
    return Counter(personal) + Counter(refusals)


def check(address: str, acknowledged: list[int], under_way: int) -> None:
    stored = numbers(address)
    assert [number for number in acknowledged if stored[number] != 1] == []
    # What was stored but not acknowledged in time is there once too, and is at most what was under way.
    assert set(stored.values()) == {1}
    assert sum(stored.values()) - len(acknowledged) <= under_way


rounds = pytest.mark.parametrize(
    "rounds",
    [
        pytest.param(ROUNDS, id="some", marks=pytest.mark.timeout(900)),
        pytest.param(ALL_ROUNDS, id="all", marks=[pytest.mark.soak, pytest.mark.timeout(1800)]),
    ],
)


@rounds
def test_nothing_acknowledged_is_lost_when_the_process_is_killed(place: str, rounds: int) -> None:
    chance = random.Random(SEED)
    acknowledged: list[int] = []
    for turn in range(rounds):
        stream = Stream(place, turn * APART)
        stream.wait_for(chance.randrange(1, 150))
        time.sleep(chance.uniform(0, 0.05))
        acknowledged += stream.kill()
        assert verify(place) == [], f"after kill {turn + 1}"
    assert len(acknowledged) > rounds
    check(place, acknowledged, rounds * 16)


@rounds
def test_nothing_acknowledged_is_lost_when_the_database_server_is_killed_under_two_nodes(rounds: int) -> None:
    chance = random.Random(SEED + 1)
    with postgres() as server:
        place = server.empty()
        Ledger(place).close()
        acknowledged: list[int] = []
        for turn in range(rounds):
            nodes = [Stream(place, (2 * turn + node) * APART) for node in range(2)]
            for node in nodes:
                node.wait_for(chance.randrange(1, 150))
            time.sleep(chance.uniform(0, 0.05))
            server.kill()
            acknowledged += [number for node in nodes for number in node.kill()]
            server.start()
            assert verify(place) == [], f"after kill {turn + 1}"
        assert len(acknowledged) > rounds
        check(place, acknowledged, rounds * 2 * 16)


def test_a_server_that_comes_back_is_written_to_again(tmp_path: Path) -> None:
    with postgres() as server:
        place = server.empty()

        async def run(ledger: Ledger) -> None:
            await ledger.append(numbered(0))
            server.kill()
            with pytest.raises(LedgerError) as caught:
                await ledger.append(numbered(2))
            assert caught.value.reason is Reason.UNREACHABLE
            assert "writing goes on by itself" in str(caught.value)
            server.start()
            await ledger.append(numbered(4))

        with Ledger(place) as ledger:
            asyncio.run(run(ledger))
        assert numbers(place) == {0: 1, 4: 1}
        assert verify(place) == []


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed (Debian: apt-get install strace)")
def test_the_sync_comes_before_the_answer(tmp_path: Path) -> None:
    file, trace, count = tmp_path / "l.db", tmp_path / "trace", 6
    calls = "trace=fsync,fdatasync,pwrite64,write"
    command = ["strace", "-f", "-y", "-e", calls, "-o", str(trace), sys.executable]
    ran = subprocess.run(
        [*command, "-m", "tests.ledger.child", "few", str(file), str(count)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if "ptrace" in ran.stderr:
        pytest.skip(f"strace may not trace here: {ran.stderr.splitlines()[0]}")
    assert ran.stdout.count("acknowledged") == count, ran.stderr
    assert answers(trace.read_text(), str(file)) == ["synced"] * count


# "PID call(FD</path>..." begins a call; "PID <... call resumed>..." ends one that another thread interrupted.
_BEGUN = re.compile(r"(\d+) +(\w+)\(\d+<([^>]*)>(.*)")
_RESUMED = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)")


def answers(trace: str, database: str) -> list[str]:
    """For each acknowledgement in a trace: "synced", or what was wrong when it was written.

    The log must have been written to since the acknowledgement before, and a sync begun after the last of these writes
    must have ended well.
    """
    log = f"{database}-wal"
    written = dirty = False
    syncing: set[str] = set()
    found = []
    for line in trace.splitlines():
        if match := _BEGUN.match(line):
            thread, call, path, rest = match.groups()
            if call in {"fsync", "fdatasync"} and path == log:
                if "unfinished" in rest:
                    syncing.add(thread)
                else:
                    dirty = dirty and not rest.endswith("= 0")
            elif call == "pwrite64" and path == log:
                written = dirty = True
                syncing.clear()
            elif call == "write" and '"acknowledged' in rest:
                found.append("nothing written" if not written else "not synced" if dirty else "synced")
                written = False
        elif (match := _RESUMED.match(line)) and match[1] in syncing and match[2] in {"fsync", "fdatasync"}:
            syncing.discard(match[1])
            dirty = dirty and not match[3].endswith("= 0")
    return found


_WRITE = '7 pwrite64(5</d/l.db-wal>, "x"..., 4096, 56) = 4096\n'
_SYNC = "7 fdatasync(5</d/l.db-wal>) = 0\n"
_ANSWER = '6 write(1<pipe:[1]>, "acknowledged 0\\n", 15) = 15\n'


@pytest.mark.parametrize(
    "trace, expected",
    [
        pytest.param(_WRITE + _SYNC + _ANSWER, "synced", id="as it should be"),
        pytest.param(
            _WRITE
            + '7 fdatasync(5</d/l.db-wal> <unfinished ...>\n6 write(2</dev/pts/0>, "x", 1) = 1\n'
            + "7 <... fdatasync resumed>) = 0\n"
            + _ANSWER,
            "synced",
            id="interrupted",
        ),
        pytest.param(_WRITE + _ANSWER + _SYNC, "not synced", id="answer too early"),
        pytest.param(_SYNC + _WRITE + _ANSWER, "not synced", id="sync too early"),
        pytest.param(
            _WRITE + "7 fdatasync(5</d/l.db-wal> <unfinished ...>\n" + _ANSWER, "not synced", id="still syncing"
        ),
        pytest.param(_WRITE + _SYNC.replace("= 0", "= -1 EIO") + _ANSWER, "not synced", id="sync failed"),
        pytest.param(_WRITE + _SYNC.replace("-wal", "") + _ANSWER, "not synced", id="another file synced"),
        pytest.param(_ANSWER, "nothing written", id="nothing written"),
    ],
)
def test_the_trace_is_read_strictly(trace: str, expected: str) -> None:
    assert answers(trace, "/d/l.db") == [expected]
