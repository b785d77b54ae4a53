"""Until when somebody's grants hold: what their last record says, and what is listed beside the tree.

May go in here: finding last records, the end that a payload tells. May not: noting that an end has come (`store.py`),
naming what does not fit (`verify.py`).

`ledger_person.until_hour` is in no tree. It only says where to look; what holds is in the record.
"""

import re

from sqlalchemy import ColumnElement, func, select

from cmp.ledger import schema
from cmp.ledger.record import GRANTING, hour_after

_UNTIL = re.compile(rb'"until":([0-9]{1,15})[,}]')


def is_last() -> ColumnElement[bool]:
    """Of a row of `ledger_owner`: whether it is its person's last record."""
    owner, later = schema.owner.c, schema.owner.alias()
    last = select(func.max(later.c.idx)).where(later.c.visitor == owner.visitor).correlate(schema.owner)
    return owner.idx == last.scalar_subquery()


def until_in(payload: bytes) -> int:
    """The end that a payload tells, in milliseconds, 0 for none, without reading all of it.

    In canonical JSON every quote within a text is behind a backslash, so nothing else looks like this member.
    """
    found = _UNTIL.search(payload)
    return int(found[1]) if found else 0


def hours_told(kind: object, until: int) -> tuple[int, int]:
    """The hour in which grants until then have run out: the first full one at or after their end; 0 for no end.

    Milliseconds were rounded: where they are the first second of an hour, what was rounded may have ended with the hour
    before, and both are told, the earlier first.
    """
    if not until or kind not in GRANTING:
        return 0, 0
    return hour_after(max(until - 1, 0) // 1000), hour_after(until // 1000)
