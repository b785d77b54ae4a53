"""What verify finds, and names: every way to alter, drop, move or cut records, on each database; and what it cannot."""

import os
import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from cmp.ledger import schema
from cmp.ledger.contents import Stored
from cmp.ledger.database import database_of
from cmp.ledger.errors import LedgerError
from cmp.ledger.heads import Head, SignedHead, sign_head
from cmp.ledger.proving import newest_head
from cmp.ledger.rows import place_of_leaf
from cmp.ledger.tree import Frontier, leaf_hash
from cmp.ledger.verify import Fault, verify
from cmp.seal.keys import SigningKeys, make_keys
from tests.ledger.records import AT, filled, given, merge, numbered, tamper, tampering
from tests.postgres import Postgres

SEED = 20261007
# Ten consents, then ten refusals.
SIZE = 20
leaf = schema.leaf


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> SigningKeys:
    return make_keys(tmp_path_factory.mktemp("keys") / "keys.json")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, keys: SigningKeys) -> Path:
    file = tmp_path_factory.mktemp("ledger") / "whole.db"
    filled(file, map(numbered, range(SIZE)), signer=keys, clock=lambda: AT)
    merge(file, keys)
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, whole: Path, tmp_path: Path) -> str:
    """A copy of it on each of the databases."""
    from cmp.ledger.copying import copy
    from cmp.ledger.opening import contents_of

    if request.param == "sqlite":
        return str(shutil.copy(whole, tmp_path / "l.db"))
    server: Postgres = request.getfixturevalue("server")
    address = server.empty()
    with contents_of(whole) as contents:
        copy(contents, address)
    return address


def brief(faults: list[Fault]) -> list[tuple[int | None, str]]:
    return [(fault.index, fault.code) for fault in faults]


Change = Callable[[Connection], object]


def set_(index: int, **values: Any) -> Change:
    return lambda connection: connection.execute(update(leaf).where(leaf.c.idx == index).values(values))


def one_byte(index: int, column: str, at: int = 20) -> Change:
    """One bit of one byte of it."""

    def change(connection: Connection) -> None:
        held = bytearray(connection.scalar(select(leaf.c[column]).where(leaf.c.idx == index)) or b"")
        held[at] ^= 1
        set_(index, **{column: bytes(held)})(connection)

    return change


def drop(*indexes: int) -> Change:
    return lambda connection: connection.execute(leaf.delete().where(leaf.c.idx.in_(indexes)))


def exchanged(one: int, two: int, *columns: str) -> Change:
    def change(connection: Connection) -> None:
        query = select(*(leaf.c[name] for name in columns))
        first, second = (connection.execute(query.where(leaf.c.idx == index)).one() for index in (one, two))
        set_(one, **second._asdict())(connection)
        set_(two, **first._asdict())(connection)

    return change


def renumbered(by: int, first: int) -> Change:
    def change(connection: Connection) -> None:
        for index in range(first, SIZE):
            set_(index, idx=index + by)(connection)

    return change


def last_heard_of(index: int, by: int) -> Change:
    """Of the person whom a record belongs to."""
    person, of = schema.person.c, select(schema.owner.c.visitor).where(schema.owner.c.idx == index).scalar_subquery()
    change = update(schema.person).where(person.visitor == of).values(last_hour=person.last_hour + by)
    return lambda connection: connection.execute(change)


def listed_until(index: int, hour: int) -> Change:
    """Of the person whom a record belongs to."""
    person, of = schema.person.c, select(schema.owner.c.visitor).where(schema.owner.c.idx == index).scalar_subquery()
    change = update(schema.person).where(person.visitor == of).values(until_hour=hour)
    return lambda connection: connection.execute(change)


ROW = ("part", "kind", "hour", "body", "hash", "sealed")
EVERY_KEY = [(number, "key") for number in range(10)]


