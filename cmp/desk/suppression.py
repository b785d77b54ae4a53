"""Numbers that single nobody out: small groups are left out, and so is what they would follow from.

May go in here: pure functions on tables of counts. May not: counting (`counting.py`).

Primary suppression leaves out each group below a size. Because the total stands beside the groups, one missing group
would follow by subtraction; complementary suppression leaves out more, smallest first, until at least two are missing
and those together are as large as a group has to be. The total goes too when it is itself a small group.

Tables made of the same people are safe beside each other as far as each table alone is: all have the same total. Two
tables at different times, or of all and of all but one client, can be subtracted from each other; docs/desk.md says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """Counts by group, and of all together; None is a number that is not told."""

    groups: Mapping[str, int | None]
    total: int | None

    @property
    def suppressed(self) -> int:
        return sum(count is None for count in self.groups.values())


def suppressed(counts: Mapping[str, int], smallest: int) -> Table:
    """The table with every group under `smallest` left out, and whatever would give it away."""
    total = sum(counts.values())
    if total < smallest:
        return Table(dict.fromkeys(counts), None)
    # Ties by name, so that the same counts always give the same table.
    ordered = sorted(counts, key=lambda name: (counts[name], name))
    hidden = [name for name in ordered if counts[name] < smallest]
    for name in ordered[len(hidden) :]:
        if not hidden or (len(hidden) > 1 and sum(counts[one] for one in hidden) >= smallest):
            break
        hidden.append(name)
    return Table({name: None if name in hidden else count for name, count in counts.items()}, total)
