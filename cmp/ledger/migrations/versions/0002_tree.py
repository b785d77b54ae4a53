"""One tree instead of two chains: leaves, the nodes of the tree, signed heads, keys with what they are kept for.

Every record of the chains is carried over with its bytes as they are: first the personal chain, then the unlinkable
one, then a leaf that says how both ended. A chain that does not verify is not carried over: a tree built over it would
vouch for it.
"""

import secrets
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import sqlalchemy as sa
from alembic import op

from cmp.ledger import leaves, schema
from cmp.ledger.chains import CHAINS, chain_hash, chain_origin
from cmp.ledger.leaves import Part
from cmp.ledger.record import hour_of
from cmp.ledger.rows import LeafRow, insert_leaves, insert_nodes
from cmp.ledger.tree import Frontier, leaf_hash

revision = "0002"
down_revision = "0001"

_AT_ONCE = 1000


def upgrade() -> None:
    bind = op.get_bind()
    _create(bind)
    frontier, ends = Frontier(), {}
    for chain in CHAINS:
        ends[str(chain)] = _carry_over(bind, chain, frontier)
    if frontier.size:
        unread = bind.scalar(sa.text("SELECT count(*) FROM personal WHERE seq NOT IN (SELECT seq FROM owner)"))
        body = leaves.migrated_leaf(hour_of(time.time()), ends, int(unread or 0))
        _insert(bind, [LeafRow.of(frontier.size, Part.PUBLIC, body)], frontier)
    bind.execute(
        schema.state.insert().values(
            id=1, ledger=secrets.token_bytes(16), size=frontier.size, peaks=frontier.packed, merged_hour=0
        )
    )
    # Numbers of the personal chain began at 1, those of the tree begin at 0.
    bind.execute(sa.text("INSERT INTO ledger_owner (idx, visitor) SELECT seq - 1, visitor FROM owner"))
    bind.execute(
        sa.text(
            "INSERT INTO ledger_person (visitor, key, last_hour, until_hour) SELECT k.visitor, k.key,"
            " (SELECT coalesce(max(p.hour), 0) FROM owner o JOIN personal p ON p.seq = o.seq"
            " WHERE o.visitor = k.visitor), 0 FROM visitor_key k"
        )
    )
    bind.execute(sa.text("INSERT INTO ledger_counter (event, hour, n) SELECT event, hour, n FROM counter"))
    for table in ("owner", "visitor_key", "personal", "unlinkable", "counter", "ledger_schema"):
        # On the trigger of `visitor_key` that deletes owners nothing depends any more.
        op.execute(f"DROP TABLE {table}")


def _create(bind: sa.Connection) -> None:
    for table in schema.metadata.sorted_tables:
        # Not the tables of whatever comes later, but what they were at this revision: a later one copies this first.
        op.execute(sa.schema.CreateTable(table))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            op.execute(sa.schema.CreateIndex(index))
    for name in schema.GUARDS:
        for statement in schema.guard_sql(bind.dialect.name, name):
            op.execute(statement)


def _carry_over(bind: sa.Connection, chain: Part, frontier: Frontier) -> dict[str, object]:
    """Copies a chain; its size and last hash. Raises ValueError for one that does not verify."""
    last = chain_origin(chain)
    sealed = "payload" if chain is Part.PERSONAL else "NULL"
    query = f"SELECT seq, leaf, leaf_hash, chain_hash, {sealed} FROM {chain} ORDER BY seq"  # noqa: S608 - an enumeration
    size = 0
    found = bind.execute(sa.text(query), execution_options={"yield_per": _AT_ONCE})
    for batch in _batches(found):
        rows: list[LeafRow] = []
        for seq, body, hashed, chained, payload in batch:
            size += 1
            last = chain_hash(last, bytes(hashed))
            if seq != size or leaf_hash(bytes(body)) != hashed or last != chained:
                raise ValueError(f"{chain} record {size} is not whole")
            row = LeafRow.of(frontier.size + len(rows), chain, bytes(body), None if payload is None else bytes(payload))
            rows.append(row)
        _insert(bind, rows, frontier)
    return {"size": size, "head": last.hex()}


def _insert(bind: sa.Connection, rows: list[LeafRow], frontier: Frontier) -> None:
    insert_leaves(bind, rows)
    insert_nodes(bind, [node for row in rows for node in frontier.append(row.hash)])


def _batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    each = iter(rows)
    while batch := list(islice(each, _AT_ONCE)):
        yield batch
