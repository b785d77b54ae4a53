"""Several servers on one database: one tree, every record once, and nobody in the way of anybody for long."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from cmp.ledger import database as databases
from cmp.ledger.errors import LedgerError, Reason
from cmp.ledger.leaves import Part
from cmp.ledger.ledger import Ledger
from cmp.ledger.reading import entries, history
from cmp.ledger.verify import verify
from cmp.seal.keys import make_keys
from tests.ledger.records import AT, append_all, filled, given, merge, number_of, numbered, refused, withdrawn
from tests.postgres import Postgres


@pytest.fixture
def shared(server: Postgres) -> str:
    return server.empty()


def test_three_nodes_make_one_tree(shared: str, tmp_path: Path) -> None:
    keys = [make_keys(tmp_path / f"{node}.json") for node in range(3)]

    async def run(ledgers: list[Ledger]) -> None:
        await asyncio.gather(*(ledgers[number % 3].append(numbered(number)) for number in range(150)))

    # Opened at once: one of them makes the tables.
    ledgers = [Ledger(shared, signer=own, clock=lambda: AT) for own in keys]
    try:
        asyncio.run(run(ledgers))
    finally:
        for ledger in ledgers:
            ledger.close()
    merge(shared)
    assert verify(shared) == []
    stored = [number_of(entry.payload["granted"]) for entry in entries(shared, Part.PERSONAL) if entry.payload]
    assert sorted(stored) == list(range(0, 150, 2))
    assert len(list(entries(shared, Part.UNLINKABLE))) == 75
    known = {id_: public for own in keys for id_, public in own.public_bytes().items()}
    assert verify(shared, keys=known) == []


def test_a_person_s_records_belong_together_whichever_node_took_them(shared: str) -> None:
    (told,) = filled(shared, [given("ads")])
    with Ledger(shared) as one, Ledger(shared) as other:
        asyncio.run(append_all(one, [given("chat", person=told.person)]))
        asyncio.run(append_all(other, [withdrawn("chat", person=told.person)]))
    assert [entry.kind for entry in history(shared, told.person or "")] == ["given", "changed", "withdrawn"]


def test_refusals_of_an_hour_go_into_the_tree_once_though_every_node_looks(shared: str) -> None:
    filled(shared, [refused("ads")] * 5, clock=lambda: AT)
    nodes = [Ledger(shared, clock=lambda: AT + 3600) for _ in range(3)]
    for node in nodes:
        node.close()
    assert [entry.index for entry in entries(shared, Part.UNLINKABLE)] == [0, 1, 2, 3, 4]
    assert verify(shared) == []


def test_a_node_that_stands_still_in_its_turn_fails_those_who_wait_and_nobody_after(
    shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases, "_TURN_WAIT", 0.2)
    engine = create_engine(make_url(shared).set(drivername="postgresql+psycopg"), poolclass=NullPool)

    async def run(ledger: Ledger) -> None:
        await ledger.append(numbered(0))
        with engine.connect() as other:
            other.execute(text("SELECT * FROM ledger_state FOR UPDATE"))
            with pytest.raises(LedgerError, match="another session holds a lock") as caught:
                await ledger.append(numbered(2))
            assert caught.value.reason is Reason.LOCKED
        await ledger.append(numbered(4))

    with Ledger(shared, lock_wait=0.1) as ledger:
        asyncio.run(run(ledger))
    assert [entry.index for entry in entries(shared, Part.PERSONAL)] == [0, 1]
    assert verify(shared) == []


def set_for_the_database(server: Postgres, setting: str) -> None:
    engine = create_engine(make_url(server.url()).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"ALTER ROLE postgres {setting}"))


def test_a_database_that_does_not_wait_for_the_disk_is_made_to(server: Postgres, shared: str) -> None:
    set_for_the_database(server, "SET synchronous_commit = off")
    try:
        with Ledger(shared) as ledger:
            asyncio.run(append_all(ledger, [numbered(0)]))
            connection = ledger._writer._connection
            assert connection is not None
            assert connection.scalar(text("SHOW synchronous_commit")) == "on"
            connection.rollback()
    finally:
        set_for_the_database(server, "RESET synchronous_commit")


def test_a_database_that_takes_no_writes_is_named_and_written_to_again_later(server: Postgres, shared: str) -> None:
    async def run(ledger: Ledger) -> None:
        await ledger.append(numbered(0))
        connection = ledger._writer._connection
        assert connection is not None
        connection.execute(text("SET default_transaction_read_only = on"))
        connection.commit()
        with pytest.raises(LedgerError, match="takes no writes") as caught:
            await ledger.append(numbered(2))
        assert caught.value.reason is Reason.READ_ONLY
        await ledger.append(numbered(4))

    with Ledger(shared) as ledger:
        asyncio.run(run(ledger))
    assert len(list(entries(shared, Part.PERSONAL))) == 2


@pytest.mark.parametrize(
    "change, reason, told",
    [
        pytest.param(("/postgres?", "/nowhere?"), Reason.MISSING, "no such database", id="no such database"),
        pytest.param(("postgres@", "nobody@"), Reason.READ_ONLY, "refuses this user", id="no such user"),
        pytest.param(("host=", "host=%2Fnonexistent"), Reason.UNREACHABLE, "cannot be reached", id="no server"),
    ],
)
def test_a_server_that_cannot_be_used_is_named_without_its_password(
    shared: str, change: tuple[str, str], reason: Reason, told: str
) -> None:
    wrong = shared.replace(*change).replace("@/", ":secret@/")
    for use in (Ledger, verify):
        with pytest.raises(LedgerError, match=told) as caught:
            use(wrong)
        assert caught.value.reason is reason
        assert "secret" not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_database_without_a_ledger_is_named_by_who_only_reads(shared: str) -> None:
    with pytest.raises(LedgerError, match="holds no ledger") as caught:
        verify(shared)
    assert caught.value.reason is Reason.MISSING


@pytest.mark.parametrize("verb", ["UPDATE ledger_leaf SET kind = 'x'", "DELETE FROM ledger_leaf"])
def test_records_are_only_ever_appended(place: str, verb: str) -> None:
    filled(place, [given("ads")])
    url = place.replace("sqlite:", "sqlite:///").replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(url, poolclass=NullPool)
    with pytest.raises(Exception, match="only ever appended"), engine.begin() as connection:
        connection.execute(text(verb))
    assert verify(place) == []
