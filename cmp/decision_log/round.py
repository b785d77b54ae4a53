"""The decisions of one stretch of time, counted: what is written of everybody who did not ask to be linked.

May go in here: counting rows, and what is left out because too few did it. May not: when a round ends (`writer.py`).

A line for each request, in order, would be a diary of whoever was alone on the site. So nothing is written before a
round is over, and then each different row once, with how often it happened, sorted by its own text.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from cmp.decision_log.chain import canonical
from cmp.decision_log.naming import digest
from cmp.decision_log.rows import Change, Row, Rows, Stranger, declared, from_browser

# A name that came from a browser, or the domain of an unknown host, is written once it was met so often in one round:
# below that it may be one person's.
NAMED_FROM = 5
# What stands before the digest that a rarer name is written as.
RARE = "~"
# So many unknown domains, and so many names, are counted in one round.
_REMEMBERED = 5_000


@dataclass
class Round:
    """Counts rows. `hour` is the Unix time of the hour it began in, `key` what places and rare names are hidden with.

    `limit` is how many different rows it holds; `full` tells that there is no room for another.
    """

    hour: int
    key: bytes = field(repr=False)
    limit: int
    decisions: int = 0
    _rows: Counter[Row] = field(default_factory=Counter)
    _names: Counter[str] = field(default_factory=Counter)
    _strangers: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    @property
    def full(self) -> bool:
        return len(self._rows) >= self.limit

    def add(self, rows: Rows) -> bool:
        """Count the rows of one exchange. False where there was no room."""
        if self.full and rows.own not in self._rows:
            return False
        self.decisions += 1
        self._rows[rows.own] += 1
        for row in rows.inside:
            if not self.full or row in self._rows:
                self._rows[row] += 1
        for name in {change.name for change in rows.own.changes}:
            if name in self._names or len(self._names) < _REMEMBERED:
                self._names[name] += 1
        if rows.stranger is not None:
            self._count_stranger(rows.stranger)
        return True

    def _count_stranger(self, stranger: Stranger) -> None:
        known = stranger.site in self._strangers or len(self._strangers) < _REMEMBERED
        self._strangers[stranger.site if known else ""][stranger.kind] += 1

    def forms(self) -> list[dict[str, Any]]:
        """The lines of the round, in the order of their text, which is no order in time."""
        counted: Counter[Row] = Counter()
        for row, count in self._rows.items():
            counted[self._without_rare_names(row)] += count
        decided = [{"type": "decided", "hour": self.hour, "n": n, **row.form()} for row, n in counted.items()]
        unknown = [
            {"type": "unknown-site", "hour": self.hour, "n": kinds.total(), "site": site, "kinds": dict(kinds)}
            for site, kinds in self._named_strangers()
        ]
        return sorted(decided, key=canonical) + sorted(unknown, key=canonical)

    def _without_rare_names(self, row: Row) -> Row:
        if not row.changes:
            return row
        return replace(row, changes=tuple(sorted({self._named(change) for change in row.changes})))

    def _named(self, change: Change) -> Change:
        shown = not from_browser(change.edit) or declared(change.name, change.rule)
        if shown or self._names[change.name] >= NAMED_FROM:
            return change
        return replace(change, name=f"{RARE}{digest(self.key, change.name, 4)}")

    def _named_strangers(self) -> Iterator[tuple[str | None, Counter[str]]]:
        rest: Counter[str] = Counter()
        for site, kinds in self._strangers.items():
            if site and kinds.total() >= NAMED_FROM:
                yield site, kinds
            else:
                rest += kinds
        if rest:
            yield None, rest
