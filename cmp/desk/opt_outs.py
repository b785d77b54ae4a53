"""Opt-outs: who is off which list of which client, since when, and until when the client has to know.

May go in here: the rows of `opt_out` and `entered`. May not: what a list is called (`offer.py`), CSV (`exporting.py`).

An opt-out is effective the moment it is stored: `holds` says so to whoever asks before mailing. Being taken back is an
entry of its own, so the history stays.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from cmp.desk import addresses
from cmp.desk.days import is_overdue
from cmp.desk.desk import Books


class Change(StrEnum):
    """`OUT`: no more. `IN`: an opt-out taken back."""

    OUT = "out"
    IN = "in"


class Source(StrEnum):
    """How an opt-out came in: a signed link in a mail, a form on the site, an operator, a list handed over."""

    LINK = "link"
    FORM = "form"
    OPERATOR = "operator"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Entry:
    """One change. `at` is Unix seconds, `due` the day by which the client's own list has to have it."""

    id: int
    change: Change
    source: Source
    at: int
    due: date


@dataclass(frozen=True, slots=True)
class Listed:
    """One opt-out that holds. `entered`: the client's own list is known to have it."""

    address: str
    source: Source
    at: int
    due: date
    entered: bool
    overdue: bool


@dataclass(frozen=True, slots=True)
class Listing:
    """The opt-outs of one list of one client.

    `erased` is how many more hold whose addresses were purged: they cannot be handed over any more. `upto` is the
    number of the newest entry it holds, for `enter`.
    """

    rows: tuple[Listed, ...]
    erased: int
    upto: int


_HOLDING = (
    "SELECT o.id, a.text, o.source, o.at, o.due FROM opt_out o"
    " LEFT JOIN address a ON a.client = o.client AND a.person = o.person"
    " WHERE o.list = ? AND o.client = ? AND o.change = 'out' AND o.id ="
    " (SELECT max(id) FROM opt_out WHERE list = o.list AND client = o.client AND person = o.person) ORDER BY o.id"
)


def change(
    books: Books, list_: str, client: str, address: str, *, to: Change, source: Source, at: int, due: date
) -> bool:
    """Stores a change of a normalised address. False if that is how it was already: then nothing is added."""
    if holds(books, list_, client, address) == (to is Change.OUT):
        return False
    person = addresses.keep(books, client, address) if to is Change.OUT else books.person(address)
    books.connection.execute(
        "INSERT INTO opt_out (list, client, person, change, source, at, due) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (list_, client, person, to, source, at, due.isoformat()),
    )
    return True


def holds(books: Books, list_: str, client: str, address: str) -> bool:
    """Whether the address is off that list now."""
    found = books.connection.execute(
        "SELECT change FROM opt_out WHERE list = ? AND client = ? AND person = ? ORDER BY id DESC LIMIT 1",
        (list_, client, books.person(address)),
    ).fetchone()
    return found is not None and found[0] == Change.OUT


def history(books: Books, list_: str, client: str, address: str) -> list[Entry]:
    """Every change of one address, oldest first."""
    rows = books.connection.execute(
        "SELECT id, change, source, at, due FROM opt_out WHERE list = ? AND client = ? AND person = ? ORDER BY id",
        (list_, client, books.person(address)),
    )
    return [Entry(id_, Change(to), Source(source), at, date.fromisoformat(due)) for id_, to, source, at, due in rows]


def listing(books: Books, list_: str, client: str, today: date) -> Listing:
    """Everybody who is off that list now, the oldest first."""
    entered = _entered_upto(books, list_, client)
    found = books.connection.execute(_HOLDING, (list_, client)).fetchall()
    rows = []
    for id_, text, source, at, due in found:
        if text is not None:
            day, done = date.fromisoformat(due), id_ <= entered
            rows.append(Listed(text, Source(source), at, day, done, not done and is_overdue(day, today)))
    return Listing(tuple(rows), len(found) - len(rows), max((row[0] for row in found), default=0))


def enter(books: Books, list_: str, client: str, upto: int, *, who: str, at: int) -> bool:
    """Notes that the client's own list has all entries up to that number of a `Listing`. False for one not given."""
    newest = books.connection.execute(
        "SELECT max(id) FROM opt_out WHERE list = ? AND client = ?", (list_, client)
    ).fetchone()[0]
    if not 0 < upto <= (newest or 0):
        return False
    books.connection.execute(
        "INSERT INTO entered (list, client, upto, at, who) VALUES (?, ?, ?, ?, ?)", (list_, client, upto, at, who)
    )
    return True


def _entered_upto(books: Books, list_: str, client: str) -> int:
    found = books.connection.execute(
        "SELECT max(upto) FROM entered WHERE list = ? AND client = ?", (list_, client)
    ).fetchone()
    return int(found[0] or 0)
