"""Filling a new ledger with what another one, or an export, holds: backups, restoring, moving to another database.

May go in here: that. May not: anything into a ledger that is not empty.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, func, select

from cmp.ledger import schema
from cmp.ledger.contents import Contents
from cmp.ledger.database import FAILURES, Database, database_of
from cmp.ledger.errors import LedgerError, Reason
from cmp.ledger.export import Exported
from cmp.ledger.leaves import Part, content_of, part_of
from cmp.ledger.rows import LeafRow, insert_leaves, insert_nodes
from cmp.ledger.store import know_signers, put_head
from cmp.ledger.tree import Frontier, leaf_hash

_AT_ONCE = 1000

T = TypeVar("T")


def copy(contents: Contents, target: str | Path, *, told: Callable[[int, int], None] = lambda _done, _all: None) -> int:
    """Copies everything into a ledger that is made for it, or is empty; how many records.

    In one transaction: either all of it is there, with the same tree, or nothing is. `told` hears how many records of
    how many were copied. Raises LedgerError, also for contents without keys, and for contents that are not whole.
    """
    database = database_of(target)
    if not contents.keyed:
        raise LedgerError(
            Reason.SECRET,
            database.told,
            "what was to be copied holds no keys, so nobody could read what is in it",
            "export it with --with-keys, or copy the ledger itself",
        )
    database.claim()
    try:
        database.make()
        connection = database.connect()
        try:
            with connection.begin():
                copied = _fill(connection, contents, database, told)
                database.before_commit()
        finally:
            database.shut(connection)
    except FAILURES as error:
        raise database.error(error) from error
    finally:
        database.release()
    return copied


def _fill(connection: Connection, contents: Contents, database: Database, told: Callable[[int, int], None]) -> int:
    held = connection.execute(select(schema.state).with_for_update()).one()
    others = (schema.pending, schema.person)
    if held.size or any(connection.scalar(select(func.count()).select_from(table)) for table in others):
        raise LedgerError(Reason.IN_USE, database.told, "is not empty", "name a ledger that is not there yet")
    size, frontier = contents.state().size, Frontier()
    for batch in _batches(contents.leaves()):
        rows = [_row(database, leaf.number, leaf.body, leaf.hash, leaf.sealed) for leaf in batch]
        insert_leaves(connection, rows)
        for row in rows:
            if row.index != frontier.size:
                raise _broken(database, f"record {frontier.size} is missing")
            insert_nodes(connection, frontier.append(row.hash))
        owners = [{"idx": leaf.number, "visitor": leaf.visitor} for leaf in batch if leaf.key is not None]
        if owners:
            connection.execute(schema.owner.insert(), owners)
        told(frontier.size, size)
    # What a database finds damaged in itself shows as it is read; of a file only this tells that it was cut.
    for damage in contents.damage() if isinstance(contents, Exported) else ():
        raise _broken(database, damage)
    state = contents.state()
    if (frontier.size, frontier.packed) != (state.size, state.peaks):
        raise _broken(database, "the tree over its records is not the one it says it has")
    for name, values in _beside(contents):
        for rows_ in _batches(values):
            connection.execute(schema.metadata.tables[name].insert(), rows_)
    know_signers(connection, contents.signers())
    for head in contents.heads():
        put_head(connection, head)
    connection.execute(
        schema.state.update().values(
            ledger=bytes.fromhex(state.ledger),
            size=state.size,
            peaks=frontier.packed,
            merged_hour=state.merged_hour,
        )
    )
    return frontier.size


def _row(database: Database, index: int, body: object, hashed: object, sealed: object) -> LeafRow:
    if not isinstance(body, bytes) or leaf_hash(body) != hashed:
        raise _broken(database, f"record {index} is not what was hashed")
    part = part_of(content_of(body))
    if part is None or (part is Part.PERSONAL) != isinstance(sealed, bytes):
        raise _broken(database, f"record {index} is of no form that belongs into a ledger")
    return LeafRow.of(index, part, body, sealed if isinstance(sealed, bytes) else None)


def _beside(contents: Contents) -> Iterator[tuple[str, Iterable[dict[str, Any]]]]:
    """Rows of the tables that are in no tree, by table."""
    yield schema.person.name, (person._asdict() for person in contents.persons())
    yield schema.pending.name, (found._asdict() for found in contents.waiting())
    yield schema.counter.name, ({"event": event, "hour": hour, "n": n} for event, hour, n in contents.counted())


def _broken(database: Database, what: str) -> LedgerError:
    return LedgerError(
        Reason.CORRUPT,
        database.told,
        f"nothing was copied: {what}",
        "run `consentry ledger verify` on what is to be copied",
    )


def _batches(rows: Iterable[T]) -> Iterator[list[T]]:
    each = iter(rows)
    while batch := list(islice(each, _AT_ONCE)):
        yield batch
