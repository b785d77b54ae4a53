"""A leaf as the database holds it.

May go in here: the columns a leaf has beside its bytes, writing leaves and nodes. May not: which leaves there are to be
(`store.py`).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table

from cmp.ledger import schema
from cmp.ledger.leaves import Part, content_of, personal_leaf
from cmp.ledger.record import Kind
from cmp.ledger.tree import Node, leaf_hash

# Of eight columns: older SQLite takes 999 values in a statement.
_MOST_ROWS = 64
_LEAF = ("idx", "part", "kind", "hour", "body", "hash", "placed", "sealed")
_NODE = ("level", "idx", "hash")


def place_of_leaf(index: int, hashed: bytes) -> bytes:
    """SHA-256(0x02 || index in 8 bytes || leaf hash): ties a leaf to its number.

    The tree says that something in it was moved; this says which. RFC 9162 uses 0x00 for leaves and 0x01 for inner
    nodes; a third prefix keeps it from ever being shown as one of these.
    """
    return hashlib.sha256(b"\x02" + index.to_bytes(8, "big") + hashed).digest()


@dataclass(frozen=True, slots=True)
class LeafRow:
    """A leaf to be stored as number `index`; `sealed` is the encrypted payload of a personal one."""

    index: int
    part: Part
    kind: str
    hour: int
    body: bytes
    hash: bytes
    sealed: bytes | None

    @classmethod
    def of(cls, index: int, part: Part, body: bytes, sealed: bytes | None = None) -> "LeafRow":
        """From the bytes of a leaf of ours."""
        content = content_of(body)
        return cls(index, part, content["kind"], content["hour"], body, leaf_hash(body), sealed)

    @classmethod
    def personal(cls, index: int, kind: Kind, hour: int, policy: str, sealed: bytes) -> "LeafRow":
        """From what a personal leaf is to say, which need not be read out of its bytes again."""
        body = personal_leaf(kind, hour, policy, sealed)
        return cls(index, Part.PERSONAL, kind.value, hour, body, leaf_hash(body), sealed)

    @property
    def values(self) -> tuple[Any, ...]:
        """In the order of `_LEAF`."""
        placed = place_of_leaf(self.index, self.hash)
        return self.index, self.part.value, self.kind, self.hour, self.body, self.hash, placed, self.sealed


def insert_leaves(connection: Connection, rows: Sequence[LeafRow]) -> None:
    insert(connection, schema.leaf, _LEAF, [row.values for row in rows])


def insert_nodes(connection: Connection, nodes: Iterable[Node]) -> None:
    insert(connection, schema.node, _NODE, [(node.level, node.index, node.hash) for node in nodes])


def insert(connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
    """Adds rows, each with a value for each of these columns in this order.

    Many in one statement: SQLite's driver gives the interpreter away with each statement it carries out, and where
    another thread is busy gets it back no sooner than that one is made to (`sys.getswitchinterval`).
    """
    mark, at = "?" if connection.dialect.paramstyle == "qmark" else "%s", 0
    while at < len(rows):
        # Powers of two, so that there are few statements to prepare.
        many = min(_MOST_ROWS, 1 << (len(rows) - at).bit_length() - 1)
        values = tuple(value for row in rows[at : at + many] for value in row)
        connection.exec_driver_sql(_insertion(table, columns, many, mark), values)
        at += many


@lru_cache(maxsize=256)
def _insertion(table: Table, columns: tuple[str, ...], many: int, mark: str) -> str:
    row = f"({', '.join([mark] * len(columns))})"
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES {', '.join([row] * many)}"  # noqa: S608 - our own names
