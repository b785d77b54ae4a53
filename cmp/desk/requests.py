"""Rights requests: what somebody asked for, by when it is due, and what became of it.

May go in here: the rows of `request` and `request_event`. May not: which states there are (`states.py`), what is
offered (`offer.py`).
"""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from cmp.desk.days import day_of, is_overdue
from cmp.desk.desk import Books
from cmp.desk.states import FOLLOWING, NEEDS_IDENTITY, SETTLED, State

# Characters of what somebody writes. A request says what is wanted; documents come another way.
LONGEST_TEXT = 4_000
LONGEST_CONTACT = 254
LONGEST_REASON = 1_000
_REFERENCE_BYTES = 15
VISITOR = "visitor"
"""Who made an entry that no operator made."""


class Wrong(StrEnum):
    """Why a request was not moved."""

    UNKNOWN = "unknown-request"
    NOT_NOW = "not-now"
    NO_REASON = "no-reason"
    NOT_IDENTIFIED = "not-identified"


@dataclass(frozen=True, slots=True)
class Step:
    """One entry in a request's history. `reason` is told to the person where it was declined."""

    state: State
    client: str
    identified: bool
    who: str
    reason: str
    at: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A new request. `subject` is the data-subject category, `purpose` one off the web, both "" where not said."""

    kind: str
    client: str
    subject: str
    contact: str
    text: str
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A request and its history, oldest step first. `opened` is Unix seconds."""

    reference: str
    asked: Asked
    opened: int
    due: date
    steps: tuple[Step, ...]

    @property
    def last(self) -> Step:
        return self.steps[-1]

    @property
    def state(self) -> State:
        return self.last.state

    @property
    def client(self) -> str:
        """Who has it now: the client it was referred to, or the one it was made about; "" the operator itself."""
        return self.last.client

    @property
    def identified(self) -> bool:
        return self.last.identified

    def overdue(self, today: date) -> bool:
        return self.state not in SETTLED and is_overdue(self.due, today)


def open_request(books: Books, asked: Asked, *, first: State, at: int, due: date, per_day: int | None) -> str | None:
    """Stores a request; its reference, or None if this person has made as many as they may on this day.

    The count is of what is stored, so a restart does not begin a new one.
    """
    person, day = books.person(asked.contact), day_of(at).isoformat()
    (made,) = books.connection.execute(
        "SELECT count(*) FROM request WHERE person = ? AND day = ?", (person, day)
    ).fetchone()
    if per_day is not None and made >= per_day:
        return None
    reference = base64.b32encode(secrets.token_bytes(_REFERENCE_BYTES)).decode("ascii").lower()
    books.connection.execute(
        "INSERT INTO request VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            reference,
            asked.kind,
            asked.subject,
            asked.purpose,
            person,
            asked.contact,
            asked.text,
            at,
            day,
            due.isoformat(),
        ),
    )
    _add(books, reference, Step(first, asked.client, False, VISITOR, "", at))
    return reference


def find(books: Books, reference: str) -> Request | None:
    """The request with this reference."""
    row = books.connection.execute(f"{_SELECT} WHERE reference = ?", (reference,)).fetchone()
    return _read(books, row) if row else None


def listing(books: Books, client: str | None) -> Sequence[Request]:
    """All requests that a client has now, or with None all there are; the earliest due first."""
    rows = books.connection.execute(f"{_SELECT} ORDER BY due, opened, reference").fetchall()
    found = (_read(books, row) for row in rows)
    return [request for request in found if client is None or request.client == client]


def move(
    books: Books,
    reference: str,
    *,
    to: State,
    who: str,
    at: int,
    only: str | None = None,
    client: str | None = None,
    identified: bool = False,
    reason: str = "",
    identity_check: bool = False,
) -> Request | Wrong:
    """Moves a request on; how it stands then, or why not.

    `only` is the client whose requests alone may be moved, `client` whom it is referred to. A request whose identity
    check is over is identified for good. What needs an identity is not answered without one where the policy declares
    that identities are checked (`identity_check`), and nothing is declined without a reason.
    """
    found = find(books, reference)
    if found is None or (only is not None and found.client != only):
        return Wrong.UNKNOWN
    if to not in FOLLOWING[found.state]:
        return Wrong.NOT_NOW
    if to is State.DECLINED and not reason.strip():
        return Wrong.NO_REASON
    known = found.identified or identified
    needed = identity_check and found.asked.kind in NEEDS_IDENTITY
    leaves_check = found.state is State.IDENTITY_CHECK and to is State.OPEN
    if needed and not known and (to is State.ANSWERED or leaves_check):
        return Wrong.NOT_IDENTIFIED
    _add(books, reference, Step(to, found.client if client is None else client, known, who, reason, at))
    return find(books, reference) or Wrong.UNKNOWN


_SELECT = "SELECT reference, kind, subject, purpose, contact, text, opened, due FROM request"


def _add(books: Books, reference: str, step: Step) -> None:
    books.connection.execute(
        "INSERT INTO request_event (reference, state, client, identified, who, reason, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (reference, step.state, step.client, int(step.identified), step.who, step.reason, step.at),
    )


def _read(books: Books, row: tuple[str, str, str, str, str, str, int, str]) -> Request:
    reference, kind, subject, purpose, contact, text, opened, due = row
    steps = tuple(
        Step(State(state), client, bool(identified), who, reason, at)
        for state, client, identified, who, reason, at in books.connection.execute(
            "SELECT state, client, identified, who, reason, at FROM request_event WHERE reference = ? ORDER BY id",
            (reference,),
        )
    )
    asked = Asked(kind, steps[0].client, subject, contact, text, purpose)
    return Request(reference, asked, opened, date.fromisoformat(due), steps)
