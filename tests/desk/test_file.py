"""The desk's file: whose it is, what is refused, what may change in it, and that a failure changes nothing."""

import asyncio
import sqlite3
import stat
import threading
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cmp.desk import access_log, disclosures, opt_outs, requests
from cmp.desk.access_log import Access
from cmp.desk.desk import Books, Desk
from cmp.desk.disclosures import Disclosure
from cmp.desk.errors import DeskError, Reason
from cmp.desk.opt_outs import Change, Source
from cmp.desk.purging import purge
from cmp.desk.requests import Asked
from cmp.desk.states import State
from tests.desk.offer import NOW, SECRET

DUE = date(2026, 10, 21)
KEPT = ("opt_out", "entered", "disclosure", "access", "purge")
FORGOTTEN = ("source", "request", "request_event", "consent", "address")


def opt_out(books: Books, address: str = "ann@shop.test") -> bool:
    return opt_outs.change(books, "surveys", "acme", address, to=Change.OUT, source=Source.LINK, at=NOW, due=DUE)


def run(file: Path, *work: Any) -> list[Any]:
    """Each piece of work in turn, on a desk opened for it."""

    async def each(desk: Desk) -> list[Any]:
        return [await desk.do(one) for one in work]

    with Desk(file, SECRET) as desk:
        return asyncio.run(each(desk))


def refused(file: Path, **options: Any) -> DeskError:
    with pytest.raises(DeskError) as caught:
        Desk(file, options.pop("secret", SECRET), **options)
    assert str(caught.value).count("\n") == 0
    return caught.value


def test_it_is_the_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "d.db"
    with Desk(file, SECRET) as desk:
        asyncio.run(desk.do(opt_out))
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("d.db", "d.db-wal", "d.db-shm", "d.db-lock"), 0o600)


def test_commits_are_synced_before_they_return(tmp_path: Path) -> None:
    def settings(books: Books) -> list[object]:
        names = ("journal_mode", "synchronous", "secure_delete")
        return [books.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    # 2 is FULL.
    assert run(tmp_path / "d.db", settings) == [["wal", 2, 1]]


def test_what_was_stored_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    file = tmp_path / "d.db"
    assert run(file, opt_out) == [True]
    assert run(file, lambda books: opt_outs.holds(books, "surveys", "acme", "ann@shop.test")) == [True]


def test_a_second_server_on_the_same_desk_is_refused(tmp_path: Path) -> None:
    with Desk(tmp_path / "d.db", SECRET):
        assert refused(tmp_path / "d.db").reason is Reason.IN_USE
    run(tmp_path / "d.db", opt_out)


def test_another_keys_file_is_refused_because_no_opt_out_would_be_found(tmp_path: Path) -> None:
    run(tmp_path / "d.db", opt_out)
    assert refused(tmp_path / "d.db", secret=b"t" * 32).reason is Reason.SECRET
    run(tmp_path / "d.db", opt_out)


@pytest.mark.parametrize(
    "content, reason",
    [(b"", Reason.CORRUPT), (b"no database" * 100, Reason.CORRUPT), ("CREATE TABLE x (y)", Reason.FOREIGN)],
)
def test_a_file_that_is_no_desk_is_refused_and_left_as_it_is(
    tmp_path: Path, content: bytes | str, reason: Reason
) -> None:
    file = tmp_path / "d.db"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        connection = sqlite3.connect(file)
        connection.execute(content)
        connection.close()
    before = file.read_bytes()
    assert refused(file).reason is reason
    assert file.read_bytes() == before


def tamper(file: Path, *statements: str) -> None:
    connection = sqlite3.connect(file)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "statement, reason",
    [
        ("UPDATE desk_schema SET version = 2", Reason.SCHEMA),
        ("DROP TRIGGER access_delete", Reason.CORRUPT),
    ],
)
def test_another_version_and_altered_tables_are_refused(tmp_path: Path, statement: str, reason: Reason) -> None:
    run(tmp_path / "d.db", opt_out)
    tamper(tmp_path / "d.db", statement)
    assert refused(tmp_path / "d.db").reason is reason


@pytest.mark.parametrize("address", ["postgresql://u:secret@h/d", "", ":memory:", "sqlite:", "//x/d.db"])
def test_an_address_that_names_no_file_is_refused(address: str) -> None:
    with pytest.raises(DeskError) as caught:
        Desk(address, SECRET)
    assert "secret" not in str(caught.value)


def fill(books: Books) -> None:
    """A row in every table."""
    opt_out(books)
    opt_outs.enter(books, "surveys", "acme", 1, who="olga", at=NOW)
    access_log.note(books, Access("olga", "operator", "GET x", "", "allowed", NOW))
    disclosures.add(books, Disclosure("Court", "Order", "All", DUE, "acme", "olga", NOW))
    purge(books, "eve@shop.test", None, who="olga", at=NOW)
    asked = Asked("access", "acme", "", "ann@shop.test", "")
    requests.open_request(books, asked, first=State.OPEN, at=NOW, due=DUE, per_day=None)
    for statement in (
        "INSERT INTO source (client, person, source, at) VALUES ('acme', x'00', 'client', 1)",
        "INSERT INTO consent (client, person, purpose, given, source, who, at) VALUES ('', x'00', 'p', 1, '', '', 1)",
    ):
        books.connection.execute(statement)


