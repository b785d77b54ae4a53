"""Erasing one person, and forgetting everybody whose records are older than they may be kept."""

import asyncio
import shutil
import subprocess
from pathlib import Path

import pytest

from cmp.ledger.errors import LedgerError, Reason
from cmp.ledger.leaves import Chain
from cmp.ledger.ledger import Ledger
from cmp.ledger.reading import entries, heads_of, history
from cmp.ledger.verify import verify
from tests.ledger.records import AT, HOUR, append_all, filled, given, refused, withdrawn

DAY = 86_400


def readable(file: Path) -> list[bool]:
    return [entry.payload is not None for entry in entries(file, Chain.PERSONAL)]


def erase(file: Path, person: str) -> bool:
    with Ledger(file) as ledger:
        return asyncio.run(ledger.erase(person))


def forget(file: Path, time: float) -> int:
    with Ledger(file) as ledger:
        return asyncio.run(ledger.forget_before(time))


def test_who_is_erased_cannot_be_read_and_the_chains_verify_against_the_heads_before(tmp_path: Path) -> None:
    file = tmp_path / "l.db"
    gone, kept, _ = filled(file, [given("ads"), given("chat"), refused()])
    filled(file, [withdrawn("ads", person=gone.person)])
    heads = heads_of(file)

    assert erase(file, gone.person or "")

    assert verify(file, heads) == []
    assert heads_of(file) == heads
    assert history(file, gone.person or "") == []
    assert len(history(file, kept.person or "")) == 1
    assert readable(file) == [False, True, False]


def test_erasing_twice_is_once_and_a_strange_id_is_nobody(tmp_path: Path) -> None:
    file = tmp_path / "l.db"
    (told,) = filled(file, [given()])
    assert erase(file, told.person or "") is True
    for person in (told.person or "", "ab" * 16, "", "AB" * 16, "' OR 1=1 --"):
        assert erase(file, person) is False
    assert verify(file) == []


def test_nothing_of_an_erased_key_is_in_the_files_of_a_ledger_still_open(tmp_path: Path) -> None:
    file, copy = tmp_path / "l.db", tmp_path / "copy"
    copy.mkdir()

    async def run(ledger: Ledger) -> str:
        (told,) = await append_all(ledger, [given("ads")])
        await ledger.erase(told.person or "")
        # By another process: closing the file in this one would drop SQLite's locks.
        await asyncio.to_thread(subprocess.run, ["cp", str(file), f"{file}-wal", str(copy)], check=True)
        return told.person or ""

    with Ledger(file) as ledger:
        person = asyncio.run(run(ledger))
    seen = b"".join(path.read_bytes() for path in copy.iterdir())
    assert bytes.fromhex(person) not in seen
    assert person.encode() not in seen


def test_an_erased_person_who_consents_again_is_somebody_new(tmp_path: Path) -> None:
    file = tmp_path / "l.db"

    async def run(ledger: Ledger) -> tuple[str | None, str | None]:
        (first,) = await append_all(ledger, [given("ads")])
        _, second = await asyncio.gather(
            ledger.erase(first.person or ""), ledger.append(given("ads", person=first.person))
        )
        return first.person, second.person

    with Ledger(file) as ledger:
        first, second = asyncio.run(run(ledger))
    assert first != second
    assert readable(file) == [False, True]


def test_an_erasure_that_is_not_on_disk_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "l.db"
    (told,) = filled(file, [given()])

    async def run(ledger: Ledger) -> None:
        file.rename(tmp_path / "moved.db")
        await ledger.erase(told.person or "")

    with Ledger(file) as ledger, pytest.raises(LedgerError) as caught:
        asyncio.run(run(ledger))
    assert caught.value.reason is Reason.MISSING
    shutil.move(tmp_path / "moved.db", file)
    assert len(history(file, told.person or "")) == 1


@pytest.mark.parametrize(
    "time, forgotten",
    [
        pytest.param(AT - 10 * DAY, 0, id="all are younger"),
        pytest.param(HOUR, 0, id="the hour begins"),
        pytest.param(HOUR + 3599, 0, id="the hour is not over"),
        pytest.param(HOUR + 3600, 1, id="the hour is over"),
        pytest.param(AT + 2 * DAY, 1, id="a later record of the second person still counts"),
        pytest.param(AT + 10 * DAY, 2, id="all are older"),
    ],
)
def test_whose_last_record_is_older_is_forgotten(tmp_path: Path, time: float, forgotten: int) -> None:
    file = tmp_path / "l.db"
    _, second = filled(file, [given("ads"), given("chat")])
    filled(file, [given("ads", person=second.person, at=AT + 5 * DAY), refused()])
    heads = heads_of(file)
    assert forget(file, time) == forgotten
    assert readable(file).count(True) == {0: 3, 1: 2, 2: 0}[forgotten]
    assert verify(file, heads) == []
    assert forget(file, time) == 0


def test_more_than_one_batch_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "l.db"
    filled(file, [given()] * 450)
    assert forget(file, AT + DAY) == 450
    assert readable(file) == [False] * 450
    assert verify(file) == []


def test_choices_go_on_while_people_are_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "l.db"
    filled(file, [given("old")] * 300)

    async def run(ledger: Ledger) -> int:
        forgotten, _ = await asyncio.gather(
            ledger.forget_before(AT + DAY), append_all(ledger, [given("new", at=AT + 2 * DAY)] * 50)
        )
        return forgotten

    with Ledger(file) as ledger:
        assert asyncio.run(run(ledger)) == 300
    assert readable(file) == [False] * 300 + [True] * 50
    assert verify(file) == []
