"""The one reading of a URL: from any text to the scheme, host, port, path and query a browser would use.

May go here: parsing, normalising and splitting of URLs, as pure functions on strings.
May not go here: policy, matching, public suffixes, HTML, I/O, anything outside the standard library.

Source: the WHATWG URL standard, https://url.spec.whatwg.org/ (section 4.4 URL parsing, 3.5 host parsing,
3.3 IDNA, 5.1 query splitting). Where this file leaves it, it does so on purpose:

- a host loses its trailing dot; a host of another scheme ("chrome-extension://ID") is put in lower case;
- percent-encoding is left as written (only raw spaces and controls are encoded), in path and query alike;
- some hosts that some browser accepts are refused (see parse_host), rather than read differently: callers
  must take a UrlError as "unknown", never as "harmless";
- "file:" drive letters have no special meaning.
"""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, unquote_to_bytes

# The "special" schemes (4.2) with their default ports: they take backslashes as slashes and need a host.
_SPECIAL: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21, "file": None}
_NETWORK: Final = frozenset({"http", "https", "ws", "wss"})

_C0_AND_SPACE: Final = "".join(map(chr, range(0x21)))
_WITHOUT_TAB_NEWLINE: Final = dict.fromkeys(map(ord, "\t\n\r"))
_SPACE_OR_CONTROL: Final = re.compile(r"[\x00-\x20]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*+):")
_HOST_PORT: Final = re.compile(r"(\[[^\]]*+\]|[^:\[\]]*+)(?::([0-9]*+))?")
_DOT_SEGMENTS: Final = {".": 1, "%2e": 1, "..": 2, ".%2e": 2, "%2e.": 2, "%2e%2e": 2}

# A URL that is already in the form we return, so that no rule below can change it: lower-case ASCII host
# whose last label cannot be a number, no port, no segment that could be a dot segment. Most URLs are.
# Every repeat is possessive and ends where the next part begins: one pass over the text, never a retry.
_SEGMENT: Final = r"/(?![.%])[!\"$-.0->@-\[\]-~]*+"
_REST: Final = r"(?:\?([!\"$-~]*+))?(?:#.*+)?"
_PLAIN: Final = re.compile(
    rf"(https?|wss?)://((?:[a-z0-9_-]++\.)*+[a-z][a-z0-9_-]*+)((?:{_SEGMENT})*+){_REST}", re.DOTALL
)
# The same for one that names no host: what pages call their own mostly looks so.
_PLAIN_PATH: Final = re.compile(rf"(?!//)((?:{_SEGMENT})++){_REST}", re.DOTALL)

# The same for a host alone.
_PLAIN_HOST: Final = re.compile(r"(?:[a-z0-9_-]++\.)*+[a-z][a-z0-9_-]*+")

# Forbidden host code points, and forbidden domain code points (3.2). The standard allows "*" in a domain, but
# Chromium makes it "%2A", so browsers do not agree on the name; it also catches a wildcard taken for a host.
_FORBIDDEN_HOST: Final = re.compile(r"[\x00\t\n\r #/:<>?@\[\\\]^|]")
_FORBIDDEN_DOMAIN: Final = re.compile(r"[\x00-\x20\x7f#/:<>?@\[\\\]^|%*]")

# IDNA (UTS 46, non-transitional). Python's own codec is IDNA 2003: it reads "faß.test" as "fass.test" and
# knows Unicode 3.2 only, so we map by hand. UTS 46 maps each character by NFKC and case folding, save these:
# sharp s, final sigma and the two joiners stay, and the characters nobody sees are dropped.
_IDNA_KEPT: Final = frozenset("\u00df\u03c2\u200c\u200d")
_IDNA_DROPPED: Final = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2064\u206a-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0100-\U000e01ef]"
)
# Capital sharp s: "ss" in older browsers, sharp s in newer ones, so no one reading is right for all of them.
# U+FFFD stands for bytes that were not UTF-8.
_IDNA_REFUSED: Final = frozenset("\u1e9e\ufffd")
# Controls, formats, private use, and what this Python's Unicode does not know yet (Cn): a browser with newer
# tables may map such a character to a letter we cannot foresee.
_IDNA_REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})
# DNS carries names of 253 characters and labels of 63 (RFC 1035, section 2.3.4), and composition joins at most about
# four code points into one. Past that nothing resolves, while ordering combining marks and punycode take quadratic
# time, and whoever remembers hosts would have to remember them at any length.
_MAX_HOST: Final = 253
_MAX_UNICODE_HOST: Final = 2048
_MAX_UNICODE_LABEL: Final = 63

