"""Numbers without people: choices and counted events by day.

May go in here: sums. May not: anything that singles out one record.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cmp.ledger import database
from cmp.ledger.address import ledger_file
from cmp.ledger.errors import from_sqlite

_CHOICES = (
    "SELECT hour, kind, count(*) FROM (SELECT hour, kind FROM personal UNION ALL SELECT hour, kind FROM unlinkable)"
    " GROUP BY hour, kind ORDER BY hour, kind"
)
_COUNTED = "SELECT hour, event, n FROM counter ORDER BY hour, event"


@dataclass(frozen=True, slots=True)
class Statistics:
    """By day ("2026-10-07", UTC), then by kind of choice or name of event: how many."""

    choices: Mapping[str, Mapping[str, int]]
    counted: Mapping[str, Mapping[str, int]]


def statistics_of(address: str | Path) -> Statistics:
    """The numbers of a ledger, in use or not. Raises LedgerError."""
    file = ledger_file(address)
    with database.reading(file) as connection:
        try:
            return Statistics(_by_day(connection, _CHOICES), _by_day(connection, _COUNTED))
        except (ValueError, TypeError, OverflowError) as error:
            # A damaged row holds no hour.
            raise from_sqlite(file, error) from error


def _by_day(connection: sqlite3.Connection, query: str) -> dict[str, dict[str, int]]:
    days: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for hour, name, n in connection.execute(query):
        day = datetime.fromtimestamp(hour, UTC).date().isoformat()
        days[day][name] = days[day].get(name, 0) + n
    return dict(days)
