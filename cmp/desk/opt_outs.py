"""Opt-outs: who is off which list of which client, since when, and until when the client has to know.

May go in here: the rows of `opt_out` and `entered`. May not: what a list is called (`offer.py`), CSV (`exporting.py`).

An opt-out is effective the moment it is stored: `holds` says so to whoever asks before mailing. Being taken back is an
entry of its own, so the history stays.

An opt-out without a client holds for all of them, and stands in the list of each. Who wants one client's mails again
after it takes it back for that client alone.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from cmp.desk import addresses
from cmp.desk.days import is_overdue
from cmp.desk.desk import Books
from cmp.desk.offer import OWN


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


# The second condition leaves out of the general ones what was taken back for this client since.
_HOLDING = (
    "SELECT o.id, a.text, o.source, o.at, o.due, o.person FROM opt_out o"
    " LEFT JOIN address a ON a.client = o.client AND a.person = o.person"
    " WHERE o.list = ?1 AND o.client IN (?2, ?3) AND o.change = 'out' AND o.id ="
    " (SELECT max(id) FROM opt_out WHERE list = o.list AND client = o.client AND person = o.person)"
    " AND (o.client = ?2 OR NOT EXISTS (SELECT 1 FROM opt_out"
    " WHERE list = o.list AND client = ?2 AND person = o.person AND change = 'in' AND id > o.id)) ORDER BY o.id"
)


def change(
    books: Books, list_: str, client: str, address: str, *, to: Change, source: Source, at: int, due: date
) -> bool:
    """Stores a change of a normalised address. False if that is how it was already: then nothing is added."""
    if to is Change.OUT and _last(books, list_, client, address)[1] == Change.OUT:
        return False
    if to is Change.IN and not holds(books, list_, client, address):
        return False
    person = addresses.keep(books, client, address) if to is Change.OUT else books.person(address)
    books.connection.execute(
        "INSERT INTO opt_out (list, client, person, change, source, at, due) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (list_, client, person, to, source, at, due.isoformat()),
    )
    return True


def holds(books: Books, list_: str, client: str, address: str) -> bool:
    """Whether the address is off that list now, for this client or for all."""
    own, general = _last(books, list_, client, address), _last(books, list_, OWN, address)
    return own[1] == Change.OUT or (general[1] == Change.OUT and own < general)


def _last(books: Books, list_: str, client: str, address: str) -> tuple[int, str]:
    """Number and kind of an address's last change, (0, "") where there is none."""
    found: tuple[int, str] | None = books.connection.execute(
        "SELECT id, change FROM opt_out WHERE list = ? AND client = ? AND person = ? ORDER BY id DESC LIMIT 1",
        (list_, client, books.person(address)),
    ).fetchone()
    return found or (0, "")


def history(books: Books, list_: str, client: str, address: str) -> list[Entry]:
    """Every change of one address, oldest first."""
    rows = books.connection.execute(
        "SELECT id, change, source, at, due FROM opt_out WHERE list = ? AND client = ? AND person = ? ORDER BY id",
        (list_, client, books.person(address)),
    )
    return [Entry(id_, Change(to), Source(source), at, date.fromisoformat(due)) for id_, to, source, at, due in rows]


def listing(books: Books, list_: str, client: str, today: date) -> Listing:
    """Everybody who is off that list now, the oldest first; each once, also who is off for all clients as well."""
    entered = _entered_upto(books, list_, client)
    found = books.connection.execute(_HOLDING, (list_, client, OWN)).fetchall()
    rows: dict[bytes, Listed] = {}
    for id_, text, source, at, due, person in found:
        if text is not None and person not in rows:
            day, done = date.fromisoformat(due), id_ <= entered
            rows[person] = Listed(text, Source(source), at, day, done, not done and is_overdue(day, today))
    people = {row[-1] for row in found}
    return Listing(tuple(rows.values()), len(people) - len(rows), max((row[0] for row in found), default=0))


def enter(books: Books, list_: str, client: str, upto: int, *, who: str, at: int) -> bool:
    """Notes that the client's own list has all entries up to that number of a `Listing`. False for one not given."""
    newest = books.connection.execute(
        "SELECT max(id) FROM opt_out WHERE list = ? AND client IN (?, ?)", (list_, client, OWN)
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
