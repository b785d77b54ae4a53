"""How far the clock of the machine that recorded is from those of the servers that answered.

May go in here: measuring it. May not: what follows from it (`choices.py`), wording of findings.

A server says the time in each answer (`Date`, to the second; with `Age` where a cache kept the answer). An answer out
of the browser's own cache says a time long gone, so of each host the latest one counts, and of the hosts the median.
"""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from cmp.capture.capture import Entry
from cmp.core.exchange import Unseen

# `Date` has whole seconds, and an answer is under way for a while: less than this is no difference.
NOTICED = 3.0


@dataclass(frozen=True, slots=True)
class Clock:
    """`behind`: seconds by which the recording machine's clock is behind those of `hosts` servers; negative: ahead.

    `spread` is how far the servers are from one another: the middle half of them lies within it.
    """

    behind: float
    hosts: int
    spread: float = 0.0

    @property
    def noticed(self) -> bool:
        return abs(self.behind) >= NOTICED


def clock_of(entries: Iterable[Entry]) -> Clock | None:
    """The recording machine's clock, None where no answer with a time says what its server's clock said."""
    latest: dict[str, float] = {}
    for entry in entries:
        asked, answer = entry.asked, entry.answer
        if answer is None or answer.clock is None or Unseen.TIME in asked.unseen:
            continue
        # Half a second for what Date leaves out; the answer was made somewhere between the request and its end.
        begun = asked.time
        ended = max(begun, entry.ended) if entry.ended is not None else begun
        found = answer.clock + 0.5 - min((begun + ended) / 2, begun + 5)
        host = asked.url.host
        latest[host] = max(latest.get(host, found), found)
    if not latest:
        return None
    ordered = sorted(latest.values())
    quarter = len(ordered) // 4
    spread = ordered[-1 - quarter] - ordered[quarter]
    return Clock(round(statistics.median(ordered), 1), len(ordered), round(spread, 1))
