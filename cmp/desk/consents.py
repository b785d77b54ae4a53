"""Consents and refusals for purposes off the web: mail, testimonials, the platform itself.

May go in here: the rows of `consent`, and what follows from them. May not: which purposes there are (`offer.py`).
"""

from dataclasses import dataclass
from enum import StrEnum

from cmp.desk import addresses
from cmp.desk.desk import Books
from cmp.desk.offer import Purpose


class Wrong(StrEnum):
    """Why nothing was recorded."""

    CANNOT_STOP = "cannot-stop"
    NOT_ASKED = "not-asked"


@dataclass(frozen=True, slots=True)
class Entry:
    """One yes or no. `at` is Unix seconds, `source` how it came in, `who` the token's name."""

    given: bool
    source: str
    who: str
    at: int


def record(
    books: Books, purpose: Purpose, client: str, contact: str, *, given: bool, source: str, who: str, at: int
) -> Wrong | None:
    """Stores a yes or a no. None when it is stored.

    What contract or law ask for cannot be stopped, and a yes to it would mean nothing.
    """
    if not purpose.can_stop:
        return Wrong.NOT_ASKED if given else Wrong.CANNOT_STOP
    person = addresses.keep(books, client, contact)
    books.connection.execute(
        "INSERT INTO consent (client, person, purpose, given, source, who, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (client, person, purpose.id, int(given), source, who, at),
    )
    return None


def permitted(books: Books, purpose: Purpose, client: str, contact: str) -> bool:
    """Whether the purpose may be carried out for this person: with basis "consent" after a yes, else until a no."""
    last = history(books, purpose.id, client, contact)[-1:]
    if not purpose.can_stop:
        return True
    return last[0].given if last else purpose.basis != "consent"


def history(books: Books, purpose: str, client: str, contact: str) -> list[Entry]:
    """Everything one person said about one purpose, oldest first."""
    rows = books.connection.execute(
        "SELECT given, source, who, at FROM consent WHERE person = ? AND client = ? AND purpose = ? ORDER BY id",
        (books.person(contact), client, purpose),
    )
    return [Entry(bool(given), source, who, at) for given, source, who, at in rows]
