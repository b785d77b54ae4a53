"""What verify finds, and names: every way to alter, drop, move or cut records; and what it cannot find alone."""

import hashlib
import os
import random
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from cmp.ledger import leaves
from cmp.ledger.errors import LedgerError
from cmp.ledger.leaves import Chain, Head
from cmp.ledger.reading import heads_of
from cmp.ledger.verify import Fault, verify
from tests.ledger.records import filled, given, head_at, numbered, tamper, withdrawn

SEED = 20261007


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten records in each chain."""
    file = tmp_path_factory.mktemp("ledger") / "whole.db"
    filled(file, map(numbered, range(20)))
    return file


@pytest.fixture
def file(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(whole, tmp_path / "l.db"))


def brief(faults: list[Fault]) -> list[tuple[str | None, int | None, str]]:
    return [(fault.chain and fault.chain.value, fault.seq, fault.code) for fault in faults]


def swapped(table: str, one: int, two: int, columns: str) -> tuple[str, ...]:
    held = f"SELECT {columns} FROM held WHERE held.seq = {one + two} - {table}.seq"  # noqa: S608 - test data
    return (
        f"CREATE TEMP TABLE held AS SELECT * FROM {table}",  # noqa: S608 - test data
        f"UPDATE {table} SET ({columns}) = ({held}) WHERE seq IN ({one}, {two})",  # noqa: S608 - test data
    )


def renumbered(first: int, last: int) -> list[str]:
    numbers = range(first, last + 1)
    return [f"UPDATE unlinkable SET seq = {n} WHERE seq = {n + 1}" for n in numbers]  # noqa: S608 - test data


ALL = "kind, hour, leaf, leaf_hash, chain_hash"
EVERY_KEY = [("personal", number, "key") for number in range(1, 11)]


@pytest.mark.parametrize(
    "statements, found",
    [
        pytest.param(
            ("UPDATE unlinkable SET leaf = CAST(replace(CAST(leaf AS TEXT), 'n7', 'n8') AS BLOB) WHERE seq = 4",),
            [("unlinkable", 4, "leaf")],
            id="refusal altered",
        ),
        pytest.param(
            ("UPDATE personal SET leaf = CAST(replace(CAST(leaf AS TEXT), 'given', 'taken') AS BLOB) WHERE seq = 1",),
            [("personal", 1, "leaf")],
            id="consent altered",
        ),
        pytest.param(
            ("UPDATE personal SET leaf_hash = zeroblob(32) WHERE seq = 10",), [("personal", 10, "leaf")], id="leaf hash"
        ),
        pytest.param(
            ("UPDATE personal SET chain_hash = zeroblob(32) WHERE seq = 5",),
            [("personal", 5, "chain"), ("personal", 6, "chain")],
            id="chain hash",
        ),
        pytest.param(
            ("UPDATE personal SET payload = zeroblob(540) WHERE seq = 2",), [("personal", 2, "payload")], id="payload"
        ),
        pytest.param(
            ("UPDATE personal SET payload = 'text' WHERE seq = 2",), [("personal", 2, "payload")], id="no bytes"
        ),
        pytest.param(("UPDATE unlinkable SET leaf = 7 WHERE seq = 2",), [("unlinkable", 2, "form")], id="a number"),
        pytest.param(("UPDATE personal SET kind = 'withdrawn' WHERE seq = 3",), [("personal", 3, "column")], id="kind"),
        pytest.param(("UPDATE unlinkable SET hour = 0 WHERE seq = 3",), [("unlinkable", 3, "column")], id="hour"),
        pytest.param(("DELETE FROM unlinkable WHERE seq = 5",), [("unlinkable", 5, "gap")], id="refusal dropped"),
        pytest.param(("DELETE FROM unlinkable WHERE seq = 1",), [("unlinkable", 1, "gap")], id="the first dropped"),
        pytest.param(
            ("DELETE FROM unlinkable WHERE seq IN (3, 4, 8)",),
            [("unlinkable", 3, "gap"), ("unlinkable", 8, "gap")],
            id="several dropped",
        ),
        pytest.param(
            ("DELETE FROM personal WHERE seq = 5",),
            [("personal", 5, "gap"), ("personal", 5, "owner")],
            id="consent dropped",
        ),
        pytest.param(
            ("DELETE FROM unlinkable WHERE seq = 5", *renumbered(5, 9)),
            [("unlinkable", 5, "chain")],
            id="dropped and renumbered",
        ),
        pytest.param(
            swapped("unlinkable", 3, 4, ALL),
            [("unlinkable", 3, "chain"), ("unlinkable", 4, "chain"), ("unlinkable", 5, "chain")],
            id="neighbours exchanged",
        ),
        pytest.param(
            swapped("unlinkable", 3, 8, "kind, hour, leaf, leaf_hash"),
            [("unlinkable", 3, "chain"), ("unlinkable", 8, "chain")],
            id="contents exchanged",
        ),
        pytest.param(
            swapped("personal", 3, 8, "payload"),
            [("personal", 3, "payload"), ("personal", 8, "payload")],
            id="payloads exchanged",
        ),
        pytest.param(
            ("UPDATE unlinkable SET seq = -1 WHERE seq = 1",),
            [("unlinkable", -1, "order"), ("unlinkable", 1, "gap")],
            id="negative number",
        ),
        pytest.param(("UPDATE visitor_key SET key = zeroblob(32)",), EVERY_KEY, id="keys altered"),
        pytest.param(("UPDATE visitor_key SET key = 'x'",), EVERY_KEY, id="no keys"),
        pytest.param(
            ("UPDATE owner SET visitor = zeroblob(16) WHERE seq = 4",), [("personal", 4, "owner")], id="owner altered"
        ),
        pytest.param(
            (f"INSERT INTO unlinkable SELECT 11, {ALL} FROM unlinkable WHERE seq = 10",),  # noqa: S608 - test data
            [("unlinkable", 11, "chain")],
            id="stored twice",
        ),
    ],
)
def test_what_was_changed_is_named(file: Path, statements: tuple[str, ...], found: list[Any]) -> None:
    assert verify(file) == []
    tamper(file, *statements)
    assert brief(verify(file)) == found


def test_a_fault_says_where_what_and_what_next(file: Path) -> None:
    tamper(file, "DELETE FROM unlinkable WHERE seq = 5")
    (fault,) = verify(file)
    assert str(fault).startswith("unlinkable record 5: record 5 is missing\n    compare with the last backup")


def test_a_record_cannot_move_to_the_other_chain(tmp_path: Path) -> None:
    """A withdrawal is of a kind that both chains take; still each chain takes only its own."""
    file = tmp_path / "l.db"
    filled(file, [withdrawn()])
    moved = f"INSERT INTO personal SELECT seq, {ALL}, x'00' FROM unlinkable"  # noqa: S608 - test data
    tamper(file, moved, "DELETE FROM unlinkable")
    assert brief(verify(file)) == [("personal", 1, "chain"), ("personal", 1, "payload")]


def rewritten(file: Path, first: int) -> None:
    """Somebody with the file alters one refusal and computes every hash after it anew."""
    connection = sqlite3.connect(file)
    rows = connection.execute("SELECT seq, leaf, chain_hash FROM unlinkable ORDER BY seq").fetchall()
    connection.close()
    previous = rows[first - 2][2] if first > 1 else leaves.origin(Chain.UNLINKABLE)
    statements = []
    for seq, leaf, _ in rows[first - 1 :]:
        new = leaf.replace(b'"n', b'"m') if seq == first else leaf
        hashed = hashlib.sha256(b"\x00" + new).digest()
        previous = leaves.chain_hash(previous, hashed)
        values = f"leaf = x'{new.hex()}', leaf_hash = x'{hashed.hex()}', chain_hash = x'{previous.hex()}'"
        statements.append(f"UPDATE unlinkable SET {values} WHERE seq = {seq}")  # noqa: S608 - test data
    tamper(file, *statements)


def test_a_cut_end_shows_only_against_a_head_kept_outside(file: Path) -> None:
    kept = heads_of(file)
    tamper(file, "DELETE FROM unlinkable WHERE seq > 7")
    # Alone, a shorter true chain and a longer one that was cut are the same thing.
    assert verify(file) == []
    assert brief(verify(file, kept)) == [("unlinkable", 8, "cut")]


def test_a_cut_end_of_consents_leaves_their_owners_unless_they_are_cut_too(file: Path) -> None:
    kept = heads_of(file)
    tamper(file, "DELETE FROM personal WHERE seq > 8")
    assert brief(verify(file)) == [("personal", 9, "owner"), ("personal", 10, "owner")]
    tamper(file, "DELETE FROM owner WHERE seq > 8")
    assert verify(file) == []
    assert brief(verify(file, kept)) == [("personal", 9, "cut")]


def test_a_chain_computed_anew_shows_only_against_a_head_kept_outside(file: Path) -> None:
    kept = heads_of(file)
    rewritten(file, 6)
    assert verify(file) == []
    assert brief(verify(file, kept)) == [("unlinkable", 10, "head")]


def test_heads_of_any_age_hold(file: Path) -> None:
    connection = sqlite3.connect(file)
    rows = connection.execute("SELECT seq, chain_hash FROM unlinkable").fetchall()
    connection.close()
    older = [Head(Chain.UNLINKABLE, *row) for row in rows] + [Head(Chain.PERSONAL, 0, leaves.origin(Chain.PERSONAL))]
    filled(file, [numbered(21), given("ads")])
    assert verify(file, older + heads_of(file)) == []
    rewritten(file, 6)
    assert brief(verify(file, older)) == [("unlinkable", n, "head") for n in range(6, 11)]
    # The newest head before a fault tells up to where the chain is still the witnessed one.
    assert verify(file, [head_at(older, "unlinkable")]) == []


def test_not_more_faults_than_asked_for(file: Path) -> None:
    tamper(file, "UPDATE unlinkable SET leaf_hash = zeroblob(32)")
    assert len(verify(file, limit=4)) == 4
    assert verify(file, limit=4)[0].seq == 1


def content(file: Path) -> list[Any]:
    connection = sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)
    found = [
        connection.execute("SELECT * FROM personal ORDER BY seq").fetchall(),
        connection.execute("SELECT * FROM unlinkable ORDER BY seq").fetchall(),
    ]
    connection.close()
    return found


def test_a_flipped_byte_anywhere_is_found_or_touches_no_record(whole: Path, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    original, bytes_before = content(whole), whole.read_bytes()
    file = tmp_path / "l.db"
    # Bytes that hold something, and a few that do not.
    used = [place for place, value in enumerate(bytes_before) if value]
    places = chance.sample(used, 400) + chance.sample(range(len(bytes_before)), 50)
    found = 0
    for place in places:
        damaged = bytearray(bytes_before)
        damaged[place] ^= chance.randrange(1, 256)
        file.write_bytes(damaged)
        try:
            faults = verify(file)
        except LedgerError:
            found += 1
            continue
        if faults:
            found += 1
        else:
            assert content(file) == original, f"byte {place} altered a record unnoticed"
    assert found > 300


@pytest.mark.parametrize("size", [4096 * 3, 4096 * 5 + 100])
def test_a_file_cut_short_is_found(file: Path, size: int) -> None:
    assert file.stat().st_size > size
    os.truncate(file, size)
    try:
        faults = verify(file)
    except LedgerError:
        return
    assert faults[0].code == "unreadable"
