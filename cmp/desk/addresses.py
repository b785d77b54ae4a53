"""Addresses: how they are written, for each client, and where they came from.

May go in here: the rows of `address` and `source`. May not: whether they may be written to (`invitations.py`).
"""

from collections.abc import Sequence
from enum import StrEnum

from cmp.desk.address import normalised
from cmp.desk.desk import Books


class Origin(StrEnum):
    """Where an address may come from, if its owner is to be invited: the client, or a panel people joined."""

    CLIENT = "client"
    PANEL = "panel"


def keep(books: Books, client: str, contact: str) -> bytes:
    """Keeps how somebody is written, for this client alone; their name in the other tables."""
    person = books.person(contact)
    books.connection.execute("INSERT OR IGNORE INTO address VALUES (?, ?, ?)", (client, person, contact))
    return person


def register(books: Books, client: str, addresses: Sequence[str], origin: Origin, at: int) -> list[str]:
    """Notes that these addresses came from there. Those that are none are handed back, and not kept.

    Addresses of a panel that serves every client are kept with `client` "".
    """
    wrong = []
    for text in addresses:
        address = normalised(text)
        if address is None:
            wrong.append(text)
            continue
        person = keep(books, client, address)
        known = books.connection.execute(
            "SELECT 1 FROM source WHERE person = ? AND client = ? AND source = ?", (person, client, origin)
        ).fetchone()
        if known is None:
            books.connection.execute(
                "INSERT INTO source (client, person, source, at) VALUES (?, ?, ?, ?)", (client, person, origin, at)
            )
    return wrong
