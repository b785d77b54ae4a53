"""The vectors of this folder, read, and their bytes filled in; and a reader of HTTP/1.1 that forgives nothing.

May go in here: the format of the files (README.md), what stands for what in them, the strict reader. May not:
connections, what should come of a vector.
"""

import gzip
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
# What identifies the visitor: no server that was refused may see the one, no browser may be told to keep the other.
SENT, SET = "visitor-4711-sent", "visitor-4711-set"

_HEAD = re.compile(r"^=== (?P<id>[a-z0-9-]+)$", re.MULTILINE)
_FILL = re.compile(r"\{(?:(?P<name>[A-Z]+)|(?P<packed>gzip)?\*(?P<times>\d+):(?P<text>[^{}]*))\}")
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|[rnt0\\])")
_ESCAPES = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}


class VectorError(ValueError):
    """A vector that cannot be read. `str()` names it."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One conversation. `between`: with a browser's proxy, else with one in front of a site.

    `answers`: what the client is told under refusal, statuses as text, and "end" where the connection just ends.
    `arrives`: the servers that get a request under refusal, in order. `observed`: the servers that see what identifies
    where nothing is enforced, and "client" where that is the visitor; none where the proxy itself refuses such bytes.
    `pieces`: bytes sent at a time, 0 for all at once. `limit`: not stopped, and docs/limits.md says so.
    """

    id: str
    family: str
    between: bool
    answers: tuple[str, ...]
    arrives: tuple[str, ...]
    observed: frozenset[str]
    pieces: int
    limit: bool
    text: str
    answer_text: str

    def request(self, ports: Mapping[str, int]) -> bytes:
        return _bytes(self.text, ports)

    def answer(self, ports: Mapping[str, int]) -> bytes:
        return _bytes(self.answer_text, ports)


def read_vectors() -> tuple[Vector, ...]:
    """Every vector, in the order of files. The format stands in `README.md`. Raises VectorError."""
    found = [vector for path in sorted(FOLDER.glob("*.txt")) for vector in _in_file(path)]
    if len({vector.id for vector in found}) < len(found):
        raise VectorError("two vectors have the same id")
    return tuple(found)


def _in_file(path: Path) -> list[Vector]:
    _, *parts = _HEAD.split(path.read_text("utf-8"))
    return [_vector(path.stem, name, text) for name, text in zip(parts[::2], parts[1::2], strict=True)]


def _vector(family: str, name: str, text: str) -> Vector:
    lines = text.removeprefix("\n").removesuffix("\n").split("\n")
    said: dict[str, list[str]] = {}
    while lines and lines[0].startswith(":: "):
        key, *words = lines.pop(0).split()[1:]
        said[key] = words
    if unknown := set(said) - {"between", "answers", "arrives", "observed", "pieces", "limit"}:
        raise VectorError(f"{name}: nobody knows {', '.join(sorted(unknown))}")
    request, _, answer = "\n".join(lines).partition("\n--- answer\n")
    return Vector(
        name,
        family,
        "between" in said,
        tuple(said.get("answers", ())),
        tuple(said.get("arrives", ())),
        frozenset(said.get("observed", ())),
        int(said.get("pieces", ["0"])[0]),
        "limit" in said,
        request,
        answer,
    )


def _bytes(text: str, ports: Mapping[str, int]) -> bytes:
    """Each line with CRLF behind it, but for lines with a backslash at their end."""
    if not text:
        return b""
    whole = "".join(
        line[:-1] if line.endswith("\\") and line[-2:-1] != "\\" else f"{line}\r\n" for line in text.split("\n")
    )
    whole = _ESCAPE.sub(lambda found: _ESCAPES.get(found[1]) or chr(int(found[1][1:], 16)), whole)
    filled: list[bytes] = []
    at = 0
    for found in _FILL.finditer(whole):
        filled += [_raw(whole[at : found.start()]), _filled(found, ports)]
        at = found.end()
    data = b"".join([*filled, _raw(whole[at:])])
    return data.replace(b"{LENGTH}", b"%d" % len(data.partition(b"\r\n\r\n")[2]))


def _raw(text: str) -> bytes:
    # "\xff" means the byte; what is beyond it is written as UTF-8.
    return b"".join(bytes([ord(one)]) if ord(one) < 256 else one.encode("utf-8") for one in text)


def _filled(found: re.Match[str], ports: Mapping[str, int]) -> bytes:
    if found["times"]:
        repeated = _raw(found["text"]) * int(found["times"])
        return gzip.compress(repeated, mtime=0) if found["packed"] else repeated
    name = found["name"]
    if name == "LENGTH":
        return b"{LENGTH}"
    return {"SENT": SENT, "SET": SET}.get(name, str(ports.get(name.lower(), 0))).encode("ascii")


_REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e\x80-\xff]+) HTTP/1\.[01]")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): *([^\0\r\n]*)")


_CHUNKED = re.compile(rb"(?i)(?:(?:gzip|deflate|compress) *, *)?chunked")


class AmbiguousError(ValueError):
    """Bytes that two servers could read in two ways. `str()` says which."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as its bytes stood."""

    method: str
    target: str
    fields: tuple[tuple[str, bytes], ...]
    body: bytes

    def values(self, name: str) -> list[bytes]:
        return [value for key, value in self.fields if key.lower() == name]


def read_strictly(data: bytes) -> list[Request]:
    """Every request of a connection (RFC 9112). A last one that is cut off is left out. Raises AmbiguousError."""
    found: list[Request] = []
    while b"\r\n\r\n" in data:
        head, _, data = data.partition(b"\r\n\r\n")
        first, *lines = head.split(b"\r\n")
        line = _REQUEST_LINE.fullmatch(first)
        read = [_FIELD.fullmatch(field) for field in lines]
        if line is None or not all(read):
            raise AmbiguousError(f"{head[:300]!r}")
        fields = tuple((field[1].decode("ascii"), field[2]) for field in read if field)
        request = Request(line[1].decode("ascii"), line[2].decode("latin-1"), fields, b"")
        body, data = _body(request, data, head)
        if body is None:
            return found
        found.append(Request(request.method, request.target, fields, body))
    return found


def _body(request: Request, data: bytes, head: bytes) -> tuple[bytes | None, bytes]:
    """The body, None for one that is cut off, and what follows it."""
    lengths, codings = request.values("content-length"), request.values("transfer-encoding")
    if len(lengths) + len(codings) > 1 or len(request.values("host")) > 1:
        raise AmbiguousError(f"{head[:300]!r}")
    if codings:
        if not _CHUNKED.fullmatch(codings[0]):
            raise AmbiguousError(f"{codings!r}")
        return _chunks(data)
    if not lengths:
        return b"", data
    if not lengths[0].isdigit():
        raise AmbiguousError(f"{lengths!r}")
    length = int(lengths[0])
    return (data[:length], data[length:]) if len(data) >= length else (None, b"")


def _chunks(data: bytes) -> tuple[bytes | None, bytes]:
    body = b""
    while b"\r\n" in data:
        size, _, data = data.partition(b"\r\n")
        if not re.fullmatch(rb"[0-9a-f]{1,8}", size):
            raise AmbiguousError(f"a chunk of {size[:40]!r}")
        length = int(size, 16)
        if len(data) < length + 2:
            return None, b""
        if data[length : length + 2] != b"\r\n":
            raise AmbiguousError(f"a chunk that ends in {data[length : length + 2]!r}")
        body, data = body + data[:length], data[length + 2 :]
        if not length:
            return body, data
    return None, b""
