"""Forgetting people: all about one address in one call, and what is older than it may be kept.

May go in here: deleting rows. May not: people's keys in the ledger (`cmp.ledger`).
"""

from collections.abc import Mapping, Sequence

from cmp.desk.desk import Books
from cmp.desk.states import SETTLED

# Each takes a person and a client, NULL for every client.
_PERSON = {
    "addresses": "DELETE FROM address WHERE person = ?1 AND (?2 IS NULL OR client = ?2)",
    "sources": "DELETE FROM source WHERE person = ?1 AND (?2 IS NULL OR client = ?2)",
    "consents": "DELETE FROM consent WHERE given = 1 AND person = ?1 AND (?2 IS NULL OR client = ?2)",
}
# A client has the requests that are with it now.
_REQUESTS = (
    "SELECT reference FROM request r WHERE person = ?1 AND (?2 IS NULL OR ?2 ="
    " (SELECT client FROM request_event WHERE reference = r.reference ORDER BY id DESC LIMIT 1))"
)
_SETTLED_BEFORE = (
    "SELECT r.reference FROM request r JOIN request_event e ON e.id ="
    " (SELECT max(id) FROM request_event WHERE reference = r.reference)"
    " WHERE e.at < ?1 AND e.state IN (SELECT value FROM json_each(?2))"
)


def purge(books: Books, contact: str, client: str | None, *, who: str, at: int) -> Mapping[str, int]:
    """Deletes everything about somebody, told by how they can be reached; how many rows of what.

    With a client, what that client has; with None, all. Opt-outs, and a no to a purpose, stay as keyed hashes: they go
    on holding, and nobody can tell any more whose they are.
    Entries in the append-only tables say that a purge was made, not of whom.
    """
    person = books.person(contact)
    removed = {
        name: books.connection.execute(statement, (person, client)).rowcount for name, statement in _PERSON.items()
    }
    references = [row[0] for row in books.connection.execute(_REQUESTS, (person, client))]
    removed["requests"] = _drop(books, references)
    rows = sum(removed.values())
    books.connection.execute(
        "INSERT INTO purge (client, rows, who, at) VALUES (?, ?, ?, ?)", (client or "", rows, who, at)
    )
    return removed


def forget_before(books: Books, at: int) -> int:
    """Deletes requests that were settled before that moment; how many.

    Opt-outs and consents are kept as long as they hold, because whoever asked to be left alone must not be written to
    again; disclosures and the access log are kept for good.
    """
    found = books.connection.execute(_SETTLED_BEFORE, (at, f"[{','.join(_quoted(SETTLED))}]")).fetchall()
    return _drop(books, [row[0] for row in found])


def _drop(books: Books, references: Sequence[str]) -> int:
    for reference in references:
        books.connection.execute("DELETE FROM request_event WHERE reference = ?", (reference,))
        books.connection.execute("DELETE FROM request WHERE reference = ?", (reference,))
    return len(references)


def _quoted(names: frozenset[str]) -> list[str]:
    return [f'"{name}"' for name in sorted(names)]
