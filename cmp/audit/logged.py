"""What a decision log tells of a site's traffic: which vendors took part, what nobody knows, how often.

May go in here: adding up a log's lines by whom they name. May not: the chain (`cmp.decision_log.verify`), what is made
of the sums (`learning.py`), the log as evidence (`decision_log.py`).

The log says less than a recording, on purpose: of vendors and strangers the registrable domain, of cookies the names
that many visitors have. Pages, values and lifetimes are not in it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cmp.decision_log.round import RARE
from cmp.decision_log.verify import Checked, check

_COOKIE_EDITS = frozenset({"strip-cookie", "strip-set-cookie"})


@dataclass(slots=True)
class Logged:
    """One log added up: requests of each (vendor, site), of each unknown site, of each cookie of the site itself.

    `vendors` and sites are as the policy of that time named them; "" for a vendor whose site the log does not tell.
    `rare` are requests to unknown sites too few to be named, `decisions` all that were counted.
    """

    folder: str
    vendors: Counter[tuple[str, str]] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, set[str]] = field(default_factory=dict)
    cookies: Counter[str] = field(default_factory=Counter)
    rare: int = 0
    decisions: int = 0

    def take(self, form: Mapping[str, Any]) -> None:
        """Take in one line of the log; other types of lines say nothing of traffic."""
        if form["type"] in ("decided", "visit"):
            self._decided(form, int(form.get("n", 1)))
        elif form["type"] == "unknown-site":
            self._unknown(form)

    def _decided(self, form: Mapping[str, Any], count: int) -> None:
        if form["where"] == "wire":
            self.decisions += count
        if form["vendor"] is not None:
            self.vendors[form["vendor"], form["site"] or ""] += count
        elif form["where"] == "wire":
            names = {change["name"] for change in form.get("changes", ()) if change["edit"] in _COOKIE_EDITS}
            self.cookies.update({name: count for name in names if not name.startswith(RARE)})

    def _unknown(self, form: Mapping[str, Any]) -> None:
        site, count = form["site"], int(form["n"])
        if site is None:
            self.rare += count
            return
        self.unknown[site] += count
        self.kinds.setdefault(site, set()).update(form["kinds"])


def read_logged(folder: Path) -> tuple[Logged, Checked]:
    """A log added up, and what is wrong with it. Raises DecisionLogError where the folder holds no log."""
    logged = Logged(str(folder))
    return logged, check(folder, logged.take)
