"""Disclosures to authorities: who was told what, on which legal ground, when. Appended, never changed or deleted.

May go in here: the rows of `disclosure`. May not: names of people; `what` says kinds of data, and purging does not
reach it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from cmp.desk.desk import Books


@dataclass(frozen=True, slots=True)
class Disclosure:
    """`disclosed` is the day it happened, `at` when it was entered (Unix seconds), `client` whose data it was."""

    authority: str
    ground: str
    what: str
    disclosed: date
    client: str
    who: str
    at: int


def add(books: Books, disclosure: Disclosure) -> None:
    """Appends an entry."""
    books.connection.execute(
        "INSERT INTO disclosure (client, authority, ground, what, disclosed, who, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            disclosure.client,
            disclosure.authority,
            disclosure.ground,
            disclosure.what,
            disclosure.disclosed.isoformat(),
            disclosure.who,
            disclosure.at,
        ),
    )


def listing(books: Books, client: str | None) -> Sequence[Disclosure]:
    """All entries about a client's data, or with None all there are; oldest first."""
    rows = books.connection.execute(
        "SELECT authority, ground, what, disclosed, client, who, at FROM disclosure"
        " WHERE ?1 IS NULL OR client = ?1 ORDER BY id",
        (client,),
    )
    return [
        Disclosure(authority, ground, what, date.fromisoformat(disclosed), owner, who, at)
        for authority, ground, what, disclosed, owner, who, at in rows
    ]