@pytest.mark.parametrize(
    "changes, found",
    [
        pytest.param([one_byte(14, "body", 40)], [(14, "leaf")], id="a byte of a refusal"),
        pytest.param([one_byte(0, "body", 40)], [(0, "leaf")], id="a byte of a consent"),
        pytest.param([one_byte(3, "sealed", 200)], [(3, "payload")], id="a byte of what is encrypted"),
        pytest.param([one_byte(7, "placed")], [(7, "order")], id="a byte of its place"),
        pytest.param(
            [one_byte(19, "hash")],
            [(19, "order"), (19, "leaf"), (19, "head"), (None, "tree")],
            id="a byte of a hash",
        ),
        pytest.param([set_(2, sealed=None)], [(2, "payload")], id="nothing encrypted"),
        pytest.param([set_(12, body=b"7", hash=b"7")], [(12, "order"), (12, "leaf"), (19, "head"), (None, "tree")]),
        pytest.param([set_(3, kind="withdrawn")], [(3, "column")], id="listed under another kind"),
        pytest.param([set_(13, hour=0)], [(13, "column")], id="listed under another hour"),
        pytest.param([set_(13, part="public")], [(13, "column")], id="listed under another part"),
        pytest.param([drop(15)], [(15, "gap")], id="refusal dropped"),
        pytest.param([drop(13, 14, 18)], [(13, "gap"), (18, "gap")], id="several dropped"),
        pytest.param([drop(5)], [(5, "gap"), (5, "owner")], id="consent dropped"),
        pytest.param(
            [drop(15), renumbered(-1, 16)],
            [*((number, "order") for number in range(15, 19)), (19, "cut"), (19, "cut")],
            id="dropped and renumbered",
        ),
        pytest.param(
            [exchanged(12, 16, *ROW)],
            [(12, "order"), (16, "order"), (19, "head"), (None, "tree")],
            id="two refusals exchanged",
        ),
        pytest.param([exchanged(2, 7, "sealed")], [(2, "payload"), (7, "payload")], id="what is encrypted exchanged"),
        pytest.param([drop(18, 19)], [(18, "cut"), (18, "cut")], id="end cut"),
        pytest.param(
            [lambda connection: connection.execute(update(schema.person).values(key=b"0" * 32))],
            EVERY_KEY,
            id="keys altered",
        ),
        pytest.param(
            [lambda connection: connection.execute(update(schema.person).values(key=b"x"))], EVERY_KEY, id="no keys"
        ),
        pytest.param(
            [
                lambda connection: connection.execute(
                    update(schema.owner).where(schema.owner.c.idx == 4).values(visitor=b"0" * 16)
                )
            ],
            [(4, "owner"), (None, "erasure")],
            id="owner altered",
        ),
        pytest.param([last_heard_of(4, 3600)], [(4, "owner")], id="last heard of later"),
        pytest.param([last_heard_of(4, -3600)], [(4, "owner")], id="last heard of earlier"),
        pytest.param([listed_until(4, 3600)], [(4, "owner")], id="listed with an end"),
        pytest.param(
            [lambda connection: connection.execute(update(schema.head).values(signature=b"0" * 64))],
            [(None, "signature")] * 2,
            id="signatures altered",
        ),
        pytest.param(
            [lambda connection: connection.execute(update(schema.state).values(peaks=b"0" * 64))],
            [(None, "tree")],
            id="end of the tree altered",
        ),
    ],
)
def test_what_was_changed_is_named(ledger: str, changes: list[Change], found: list[Any]) -> None:
    with tampering(ledger) as connection:
        for change in changes:
            change(connection)
    assert brief(verify(ledger)) == found


def test_whole_is_whole(ledger: str, keys: SigningKeys) -> None:
    assert verify(ledger, keys=keys.public_bytes()) == []


def test_signatures_of_keys_that_are_not_trusted_are_named(ledger: str, tmp_path: Path) -> None:
    others = make_keys(tmp_path / "others.json")
    assert {fault.code for fault in verify(ledger, keys=others.public_bytes())} == {"signature"}


def test_a_fault_says_where_what_and_what_next(ledger: str) -> None:
    with tampering(ledger) as connection:
        drop(15)(connection)
    (fault,) = verify(ledger)
    assert str(fault).startswith("record 15: record 15 is missing (gap)\n    compare with the last backup")


def heads(address: str) -> list[SignedHead]:
    with database_of(address).reading() as connection:
        return list(Stored(connection).heads())


def written_anew(address: str, keys: SigningKeys | None, *, cut: int = SIZE, alter: int | None = None) -> None:
    """Somebody with the database, and the keys or not, makes everything fit what they left or altered."""
    with tampering(address) as connection:
        drop(*range(cut, SIZE))(connection)
        connection.execute(schema.owner.delete().where(schema.owner.c.idx >= cut))
        frontier = Frontier()
        for row in connection.execute(select(leaf).order_by(leaf.c.idx)).all():
            body = bytes(row.body).replace(b'"n', b'"m') if row.idx == alter else bytes(row.body)
            hashed = leaf_hash(body)
            set_(row.idx, body=body, hash=hashed, placed=place_of_leaf(row.idx, hashed))(connection)
            frontier.append(hashed)
        connection.execute(update(schema.state).values(size=frontier.size, peaks=frontier.packed))
        ledger = bytes(connection.scalar(select(schema.state.c.ledger)) or b"").hex()
        connection.execute(schema.head.delete())
        if keys is not None:
            signed = sign_head(keys, Head(ledger, frontier.size, frontier.root, 0))
            values = {"size": signed.head.size, "root": signed.head.root, "signature": signed.signature}
            connection.execute(schema.head.insert().values(hour=0, signer=signed.key, **values))


def test_a_tree_written_anew_and_signed_anew_shows_only_against_a_head_kept_outside(
    ledger: str, keys: SigningKeys
) -> None:
    kept = heads(ledger)
    written_anew(ledger, keys, alter=15)
    # Who has the keys can make a whole ledger of anything: that is what heads are kept elsewhere for.
    assert verify(ledger, keys=keys.public_bytes()) == []
    (fault,) = verify(ledger, kept, keys=keys.public_bytes())
    assert (fault.index, fault.code) == (19, "head")
    assert "the first 20 records are not those of the head kept outside" in fault.what
    # The head before the altered record still fits: up to there nothing was written anew.
    assert verify(ledger, [head for head in kept if head.head.size <= 15]) == []


