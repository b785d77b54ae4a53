"""An opt-out list as a file that a client's own system reads.

May go in here: the two forms, from values. May not: collecting the values (`opt_outs.py`).
"""

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cmp.desk.opt_outs import Listed, Listing

_COLUMNS = ("address", "source", "since", "due", "entered", "overdue")
# A spreadsheet takes a cell that begins so for a formula, and anybody can choose an address.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(listing: Listing) -> str:
    """RFC 4180, with a header line. An address a spreadsheet would run as a formula gets an apostrophe in front.

    For programs the JSON form is the exact one.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for row in listing.rows:
        values = as_object(row)
        address = f"'{row.address}" if row.address.startswith(_FORMULA) else row.address
        writer.writerow([address, *(_plain(values[name]) for name in _COLUMNS[1:])])
    return text.getvalue()


def as_object(row: Listed) -> Mapping[str, Any]:
    """One opt-out as JSON has it; times as RFC 3339."""
    return {
        "address": row.address,
        "source": row.source.value,
        "since": datetime.fromtimestamp(row.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "due": row.due.isoformat(),
        "entered": row.entered,
        "overdue": row.overdue,
    }


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
