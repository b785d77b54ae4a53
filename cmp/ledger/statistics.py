"""Numbers without people: choices and counted events by day.

May go in here: sums. May not: anything that singles out one record.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from cmp.ledger import schema
from cmp.ledger.database import database_of
from cmp.ledger.leaves import Part


@dataclass(frozen=True, slots=True)
class Statistics:
    """By day ("2026-10-07", UTC), then by kind of choice or name of event: how many."""

    choices: Mapping[str, Mapping[str, int]]
    counted: Mapping[str, Mapping[str, int]]


def statistics_in(connection: Connection) -> Statistics:
    leaf, pending, counter = schema.leaf.c, schema.pending.c, schema.counter.c
    kept = select(leaf.hour, leaf.kind, func.count()).where(leaf.part != Part.PUBLIC.value)
    waiting = select(pending.hour, pending.kind, func.sum(pending.n))
    queries = (
        kept.group_by(leaf.hour, leaf.kind).order_by(leaf.hour, leaf.kind),
        waiting.group_by(pending.hour, pending.kind).order_by(pending.hour, pending.kind),
    )
    counted = select(counter.hour, counter.event, counter.n).order_by(counter.hour, counter.event)
    try:
        return Statistics(
            _by_day(row for query in queries for row in connection.execute(query)), _by_day(connection.execute(counted))
        )
    except (ValueError, TypeError, OverflowError) as error:
        # A damaged row holds no hour: to be told as the damage that a database finds itself.
        raise UnicodeError(str(error)) from error


def statistics_of(address: str | Path) -> Statistics:
    """The numbers of a ledger, in use or not. Raises LedgerError."""
    with database_of(address).reading() as connection:
        return statistics_in(connection)


def _by_day(rows: Iterable[Any]) -> dict[str, dict[str, int]]:
    days: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for hour, name, n in rows:
        day = datetime.fromtimestamp(hour, UTC).date().isoformat()
        days[day][name] = days[day].get(name, 0) + int(n)
    return dict(days)
