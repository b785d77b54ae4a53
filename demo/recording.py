"""What reached the machine: every request, as it arrived, whichever host it was for.

May go in here: the record of one request and the list of them. May not: what is answered, or what the list proves.
"""

import itertools
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

# Headers worth keeping besides the Sec- and X- ones: what a request says about its page, its sender and its body.
_KEPT = frozenset(
    {
        "accept",
        "authorization",
        "cache-control",
        "content-length",
        "content-type",
        "dnt",
        "if-modified-since",
        "if-none-match",
        "origin",
        "ping-from",
        "ping-to",
        "range",
        "referer",
        "transfer-encoding",
        "user-agent",
        "via",
    }
)


@dataclass(frozen=True, slots=True)
class Hit:
    """One request. `cookies` keep order and duplicates; `body_size` counts what arrived, so far where it is broken off.

    `time` is Unix seconds; `headers` have lower-case names.
    """

    time: float
    host: str
    scheme: str
    method: str
    path: str
    query: str
    cookies: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body_size: int = 0

    @property
    def cookie_names(self) -> tuple[str, ...]:
        return tuple(name for name, _value in self.cookies)

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}{self.path}" + (f"?{self.query}" if self.query else "")


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers a hit keeps, names in lower case."""
    lower = {name.lower(): value for name, value in headers.items()}
    return {name: value for name, value in lower.items() if name in _KEPT or name.startswith(("sec-", "x-"))}


class Hits:
    """The requests in order of arrival. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._hits: dict[int, Hit] = {}

    def add(self, hit: Hit) -> int:
        """Note a request whose headers have arrived: whatever becomes of its body, it has reached its host."""
        with self._lock:
            number = next(self._numbers)
            self._hits[number] = hit
            return number

    def set_body_size(self, number: int, size: int) -> None:
        with self._lock:
            if number in self._hits:
                self._hits[number] = replace(self._hits[number], body_size=size)

    def clear(self) -> None:
        with self._lock:
            self._hits.clear()

    def snapshot(self) -> tuple[Hit, ...]:
        with self._lock:
            return tuple(self._hits.values())

    def take(self) -> tuple[Hit, ...]:
        """The hits so far, which are forgotten at once: what arrives in between is in the next lot."""
        with self._lock:
            taken = tuple(self._hits.values())
            self._hits.clear()
            return taken

    def of(self, host: str, path: str | None = None) -> tuple[Hit, ...]:
        return tuple(hit for hit in self.snapshot() if hit.host == host and path in (None, hit.path))

    def by_host(self) -> dict[str, tuple[Hit, ...]]:
        hits = self.snapshot()
        return {host: tuple(hit for hit in hits if hit.host == host) for host in sorted({hit.host for hit in hits})}

    def counts(self) -> dict[str, int]:
        """How many requests reached each host."""
        return dict(sorted(Counter(hit.host for hit in self.snapshot()).items()))

    def hosts(self) -> frozenset[str]:
        return frozenset(hit.host for hit in self.snapshot())

    def __len__(self) -> int:
        with self._lock:
            return len(self._hits)

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.snapshot())

    def __repr__(self) -> str:
        summary: dict[str, Any] = self.counts()
        return f"<Hits {summary}>"
