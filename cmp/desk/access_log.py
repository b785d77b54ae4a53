"""Who looked at or changed what, and when. Appended, never changed or deleted.

May go in here: the rows of `access`. May not: anything of the people it was about: no address, reference or text.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cmp.desk.desk import Books


@dataclass(frozen=True, slots=True)
class Access:
    """`who` is a token's name ("" for nobody known), `what` such as "GET opt-outs", `outcome` "allowed" or why not."""

    who: str
    role: str
    what: str
    client: str
    outcome: str
    at: int


def note(books: Books, access: Access) -> None:
    """Appends an entry."""
    books.connection.execute(
        "INSERT INTO access (at, who, role, what, client, outcome) VALUES (?, ?, ?, ?, ?, ?)",
        (access.at, access.who, access.role, access.what, access.client, access.outcome),
    )


def listing(books: Books, client: str | None, limit: int, before: int | None = None) -> Sequence[tuple[int, Access]]:
    """The newest entries with their numbers, newest first: those of a client, or with None all.

    `before` is the number of the last entry of the page before.
    """
    rows = books.connection.execute(
        "SELECT id, who, role, what, client, outcome, at FROM access"
        " WHERE (?1 IS NULL OR client = ?1) AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3",
        (client, before, limit),
    )
    return [(row[0], Access(*row[1:])) for row in rows]
