"""Erasing one person, and forgetting everybody whose records are older than they may be kept."""

import asyncio
import json
import random
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from cmp.ledger.errors import LedgerError, Reason
from cmp.ledger.leaves import Part
from cmp.ledger.ledger import Ledger
from cmp.ledger.reading import entries, head_of, history
from cmp.ledger.verify import verify
from tests.ledger.records import AT, HOUR, append_all, filled, given, refused, tamper, withdrawn

DAY = 86_400


def readable(file: str | Path) -> list[bool]:
    return [entry.payload is not None for entry in entries(file, Part.PERSONAL)]


def erase(file: str | Path, person: str) -> bool:
    with Ledger(file) as ledger:
        return asyncio.run(ledger.erase(person))


def forget(file: str | Path, time: float) -> int:
    with Ledger(file) as ledger:
        return asyncio.run(ledger.forget_before(time))


def test_who_is_erased_cannot_be_read_and_the_tree_verifies_against_the_head_before(place: str) -> None:
    file = place
    gone, kept, _ = filled(file, [given("ads"), given("chat"), refused()])
    filled(file, [withdrawn("ads", person=gone.person)])
    head = head_of(file)

    assert erase(file, gone.person or "")

    assert verify(file, [head]) == []
    assert history(file, gone.person or "") == []
    assert len(history(file, kept.person or "")) == 1
    assert readable(file) == [False, True, False]
    (noted,) = entries(file, Part.PUBLIC)
    assert {**json.loads(noted.leaf), "hour": 0} == {
        "format": 2,
        "hour": 0,
        "kind": "erased",
        "records": 2,
        "why": "asked",
    }


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
def test_whose_last_record_is_older_is_forgotten(place: str, time: float, forgotten: int) -> None:
    file = place
    _, second = filled(file, [given("ads"), given("chat")])
    filled(file, [given("ads", person=second.person, at=AT + 5 * DAY), refused()])
    head = head_of(file)
    assert forget(file, time) == forgotten
    assert readable(file).count(True) == {0: 3, 1: 2, 2: 0}[forgotten]
    assert verify(file, [head]) == []
    assert forget(file, time) == 0


def test_who_is_listed_as_old_and_has_a_younger_record_is_not_forgotten(place: str) -> None:
    filled(place, [given("ads"), given("chat", at=AT + 2 * DAY)])
    tamper(place, "UPDATE ledger_person SET last_hour = 0")
    assert forget(place, AT + DAY) == 1
    assert readable(place) == [False, True]
    (fault,) = verify(place)
    assert (fault.index, fault.code) == (1, "owner")
    assert "is listed under 0" in fault.what


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


@pytest.mark.parametrize(
    "after, expired",
    [
        pytest.param(-3600, 0, id="an hour before"),
        pytest.param(3600, 1, id="an hour after"),
    ],
)
def test_grants_that_have_run_out_count_as_none_and_are_noted_once(place: str, after: int, expired: int) -> None:
    until = AT + 30 * DAY
    told, other = filled(place, [given("ads", until=until), given("chat", until=until + 90 * DAY)])

    async def run(ledger: Ledger) -> None:
        person = told.person or ""
        standing = await ledger.standing(person, until + after)
        assert (standing is None) is bool(expired)
        assert await ledger.expire(until + after) == expired
        assert await ledger.expire(until + after) == 0
        assert (await ledger.standing(other.person or "", until + after)) is not None
        kinds = [entry.kind for entry in await ledger.history(person)]
        assert kinds == ["given", "expired"][: 1 + expired]

    with Ledger(place) as ledger:
        asyncio.run(run(ledger))
    assert verify(place) == []


@pytest.mark.parametrize(
    "listed, noted",
    [
        pytest.param(HOUR, [], id="an earlier end"),
        pytest.param(HOUR + 60 * DAY, [False, True], id="a later end"),
        pytest.param(0, [], id="no end"),
    ],
)
def test_an_end_that_was_altered_where_it_is_listed_ends_nothing_early_and_is_named(
    place: str, listed: int, noted: list[bool]
) -> None:
    until = AT + 30 * DAY
    told, _ = filled(place, [given("ads", until=until), given("chat", until=until)])
    person = told.person or ""
    of = f"X'{person}'" if place.startswith("sqlite") else f"decode('{person}', 'hex')"
    tamper(place, f"UPDATE ledger_person SET until_hour = {listed} WHERE visitor = {of}")  # noqa: S608 - test data
    (fault,) = verify(place)
    assert (fault.index, fault.code) == (0, "owner")
    assert fault.what.endswith(f"and is listed under {listed}")

    async def run(ledger: Ledger) -> list[bool]:
        assert await ledger.expire(AT + DAY) == 0
        assert await ledger.standing(person, AT + DAY) is not None
        found = []
        for days in (31, 61):
            await ledger.expire(AT + days * DAY)
            # What holds is what the record says, noted or not.
            assert await ledger.standing(person, AT + days * DAY) is None
            found.append([entry.kind for entry in await ledger.history(person)] == ["given", "expired"])
        return found

    with Ledger(place) as ledger:
        # An earlier end is looked up in the record each time, and noted when that has come.
        assert asyncio.run(run(ledger)) == (noted or [listed > 0] * 2)


