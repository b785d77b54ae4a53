"""How long a cookie may live, as a declared value.

May go in here: reading and comparing declared durations. May not: what to do with a cookie that lives longer
(`decide.py`).

A calendar month counts as 31 days and a year as 366: a declared duration is the longest its words can mean, so that
nobody is found to break a promise by the length of February.
"""

import re
from dataclasses import dataclass

UNIT_SECONDS = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "week": 7 * 86_400,
    "month": 31 * 86_400,
    "year": 366 * 86_400,
}
_DURATION = re.compile(r"([1-9][0-9]{0,5}) (second|minute|hour|day|week|month|year)s?")


@dataclass(frozen=True, slots=True)
class Lifetime:
    """A declared lifetime: `seconds` at most, or None for "until the browser closes"."""

    seconds: int | None
    text: str

    @property
    def session(self) -> bool:
        return self.seconds is None


SESSION = Lifetime(None, "session")


def read_lifetime(text: str) -> Lifetime:
    """Read "session" or a count and a unit ("30 minutes", "13 months"). Raises ValueError naming the form expected."""
    if text == "session":
        return SESSION
    if match := _DURATION.fullmatch(text):
        return Lifetime(int(match[1]) * UNIT_SECONDS[match[2]], text)
    raise ValueError(f'{text!r} is no lifetime: write "session", or a count and a unit such as "13 months"')


def in_words(seconds: float) -> str:
    """A duration for people, in its largest fitting unit: 63072000 is "24 months"."""
    units = ("month", "day", "hour", "minute")
    unit = next((unit for unit in units if seconds >= UNIT_SECONDS[unit]), "second")
    count = round(seconds / UNIT_SECONDS[unit])
    return f"{count} {unit}{'s' if count != 1 else ''}"
