"""What the file says about people: of those who refused nothing, of those who consented nothing once erased."""

import asyncio
import json
import sqlite3
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cmp.core.signals import Signals
from cmp.ledger import merging, schema
from cmp.ledger.database import database_of
from cmp.ledger.leaves import Part
from cmp.ledger.ledger import Ledger
from cmp.ledger.reading import entries, history
from cmp.ledger.record import Record, Source, Surface
from cmp.ledger.tree import leaf_hash
from cmp.ledger.verify import verify
from tests.ledger.records import AT, append_all, filled, given, merge, refused, withdrawn

# Each of a form that its field takes, and found nowhere else.
MARKED_LANGUAGE = "qx-Mrkr1-MRKR2"
MARKED_AT = 1_791_376_123.457


def copies(file: Path, target: Path) -> bytes:
    """The bytes of the database and the files beside it, read by another process.

    In this one, closing the database file again would drop SQLite's locks on it.
    """
    target.mkdir()
    found = sorted(file.parent.glob(file.name + "*"))
    subprocess.run(["cp", *map(str, found), str(target)], check=True)
    return b"".join((target / path.name).read_bytes() for path in found)


def forms(number: int) -> list[bytes]:
    return [str(number).encode(), *(number.to_bytes(size, order) for size in (6, 8) for order in ("big", "little"))]


def kept_of(marked: Record, folder: Path, sought: Iterable[bytes]) -> set[bytes]:
    """Which of the markers are in the files of a new ledger with that record, while it is open or afterwards."""
    folder.mkdir()
    file = folder / "l.db"

    async def run(ledger: Ledger) -> bytes:
        await append_all(ledger, [marked, given("ads"), marked])
        return await asyncio.to_thread(copies, file, folder / "open")

    with Ledger(file) as ledger:
        seen = asyncio.run(run(ledger))
    seen += copies(file, folder / "closed")
    assert b'"refused":["ads"]' in seen
    return {marker for marker in sought if marker.lower() in seen.lower()}


@pytest.mark.parametrize("make", [refused, withdrawn])
def test_nothing_a_refusing_person_sent_is_anywhere_in_the_files(tmp_path: Path, make: Any) -> None:
    marked = make(
        "ads", at=MARKED_AT, language=MARKED_LANGUAGE, source=Source.FORM, signals=Signals(gpc=True, dnt=True)
    )
    found = {
        MARKED_LANGUAGE.encode(),
        b"mrkr",
        b"gpc",
        b"dnt",
        b'form"',
        *forms(round(MARKED_AT * 1000)),
        *forms(int(MARKED_AT)),
    }
    # What is kept is kept each time. Three letters also come up by chance, in keys and what they encrypt.
    for turn in range(3):
        found = kept_of(marked, tmp_path / str(turn), found) if found else found
    assert found == set()


def refusals(file: str | Path) -> list[Any]:
    """Every column of every refusal, waiting and in the tree; and of the latter in the order of the tree."""
    with database_of(file).reading() as connection:
        waiting = connection.execute(select(schema.pending)).all()
        leaf = schema.leaf.c
        columns = (leaf.part, leaf.kind, leaf.hour, leaf.body, leaf.hash, leaf.sealed)
        in_tree = connection.execute(select(*columns).where(leaf.part == "unlinkable").order_by(leaf.idx)).all()
    return [sorted(map(tuple, waiting)), list(map(tuple, in_tree))]


def test_the_same_refusals_leave_the_same_rows(place: str, tmp_path: Path) -> None:
    """Not one bit kept of refusals depends on who refused, with what, when within the hour, or beside whom."""
    plain, other = tmp_path / "plain.db", place
    strange: dict[str, Any] = {"language": "de", "source": Source.FORM, "signals": Signals(gpc=True)}
    filled(plain, [refused("ads")] * 3, clock=lambda: AT)
    among = [
        given("ads"),
        refused("ads", at=AT - 1000, **strange),
        given("chat"),
        refused("ads"),
        refused("ads", at=AT + 9),
    ]
    filled(other, among, clock=lambda: AT)
    assert refusals(plain) == refusals(other)
    assert len(refusals(plain)[0]) == 1
    for file in (plain, other):
        merge(file)
    assert refusals(plain) == refusals(other)
    assert len(refusals(plain)[1]) == 3


def test_no_order_of_rows_tells_in_which_order_people_refused(place: str, tmp_path: Path) -> None:
    """Neither while refusals wait for their hour to end nor once they are in the tree; nor beside which consent."""
    asked = [refused(f"n{number}") for number in range(40)]
    mixed = [record for one in reversed(asked) for record in (one, given("ads"))]
    forward, backward = place, tmp_path / "backward.db"
    filled(forward, asked, clock=lambda: AT)
    filled(backward, mixed, clock=lambda: AT)
    for file in (forward, backward):
        with database_of(file).reading() as connection:
            # As they lie there, where the database says nothing of order.
            held = [bytes(hashed) for hashed in connection.scalars(select(schema.pending.c.hash).order_by("hash"))]
        assert len(held) == 40
        merge(file)
        in_tree = [leaf_hash(entry.leaf) for entry in entries(file, Part.UNLINKABLE)]
        assert in_tree == sorted(held)
        assert verify(file) == []


