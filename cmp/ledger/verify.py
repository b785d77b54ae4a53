"""Checking that a ledger is whole: every record as it was stored, none missing, none moved.

May go in here: the checks over both chains, and what they found as data. May not: mending anything.
"""

import hashlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from cmp.ledger import database, leaves, sealing
from cmp.ledger.address import ledger_file
from cmp.ledger.leaves import Chain, Head

_ROWS = {
    Chain.PERSONAL: "SELECT p.seq, p.kind, p.hour, p.leaf, p.leaf_hash, p.chain_hash, p.payload, k.visitor, k.key"
    " FROM personal p LEFT JOIN owner o ON o.seq = p.seq LEFT JOIN visitor_key k ON k.visitor = o.visitor"
    " ORDER BY p.seq",
    Chain.UNLINKABLE: "SELECT seq, kind, hour, leaf, leaf_hash, chain_hash, NULL, NULL, NULL"
    " FROM unlinkable ORDER BY seq",
}
_STRAY_OWNERS = (
    "SELECT seq, seq IN (SELECT seq FROM personal) FROM owner WHERE seq NOT IN (SELECT seq FROM personal)"
    " OR visitor NOT IN (SELECT visitor FROM visitor_key) ORDER BY seq"
)
_RESTORE = "compare with the last backup that verifies; what came after it cannot be relied on"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: in which chain, at which record (None: the whole), and what to do.

    `code` is one of: gap, order, form, leaf, chain, payload, key, owner, column, cut, head, unreadable.
    """

    chain: Chain | None
    seq: int | None
    code: str
    what: str
    remedy: str = _RESTORE

    def __str__(self) -> str:
        place = "ledger" if self.chain is None else f"{self.chain} record {self.seq}" if self.seq else str(self.chain)
        return f"{place}: {self.what}\n    {self.remedy}"


def verify(address: str | Path, heads: Iterable[Head] = (), *, limit: int = 1000) -> list[Fault]:
    """Reads a whole ledger, in use or not; what is wrong with it, the first broken record of each chain first.

    `heads` are heads that were kept outside the ledger: only against these can a cut-off end, or a chain computed anew
    from some record on, be told from a true one. At most `limit` faults are listed. Memory does not grow with the
    ledger. Raises LedgerError when the file is no ledger or cannot be opened.
    """
    with database.reading(ledger_file(address)) as connection:
        return list(islice(_faults(connection, list(heads)), limit))


class _Row(NamedTuple):
    """A stored record as it is found; damage can put anything into any field but `seq`."""

    seq: int
    kind: object
    hour: object
    leaf: object
    leaf_hash: object
    chain_hash: object
    sealed: object
    visitor: object
    key: object


def _faults(connection: sqlite3.Connection, heads: list[Head]) -> Iterator[Fault]:
    for chain in Chain:
        yield from _chain_faults(connection, chain, [head for head in heads if head.chain is chain])
    try:
        for seq, there in connection.execute(_STRAY_OWNERS):
            what = "belongs to a person without a key" if there else "has an owner, but is not there"
            yield Fault(Chain.PERSONAL, seq, "owner", what)
        # Finds damage that reading rows in order does not touch: indices, free pages, keys.
        for (told,) in connection.execute("PRAGMA integrity_check(20)").fetchall():
            if told != "ok":
                yield Fault(None, None, "unreadable", f"the database is damaged: {told}")
    except database.FAILURES as error:
        yield Fault(None, None, "unreadable", f"the database is damaged ({error})")


def _chain_faults(connection: sqlite3.Connection, chain: Chain, heads: list[Head]) -> Iterator[Fault]:
    awaited: defaultdict[int, list[Head]] = defaultdict(list)
    for head in heads:
        awaited[head.size].append(head)
    last = 0
    # None where the hash before the next record is not known, so that nothing can be said about the link to it.
    previous: bytes | None = leaves.origin(chain)
    if any(head.hash != previous for head in awaited.pop(0, [])):
        yield Fault(chain, None, "head", "a head kept outside is not of this chain")
    try:
        for row in map(_Row._make, connection.execute(_ROWS[chain])):
            if row.seq <= last:
                yield Fault(chain, row.seq, "order", f"comes after record {last}")
            elif row.seq != last + 1:
                # Named by the first record that is missing.
                many = f"records {last + 1} to {row.seq - 1} are missing"
                yield Fault(chain, last + 1, "gap", many if row.seq > last + 2 else f"record {last + 1} is missing")
                previous = None
            for code, what in _row_faults(chain, previous, row):
                yield Fault(chain, row.seq, code, what)
            if any(head.hash != row.chain_hash for head in awaited.pop(row.seq, [])):
                yield Fault(chain, row.seq, "head", "the chain up to here is not the one of the head kept outside")
            # Go on from what the row says: one damaged record is one fault, not one for each that follows.
            last = max(last, row.seq)
            previous = row.chain_hash if isinstance(row.chain_hash, bytes) else None
    except database.FAILURES as error:
        yield Fault(chain, last + 1, "unreadable", f"the database is damaged from here on ({error})")
        return
    for size in sorted(awaited):
        yield Fault(chain, last + 1, "cut", f"the chain ends at {last}, the head kept outside says {size}")


def _row_faults(chain: Chain, previous: bytes | None, row: _Row) -> Iterator[tuple[str, str]]:
    leaf, hashed, chained, sealed, key = row.leaf, row.leaf_hash, row.chain_hash, row.sealed, row.key
    if not (isinstance(leaf, bytes) and isinstance(hashed, bytes) and isinstance(chained, bytes)):
        yield "form", "holds something else than a record"
        return
    if leaves.leaf_hash(leaf) != hashed:
        yield "leaf", "its content is not what was hashed"
        return
    if previous is not None and leaves.chain_hash(previous, hashed) != chained:
        yield "chain", "does not follow from the record before it"
    content = _content(leaf)
    if content.get("format") != leaves.FORMAT or content.get("kind") not in leaves.KINDS[chain]:
        yield "form", f"is not of a form or kind that belongs into the {chain} chain"
        return
    if (content["kind"], content.get("hour")) != (row.kind, row.hour):
        yield "column", "is listed under another kind or hour than its content says"
    if chain is not Chain.PERSONAL:
        return
    if not isinstance(sealed, bytes) or hashlib.sha256(sealed).hexdigest() != content.get("payload"):
        yield "payload", "its encrypted part is not what was stored"
    elif key is not None and not (
        isinstance(key, bytes) and isinstance(row.visitor, bytes) and sealing.unseal(key, row.visitor, sealed)
    ):
        yield "key", "its person's key does not open it"


def _content(leaf: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(leaf)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
