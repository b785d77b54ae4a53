"""Known values, looked for in what requests say: as they are, and hashed.

May go in here: the search. May not: which values are worth it (`known.py`, `detectors/`), and undoing encodings
(`said.py`).

One walk over a text finds every value, however many there are: a value can only begin where a word begins, and its
first characters are looked up in a table. Most texts hold no word that a value begins with, and are done with.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cmp.audit.said import Said
from cmp.core.classify import CookieRule

_WORD = re.compile(r"(?<![^\W_])[^\W_]")
_RUN = re.compile(r"[^\W_]+")
# MD5, SHA-1 and SHA-256 in hexadecimal.
_HEX = re.compile("[0-9a-fA-F]{32}")
_DIGEST = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{40}|[0-9a-fA-F]{32})(?![0-9A-Za-z])")
_SHORTEST_DIGEST = 32
_HASHES = {"md5": hashlib.md5, "sha1": hashlib.sha1, "sha256": hashlib.sha256}


@dataclass(frozen=True, slots=True)
class Known:
    """A value that is known, and whose it is.

    `name` is the cookie or field it stands in, `site` the site of that cookie's or form's host, `owner` the party it
    belongs to (as `Evidence.party`), `entry` the entry that shows it first. `own`: it is the visited site's. `rule`
    declares the cookie.
    """

    value: str
    name: str
    site: str
    owner: str
    entry: int
    own: bool = False
    rule: CookieRule | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A known value in a request: where ("url", "referrer", "body"), and as what ("plain", "md5", "sha1", "sha256")."""

    known: Known
    where: str
    form: str


class Search:
    """Looks for values of at least `shortest` characters that begin with a letter or digit.

    With `fold` capitals and small letters are the same, as in mail addresses.
    """

    def __init__(self, known: Iterable[Known], shortest: int, *, fold: bool = False) -> None:
        self._fold, self._shortest = fold, shortest
        self._values: dict[str, list[Known]] = {}
        for one in known:
            value = one.value.lower() if fold else one.value
            if len(value) >= shortest:
                self._values.setdefault(value, []).append(one)
        self._starts: dict[str, list[str]] = {}
        for value in self._values:
            self._starts.setdefault(value[:shortest], []).append(value)
        self._words = frozenset(found[0] for value in self._values if (found := _RUN.match(value)))
        self._digests: dict[str, tuple[str, str]] | None = None

    def hits(self, said: Said) -> Iterator[Hit]:
        """Each known value in one request, once, the first place that holds it."""
        if not self._values:
            return
        words = said.folded_words if self._fold else said.words
        if self._words.isdisjoint(words) and max(map(len, words), default=0) < _SHORTEST_DIGEST:
            return
        met: set[str] = set()
        for where, text in said.texts:
            for value, form in self._in(text.lower() if self._fold else text):
                if value not in met:
                    met.add(value)
                    for known in self._values[value]:
                        yield Hit(known, where, form)

    def _in(self, text: str) -> Iterator[tuple[str, str]]:
        starts, length = self._starts, self._shortest
        # A value ends where a word ends, so its first word is a whole one of the text.
        for word in _WORD.finditer(text) if not self._words.isdisjoint(_RUN.findall(text)) else ():
            at = word.start()
            for value in starts.get(text[at : at + length], ()):
                end = at + len(value)
                if text.startswith(value, at) and not text[end : end + 1].isalnum():
                    yield value, "plain"
        for digest in _DIGEST.finditer(text) if _HEX.search(text) else ():
            if found := self._hashed().get(digest[0].lower()):
                yield found

    def _hashed(self) -> dict[str, tuple[str, str]]:
        if self._digests is None:
            self._digests = {
                function(value.encode("utf-8", "replace"), usedforsecurity=False).hexdigest(): (value, form)
                for value in self._values
                for form, function in _HASHES.items()
            }
        return self._digests
