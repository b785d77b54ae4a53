"""A ledger of an earlier version is brought to this one without loss, or not at all."""

import hashlib
import json
import sqlite3
import stat
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect

from cmp.ledger import migrations, schema
from cmp.ledger.copying import copy
from cmp.ledger.database import database_of
from cmp.ledger.errors import LedgerError, Reason
from cmp.ledger.leaves import Part
from cmp.ledger.ledger import Ledger
from cmp.ledger.opening import contents_of
from cmp.ledger.reading import entries, history
from cmp.ledger.statistics import statistics_of
from cmp.ledger.verify import verify
from tests.ledger.chained import chained
from tests.ledger.records import AT, HOUR, filled, given, numbered, refused, tamper, withdrawn


def rows(file: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)
    found = connection.execute(query).fetchall()
    connection.close()
    return found


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Three people who consented, one of them erased; refusals beside them; counts."""
    file = tmp_path / "l.db"
    persons = chained(
        file,
        [given("ads"), refused("ads"), given("chat", at=AT + 7200), refused("chat"), given("gone"), withdrawn("ads")],
        [("notice.shown", HOUR, 7)],
    )
    connection = sqlite3.connect(file)
    connection.execute("DELETE FROM visitor_key WHERE visitor = ?", (bytes.fromhex(persons[2]),))
    connection.commit()
    connection.close()
    return file


def test_every_record_of_the_chains_is_in_the_tree_with_its_bytes(old: Path) -> None:
    before = rows(old, "SELECT leaf, payload FROM personal ORDER BY seq")
    before += rows(old, "SELECT leaf, NULL FROM unlinkable ORDER BY seq")
    owners = rows(old, "SELECT seq - 1, visitor FROM owner ORDER BY seq")
    keys = rows(old, "SELECT visitor, key FROM visitor_key ORDER BY visitor")
    Ledger(old).close()
    assert rows(old, "SELECT body, sealed FROM ledger_leaf ORDER BY idx")[:-1] == before
    assert rows(old, "SELECT idx, visitor FROM ledger_owner ORDER BY idx") == owners
    assert rows(old, "SELECT visitor, key FROM ledger_person ORDER BY visitor") == keys
    assert verify(old) == []
    assert stat.S_IMODE(old.stat().st_mode) == 0o600


def test_people_are_read_counted_and_forgotten_as_before(old: Path) -> None:
    visitors = [row[0] for row in rows(old, "SELECT visitor FROM owner ORDER BY seq")]
    filled(old, [given("more", person=bytes(visitors[0]).hex())])  # type: ignore[call-overload]
    found = history(old, bytes(visitors[0]).hex())  # type: ignore[call-overload]
    assert [entry.kind for entry in found] == ["given", "changed"]
    assert [entry.payload is not None for entry in entries(old, Part.PERSONAL)] == [True, True, False, True]
    assert statistics_of(old).choices == {"2026-10-07": {"changed": 1, "given": 3, "refused": 2, "withdrawn": 1}}
    assert statistics_of(old).counted == {"2026-10-07": {"notice.shown": 7}}
    assert rows(old, "SELECT last_hour FROM ledger_person ORDER BY last_hour") == [(HOUR,), (HOUR + 7200,)]


def test_the_ends_of_the_chains_are_kept_so_that_heads_from_then_go_on_counting(old: Path) -> None:
    (personal,) = rows(old, "SELECT seq, chain_hash FROM personal ORDER BY seq DESC LIMIT 1")
    Ledger(old).close()
    (leaf,) = (json.loads(entry.leaf) for entry in entries(old, Part.PUBLIC))
    assert leaf["chains"]["personal"] == {"size": personal[0], "head": bytes(personal[1]).hex()}  # type: ignore[call-overload]
    assert leaf["chains"]["unlinkable"]["size"] == 3
    assert leaf["erased"] == 1


def test_nothing_of_the_erased_is_left_behind(old: Path) -> None:
    Ledger(old).close()
    tables = {str(name) for (name,) in rows(old, "SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {name for name in tables if not name.startswith("ledger_")} == set()
    assert "ledger_schema" not in tables


def test_a_record_left_out_when_it_was_carried_over_is_found(old: Path) -> None:
    """The tree fits itself; the chains it says it comes from do not."""
    Ledger(old).close()
    body = rows(old, "SELECT body FROM ledger_leaf ORDER BY idx DESC LIMIT 1")[0][0]
    changed = bytes(body).replace(b'"size":3', b'"size":4')  # type: ignore[call-overload]
    hashed = hashlib.sha256(b"\x00" + changed).digest()
    placed = hashlib.sha256(b"\x02" + (6).to_bytes(8, "big") + hashed).digest()
    values = f"body = x'{changed.hex()}', hash = x'{hashed.hex()}', placed = x'{placed.hex()}'"
    tamper(old, f"UPDATE ledger_leaf SET {values} WHERE idx = 6")  # noqa: S608 - test data
    assert "chain" in {fault.code for fault in verify(old)}


@pytest.mark.parametrize("chain", ["personal", "unlinkable"])
def test_a_chain_that_does_not_verify_is_not_carried_over_and_the_file_stays(old: Path, chain: str) -> None:
    connection = sqlite3.connect(old)
    connection.execute(f"DROP TRIGGER {chain}_delete")
    connection.execute(f"DELETE FROM {chain} WHERE seq = 2")  # noqa: S608 - test data
    connection.commit()
    connection.close()
    with pytest.raises(LedgerError, match=f"{chain} record 2 is not whole") as caught:
        Ledger(old)
    assert caught.value.reason is Reason.CORRUPT
    assert rows(old, "SELECT version FROM ledger_schema") == [(1,)]
    assert not rows(old, "SELECT name FROM sqlite_master WHERE name = 'ledger_leaf'")


def test_reading_alone_changes_nothing_and_says_what_to_do(old: Path) -> None:
    before = old.read_bytes()
    with pytest.raises(LedgerError, match="consentry ledger upgrade") as caught:
        verify(old)
    assert caught.value.reason is Reason.SCHEMA
    assert old.read_bytes() == before


def test_it_can_move_on_to_a_server(old: Path, place: str) -> None:
    Ledger(old).close()
    target = place if place.startswith("postgresql") else f"{place}-2"
    with contents_of(old) as contents:
        assert copy(contents, target) == 7
    assert verify(target) == []


def test_an_empty_ledger_of_an_earlier_version_is_a_new_one(tmp_path: Path) -> None:
    file = tmp_path / "l.db"
    chained(file, [])
    filled(file, [numbered(0)])
    assert verify(file) == []
    assert list(entries(file, Part.PUBLIC)) == []


def test_the_newest_step_is_the_one_this_program_knows() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_heads() == [schema.REVISION]


def test_both_databases_have_the_tables_that_queries_are_written_for(place: str) -> None:
    Ledger(place).close()
    with database_of(place).reading() as connection:
        assert schema.differences(connection) == []
        names = set(inspect(connection).get_table_names())
    assert names == {*schema.metadata.tables, schema.VERSION_TABLE}


@pytest.mark.parametrize(
    "statement, told",
    [
        ("DROP TABLE ledger_counter", "ledger_counter"),
        ("ALTER TABLE ledger_leaf RENAME COLUMN sealed TO selaed", "ledger_leaf.sealed"),
        ("DROP TRIGGER ledger_leaf_update", "ledger_leaf_update"),
    ],
)
def test_tables_defined_in_another_way_are_refused(place: str, statement: str, told: str) -> None:
    Ledger(place).close()
    on = " ON ledger_leaf" if "TRIGGER" in statement and place.startswith("postgresql") else ""
    engine = create_engine(place.replace("sqlite:", "sqlite:///").replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        connection.exec_driver_sql(statement + on)
    engine.dispose()
    for use in (Ledger, verify):
        with pytest.raises(LedgerError, match="not defined as a ledger's are") as caught:
            use(place)
        assert told in str(caught.value)
