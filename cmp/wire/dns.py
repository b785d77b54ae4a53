"""One question to a name server, and which other names its answer says a host goes by.

May go in here: the bytes of a question, reading aliases out of an answer. May not: sending, waiting, remembering
(`cmp.live.aliases`), what an alias means (`cmp.core.on_requests`).

RFC 1035, sections 4.1 (messages) and 4.1.4 (compression). An answer comes from the network: every length is checked,
names are bounded, and pointers lead backwards only.
"""

import struct
from dataclasses import dataclass
from typing import Final

_HEADER: Final = struct.Struct("!6H")
_RECORD: Final = struct.Struct("!HHIH")
_A, _CNAME, _IN = 1, 5, 1
_RECURSE, _ANSWER = 0x0100, 0x8000
_LONGEST_NAME, _LONGEST_LABEL = 253, 63
# Longer chains are a fault, or meant to keep us busy; resolvers follow about as many.
_LONGEST_CHAIN: Final = 16
_MOST_RECORDS: Final = 64


class DnsError(ValueError):
    """An answer that cannot be read, or that is none to the question."""


@dataclass(frozen=True, slots=True)
class Aliases:
    """The names a host is an alias of, in order (lower case, no dot at the end), and for how many seconds."""

    names: tuple[str, ...]
    seconds: int


def dns_question(host: str, number: int) -> bytes:
    """A question for the IPv4 addresses of `host` (a name, ASCII); a recursive resolver's answer holds the aliases.

    `number` is 0 to 65535. Raises DnsError for what is no name.
    """
    labels = host.encode("ascii", "replace").split(b".")
    if len(host) > _LONGEST_NAME or not all(0 < len(label) <= _LONGEST_LABEL for label in labels):
        raise DnsError(f"{host!r} is no name")
    name = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    return _HEADER.pack(number, _RECURSE, 1, 0, 0, 0) + name + struct.pack("!HH", _A, _IN)


def read_aliases(message: bytes, host: str, number: int) -> Aliases:
    """What an answer says of `host`. That the server knows no such name is an answer without aliases.

    Raises DnsError.
    """
    try:
        return _read(message, host.lower(), number)
    except (struct.error, IndexError) as error:
        raise DnsError("the answer ends too early") from error


def _read(message: bytes, host: str, number: int) -> Aliases:
    found, flags, questions, answers, _, _ = _HEADER.unpack_from(message)
    if found != number or not flags & _ANSWER or questions != 1:
        raise DnsError("no answer to the question")
    asked, at = _name(message, _HEADER.size)
    if asked != host:
        raise DnsError("an answer about another name")
    at += 4
    leads: dict[str, tuple[str, int]] = {}
    for _ in range(min(answers, _MOST_RECORDS)):
        try:
            owner, at = _name(message, at)
            kind, class_, seconds, length = _RECORD.unpack_from(message, at)
        except (struct.error, IndexError, DnsError):
            # Cut off (section 4.2.1): what stands before is whole.
            break
        at += _RECORD.size
        if kind == _CNAME and class_ == _IN and at + length <= len(message):
            leads.setdefault(owner, (_name(message, at)[0], seconds))
        at += length
    return _followed(host, leads)


def _followed(host: str, leads: dict[str, tuple[str, int]]) -> Aliases:
    names: list[str] = []
    shortest = 2**31 - 1
    while host in leads and len(names) < _LONGEST_CHAIN:
        host, seconds = leads[host]
        if host in names:
            break
        names.append(host)
        shortest = min(shortest, seconds)
    return Aliases(tuple(names), shortest if names else 0)


def _name(message: bytes, at: int) -> tuple[str, int]:
    """The name that stands at a place, in lower case, and the place behind it."""
    labels: list[bytes] = []
    length, end, limit = 0, -1, at
    while size := message[at]:
        if size & 0xC0 == 0xC0:
            pointer = (size & 0x3F) << 8 | message[at + 1]
            end = at + 2 if end < 0 else end
            if pointer >= limit:
                raise DnsError("a name that leads forward")
            at = limit = pointer
            continue
        if size > _LONGEST_LABEL:
            raise DnsError("a label that is too long")
        label = message[at + 1 : at + 1 + size]
        length += size + 1
        if len(label) < size or length > _LONGEST_NAME + 1:
            raise DnsError("a name that is too long")
        labels.append(label)
        at += size + 1
    return b".".join(labels).decode("latin-1").lower(), (at + 1 if end < 0 else end)
