"""What a request says to whoever receives it: its address, its referrer and its body, readable.

May go in here: undoing the encodings, and what of it is sensitive. May not: reading members (`cmp.core.members`), and
what to look for (`search.py`, `detectors/`).
"""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from cmp.core.exchange import Exchange
from cmp.core.kept import kept_by_text, once
from cmp.core.members import PART_HEAD, Member, members_of_body, members_of_url
from cmp.core.sensitive import KINDS, find_in_body, find_in_members, find_sensitive
from cmp.core.urls import UrlError, parse_url, percent_decoded

# Twelve characters of base64 hold nine bytes, the shortest that is worth finding.
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
# In a path "/" parts segments.
_BASE64_SEGMENT = re.compile(r"[A-Za-z0-9+_-]{12,}={0,2}")
_MEMBERS = 2_000
_RUN = re.compile(r"[^\W_]+")
_GAPS = bytes(code if chr(code).isalnum() else 32 for code in range(256))


@dataclass(frozen=True)
class Referrer:
    """A referrer as sent, and what it tells: the requests of a page have the same one, so it is read once for all."""

    text: str

    @once
    def plain(self) -> str:
        return _plain(self.text)

    @once
    def decoded(self) -> tuple[str, ...]:
        return tuple(_decoded(_BASE64, self.plain))

    @once
    def members(self) -> tuple[Member, ...]:
        """Of its address; none where it is no address."""
        try:
            return tuple(members_of_url(parse_url(self.text)))
        except UrlError:
            return ()

    @once
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

    @once
    def referrer(self) -> Referrer:
        return Referrer(self.exchange.referrer) if self.shared is None else self.shared

    @once
    def in_url(self) -> tuple[Member, ...]:
        """The members of the address: what detectors ask of it is asked of these."""
        return tuple(members_of_url(self.exchange.url))

    @once
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

    @once
    def words(self) -> frozenset[str]:
        """The runs of letters and digits in all of these, to see whether anything is there at all."""
        return _words("\n".join([text for _, text in self.texts]))

    @once
    def folded_words(self) -> frozenset[str]:
        """The same in small letters."""
        return _words("\n".join([text for _, text in self.texts]).lower())

    @once
    def members(self) -> tuple[tuple[str, str], ...]:
        """Names and values of the query and of the body, and what the values hold: page addresses, JSON."""
        asked = (pair for pair in self.in_url if not pair.in_path)
        return (*_named(asked), *self.posted)

    @once
    def posted(self) -> tuple[tuple[str, str], ...]:
        """Names and values of the body: a form, a multipart form, or JSON (the last name of each value's path)."""
        return tuple(_named(members_of_body(self.body, self.body_type)))

    @once
    def sensitive(self) -> frozenset[str]:
        """The kinds of sensitive data in address, body and referrer, as `cmp.core.sensitive` names them, and those that
        our proxy noted of a body it did not keep."""
        noted = self.exchange.carries & KINDS
        found = noted | find_in_members(self.in_url) | find_in_body(self.body, self.body_type)
        return found | self.referrer.sensitive if self.exchange.referrer else found

    @once
    def _body(self) -> str:
        return self.body.decode("utf-8", "replace")


def _plain(text: str) -> str:
    # Twice: what a script encoded goes into a query that is encoded again.
    for _ in range(2):
        if "%" not in text:
            break
        text = percent_decoded(text)
    return text


def _words(text: str) -> frozenset[str]:
    if not text.isascii():
        return frozenset(_RUN.findall(text))
    # The same, much sooner.
    return frozenset(text.encode("ascii").translate(_GAPS).decode("ascii").split())


def _decoded(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    for token in pattern.findall(text):
        if decoded := _from_base64(token):
            yield decoded


@kept_by_text(4_096)
def _from_base64(token: str) -> str:
    """The text in it, "" where there is none: the requests of a page repeat names of files and of cookies."""
    bare = token.rstrip("=").translate(_URL_SAFE)
    if len(bare) % 4 == 1:
        return ""
    try:
        decoded = base64.b64decode(bare + "=" * (-len(bare) % 4)).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return _plain(decoded) if decoded.isprintable() or "\n" in decoded else ""


_URL_SAFE = str.maketrans("-_", "+/")


def _named(members: Iterable[Member]) -> Iterator[tuple[str, str]]:
    return (
        (member.names[-1], member.value)
        for member in islice(members, _MEMBERS)
        if member.names and member.names[-1] != PART_HEAD
    )
