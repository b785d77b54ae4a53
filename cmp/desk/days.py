"""Days of grace: when something is due, in calendar days and in business days.

May go in here: dates from dates, pure. May not: clocks.

Days are those of UTC. A business day is any day but Saturday and Sunday. Public holidays are not known: they differ by
country and region, so a due date that counts them as working days is earlier than the promise needs, never later.
"""

from datetime import UTC, date, datetime, timedelta

_FRIDAY = 4


def day_of(at: float) -> date:
    """The day of a moment in Unix seconds."""
    return datetime.fromtimestamp(at, UTC).date()


def after_business_days(start: date, days: int) -> date:
    """The last of so many business days. The first is the one after `start`, as periods are usually counted.

    With 0 days it is `start` itself.
    """
    found = start
    while days > 0:
        found += timedelta(days=1)
        if found.weekday() <= _FRIDAY:
            days -= 1
    return found


def after_days(start: date, days: int) -> date:
    """So many calendar days later."""
    return start + timedelta(days=days)


def is_overdue(due: date, today: date) -> bool:
    """Whether the due day has passed. On the day itself there is still time."""
    return today > due
