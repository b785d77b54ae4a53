"""Moments as captures write them.

May go in here: text to Unix seconds. May not: clocks (`cmp.audit.clocks`).
"""

from datetime import UTC, datetime


def read_moment(value: object) -> float | None:
    """Unix seconds of an ISO 8601 moment. One without a zone is taken for UTC, so that every machine reads alike."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip()[:64])
    except ValueError:
        return None
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return seconds if seconds > 0 else None
