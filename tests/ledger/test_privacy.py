"""What the file says about people: of those who refused nothing, of those who consented nothing once erased."""

import asyncio
import json
import shutil
import sqlite3
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cmp.core.signals import Signals
from cmp.ledger.leaves import Chain
from cmp.ledger.ledger import Ledger
from cmp.ledger.reading import entries, history
from cmp.ledger.record import Record, Source, Surface
from cmp.ledger.verify import verify
from tests.ledger.records import AT, append_all, filled, given, refused, withdrawn

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


@pytest.mark.parametrize("make", [refused, withdrawn])
def test_nothing_a_refusing_person_sent_is_anywhere_in_the_files(tmp_path: Path, make: Any) -> None:
    file = tmp_path / "l.db"
    marked = make(
        "ads", at=MARKED_AT, language=MARKED_LANGUAGE, source=Source.FORM, signals=Signals(gpc=True, dnt=True)
    )
    sought = [
        MARKED_LANGUAGE.encode(),
        b"mrkr",
        b"gpc",
        b"dnt",
        b'form"',
        *forms(round(MARKED_AT * 1000)),
        *forms(int(MARKED_AT)),
    ]

    async def run(ledger: Ledger) -> bytes:
        await append_all(ledger, [marked, given("ads"), marked])
        return await asyncio.to_thread(copies, file, tmp_path / "open")

    with Ledger(file) as ledger:
        seen = asyncio.run(run(ledger))
    seen += copies(file, tmp_path / "closed")
    assert b'"refused":["ads"]' in seen
    assert [marker for marker in sought if marker.lower() in seen.lower()] == []


def test_the_same_refusals_leave_the_same_rows(tmp_path: Path) -> None:
    """Not one bit of the unlinkable table depends on who refused, with what, when within the hour, or beside whom."""
    plain, other = tmp_path / "plain.db", tmp_path / "other.db"
    filled(plain, [refused("ads")] * 3)
    strange: dict[str, Any] = {"language": "de", "source": Source.FORM, "signals": Signals(gpc=True)}
    filled(
        other,
        [
            given("ads"),
            refused("ads", at=AT - 1000, **strange),
            given("chat"),
            refused("ads"),
            refused("ads", at=AT + 9),
        ],
    )

    def rows(file: Path) -> list[Any]:
        connection = sqlite3.connect(file)
        found = connection.execute("SELECT * FROM unlinkable ORDER BY seq").fetchall()
        connection.close()
        return found

    assert rows(plain) == rows(other)
    assert len({row[3] for row in rows(plain)}) == 1


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
    (key,) = connection.execute(
        "SELECT key FROM visitor_key WHERE visitor = ?", (bytes.fromhex(gone.person),)
    ).fetchone()
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("DELETE FROM visitor_key WHERE visitor = ?", (bytes.fromhex(gone.person),))
    connection.commit()
    connection.close()

    assert verify(file) == []
    assert history(file, gone.person) == []
    payloads = [entry.payload for entry in entries(file, Chain.PERSONAL)]
    assert [payload and payload["person"] for payload in payloads] == [None, kept.person, None]
    # Neither the key nor the id is left, not even in free pages: nothing ties the two records to each other.
    seen = file.read_bytes()
    assert key not in seen
    assert bytes.fromhex(gone.person) not in seen
    assert gone.person.encode() not in seen
    # The id cannot come back to life.
    (again,) = filled(file, [given("ads", person=gone.person)])
    assert again.person not in {gone.person, kept.person}


def test_an_erased_ledger_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "l.db"
    filled(file, [given("ads"), refused()])
    connection = sqlite3.connect(file)
    connection.execute("DELETE FROM visitor_key")
    connection.commit()
    connection.close()
    shutil.copy(file, tmp_path / "backup.db")
    filled(file, [given("ads")])
    assert verify(file) == verify(tmp_path / "backup.db") == []
