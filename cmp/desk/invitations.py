"""Whether somebody may be invited: only who came from a client or an opt-in panel, and has not opted out.

May go in here: the answer and its reason. May not: rows of its own.
"""

from dataclasses import dataclass
from enum import StrEnum

from cmp.desk import opt_outs
from cmp.desk.address import normalised
from cmp.desk.addresses import Origin
from cmp.desk.desk import Books
from cmp.desk.offer import OWN, OptOutList


class Refusal(StrEnum):
    """Why an address is not to be invited."""

    UNKNOWN = "unknown-address"
    OPTED_OUT = "opted-out"
    NO_ADDRESS = "no-address"


@dataclass(frozen=True, slots=True)
class Invitation:
    """Whether somebody may be invited. `source` is where the address came from, "" where nobody knows it."""

    address: str
    refused: Refusal | None = None
    source: str = ""


def invite(books: Books, client: str, list_: OptOutList, text: str) -> Invitation:
    """Whether `client` may invite this address by mails of that list. Unknown is no."""
    address = normalised(text)
    if address is None:
        return Invitation(text, Refusal.NO_ADDRESS)
    found = books.connection.execute(
        "SELECT source FROM source WHERE person = ? AND (client = ? OR (client = ? AND source = ?))"
        " ORDER BY client DESC, id LIMIT 1",
        (books.person(address), client, OWN, Origin.PANEL),
    ).fetchone()
    if found is None:
        return Invitation(address, Refusal.UNKNOWN)
    # A list can have become one for each client, or ceased to be: an opt-out from before holds on.
    if opt_outs.holds(books, list_.id, client, address):
        return Invitation(address, Refusal.OPTED_OUT, found[0])
    return Invitation(address, None, found[0])
