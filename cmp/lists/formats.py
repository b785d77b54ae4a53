"""Every format a list can have.

May go in here: the table of readers, and telling a format by the look of the bytes. May not: the readers.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from cmp.lists.content import Content, FormatError
from cmp.lists.cookie_table import read_ocd
from cmp.lists.disconnect import read_disconnect
from cmp.lists.duckduckgo import read_ddg
from cmp.lists.hosts import read_hosts


def _read_abp(data: bytes, *, again: bool = False) -> Content:
    # The engine is a large compiled module, and only these lists need it.
    from cmp.lists.abp import read_abp  # noqa: PLC0415

    if _OCD in data[:4_096]:
        # Nearly every line is some pattern; a table of cookies would be a list of odd ones.
        raise FormatError("line 1: is the head of an Open Cookie Database")
    return read_abp(data, again=again)


READERS: Mapping[str, Callable[[bytes], Content]] = MappingProxyType(
    {"abp": _read_abp, "ddg": read_ddg, "disconnect": read_disconnect, "hosts": read_hosts, "ocd": read_ocd}
)
TITLES = MappingProxyType(
    {
        "abp": "Adblock-Plus list",
        "ddg": "DuckDuckGo tracker data (tds.json)",
        "disconnect": "Disconnect services.json",
        "hosts": "hosts file or list of domains",
        "ocd": "Open Cookie Database (CSV)",
    }
)
# Formats whose lists have categories of their own, so that none need be given.
WITH_CATEGORIES = frozenset({"ddg", "disconnect", "ocd"})

_OCD = b"Cookie / Data Key name"
_ABP = re.compile(r"\A\[(?:[Aa]dblock|u[Bb]lock)|^(?:!|\|\||@@|/\S*\$)", re.MULTILINE)
_HOSTS = re.compile(
    r"^(?:0\.0\.0\.0|127\.0\.0\.1|::1?)[ \t]+\S|^[\w*.-]+\.[a-z][\w-]+\s*(?:#.*)?$", re.MULTILINE | re.IGNORECASE
)


def read_list(format_: str, data: bytes, companion: bytes = b"", *, again: bool = False) -> Content:
    """Read a list. `companion` is the second file of a format that has one (Disconnect's entities.json).

    `again`: the bytes were read before, and malformed lines need not be counted where that takes long. Raises
    FormatError.
    """
    if companion:
        if format_ != "disconnect":
            raise FormatError(f"a second file goes with disconnect only, not with {format_}")
        return read_disconnect(data, companion)
    return _read_abp(data, again=again) if format_ == "abp" else READERS[format_](data)


def format_of(data: bytes) -> str:
    """The format that the bytes look like. Raises FormatError where they look like none."""
    head = data[:4_096].decode("utf-8-sig", "replace").lstrip()
    if head.startswith("{"):
        if b'"trackers"' in data:
            return "ddg"
        if b'"categories"' in data:
            return "disconnect"
        raise FormatError('is JSON with neither "trackers" nor "categories"')
    if _OCD in data[:4_096]:
        return "ocd"
    if _ABP.search(head):
        return "abp"
    if _HOSTS.search(head):
        return "hosts"
    raise FormatError("looks like no format that is known")
