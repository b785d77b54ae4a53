"""Appending and reading: what is acknowledged is there, once, and in one piece; waiting has a limit."""

import asyncio
import json
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from cmp.core.signals import Signals
from cmp.ledger import schema
from cmp.ledger.database import database_of
from cmp.ledger.errors import LedgerError, Reason
from cmp.ledger.leaves import Part
from cmp.ledger.ledger import Ledger
from cmp.ledger.reading import entries, history
from cmp.ledger.record import Record
from cmp.ledger.rows import insert
from cmp.ledger.statistics import statistics_of
from cmp.ledger.store import Acknowledgement, Batch
from cmp.ledger.verify import verify
from tests.ledger.records import AT, HOUR, POLICY, append_all, filled, given, numbered, refused, withdrawn

DAY = "2026-10-07"


def held(file: str | Path) -> list[str]:
    """The one name each record is about."""
    personal = [entry.payload for entry in entries(file, Part.PERSONAL)]
    names = [(found["granted"] or found["refused"])[0] for found in personal if found is not None]
    kept = entries(file, Part.UNLINKABLE)
    unlinkable = [json.loads(entry.leaf)["refused"][0] for entry in kept]
    return sorted(names + unlinkable)


def test_200_at_once_are_all_there_in_fewer_commits(place: str) -> None:
    file = place

    async def run(ledger: Ledger) -> list[Acknowledgement]:
        return await asyncio.gather(*(ledger.append(numbered(number)) for number in range(200)))

    with Ledger(file) as ledger:
        told = asyncio.run(run(ledger))
        assert 1 <= ledger.commits < 100
    assert verify(file) == []
    assert held(file) == sorted(f"n{number}" for number in range(200))
    people = [answer.person for answer in told if answer.person]
    assert len(people) == len(set(people)) == 100
    assert sorted(answer.index for answer in told if answer.index is not None) == list(range(100))


def test_a_person_s_records_belong_together(place: str) -> None:
    file = place
    (first,) = filled(file, [given("ads", signals=Signals(gpc=True), at=AT)])
    assert first.person
    later, other, last = filled(
        file,
        [
            given("chat", person=first.person, at=AT + 1),
            given("ads"),
            withdrawn("chat", person=first.person, at=AT + 2),
        ],
    )
    assert later.person == last.person == first.person != other.person
    found = history(file, first.person)
    assert [(entry.kind, entry.index) for entry in found] == [("given", 0), ("changed", 1), ("withdrawn", 3)]
    assert [entry.payload and entry.payload["at"] for entry in found] == [round((AT + n) * 1000) for n in range(3)]
    assert history(file, "0" * 32) == history(file, "' OR 1=1 --") == []


@pytest.mark.parametrize(
    "record, linked",
    [
        pytest.param(refused(), False, id="refusal"),
        pytest.param(withdrawn(), False, id="withdrawal without an id"),
        pytest.param(withdrawn(person="0" * 32), False, id="withdrawal with an unknown id"),
        pytest.param(given(person="0" * 32), True, id="consent with an unknown id"),
        pytest.param(refused(receipt=True), True, id="refusal with a receipt"),
    ],
)
def test_who_is_not_known_gets_no_link_to_before(tmp_path: Path, record: Record, linked: bool) -> None:
    (told,) = filled(tmp_path / "l.db", [record])
    assert bool(told.person) is linked
    assert told.person != "0" * 32
    assert linked or told == Acknowledgement()


def test_reading_does_not_disturb_writing_nor_the_reverse(place: str) -> None:
    async def run(ledger: Ledger) -> None:
        await append_all(ledger, map(numbered, range(10)))
        counted = select(func.count()).select_from(schema.leaf)
        with database_of(place).reading() as connection:
            seen = connection.scalar(counted)
            head = await ledger.head()
            await append_all(ledger, map(numbered, range(10, 20)))
            assert connection.scalar(counted) == seen == 5
        assert head.size == 5
        assert verify(place, [head]) == []
        assert (await ledger.head()).size == 10
        assert len(await ledger.history((await ledger.append(given())).person or "")) == 1
        assert (await ledger.statistics()).choices == {DAY: {"given": 11, "refused": 10}}

    # Refusals go into the tree when an hour is over: here it is not.
    with Ledger(place, clock=lambda: AT) as ledger:
        asyncio.run(run(ledger))


def test_counts_are_added_up_by_hour_and_survive_closing(place: str) -> None:
    file = place
    for _ in range(2):
        with Ledger(file) as ledger:
            for at in (HOUR, HOUR + 3599.9, HOUR + 3600, HOUR + 86_400):
                ledger.count("notice.shown", at)
            ledger.count("signal.gpc", HOUR)
    found = statistics_of(file)
    assert found.counted == {
        DAY: {"notice.shown": 6, "signal.gpc": 2},
        "2026-10-08": {"notice.shown": 2},
    }
    assert found.choices == {}


