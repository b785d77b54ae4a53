"""What a browser lets a page's code do: the page's Content-Security-Policy, and the guard that stands first in it.

May go in here: holding a request or a written cookie against what the page came with. May not: an opinion of our own.

Only as much is imitated as the demo needs: the directive `default-src` with hosts, `'self'` and `*.host`, for
every request alike; and the guard's table of cookie names and of endpoints on the site's own host, without patterns.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

_TABLE = re.compile(r"\}\)\((\{.*\})\);?\s*$", re.DOTALL)


@dataclass(slots=True)
class Obedience:
    """The rules one page came with. Without any, everything goes."""

    url: str
    sources: list[list[str]] = field(default_factory=list)
    table: dict[str, Any] = field(default_factory=dict)

    def take_policies(self, values: Iterable[str]) -> None:
        """The page's CSP header fields; each is a policy of its own, and all of them hold."""
        for directives in (value.split(";") for value in values):
            for words in (directive.split() for directive in directives):
                if words and words[0].lower() == "default-src":
                    self.sources.append(words[1:])

    def take_guard(self, script: str) -> None:
        """The guard's table, as it stands at the end of its script."""
        if found := _TABLE.search(script):
            # One table for each policy that is asked; the demo has one.
            (self.table,) = json.loads(found[1])["t"]

    def admits(self, address: str) -> bool:
        parts = urlsplit(address)
        own = urlsplit(self.url).hostname or ""
        if not all(any(_fits(source, parts.hostname or "", own) for source in sources) for sources in self.sources):
            return False
        names = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
        fitting = (
            verdict for path, query, verdict in self.table.get("e", ()) if parts.path == path and names >= set(query)
        )
        return bool(next(fitting, True))

    def may_write(self, name: str) -> bool:
        """Whether a script of the page may write a cookie of this name."""
        if not self.table:
            return True
        cookies = self.table["c"]
        if name in cookies["x"]:
            return any(verdict for _host, verdict in cookies["x"][name])
        return name in cookies["a"].split() or (bool(cookies["u"]) and name not in cookies["d"].split())


def _fits(source: str, host: str, own: str) -> bool:
    if source == "'self'":
        return host == own
    name = source.rpartition("//")[2].partition(":")[0]
    return host == name or (name.startswith("*.") and host.endswith(name[1:]))
