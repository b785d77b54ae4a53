"""Refusals on their way into the tree: once an hour, in the order of their hashes.

May go in here: which refusals become leaves, and when. May not: what a refusal's leaf says (`leaves.py`).

A refusal is durable at once, as one more of its kind in `ledger_pending`: rows there stand for what was refused in
which hour, and how often, and lie in the order of their hashes. When the hour is over, all of that hour become leaves
in that same order. So neither the numbers of leaves nor the order of rows says in which order people refused, or which
refusal came beside which consent. Until then the tree does not vouch for a refusal; docs/ledger.md says so.
"""

from sqlalchemy import select

from cmp.ledger import schema
from cmp.ledger.leaves import Part
from cmp.ledger.record import hour_of
from cmp.ledger.store import Batch

# Leaves of refusals in one transaction: choices wait meanwhile.
_MOST = 4000


def merge(batch: Batch) -> bool:
    """Makes leaves of the refusals of hours that are over, once an hour; whether none is left to do.

    Whatever is late, because a clock was set back or a queue was long, goes along the next hour.
    """
    hour, pending = hour_of(batch.now), schema.pending.c
    if batch.merged_hour == hour:
        return True
    over = select(schema.pending).where(pending.hour < hour).order_by(pending.hour, pending.hash)
    left = _MOST
    for row in batch.connection.execute(over.limit(_MOST)).all():
        taken = min(row.n, left)
        for _ in range(taken):
            batch.add(Part.UNLINKABLE, bytes(row.body))
        this = pending.hash == row.hash
        if taken == row.n:
            batch.connection.execute(schema.pending.delete().where(this))
        else:
            batch.connection.execute(schema.pending.update().where(this).values(n=row.n - taken))
        left -= taken
        if not left:
            return False
    batch.merged_hour = hour
    return True