def test_an_end_cut_off_and_signed_anew_shows_only_against_a_head_kept_outside(ledger: str, keys: SigningKeys) -> None:
    kept = heads(ledger)
    written_anew(ledger, keys, cut=17)
    assert verify(ledger, keys=keys.public_bytes()) == []
    (fault,) = verify(ledger, kept, keys=keys.public_bytes())
    assert (fault.index, fault.code) == (17, "cut")


def test_without_the_keys_a_tree_written_anew_has_no_head_that_holds(
    ledger: str, keys: SigningKeys, tmp_path: Path
) -> None:
    written_anew(ledger, make_keys(tmp_path / "stolen.json"), alter=15)
    assert [fault.code for fault in verify(ledger, keys=keys.public_bytes())] == ["signature"]


def test_a_head_of_another_ledger_is_told_apart(ledger: str, keys: SigningKeys, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    filled(other, [given("ads")], signer=keys)
    faults = verify(ledger, heads(str(other)))
    assert "is of another ledger" in faults[0].what


def test_heads_of_any_age_hold(tmp_path: Path, keys: SigningKeys) -> None:
    file, kept = tmp_path / "l.db", []
    for number in range(0, 12, 2):
        filled(file, [numbered(number)], signer=keys, clock=lambda: AT)
        kept += heads(str(file))
    assert [head.head.size for head in kept] == [1, 2, 3, 4, 5, 6]
    assert verify(file, kept) == []


def test_a_refusal_that_waits_for_its_hour_to_end_and_was_altered_is_named(place: str) -> None:
    filled(place, [numbered(1), numbered(3)], clock=lambda: AT)
    tamper(place, "UPDATE ledger_pending SET n = 0")
    assert brief(verify(place)) == [(None, "waiting")] * 2


def test_a_node_of_the_tree_that_was_altered_or_lost_is_named(tmp_path: Path) -> None:
    file = tmp_path / "l.db"
    filled(file, [])
    filled(file, [given("ads")] * 600)
    tamper(file, "DELETE FROM ledger_node WHERE idx = 1")
    (fault,) = verify(file)
    assert (fault.index, fault.code) == (256, "tree")
    assert "records 256 to 511" in fault.what


def test_not_more_faults_than_asked_for(whole: Path, tmp_path: Path) -> None:
    file = shutil.copy(whole, tmp_path / "l.db")
    tamper(file, "UPDATE ledger_leaf SET placed = zeroblob(32)")
    faults = verify(file, limit=4)
    assert brief(faults) == [(number, "order") for number in range(4)]


def content(file: Path) -> list[Any]:
    connection = sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)
    found = connection.execute("SELECT idx, body, sealed FROM ledger_leaf ORDER BY idx").fetchall()
    connection.close()
    return found


def test_a_flipped_byte_anywhere_is_found_or_touches_no_record(whole: Path, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    original, bytes_before = content(whole), whole.read_bytes()
    file = tmp_path / "l.db"
    # Bytes that hold something, and a few that do not.
    used = [place for place, value in enumerate(bytes_before) if value]
    places = chance.sample(used, 120) + chance.sample(range(len(bytes_before)), 20)
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
    assert found > 60


@pytest.mark.parametrize(
    "altered",
    [
        pytest.param("ledger_state SET ledger = 'x'", id="the ledger's id as text"),
        pytest.param("ledger_state SET peaks = 5", id="peaks as a number"),
        pytest.param("ledger_head SET root = 'x'", id="a root as text"),
        pytest.param("ledger_head SET size = 'x'", id="a size as text"),
        pytest.param("ledger_signer SET public = 'x'", id="a public key as text"),
    ],
)
def test_a_value_of_another_type_than_its_column_s_is_damage(whole: Path, tmp_path: Path, altered: str) -> None:
    file = Path(shutil.copy(whole, tmp_path / "l.db"))
    with sqlite3.connect(file) as connection:
        connection.execute(f"UPDATE {altered}")
    connection.close()
    assert brief(verify(file)) == [(None, "unreadable")]


@pytest.mark.parametrize("size", [4096 * 3, 4096 * 5 + 100])
def test_a_file_cut_short_is_found(whole: Path, tmp_path: Path, size: int) -> None:
    file = Path(shutil.copy(whole, tmp_path / "l.db"))
    os.truncate(file, size)
    try:
        faults = verify(file)
    except LedgerError:
        return
    assert "unreadable" in {fault.code for fault in faults}


def test_a_million_or_three_hundred_the_proof_is_as_long_as_the_tree_is_deep(tmp_path: Path, keys: SigningKeys) -> None:
    file = tmp_path / "l.db"
    filled(file, [given("ads")] * 300, signer=keys)
    with database_of(file).reading() as connection:
        from cmp.ledger.proving import prove

        contents = Stored(connection)
        for index in (0, 255, 256, 299):
            proof = prove(contents, index)
            assert proof.head == newest_head(contents)
            assert proof.fault(keys.public_bytes()) == ""
            assert len(proof.path) <= 9
        with pytest.raises(ValueError, match="none is number 300"):
            prove(contents, 300)
