"""What a person can take away of their own records: each with what shows that it stands in the tree, and what it says.

May go in here: reading that for one person. May not: the form of a receipt (`cmp.wire.receipts`), checking proofs
(`proving.py`).

A leaf names its content by the SHA-256 of the encrypted payload alone. So a proof that the leaf is in the tree says
nothing of what was chosen, unless encrypted payload and key come with it. Both are the person's own.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from cmp.ledger import schema
from cmp.ledger.proving import InclusionProof, prove_inclusion
from cmp.ledger.reading import Entry, history_in


@dataclass(frozen=True, slots=True)
class Evidence:
    """A record that can be read, its encrypted payload and the key to it (`sealing.py`), and where it stands.

    `proof` is None where no signed head covers the record: a ledger without keys signs none.
    """

    entry: Entry
    sealed: bytes
    key: bytes
    proof: InclusionProof | None


def evidence_in(connection: Connection, person: str) -> list[Evidence]:
    """All of one person, oldest first; none for an id that is unknown or was erased."""
    found = []
    for entry in history_in(connection, person):
        if entry.index is None or entry.payload is None:
            continue
        query = (
            select(schema.leaf.c.sealed, schema.person.c.key)
            .select_from(
                schema.leaf.join(schema.owner, schema.owner.c.idx == schema.leaf.c.idx).join(
                    schema.person, schema.person.c.visitor == schema.owner.c.visitor
                )
            )
            .where(schema.leaf.c.idx == entry.index)
        )
        sealed, key = connection.execute(query).one()
        found.append(Evidence(entry, bytes(sealed), bytes(key), _proof(connection, entry.index)))
    return found


def _proof(connection: Connection, index: int) -> InclusionProof | None:
    try:
        return prove_inclusion(connection, index)
    except ValueError:
        return None
