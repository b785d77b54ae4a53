"""What a request sends besides its headers, as named members: of a query, a form, JSON, a multipart body.

May go in here: reading URLs, bodies and texts into (names, value), through the wrappings that tags use. May not:
judging a value (`sensitive.py`), changing one (`cmp.wire.reduce`).

Everything is bounded: a value is unwrapped at most `DEPTH` times, each time by one reading, so that the work grows with
the length of the text and not with what it holds.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from cmp.core.urls import Url, percent_decoded, query_pairs

# How often a value is unwrapped: percent-encoding in JSON in Base64 in a query is four.
DEPTH = 6
# So much of a body is read, in bytes.
BODY_BOUND = 1024 * 1024

_FORM = "application/x-www-form-urlencoded"
_PARTS_AT_MOST = 1_000
# Of the fields of a part, so many bytes are searched for its name.
_HEAD_AT_MOST = 4_096
# The name of the fields that stand before a part of a multipart body: file names among them, so read as an id is.
PART_HEAD = "part-head-id"

# Charsets that servers expect of forms and scripts send; others are read as UTF-8. By name, because Python knows codecs
# that take quadratic time and others that are no charsets at all.
_CHARSETS = frozenset(
    {
        *("utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin1", "iso-8859-2", "iso-8859-15", "windows-1250"),
        *("windows-1251", "windows-1252", "windows-1254", "koi8-r", "utf-16", "utf-16le", "utf-16be", "shift_jis"),
        *("euc-jp", "euc-kr", "gb2312", "gbk", "gb18030", "big5"),
    }
)
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_BOUNDARY = re.compile(r";\s*boundary\s*=\s*(?:\"([^\"]{1,200})\"|([^\s;\",]{1,200}))", re.IGNORECASE)
_PART_NAME = re.compile(rb"content-disposition:[^\r\n]{0,300}?[; ]name=\"([^\"\r\n]{0,200})\"", re.IGNORECASE)
# Of a text, the characters that stand in binary data and hardly in a message. U+FFFD stands for undecodable bytes.
_NOISE = re.compile("[\x00-\x08\x0e-\x1f\x7f\ufffd]")
_SAMPLE = 4_096
_NOISE_RUN = re.compile("[\x00-\x08\x0e-\x1f\x7f\ufffd]+")
_SHORTEST_AMONG_NOISE = 24
_LOOSE = re.compile(
    r"(?<![\w.\[\]%-])([A-Za-z_][\w.\[\]%-]{0,63}+)[\"'\\]{0,4}\s{0,4}(?:[:=]|\r?\n\r?\n)\s{0,4}[\"'\\]{0,4}"
    r"([^\"'\\&;{}\[\]\r\n]{1,120})"
)
_ONE_PAIR = re.compile(r"[A-Za-z_][\w.\[\]-]{0,63}=[\[{%e]")
# Base64 of text that begins with {" or [{ (eyJ also begins each part of a JSON Web Token, RFC 7519).
_BASE64 = re.compile(r"(?:eyJ|eyA|ewog|W3si|WyJ)[A-Za-z0-9+/_-]+={0,2}(?:\.[A-Za-z0-9_-]*)*")
# What surely wraps nothing: most values of a query.
_BARE = re.compile(r"(?:(?!e[wy]|W[3y])[^\s{\[%=][^%=]*+)?")
_NOTHING: Any = object()


class Member(NamedTuple):
    """A value and the names that lead to it, outermost first: ("data", "card", "number").

    A path segment has the one before it as its name (`in_path`). A text without members has no names.
    """

    names: tuple[str, ...]
    value: str
    in_path: bool = False


class _Number(str):
    """A number of JSON as written: no digit may get lost, and int() refuses very long ones."""

    __slots__ = ()


_DECODER = json.JSONDecoder(parse_int=_Number, parse_float=_Number, parse_constant=_Number)


def members_of_url(url: Url) -> Iterator[Member]:
    """Path segments and query members, percent-decoded; what a value wraps is read as well."""
    before = ""
    for segment in url.path.split("/"):
        if segment:
            decoded = percent_decoded(percent_decoded(segment)) if "%" in segment else segment
            yield Member((before,) if before else (), decoded, True)
            before = decoded
    if url.query:
        for name, value in query_pairs(url.query):
            if _BARE.fullmatch(value):
                yield Member((name,), value)
            else:
                yield from _read((name,), value, 1)


def members_of_body(body: bytes, content_type: str) -> Iterator[Member]:
    """Members of a request's body, without its Content-Encoding; `content_type` is the header as sent, "" for none.

    At most `BODY_BOUND` bytes are read. Undecodable bytes are read as U+FFFD. The type says how to read first, never
    that there is nothing to read: scripts send JSON as text/plain to be spared a preflight, or call it a picture. Of
    what is no text the longer runs of readable characters are members.
    """
    body = body[:BODY_BOUND]
    type_ = content_type.partition(";")[0].strip().lower()
    if not body:
        return
    multipart = type_.startswith("multipart/")
    if multipart and (found := _BOUNDARY.search(content_type)):
        delimiter = b"--" + (found[1] or found[2]).encode("utf-8", "replace")
        if delimiter in body:
            yield from _parts(body, delimiter)
            return
    for text in _readings(body, content_type):
        if type_ == _FORM:
            for name, value in query_pairs(text):
                yield from _of_value((name,), value, 1)
        else:
            yield from _of_value((), text, 0)
        if multipart:
            yield from _loose(text, ())


def members_of_text(text: str) -> Iterator[Member]:
    """Members of a text that may be any of these: a URL, a form, JSON, or just a message."""
    yield from _read((), text, 0)


def members_of_piece(text: str) -> Iterator[Member]:
    """Members of a text that was cut out of a longer one: what looks like a name and its value, and the text itself.

    Undecodable characters part the text; what is left between them in binary data is too short to be looked at. The
    piece is also read without NUL characters, percent-decoded, and with the escapes of JSON undone.
    """
    for form in _forms(text):
        for run in _readable_runs(form):
            yield from _loose(run, ())


def _forms(text: str) -> Iterable[str]:
    forms = [text]
    if "\0" in text:
        forms.append(text := text.replace("\0", ""))
    if "\\u" in text:
        forms.append(text := _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text))
    if "%" in text:
        forms.append(percent_decoded(percent_decoded(text)))
    return dict.fromkeys(forms)


_ESCAPE = re.compile(r"\\{1,8}u([0-9A-Fa-f]{4})")


def _of_value(names: tuple[str, ...], text: str, depth: int) -> Iterator[Member]:
    """A value as it was sent, which may be no text, or not only text."""
    noisy = _NOISE.search(text) is not None
    if not noisy or _is_text(text):
        yield from _read(names, text, depth)
    if noisy:
        for form in (text, text.replace("\0", "")) if "\0" in text else (text,):
            for run in _readable_runs(form):
                yield from _read(names, run, depth)
                yield from _loose(run, names)


def _readable_runs(text: str) -> Iterator[str]:
    """What stands between noise. Where noise is all over, as in packed data, short runs are readable by chance."""
    runs = _NOISE_RUN.split(text)
    # Noise is counted by its runs, or a long row of NULs would make a text of everything behind it disappear.
    scattered = (len(runs) - 1) * 10 > sum(map(len, runs)) + len(runs) - 1
    for run in runs:
        if run and (not scattered or len(run) >= _SHORTEST_AMONG_NOISE):
            yield run


def _loose(text: str, names: tuple[str, ...]) -> Iterator[Member]:
    """For what is no whole JSON, form or query."""
    yield Member(names, text)
    for found in _LOOSE.finditer(text):
        value = percent_decoded(percent_decoded(found[2])) if "%" in found[2] else found[2]
        yield Member((*names, percent_decoded(found[1])), value.rstrip(", \t"))


def _parts(body: bytes, delimiter: bytes) -> Iterator[Member]:
    """What a multipart body holds (RFC 7578): its parts, whatever type they state, and what stands before the first."""
    before, *parts = body.split(delimiter, _PARTS_AT_MOST)
    if before:
        yield from _of_value((), before.decode("utf-8", "replace"), 1)
    for part in parts:
        head, gap, value = part.partition(b"\r\n\r\n")
        if not gap:
            head, gap, value = part.partition(b"\n\n")
        if not gap:
            head, value = b"", part
        name = _PART_NAME.search(head[:_HEAD_AT_MOST])
        if head:
            # A file's name often is a number: as an id, a bare one is no card.
            yield from _of_value((PART_HEAD,), head.decode("utf-8", "replace"), 1)
        text = value.strip(b"\r\n").decode("utf-8", "replace")
        yield from _of_value((name[1].decode("utf-8", "replace"),) if name else (), text, 1)


def _readings(body: bytes, content_type: str) -> Iterator[str]:
    """The body as its charset has it, and as UTF-8 where that charset would hide plain text."""
    text = _decoded(body, content_type)
    yield text
    plain = body.decode("utf-8", "replace").removeprefix("\ufeff")
    if plain != text and b"\0" not in body:
        yield plain


def _decoded(body: bytes, content_type: str) -> str:
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace")
    stated = _CHARSET.search(content_type)
    charset = stated[1].lower() if stated else "utf-8"
    return body.decode(charset if charset in _CHARSETS else "utf-8", "replace").removeprefix("\ufeff")


def _is_text(text: str) -> bool:
    sample = text[:_SAMPLE]
    return len(_NOISE.findall(sample)) * 10 <= len(sample)


def _read(names: tuple[str, ...], text: str, depth: int) -> Iterator[Member]:
    """One value and what it wraps: JSON or Base64 of it, percent-encoding, a query."""
    if depth >= DEPTH:
        yield Member(names, text)
        return
    start = text.lstrip()[:1]
    if start in ("{", "["):
        value = _json(text)
        if value is not _NOTHING:
            yield from _walk(names, value, depth + 1)
            return
        if "\n" in text:
            # JSON Lines, and messages with a JSON header line.
            for line in text.splitlines():
                yield from _read(names, line, depth + 1)
            return
        yield from _loose(text, names)
        return
    elif start in ("e", "W") and (token := _BASE64.fullmatch(text.strip())):
        for part in token[0].split("."):
            if unpacked := _from_base64(part):
                yield from _read(names, unpacked, depth + 1)
        return
    yield Member(names, text)
    if "%" in text:
        decoded = percent_decoded(text)
        if decoded != text:
            yield from _read(names, decoded, depth + 1)
            return
    if "=" in text and ("&" in text or "?" in text or _ONE_PAIR.match(text)):
        for name, value in query_pairs(text.partition("?")[2] if "?" in text else text):
            yield from _read((*names, name), value, depth + 1)


def _json(text: str) -> Any:
    try:
        value, end = _DECODER.raw_decode(text, len(text) - len(text.lstrip()))
    except (ValueError, RecursionError):
        return _NOTHING
    return value if not text[end:].strip() else _NOTHING


def _walk(names: tuple[str, ...], value: Any, depth: int) -> Iterator[Member]:
    waiting: list[tuple[tuple[str, ...], Any]] = [(names, value)]
    while waiting:
        path, item = waiting.pop()
        if isinstance(item, dict):
            # Reversed, because the last is taken first. Beyond a dozen names the outer ones tell nothing any more.
            waiting.extend(((*path, str(key))[-12:], child) for key, child in reversed(item.items()))
        elif isinstance(item, list):
            if 2 <= len(item) <= 3 and all(isinstance(child, _Number) for child in item):
                yield Member(path, ",".join(item))
            waiting.extend((path, child) for child in reversed(item))
        elif isinstance(item, _Number):
            yield Member(path, item)
        elif isinstance(item, str):
            yield from _read(path, item, depth)


def _from_base64(text: str) -> str:
    """The text in Base64, "" where it is none; "-" and "_" may stand for "+" and "/", padding may be left out."""
    try:
        data = base64.b64decode(
            text.rstrip("=").translate(_URL_SAFE) + "=" * (-len(text.rstrip("=")) % 4), validate=True
        )
    except (binascii.Error, ValueError):
        return ""
    decoded = data.decode("utf-8", "replace")
    return decoded if _is_text(decoded) else ""


_URL_SAFE = str.maketrans("-_", "+/")