def test_values_go_into_the_columns_that_are_named(place: str) -> None:
    columns = ("until_hour", "visitor", "last_hour", "key")
    people = [(2, bytes([number]) * 16, 1, b"k" * 32) for number in range(5)]
    with Ledger(place):
        pass
    database = database_of(place)
    database.claim()
    connection = database.connect()
    with connection.begin():
        insert(connection, schema.person, columns, people)
    database.shut(connection)
    database.release()
    with database.reading() as reader:
        found = reader.execute(select(schema.person).order_by(schema.person.c.visitor)).mappings().all()
    assert [tuple(row[name] for name in columns) for row in found] == people


@pytest.mark.parametrize("event", ["", "Notice", "a b", "a..b", "x" * 65, "a'b"])
def test_only_plain_names_are_counted(tmp_path: Path, event: str) -> None:
    with Ledger(tmp_path / "l.db") as ledger, pytest.raises(ValueError, match="event: "):
        ledger.count(event, AT)


def test_a_full_queue_is_a_clear_error_and_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free, reached = threading.Event(), threading.Event()
    begin = Batch.begin

    def slow(connection: Connection, now: float) -> Batch:
        reached.set()
        assert free.wait(60)
        return begin(connection, now)

    monkeypatch.setattr(Batch, "begin", slow)

    async def run(ledger: Ledger) -> None:
        first = asyncio.create_task(ledger.append(numbered(0)))
        assert await asyncio.to_thread(reached.wait, 60)
        waiting = [asyncio.create_task(ledger.append(numbered(number))) for number in range(1, 9)]
        await asyncio.sleep(0)
        with pytest.raises(LedgerError, match="8 choices are waiting") as caught:
            await ledger.append(numbered(99))
        assert caught.value.reason is Reason.BUSY
        waiting[3].cancel()
        free.set()
        await first
        done = await asyncio.gather(*waiting, return_exceptions=True)
        assert [isinstance(answer, Acknowledgement) for answer in done] == [n != 3 for n in range(8)]
        await ledger.append(numbered(50))

    with Ledger(tmp_path / "l.db", queue_limit=8) as ledger:
        asyncio.run(run(ledger))
    # The refused one and the one cancelled in the queue are not there.
    assert held(tmp_path / "l.db") == sorted(f"n{number}" for number in (0, 1, 2, 3, 5, 6, 7, 8, 50))


def test_closing_answers_everybody_and_ends(tmp_path: Path) -> None:
    async def run(ledger: Ledger) -> None:
        waiting = [asyncio.create_task(ledger.append(numbered(number))) for number in range(50)]
        await asyncio.sleep(0)
        ledger.close()
        ledger.close()
        assert all(isinstance(answer, Acknowledgement) for answer in await asyncio.gather(*waiting))
        with pytest.raises(LedgerError, match="is closed") as caught:
            await ledger.append(numbered(50))
        assert caught.value.reason is Reason.CLOSED

    asyncio.run(run(Ledger(tmp_path / "l.db")))
    assert len(held(tmp_path / "l.db")) == 50
    assert sorted(path.name for path in tmp_path.iterdir()) == ["l.db", "l.db-lock"]


def test_a_loop_that_ended_stops_nobody_else(tmp_path: Path) -> None:
    async def leave(ledger: Ledger) -> None:
        asyncio.create_task(ledger.append(numbered(0)))  # noqa: RUF006 - left behind on purpose
        await asyncio.sleep(0)

    with Ledger(tmp_path / "l.db") as ledger:
        asyncio.run(leave(ledger))
        asyncio.run(append_all(ledger, [numbered(2)]))
    assert "n2" in held(tmp_path / "l.db")


def test_only_its_owner_can_read_the_files(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.db") as ledger:
        asyncio.run(append_all(ledger, [numbered(0)]))
        modes = {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("l.db", "l.db-wal", "l.db-shm", "l.db-lock"), "0o600")


def test_a_policy_is_noted_when_it_is_another_one_than_before(place: str) -> None:
    async def run(ledger: Ledger) -> list[bool]:
        return [await ledger.serve_policy(policy, "shop", "1") for policy in (POLICY, POLICY, "cd" * 32, POLICY)]

    with Ledger(place) as ledger:
        assert asyncio.run(run(ledger)) == [True, False, True, True]
    assert [json.loads(entry.leaf)["policy"][:2] for entry in entries(place, Part.PUBLIC)] == ["ab", "cd", "ab"]
    assert verify(place) == []


def test_a_disclosure_is_in_the_tree(place: str) -> None:
    with Ledger(place, clock=lambda: AT) as ledger:
        told = {"recipient": "Court of Example", "ground": "Order 7", "what": "counts of July", "day": "2026-10-06"}
        asyncio.run(ledger.disclose(**told))
        with pytest.raises(ValueError, match="what: "):
            asyncio.run(ledger.disclose(**told | {"what": "x" * 1001}))
    (entry,) = entries(place, Part.PUBLIC)
    assert json.loads(entry.leaf) == {"format": 2, "kind": "disclosed", "hour": HOUR, **told}
    assert verify(place) == []