def test_a_row_of_waiting_refusals_has_no_number_of_its_own(tmp_path: Path) -> None:
    """SQLite gives rows a number in the order they come, unless a table is kept by its key."""
    file = tmp_path / "l.db"
    filled(file, [refused("ads")])
    connection = sqlite3.connect(file)
    for table in ("ledger_pending", "ledger_person"):
        with pytest.raises(sqlite3.OperationalError, match="no such column: rowid"):
            connection.execute(f"SELECT rowid FROM {table}")  # noqa: S608 - a name of ours
    connection.close()


def test_refusals_of_an_hour_wait_until_it_is_over_and_then_go_into_the_tree_once(place: str) -> None:
    filled(place, [refused("ads"), refused("ads"), refused("chat")], clock=lambda: AT)
    assert [entry.index for entry in entries(place, Part.UNLINKABLE)] == [None] * 3
    # The same hour again: nothing has changed.
    filled(place, [refused("chat")], clock=lambda: AT + 1)
    assert [entry.index for entry in entries(place, Part.UNLINKABLE)] == [None] * 4
    merge(place)
    merge(place)
    assert [entry.index for entry in entries(place, Part.UNLINKABLE)] == [0, 1, 2, 3]
    # A clock that was set back: the late one goes along with the next hour.
    filled(place, [refused("late")], clock=lambda: AT + 3600)
    assert [entry.index for entry in entries(place, Part.UNLINKABLE)] == [0, 1, 2, 3, None]
    Ledger(place, clock=lambda: AT + 7200).close()
    assert [entry.index for entry in entries(place, Part.UNLINKABLE)] == [0, 1, 2, 3, 4]
    assert verify(place) == []


def test_more_refusals_than_go_into_one_transaction_all_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "l.db"
    monkeypatch.setattr(merging, "_MOST", 7)
    filled(file, [refused(f"n{number % 5}") for number in range(20)], clock=lambda: AT)
    # Each transaction takes some along.
    filled(file, [given("ads")] * 4, clock=lambda: AT + 3600)
    found = [entry.index for entry in entries(file, Part.UNLINKABLE)]
    assert len(found) == 20
    assert None not in found
    assert verify(file) == []


def test_a_refusal_with_a_receipt_belongs_to_who_asked_for_it(tmp_path: Path) -> None:
    file = tmp_path / "l.db"
    (told,) = filled(file, [refused("ads", receipt=True)])
    (entry,) = history(file, told.person or "")
    assert (entry.part, entry.kind) == (Part.PERSONAL, "refused")
    assert list(entries(file, Part.UNLINKABLE)) == []


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"language": MARKED_LANGUAGE}, id="language"),
        pytest.param({"at": MARKED_AT}, id="time"),
        pytest.param({"surface": Surface.PREFERENCES}, id="surface"),
        pytest.param({"granted": frozenset({"markedcategory", "vendor:markedvendor"})}, id="choices"),
    ],
)
def test_a_consent_is_in_the_files_only_encrypted(tmp_path: Path, changes: dict[str, Any]) -> None:
    file = tmp_path / "l.db"
    record: Record = replace(given("ads"), **changes)
    (told,) = filled(file, [record])
    seen = copies(file, tmp_path / "copy")
    for marker in (MARKED_LANGUAGE.encode(), b"marked", b"preferences", *forms(round(MARKED_AT * 1000))):
        assert marker not in seen
    (entry,) = history(file, told.person or "")
    assert entry.payload is not None
    assert set(json.loads(entry.leaf)) == {"format", "kind", "hour", "policy", "payload"}


def test_destroying_a_key_erases_the_person_and_breaks_nothing(tmp_path: Path) -> None:
    file = tmp_path / "l.db"
    gone, kept = filled(file, [given("ads"), given("ads")])
    assert gone.person
    assert kept.person
    filled(file, [given("chat", person=gone.person), refused()])
    connection = sqlite3.connect(file)
    query = "SELECT key FROM ledger_person WHERE visitor = ?"
    (key,) = connection.execute(query, (bytes.fromhex(gone.person),)).fetchone()
    connection.close()
    with Ledger(file) as ledger:
        assert asyncio.run(ledger.erase(gone.person))

    assert verify(file) == []
    assert history(file, gone.person) == []
    payloads = [entry.payload for entry in entries(file, Part.PERSONAL)]
    assert [payload and payload["person"] for payload in payloads] == [None, kept.person, None]
    # Neither the key nor the id is left, not even in free pages: nothing ties the two records to each other.
    seen = file.read_bytes()
    assert key not in seen
    assert bytes.fromhex(gone.person) not in seen
    assert gone.person.encode() not in seen
    # The id cannot come back to life.
    (again,) = filled(file, [given("ads", person=gone.person)])
    assert again.person not in {gone.person, kept.person}
