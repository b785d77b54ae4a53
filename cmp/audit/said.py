"""What a request says to whoever receives it: its address, its referrer and its body, readable.

May go in here: undoing the encodings, and what of it is sensitive. May not: reading members (`cmp.core.members`), and
what to look for (`search.py`, `detectors/`).
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from urllib.parse import unquote

from cmp.core.exchange import Exchange
from cmp.core.members import PART_HEAD, Member, members_of_body, members_of_url
from cmp.core.sensitive import KINDS, find_in_body, find_in_url, find_sensitive

# Twelve characters of base64 hold nine bytes, the shortest that is worth finding.
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
# In a path "/" parts segments.
_BASE64_SEGMENT = re.compile(r"[A-Za-z0-9+_-]{12,}={0,2}")
_MEMBERS = 2_000


@dataclass(frozen=True)
class Said:
    """A request with the start of its body and the Content-Type of that as written."""

    exchange: Exchange
    body: bytes = b""
    body_type: str = ""

    @cached_property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """Where and what: "url", "referrer", "body" without percent-encoding, and what base64 in them decodes to."""
        path, query = _plain(self.exchange.url.path), _plain(self.exchange.url.query)
        referrer = _plain(self.exchange.referrer)
        plain = [("url", path), ("url", query), ("referrer", referrer), ("body", _plain(self._body))]
        found = [(where, text) for where, text in plain if text]
        for where, text in plain:
            pattern = _BASE64_SEGMENT if text is path else _BASE64
            found.extend((where, decoded) for decoded in _decoded(pattern, text))
        return tuple(found)

    @cached_property
    def members(self) -> tuple[tuple[str, str], ...]:
        """Names and values of the query and of the body, and what the values hold: page addresses, JSON."""
        asked = (pair for pair in members_of_url(self.exchange.url) if not pair.in_path)
        return (*_named(asked), *self.posted)

    @cached_property
    def posted(self) -> tuple[tuple[str, str], ...]:
        """Names and values of the body: a form, a multipart form, or JSON (the last name of each value's path)."""
        return tuple(_named(members_of_body(self.body, self.body_type)))

    @cached_property
    def sensitive(self) -> frozenset[str]:
        """The kinds of sensitive data in address, body and referrer, as `cmp.core.sensitive` names them, and those that
        our proxy noted of a body it did not keep."""
        noted = self.exchange.carries & KINDS
        found = noted | find_in_url(self.exchange.url) | find_in_body(self.body, self.body_type)
        return found | find_sensitive(self.exchange.referrer) if self.exchange.referrer else found

    @cached_property
    def _body(self) -> str:
        return self.body.decode("utf-8", "replace")


def _plain(text: str) -> str:
    # Twice: what a script encoded goes into a query that is encoded again.
    for _ in range(2):
        if "%" not in text:
            break
        text = unquote(text)
    return text


def _decoded(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    for found in pattern.finditer(text):
        token = found[0].rstrip("=").translate(_URL_SAFE)
        if len(token) % 4 == 1:
            continue
        try:
            decoded = base64.b64decode(token + "=" * (-len(token) % 4)).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            continue
        if decoded.isprintable() or "\n" in decoded:
            yield _plain(decoded)


_URL_SAFE = str.maketrans("-_", "+/")


def _named(members: Iterable[Member]) -> Iterator[tuple[str, str]]:
    return (
        (member.names[-1], member.value)
        for member in islice(members, _MEMBERS)
        if member.names and member.names[-1] != PART_HEAD
    )