# The IPv4 parser's numbers (3.5), and the base each group is in.
_IPV4_NUMBER: Final = re.compile(r"0x([0-9a-f]*+)|0([0-7]++)|(0|[1-9][0-9]*+)")
_IPV4_BASES: Final = {1: 16, 2: 8, 3: 10}
_ENDS_IN_NUMBER: Final = re.compile(r"[0-9]++|0x[0-9a-f]*+")
_ZERO_GROUPS: Final = re.compile(r"\b0(?::0)+\b")

_SHOWN: Final = 120


class UrlError(ValueError):
    """A text that is no URL, or no host.

    `text` is what was read, escaped to printable ASCII and cut to 120 characters; `why` says what is wrong.
    """

    def __init__(self, text: str, why: str) -> None:
        """Take the text as read, and the reason as a phrase in lower case."""
        # One character more than is shown, so that a copy made from `args` is cut the same way.
        super().__init__(text[: _SHOWN + 1], why)
        escaped = ascii(text[: _SHOWN + 1])[1:-1]
        self.text: str = escaped if len(escaped) <= _SHOWN else escaped[: _SHOWN - 3] + "..."
        self.why: str = why

    def __str__(self) -> str:
        """Name the reason and the text."""
        return f'{self.why}: "{self.text}"'


@dataclass(frozen=True, slots=True)
class Url:
    """A URL as a browser reads it, without user, password and fragment (4.1).

    scheme: lower case.
    host: lower case, A-labels, no trailing dot; canonical dotted IPv4; "[...]" for IPv6; "" if none.
    port: the effective port (the scheme's default if none is written); None if there is neither.
    path: begins with "/" if the scheme is special, dot segments removed, percent-encoding as written.
    query: as written, without the "?"; "" for an empty query and for none.
    bare_query: whether it ends in a "?" with nothing behind it. Patterns of lists tell that from no query; what it asks
        for is the same, so two URLs that differ in it only are equal.
    """

    scheme: str
    host: str
    port: int | None
    path: str
    query: str
    bare_query: bool = field(default=False, compare=False)

    @property
    def is_network(self) -> bool:
        """Whether loading it goes over the network: http, https, ws or wss."""
        return self.scheme in _NETWORK

    @property
    def origin(self) -> str:
        """Scheme, host and non-default port ("https://host:8443"), or "null" without a host (4.7).

        A blob URL has the origin of the page that made it, which its path names.
        """
        if self.scheme == "blob":
            try:
                inner = parse_url(self.path)
            except UrlError:
                return "null"
            return inner.origin if inner.is_network else "null"
        return self._site() if self.host else "null"

    def _site(self) -> str:
        port = "" if self.port == _SPECIAL.get(self.scheme) else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"

    def __str__(self) -> str:
        """Write the URL out (4.5), without user, password, fragment and an empty query."""
        query = f"?{self.query}" if self.query else ""
        if self.host or self.scheme in _SPECIAL:
            return f"{self._site()}{self.path}{query}"
        # Without the "/." the path's "//" would be read as the mark before a host.
        guard = "/." if self.path.startswith("//") else ""
        return f"{self.scheme}:{guard}{self.path}{query}"

    @property
    def written(self) -> str:
        """As `str()`, with the "?" of an empty query."""
        return f"{self}?" if self.bare_query else str(self)