def test_an_end_listed_for_who_has_withdrawn_is_not_noted_and_does_not_stop_others(tmp_path: Path) -> None:
    place, until = tmp_path / "l.db", AT + DAY
    told = filled(place, [given("ads", until=until)] * 210)
    filled(place, [withdrawn("ads", person=one.person) for one in told[:-1]])
    tamper(place, f"UPDATE ledger_person SET until_hour = {HOUR}")  # noqa: S608 - test data
    with Ledger(place) as ledger:
        assert asyncio.run(ledger.expire(AT + 2 * DAY)) == 1
        assert asyncio.run(ledger.standing(told[-1].person or "", AT)) is None
        assert [e.kind for e in asyncio.run(ledger.history(told[0].person or ""))] == ["given", "withdrawn"]
    assert {fault.code for fault in verify(place)} == {"owner"}


def test_the_end_that_is_listed_is_one_that_the_record_tells_to_the_millisecond(tmp_path: Path) -> None:
    drawn = random.Random(27560)
    ends = [HOUR + 30 * DAY + of for of in (0, 0.0004, 0.5, 0.9994, 0.9996, 0.9999999, 1, 3599.9996, 1e-7, -1e-7)]
    ends += [HOUR + drawn.uniform(DAY, 700 * DAY) for _ in range(200)]
    filled(tmp_path / "l.db", [given("ads", until=until) for until in ends])
    assert verify(tmp_path / "l.db") == []


def test_who_renews_in_time_does_not_expire(tmp_path: Path) -> None:
    file, until = tmp_path / "l.db", AT + 30 * DAY
    (told,) = filled(file, [given("ads", until=until)])
    filled(file, [given("ads", person=told.person, until=until + 30 * DAY)])
    with Ledger(file) as ledger:
        assert asyncio.run(ledger.expire(until + DAY)) == 0
        standing = asyncio.run(ledger.standing(told.person or "", until + DAY))
    assert standing is not None
    assert standing.until == pytest.approx(until + 30 * DAY, abs=0.01)


@pytest.mark.parametrize("after", [False, True], ids=["before it", "after it"])
def test_who_withdraws_holds_nothing(tmp_path: Path, after: bool) -> None:
    file = tmp_path / "l.db"
    (told,) = filled(file, [given("ads", until=AT + DAY)])
    if after:
        filled(file, [withdrawn("ads", person=told.person)])
    with Ledger(file) as ledger:
        assert (asyncio.run(ledger.standing(told.person or "", AT)) is None) is after
        assert asyncio.run(ledger.expire(AT + 10 * DAY)) == (not after)


def test_a_key_destroyed_by_nobody_s_request_is_found(place: str) -> None:
    told, _ = filled(place, [given("ads"), given("chat")])
    person = f"'{told.person}'"
    gone = f"X{person}" if place.startswith("sqlite") else f"decode({person}, 'hex')"
    tables = ("ledger_person", "ledger_owner")
    tamper(place, *(f"DELETE FROM {table} WHERE visitor = {gone}" for table in tables))  # noqa: S608 - test data
    (fault,) = verify(place)
    assert (fault.index, fault.code) == (None, "erasure")
    assert "1 records have no key, and 0 were erased" in fault.what


def test_a_backup_that_brings_the_erased_back_is_found(tmp_path: Path) -> None:
    file = tmp_path / "l.db"
    (told,) = filled(file, [given("ads")])
    with sqlite3.connect(file) as connection:
        held = [connection.execute(f"SELECT * FROM ledger_{name}").fetchall() for name in ("person", "owner")]  # noqa: S608
    connection.close()
    assert erase(file, told.person or "")
    with sqlite3.connect(file) as connection:
        connection.executemany("INSERT INTO ledger_person VALUES (?, ?, ?, ?)", held[0])
        connection.executemany("INSERT INTO ledger_owner VALUES (?, ?)", held[1])
    connection.close()
    (fault,) = verify(file)
    assert fault.code == "erasure"
    assert "keys of erased people are back" in fault.what
