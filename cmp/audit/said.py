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
from cmp.core.sensitive import KINDS, find_in_body, find_in_members, find_sensitive
from cmp.core.urls import UrlError, parse_url

# Twelve characters of base64 hold nine bytes, the shortest that is worth finding.
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
# In a path "/" parts segments.
_BASE64_SEGMENT = re.compile(r"[A-Za-z0-9+_-]{12,}={0,2}")
_MEMBERS = 2_000


@dataclass(frozen=True)
class Referrer:
    """A referrer as sent, and what it tells: the requests of a page have the same one, so it is read once for all."""

    text: str

    @cached_property
    def plain(self) -> str:
        return _plain(self.text)

    @cached_property
    def decoded(self) -> tuple[str, ...]:
        return tuple(_decoded(_BASE64, self.plain))

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """Of its address; none where it is no address."""
        try:
            return tuple(members_of_url(parse_url(self.text)))
        except UrlError:
            return ()

    @cached_property
    def sensitive(self) -> frozenset[str]:
        return find_sensitive(self.text)


@dataclass(frozen=True)
class Said:
    """A request with the start of its body and the Content-Type of that as written.

    `shared` is its referrer where the same one was met before.
    """

    exchange: Exchange
    body: bytes = b""
    body_type: str = ""
    shared: Referrer | None = None

    @cached_property
    def referrer(self) -> Referrer:
        return Referrer(self.exchange.referrer) if self.shared is None else self.shared

    @cached_property
    def in_url(self) -> tuple[Member, ...]:
        """The members of the address: what detectors ask of it is asked of these."""
        return tuple(members_of_url(self.exchange.url))

    @cached_property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """Where and what: "url", "referrer", "body" without percent-encoding, and what base64 in them decodes to."""
        path, query = _plain(self.exchange.url.path), _plain(self.exchange.url.query)
        plain = (("url", path), ("url", query), ("referrer", self.referrer.plain), ("body", _plain(self._body)))
        decoded = (
            ("url", _decoded(_BASE64_SEGMENT, path)),
            ("url", _decoded(_BASE64, query)),
            ("referrer", self.referrer.decoded),
            ("body", _decoded(_BASE64, plain[-1][1])),
        )
        return (
            *((where, text) for where, text in plain if text),
            *((where, text) for where, texts in decoded for text in texts),
        )

    @cached_property
    def members(self) -> tuple[tuple[str, str], ...]:
        """Names and values of the query and of the body, and what the values hold: page addresses, JSON."""
        asked = (pair for pair in self.in_url if not pair.in_path)
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
        found = noted | find_in_members(self.in_url) | find_in_body(self.body, self.body_type)
        return found | self.referrer.sensitive if self.exchange.referrer else found

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