def parse_url(text: str, base: Url | None = None) -> Url:
    """Read any text as a browser would, relative to `base` if that is given (4.4).

    Raises UrlError, and nothing else, for what is no URL, or relative where there is no base to it.
    """
    plain = _PLAIN.fullmatch(text)
    if plain and plain.end(2) - plain.start(2) <= _MAX_HOST:
        scheme, host, path, query = plain.groups("")
        return Url(scheme, host, _SPECIAL[scheme], path or "/", query, plain[4] == "")
    if base is not None and base.is_network and (own := _PLAIN_PATH.fullmatch(text)):
        path, query = own.groups("")
        return Url(base.scheme, base.host, base.port, path, query, own[2] == "")
    try:
        return _parse_any(text, base)
    except UrlError as error:
        # The message names the whole URL, not only the part that failed.
        raise UrlError(text, error.why) from None


def parse_host(text: str) -> str:
    """Read the host of a network URL alone, without port (3.5): "Tracker。test." is "tracker.test".

    Returns the host in the shape of Url.host, never empty. It may hold any of !"$&'()+,;=_`{}~ as the
    standard has it. Raises UrlError, also for a host that some browser accepts: with a space or "*", a last
    empty label, a character that browsers map differently or this Python's Unicode does not know, or
    longer than DNS can carry.
    """
    if len(text) <= _MAX_HOST and _PLAIN_HOST.fullmatch(text):
        return text
    if text.startswith("["):
        return _ipv6(text)
    host = unquote_to_bytes(_scalar_values(text)).decode("utf-8", "replace")
    host = host.lower() if host.isascii() else _idna_to_ascii(host)
    if _FORBIDDEN_DOMAIN.search(host):
        raise UrlError(text, "forbidden character in host")
    # The trailing dot says "absolute name" to DNS, so it is the same machine and certificate, but a rule
    # for "tracker.test" would miss "tracker.test.".
    host = host.removesuffix(".")
    if not host:
        raise UrlError(text, "empty host")
    if host.endswith("."):
        # No such name resolves, and cutting more dots could uncover a number ("1..") that is none.
        raise UrlError(text, "host ends in an empty label")
    if _ENDS_IN_NUMBER.fullmatch(host.rpartition(".")[2]):
        return _ipv4(host)
    if len(host) > _MAX_HOST:
        raise UrlError(text, "host too long")
    return host


def is_ip(host: str) -> bool:
    """Whether a host, in the shape of Url.host, is an IPv4 address or an IPv6 address in brackets."""
    # Asked of every host; most end in a letter.
    if not (host.endswith("]") or host[-1:].isdigit()):
        return False
    try:
        return parse_host(host) == host and (host[0] == "[" or host.rpartition(".")[2].isdigit())
    except UrlError:
        return False


def query_pairs(query: str) -> tuple[tuple[str, str], ...]:
    """Split a query (no "?") into decoded (name, value) pairs, in order, repeats kept (5.1).

    Never fails: bytes that are not UTF-8 become U+FFFD, a part without "=" has the value "".
    """
    text = _scalar_values(query).replace("+", " ")
    parts = [part.partition("=") for part in text.split("&") if part]
    if "%" not in text:
        return tuple([(name, value) for name, _, value in parts])
    return tuple([(percent_decoded(name), percent_decoded(value)) for name, _, value in parts])


def percent_decoded(text: str) -> str:
    """Undo percent-encoding once (1.3): bytes that are not UTF-8 become U+FFFD."""
    if "%" not in text:
        return text
    if text.count("%") >= _MANY:
        # The commonest at once. None of them is a digit, so what they become makes no new escape.
        for escape, char in _COMMON:
            text = text.replace(escape, char)
    # `unquote` does the same for each run of ASCII characters.
    return unquote_to_bytes(text).decode("utf-8", "replace") if text.isascii() else unquote(text)


_MANY = 8
_COMMON = tuple((f"%{ord(char):02X}", char) for char in '/:=&?,; {}[]"|')


