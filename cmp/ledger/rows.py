"""A leaf as the database holds it.

May go in here: the columns a leaf has beside its bytes, writing leaves and nodes. May not: which leaves there are to be
(`store.py`).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from cmp.ledger import schema
from cmp.ledger.leaves import Part, content_of
from cmp.ledger.tree import Node, leaf_hash


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

    @property
    def values(self) -> dict[str, Any]:
        return {
            "idx": self.index,
            "part": self.part.value,
            "kind": self.kind,
            "hour": self.hour,
            "body": self.body,
            "hash": self.hash,
            "placed": place_of_leaf(self.index, self.hash),
            "sealed": self.sealed,
        }


def insert_leaves(connection: Connection, rows: Sequence[LeafRow]) -> None:
    if rows:
        connection.execute(schema.leaf.insert(), [row.values for row in rows])


def insert_nodes(connection: Connection, nodes: Iterable[Node]) -> None:
    if values := [{"level": node.level, "idx": node.index, "hash": node.hash} for node in nodes]:
        connection.execute(schema.node.insert(), values)