@pytest.mark.parametrize("table", [*KEPT, *FORGOTTEN])
def test_nothing_is_ever_altered(tmp_path: Path, table: str) -> None:
    run(tmp_path / "d.db", fill)
    column = {"request": "kind", "address": "text", "request_event": "state"}.get(table, "client")
    with pytest.raises(sqlite3.IntegrityError, match="only ever appended"):
        tamper(tmp_path / "d.db", f"UPDATE {table} SET {column} = 'x'")  # noqa: S608 - a name of ours


@pytest.mark.parametrize("table", KEPT)
def test_what_has_to_stay_cannot_be_deleted(tmp_path: Path, table: str) -> None:
    run(tmp_path / "d.db", fill)
    with pytest.raises(sqlite3.IntegrityError, match="only ever appended"):
        tamper(tmp_path / "d.db", f"DELETE FROM {table}")  # noqa: S608 - a name of ours


def test_nobody_is_named_in_the_tables_that_stay(tmp_path: Path) -> None:
    run(tmp_path / "d.db", fill)
    connection = sqlite3.connect(tmp_path / "d.db")
    queries = [f"SELECT * FROM {table}" for table in KEPT]  # noqa: S608 - names of ours
    rows = [row for query in queries for row in connection.execute(query).fetchall()]
    connection.close()
    assert len(rows) == len(KEPT)
    assert "shop.test" not in str(rows)


def test_half_a_piece_of_work_is_none(tmp_path: Path) -> None:
    def fails(books: Books) -> None:
        opt_out(books)
        raise RuntimeError("in the middle")

    async def each(desk: Desk) -> bool:
        with pytest.raises(RuntimeError):
            await desk.do(fails)
        return await desk.do(opt_outs.holds, "surveys", "acme", "ann@shop.test")

    with Desk(tmp_path / "d.db", SECRET) as desk:
        assert asyncio.run(each(desk)) is False


def test_a_file_that_is_moved_away_acknowledges_nothing_and_goes_on_when_it_is_back(tmp_path: Path) -> None:
    file = tmp_path / "d.db"

    async def each(desk: Desk) -> bool:
        file.rename(tmp_path / "moved.db")
        with pytest.raises(DeskError) as caught:
            await desk.do(opt_out)
        assert caught.value.reason is Reason.MISSING
        (tmp_path / "moved.db").rename(file)
        assert await desk.do(opt_outs.holds, "surveys", "acme", "ann@shop.test") is False
        return await desk.do(opt_out)

    with Desk(file, SECRET) as desk:
        assert asyncio.run(each(desk)) is True


def test_a_lock_somebody_else_holds_is_waited_for_and_then_told(tmp_path: Path) -> None:
    file = tmp_path / "d.db"

    async def each(desk: Desk) -> bool:
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DeskError) as caught:
            await desk.do(opt_out)
        assert caught.value.reason is Reason.LOCKED
        other.execute("ROLLBACK")
        other.close()
        return await desk.do(opt_out)

    with Desk(file, SECRET, lock_wait=0.05) as desk:
        assert asyncio.run(each(desk)) is True


def test_more_than_may_wait_is_told_and_who_gives_up_waiting_frees_the_place(tmp_path: Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(_books: Books) -> None:
        begun.set()
        assert go_on.wait(60)

    async def each(desk: Desk) -> list[bool]:
        waiting = [asyncio.create_task(desk.do(slow))]
        assert await asyncio.to_thread(begun.wait, 60)
        waiting += [asyncio.create_task(desk.do(slow)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(DeskError) as caught:
            await desk.do(opt_out)
        assert caught.value.reason is Reason.BUSY
        for task in waiting[1:]:
            task.cancel()
        await asyncio.gather(*waiting[1:], return_exceptions=True)
        go_on.set()
        await waiting[0]
        return [await desk.do(opt_out, f"a{n}@shop.test") for n in range(4)]

    with Desk(tmp_path / "d.db", SECRET, queue_limit=3) as desk:
        assert asyncio.run(each(desk)) == [True] * 4


def test_closing_stores_what_waits(tmp_path: Path) -> None:
    async def each(desk: Desk) -> list[bool]:
        waiting = [asyncio.create_task(desk.do(opt_out, f"a{n}@shop.test")) for n in range(50)]
        await asyncio.sleep(0)
        await asyncio.to_thread(desk.close)
        desk.close()
        with pytest.raises(DeskError) as caught:
            await desk.do(opt_out)
        assert caught.value.reason is Reason.CLOSED
        return await asyncio.gather(*waiting)

    assert asyncio.run(each(Desk(tmp_path / "d.db", SECRET))) == [True] * 50