def query_names(query: str) -> frozenset[str]:
    """Return the distinct decoded names of a query (5.1)."""
    names = {part.partition("=")[0] for part in query.split("&") if part}
    if "%" in query or "+" in query or not query.isascii():
        return frozenset(percent_decoded(_scalar_values(name).replace("+", " ")) for name in names)
    return frozenset(names)


_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def plain_path(path: str) -> str:
    """Return the path with letters, digits, "-", ".", "_" and "~" decoded: "/%74r" asks every server for "/tr".

    RFC 3986, sections 6.2.2.1 and 6.2.2.2: these spellings are equivalent, so a rule for one must find the other. The
    digits of what stays encoded are made upper case.
    """
    return path if "%" not in path else _ESCAPE.sub(_plain, path)


def _plain(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if character in _UNRESERVED else found[0].upper()


def _scalar_values(text: str) -> str:
    """Replace lone surrogates by U+FFFD, as browsers do before they read a URL."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _encode_spaces(text: str) -> str:
    """Percent-encode raw spaces and controls: at the end of a text they would be stripped on re-reading."""
    return _SPACE_OR_CONTROL.sub(lambda match: f"%{ord(match[0]):02X}", text)


def _parse_any(text: str, base: Url | None) -> Url:
    """Apply section 4.4 in full; parse_url's fast path must agree with it."""
    clean = _scalar_values(text).strip(_C0_AND_SPACE).translate(_WITHOUT_TAB_NEWLINE)
    clean, fragment_mark, _ = clean.partition("#")
    rest, query_mark, query = clean.partition("?")

    match = _SCHEME.match(rest)
    if match:
        scheme, rest = match[1].lower(), rest[match.end() :]
    elif base:
        scheme = base.scheme
    else:
        raise UrlError(text, "relative URL without a base")
    special = scheme in _SPECIAL
    if special:
        rest = rest.replace("\\", "/")
    if match and not special and not rest.startswith("/"):
        return Url(scheme, "", None, rest, query)  # an opaque path: data:, blob:, about:

    query = _encode_spaces(query)
    # "https:foo" is relative to a base of the same scheme, and the host foo otherwise.
    anchor = base if base and (not match or (special and scheme == base.scheme)) else None
    if anchor and not anchor.host and not anchor.path.startswith("/"):
        if clean or not fragment_mark:
            raise UrlError(text, "relative URL with a base that has no hierarchy")
        return anchor

    host, port = "", None
    if rest.startswith("//") or (special and scheme != "file" and not anchor):
        # Any number of slashes begins a host, none too, save for file: and the schemes we do not know.
        rest = rest.lstrip("/") if special and scheme != "file" else rest[2:]
        authority, slash, path = rest.partition("/")
        host, port = _authority(scheme, authority)
        rest = slash + path
    elif anchor:
        host, port = anchor.host, anchor.port
        if not rest:
            return Url(scheme, host, port, anchor.path, query if query_mark else anchor.query)
        if not rest.startswith("/"):
            rest = f"{anchor.path.rpartition('/')[0]}/{rest}"
    if special or rest:
        rest = _without_dot_segments(rest)
    return Url(scheme, host, port, _encode_spaces(rest), query, bool(query_mark) and not query)


def _authority(scheme: str, text: str) -> tuple[str, int | None]:
    """Read "user:password@host:port" into host and effective port."""
    if scheme == "file":
        host = parse_host(text) if text else ""
        return "" if host == "localhost" else host, None
    # Only the last "@" ends the user part: "site.test@tracker.test" and "a@b@tracker.test" go to the tracker.
    match = _HOST_PORT.fullmatch(text.rpartition("@")[2])
    if not match:
        raise UrlError(text, "bad host or port")
    host, digits = match.groups("")
    if scheme in _SPECIAL:
        host = parse_host(host)
    elif host.startswith("["):
        host = _ipv6(host)
    elif _FORBIDDEN_HOST.search(host):
        raise UrlError(text, "forbidden character in host")
    elif text and not host:
        raise UrlError(text, "empty host")
    elif len(host) > _MAX_HOST:
        raise UrlError(text, "host too long")
    if not digits:
        return host.lower(), _SPECIAL.get(scheme)
    # Six digits are enough to be too many, and int() refuses very long ones.
    port = int(digits.lstrip("0")[:6] or "0")
    if port > 65535:
        raise UrlError(text, "port above 65535")
    return host.lower(), port


def _without_dot_segments(path: str) -> str:
    """Take "." and ".." out of a path, in all their spellings (4.4, path state)."""
    kept: list[str] = []
    dots = 0
    for segment in path.removeprefix("/").split("/"):
        dots = _DOT_SEGMENTS.get(segment.lower(), 0)
        if not dots:
            kept.append(segment)
        elif dots > 1 and kept:
            kept.pop()
    # A dot segment at the end names a directory: "/a/." is "/a/".
    return "/" + "/".join([*kept, ""] if dots else kept)


def _idna_to_ascii(host: str) -> str:
    """Map a host as browsers do and write its non-ASCII labels as A-labels (3.3, UTS 46).

    UTS 46 also refuses labels for their script, direction or hyphens. We do not: a browser that refuses
    such a host loads nothing from it.
    """
    text = _IDNA_DROPPED.sub("", host)
    if len(text) > _MAX_UNICODE_HOST:
        raise UrlError(host, "host too long")
    mapped: list[str] = []
    for char in text:
        if char in _IDNA_KEPT:
            mapped.append(char)
        elif char in _IDNA_REFUSED or unicodedata.category(char) in _IDNA_REFUSED_CATEGORIES:
            raise UrlError(host, "forbidden character in host")
        else:
            # In this order, because some compatibility forms hide a capital.
            mapped.append(unicodedata.normalize("NFKC", char).casefold())
    labels = unicodedata.normalize("NFC", "".join(mapped)).replace("\u3002", ".").split(".")
    for i, label in enumerate(labels):
        if not label.isascii():
            if label.startswith("xn--") or len(label) > _MAX_UNICODE_LABEL:
                raise UrlError(host, "bad international label in host")
            labels[i] = "xn--" + label.encode("punycode").decode("ascii")
    return ".".join(labels)


def _ipv4(host: str) -> str:
    """Read one to four numbers, decimal, octal or hexadecimal, the last filling what is left (3.5)."""
    numbers: list[int] = []
    for part in host.split("."):
        match = _IPV4_NUMBER.fullmatch(part)
        if not match or not match.lastindex:
            raise UrlError(host, "bad IPv4 address")
        # Twelve digits are above 32 bits in every base, and int() refuses very long decimals.
        digits = match[match.lastindex].lstrip("0")[:12] or "0"
        numbers.append(int(digits, _IPV4_BASES[match.lastindex]))
    *leading, last = numbers
    if len(leading) > 3 or max(leading, default=0) > 255 or last >= 256 ** (4 - len(leading)):
        raise UrlError(host, "bad IPv4 address")
    return str(ipaddress.IPv4Address(last + sum(n << (24 - 8 * i) for i, n in enumerate(leading))))


def _ipv6(text: str) -> str:
    """Read "[...]" and write the address with its first longest run of zeros compressed (3.5)."""
    try:
        # ipaddress would take a zone ("fe80::1%eth0"), which no URL has.
        if not text.endswith("]") or "%" in text:
            raise UrlError(text, "bad IPv6 address")
        packed = ipaddress.IPv6Address(text[1:-1]).packed
    except ValueError:
        raise UrlError(text, "bad IPv6 address") from None
    # Not str(address): since Python 3.13 that writes some addresses with a dotted IPv4 end, browsers do not.
    groups = ":".join(f"{packed[i] << 8 | packed[i + 1]:x}" for i in range(0, 16, 2))
    longest = max(_ZERO_GROUPS.finditer(groups), key=lambda run: len(run[0]), default=None)
    if longest:
        groups = f"{groups[: longest.start()].removesuffix(':')}::{groups[longest.end() :].removeprefix(':')}"
    return f"[{groups}]"
