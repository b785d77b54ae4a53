"""The Open Cookie Database (CSV): cookies by name, with what each is for and who sets it.

May go in here: its columns and the way hosts are written in them. May not: requests, of which it says nothing.
"""

import csv
import io
import re
from collections.abc import Mapping
from types import MappingProxyType

from cmp.core.classify import Party, host_suffixes
from cmp.core.exchange import Kind
from cmp.core.listed import Found, Source
from cmp.core.urls import Url, UrlError, parse_host
from cmp.lists.content import Content, Filed, Filing, FormatError, Trouble, text_of

_NAME, _CATEGORY, _DOMAIN, _OWNER, _WILDCARD = (
    *("Cookie / Data Key name", "Category", "Domain"),
    *("Data Controller", "Wildcard match"),
)
# Nothing becomes necessary because a list says so: the policy may file these two, and answers for it.
_USUAL = {
    "Marketing": "advertising",
    "Analytics": "analytics",
    "Personalization": "functional",
    "Functional": "functional",
    "Security": "",
    "Necessary": "",
}
# "facebook.com (3rd party)", ".bing.com (3rd party) or .microsoft.com (3rd party)".
_HOST = re.compile(r"(?<![\w.@-])\.?((?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]+)(?![\w-])", re.IGNORECASE)


class CookieEntry:
    """One cookie, or with `prefix` every cookie whose name begins so. `hosts` empty: on any host."""

    __slots__ = ("category", "hosts", "name", "owner", "prefix")

    def __init__(self, name: str, category: str, hosts: frozenset[str], owner: str, *, prefix: bool) -> None:
        self.name, self.category, self.hosts, self.owner, self.prefix = name, category, hosts, owner, prefix

    @property
    def rule(self) -> str:
        return self.name + ("*" if self.prefix else "")

    def on(self, host: str) -> bool:
        return not self.hosts or any(suffix in self.hosts for suffix in host_suffixes(host))


class CookieTableContent(Content):
    """Cookies by exact name, and those known by the beginning of their name."""

    format = "ocd"
    usual = MappingProxyType(_USUAL)

    def __init__(self, entries: tuple[CookieEntry, ...], trouble: Trouble) -> None:
        own = dict.fromkeys(_USUAL, 0)
        for entry in entries:
            own[entry.category] = own.get(entry.category, 0) + 1
        super().__init__(rules=len(entries), own={one: count for one, count in own.items() if count}, trouble=trouble)
        self.entries = entries

    def source(self, filing: Filing) -> Source:
        return CookieTableSource(self, filing)


def read_ocd(data: bytes) -> CookieTableContent:
    """Read the table. Raises FormatError for a table with other columns."""
    trouble = Trouble()
    reader = csv.DictReader(io.StringIO(text_of(data), newline=""))
    try:
        missing = {_NAME, _CATEGORY, _DOMAIN, _OWNER, _WILDCARD} - set(reader.fieldnames or ())
        if missing:
            raise FormatError(f"line 1: has no column called {', '.join(sorted(missing))}")
        read = (_entry(row, reader.line_num, trouble) for row in reader)
        entries = [entry for entry in read if entry is not None]
    except csv.Error as error:
        raise FormatError(f"line {reader.line_num}: is not CSV: {error}") from error
    if not entries:
        raise FormatError("holds no cookie that can be read")
    return CookieTableContent(tuple(entries), trouble)


def _entry(row: Mapping[str, str | None], line: int, trouble: Trouble) -> CookieEntry | None:
    name, category = (row[_NAME] or "").strip(), (row[_CATEGORY] or "").strip()
    text = ",".join(value for value in row.values() if isinstance(value, str))
    if not name or not category:
        trouble.add(line, text, "has no name" if not name else "has no category")
        return None
    prefix = (row[_WILDCARD] or "").strip() == "1" or name.endswith("*")
    name = name.rstrip("*")
    if prefix and len(name) < 2:
        trouble.add(line, text, "stands for nearly every cookie")
        return None
    hosts = frozenset(_host(found) for found in _HOST.findall(row[_DOMAIN] or "")) - {""}
    return CookieEntry(name, category, hosts, (row[_OWNER] or "").strip(), prefix=prefix)


def _host(text: str) -> str:
    try:
        return parse_host(text)
    except UrlError:
        return ""


class CookieTableSource(Filed):
    """The cookies, filed under the categories of a policy."""

    def __init__(self, content: CookieTableContent, filing: Filing) -> None:
        super().__init__(filing)
        self._exact: dict[str, list[CookieEntry]] = {}
        self._prefixes: dict[str, list[CookieEntry]] = {}
        order = {own: n for n, own in enumerate(_USUAL)}
        for entry in sorted(content.entries, key=lambda entry: order.get(entry.category, len(order))):
            if filing.under((entry.category,)):
                table = self._prefixes if entry.prefix else self._exact
                table.setdefault(entry.name, []).append(entry)
        self._lengths = sorted({len(name) for name in self._prefixes}, reverse=True)

    def request(self, url: Url, page: Url | None, kind: Kind, *, third_party: bool) -> tuple[Found, ...]:  # noqa: ARG002
        return ()

    def cookie(self, name: str, url: Url, page: Url | None, party: Party) -> tuple[Found, ...]:  # noqa: ARG002
        """An exact name before the longest beginning; among equals one for this host, then the strictest category."""
        candidates = [self._exact.get(name, [])]
        candidates += [self._prefixes.get(name[:length], []) for length in self._lengths if length <= len(name)]
        for entries in candidates:
            fitting = [entry for entry in entries if entry.on(url.host)]
            if fitting:
                entry = next((entry for entry in fitting if entry.hosts), fitting[0])
                category = self._filing.under((entry.category,))
                return (Found(self._filing.rule(entry.rule), category, entry.owner or None),)
        return ()
