"""When the disk or the file fails: a clear error to exactly those whose record is not stored, and going on after."""

import asyncio
import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cmp.ledger import writer
from cmp.ledger.errors import LedgerError, Reason
from cmp.ledger.leaves import Part
from cmp.ledger.ledger import Ledger
from cmp.ledger.reading import entries
from cmp.ledger.statistics import statistics_of
from cmp.ledger.store import Acknowledgement, Batch, Task
from cmp.ledger.verify import verify
from tests.ledger.records import AT, HOUR, ROOT, append_all, filled, given, number_of, numbered, refused, tamper


def stored(file: Path) -> list[int]:
    return [number_of(entry.payload["granted"]) for entry in entries(file, Part.PERSONAL) if entry.payload]


def child(mode: str, file: Path, *before: str) -> list[str]:
    """What a run of `tests.ledger.child` said."""
    command = [*before, sys.executable, "-m", "tests.ledger.child", mode, str(file)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def check_relieved(said: list[str], reason: Reason, file: Path) -> list[int]:
    """Everything acknowledged, before one error and after it; checks that there was just one, at one place."""
    errors = [line for line in said if line.startswith("error")]
    assert [line.split(" ")[1] for line in errors] == [reason]
    assert f"{file}: " in errors[0]
    assert "writing goes on by itself" in errors[0]
    place = said.index(errors[0])
    numbers = [int(line) for line in said if line.isdigit()]
    assert place > 10
    assert numbers == [*range(place), place + 1, place + 2]
    return numbers


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    file = tmp_path / "l.db"
    numbers = check_relieved(child("file-limit", file), Reason.FAILED, file)
    assert verify(file) == []
    assert stored(file) == numbers


def test_a_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = 'mount -t tmpfs -o size=900k tmpfs "$0" && '
    try:
        allowed = subprocess.run([*mounted, mount + "true", str(disk)], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs unshare (util-linux)")
    if allowed.returncode:
        pytest.skip(f"no file system may be mounted here: {allowed.stderr.strip()}")
    copy = tmp_path / "copy.db"
    # The small disk vanishes with the process: the ledger is copied out first.
    script = f'{mount} "$@" && cp "$0/l.db" {copy}'
    said = child("small-disk", disk / "l.db", *mounted, script, str(disk))
    numbers = check_relieved([line for line in said if not line.startswith("size")], Reason.FULL, disk / "l.db")
    assert verify(copy) == []
    assert stored(copy) == numbers


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that another user can reach: pytest's own are private."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o700)


@pytest.mark.parametrize("exists", [True, False])
def test_a_read_only_file_or_folder_is_refused_at_the_start(public_folder: Path, exists: bool) -> None:
    file = public_folder / "l.db"
    if exists:
        filled(file, [numbered(0)])
        for path in public_folder.iterdir():
            path.chmod(0o444)
    public_folder.chmod(0o555)
    (said,) = child("denied", file)
    assert said.startswith("error read-only ")
    assert str(file) in said
    assert sorted(path.name for path in public_folder.iterdir()) == (["l.db", "l.db-lock"] if exists else [])


def test_a_file_that_becomes_read_only_and_writable_again(tmp_path: Path) -> None:
    file = tmp_path / "l.db"

    async def run(ledger: Ledger) -> None:
        await ledger.append(numbered(0))
        # The super-user may write anything, so SQLite itself is told not to.
        connection = ledger._writer._connection
        assert connection is not None
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.rollback()
        with pytest.raises(LedgerError, match="read-only") as caught:
            await ledger.append(numbered(2))
        assert caught.value.reason is Reason.READ_ONLY
        await ledger.append(numbered(4))

    with Ledger(file) as ledger:
        asyncio.run(run(ledger))
    assert stored(file) == [0, 4]
    assert verify(file) == []


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


def test_a_locked_database_fails_those_who_wait_and_nobody_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "l.db"
    # Counts are due with every batch, also with the one that fails.
    monkeypatch.setattr(writer, "COUNTS_EVERY", 0.001)

    async def run(ledger: Ledger) -> None:
        await ledger.append(numbered(0))
        ledger.count("notice.shown", AT)
        with locked(file):
            failed = await asyncio.gather(*(ledger.append(numbered(n)) for n in (2, 4)), return_exceptions=True)
        for error in failed:
            assert isinstance(error, LedgerError)
            assert error.reason is Reason.LOCKED
            assert "another program holds a lock" in str(error)
        assert failed[0] is not failed[1]
        await ledger.append(numbered(6))

    with Ledger(file, lock_wait=0.05) as ledger:
        asyncio.run(run(ledger))
    assert stored(file) == [0, 6]
    assert verify(file) == []
    # Counts wait for better times.
    assert [list(day.values()) for day in statistics_of(file).counted.values()] == [[1]]


def test_an_error_in_the_middle_of_a_batch_stores_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "l.db"
    carry_out = Batch.carry_out
    faults = [sqlite3.OperationalError("planted"), ValueError("planted"), MemoryError("planted")]

    def failing(batch: Batch, task: Task) -> Acknowledgement | int:
        told = carry_out(batch, task)
        if task == given("n3") and faults:
            raise faults.pop()
        return told

    monkeypatch.setattr(Batch, "carry_out", failing)

    async def run(ledger: Ledger) -> list[int]:
        done: list[int] = []
        for _ in range(4):
            told = await asyncio.gather(*(ledger.append(given(f"n{n}")) for n in range(5)), return_exceptions=True)
            done += [number for number, answer in enumerate(told) if isinstance(answer, Acknowledgement)]
            assert all(isinstance(answer, Acknowledgement | LedgerError) for answer in told)
        return done

    with Ledger(file) as ledger:
        acknowledged = asyncio.run(run(ledger))
    assert stored(file) == acknowledged
    assert acknowledged[-5:] == [0, 1, 2, 3, 4]
    assert acknowledged.count(3) == 1
    assert verify(file) == []


@pytest.mark.parametrize("moved", ["l.db", "l.db-wal"])
def test_a_file_moved_away_takes_no_choices_with_it(tmp_path: Path, moved: str) -> None:
    file, away = tmp_path / "l.db", tmp_path / "away"

    async def run(ledger: Ledger) -> None:
        await ledger.append(numbered(0))
        (tmp_path / moved).rename(away)
        with pytest.raises(LedgerError, match="moved or deleted") as caught:
            await ledger.append(numbered(2))
        assert caught.value.reason is Reason.MISSING
        if moved == "l.db":
            with pytest.raises(LedgerError, match="cannot be opened"):
                await ledger.append(numbered(4))
            away.rename(file)
        await ledger.append(numbered(6))

    with Ledger(file) as ledger:
        asyncio.run(run(ledger))
    assert stored(file) == [0, 6]
    assert verify(file) == []


def test_a_restored_backup_is_taken_up(tmp_path: Path) -> None:
    file, backup = tmp_path / "l.db", tmp_path / "backup.db"
    filled(file, [numbered(0)])
    shutil.copy(file, backup)

    async def run(ledger: Ledger) -> None:
        await ledger.append(numbered(2))
        backup.rename(file)
        with pytest.raises(LedgerError, match="exchanged for another"):
            await ledger.append(numbered(4))
        await ledger.append(numbered(6))

    with Ledger(file) as ledger:
        asyncio.run(run(ledger))
    assert verify(file) == []
    assert stored(file)[0] == 0
    assert stored(file)[-1] == 6


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.db"), pytest.raises(LedgerError, match="already writes this ledger") as caught:
        Ledger(tmp_path / "l.db")
    assert caught.value.reason is Reason.IN_USE
    Ledger(tmp_path / "l.db").close()


def a_database(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE orders (id)")
    connection.commit()
    connection.close()


def of_version(file: Path, statement: str) -> None:
    filled(file, [numbered(0)])
    tamper(file, statement)


def cut(file: Path, size: int) -> None:
    filled(file, map(numbered, range(60)))
    os.truncate(file, size)


@pytest.mark.parametrize(
    "make, reason, told",
    [
        pytest.param(lambda file: file.write_bytes(b"text, no database" * 300), Reason.CORRUPT, "no SQLite", id="text"),
        pytest.param(lambda file: file.write_bytes(b""), Reason.CORRUPT, "is empty", id="empty"),
        pytest.param(a_database, Reason.FOREIGN, "but no ledger", id="another database"),
        pytest.param(
            lambda file: of_version(file, "UPDATE ledger_version SET version_num = '7'"),
            Reason.SCHEMA,
            "schema version 7, this program knows version 0002",
            id="newer schema",
        ),
        pytest.param(
            lambda file: of_version(file, "DELETE FROM ledger_version"), Reason.SCHEMA, "version none", id="no version"
        ),
        pytest.param(
            lambda file: of_version(file, "DROP TABLE ledger_counter"),
            Reason.CORRUPT,
            "not defined as",
            id="a table dropped",
        ),
        pytest.param(lambda file: cut(file, 3000), Reason.CORRUPT, "damaged", id="cut in the first page"),
        pytest.param(lambda file: file.mkdir(), Reason.MISSING, "file", id="a folder"),
    ],
)
def test_a_file_that_is_no_ledger_names_itself_and_the_next_step(
    tmp_path: Path, make: Callable[[Path], object], reason: Reason, told: str
) -> None:
    file = tmp_path / "l.db"
    make(file)
    before = file.read_bytes() if file.is_file() else b""
    uses: tuple[Callable[[Path], object], ...] = (Ledger, verify, statistics_of)
    for use in uses:
        with pytest.raises(LedgerError, match=told) as caught:
            use(file)
        assert caught.value.reason is reason
        assert str(caught.value).startswith(f"{file}: ")
        assert "\n" not in str(caught.value)
        assert caught.value.remedy
    # Nothing of what somebody may want to look at is touched, and no place is kept.
    assert not before or file.read_bytes() == before


@pytest.mark.parametrize("use", [verify, statistics_of])
def test_reading_makes_no_file(tmp_path: Path, use: Callable[[Path], object]) -> None:
    with pytest.raises(LedgerError, match="no such file") as caught:
        use(tmp_path / "l.db")
    assert caught.value.reason is Reason.MISSING
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="no such file or directory; check that the folder exists"):
        Ledger(tmp_path / "no" / "l.db")


def test_a_creation_cut_off_leaves_no_half_ledger(tmp_path: Path) -> None:
    (tmp_path / "l.db-new").write_bytes(b"half")
    filled(tmp_path / "l.db", [numbered(0)])
    assert stored(tmp_path / "l.db") == [0]
    assert not (tmp_path / "l.db-new").exists()


def test_a_server_that_starts_during_an_offline_reading_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "l.db"
    filled(file, map(numbered, range(20)))
    walk = entries(file, Part.PERSONAL)
    next(walk)
    with Ledger(file) as ledger:
        asyncio.run(append_all(ledger, [numbered(20)]))
    with pytest.raises(LedgerError, match="run the command again") as caught:
        list(walk)
    assert caught.value.reason is Reason.BUSY


def test_a_clock_set_back_alters_nothing_and_loses_nothing(place: str) -> None:
    for at in (AT, AT - 7 * 86_400, AT + 3600):
        filled(place, [given("ads", at=at), refused("ads", at=at)], clock=lambda at=at: at)
    Ledger(place, clock=lambda: AT + 7200).close()
    assert verify(place) == []
    assert [entry.hour for entry in entries(place, Part.PERSONAL)] == [HOUR, HOUR - 7 * 86_400, HOUR + 3600]
    assert sorted(entry.hour for entry in entries(place, Part.UNLINKABLE)) == [HOUR - 7 * 86_400, HOUR, HOUR + 3600]
