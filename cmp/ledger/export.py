"""A ledger as a file of lines of JSON, that anybody can read and check without a database.

May go in here: writing such files and reading them through. May not: judging what they hold (`verify.py`), filling a
ledger from them (`copying.py`).

    {"consentry":"ledger export","form":1,"ledger":..,"size":..,"peaks":..,"merged_hour":..,"keyed":false}
    {"signer":ID,"public":..}                    one for each key that heads are signed with
    {"head":{..}}                                one for each signed head, the smallest tree first
    {"leaf":0,"body":"..","hash":..,"sealed":..,"person":..,"key":..}      one for each leaf, in order
    {"waiting":"..","hash":..,"hour":..,"kind":..,"n":..}                  refusals whose hour is not over
    {"event":..,"hour":..,"n":..}                counters
    {"person":..,"key":..,"last_hour":..,"until_hour":..}
    {"end":LINES}

Hashes and ids are hexadecimal, other bytes base64. Without keys (`keyed` false) there is no "person" and no "key"
anywhere, and nobody can read what is encrypted; it proves all the same.
"""

import base64
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from cmp.ledger import sealing
from cmp.ledger.contents import Contents, LeafFound, PersonFound, StateFound, WaitingFound
from cmp.ledger.errors import LedgerError, Reason
from cmp.ledger.heads import SignedHead, read_head
from cmp.ledger.tree import Frontier, Range
from cmp.store.errors import from_os

_FIRST = b'{"consentry":"ledger export"'
_LEAF = b'{"leaf":'
# As we write it: told in a tenth of the time that reading it takes, and there is one for each person.
_PERSON = re.compile(
    rb'\{"person":"[0-9a-f]{32}","key":"[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=","last_hour":(?:0|[1-9][0-9]{0,17}),'
    rb'"until_hour":(?:0|[1-9][0-9]{0,17})\}\n'
)
_FORM = 1
# No line of ours is longer; a file that is no export may be one line of any length.
_LONGEST_LINE = 4 * 1024 * 1024


def write_export(contents: Contents, target: Path, *, with_keys: bool) -> int:
    """Writes a new file that only its owner can read, and how many lines it has. Raises LedgerError.

    It is on disk when this returns; what was begun and not ended has the ending ".part".
    """
    draft = target.with_name(target.name + ".part")
    try:
        if target.exists():
            raise LedgerError(Reason.ADDRESS, target, "is there already", "name a file that is not")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600), "wb") as file:
            lines = 0
            for lines, document in enumerate(_documents(contents, with_keys=with_keys), start=1):  # noqa: B007
                file.write(_line(document))
            file.write(_line({"end": lines}))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(target)
    except OSError as error:
        raise from_os(LedgerError, target, error) from error
    return lines + 1


def _line(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _documents(contents: Contents, *, with_keys: bool) -> Iterator[Mapping[str, Any]]:
    state = contents.state()
    yield {
        "consentry": "ledger export",
        "form": _FORM,
        "ledger": state.ledger,
        "size": state.size,
        "peaks": _text(state.peaks),
        "merged_hour": state.merged_hour,
        "keyed": with_keys,
    }
    for id_, public in contents.signers().items():
        yield {"signer": id_, "public": _text(public)}
    for head in contents.heads():
        yield {"head": head.document}
    for leaf in contents.leaves():
        yield _leaf(leaf, with_keys=with_keys)
    for found in contents.waiting():
        hashed = found.hash.hex()
        yield {"waiting": found.body.decode(), "hash": hashed, "hour": found.hour, "kind": found.kind, "n": found.n}
    for event, hour, n in contents.counted():
        yield {"event": event, "hour": hour, "n": n}
    if with_keys:
        for person in contents.persons():
            yield {
                "person": person.visitor.hex(),
                "key": _text(person.key),
                "last_hour": person.last_hour,
                "until_hour": person.until_hour,
            }


def _leaf(leaf: LeafFound, *, with_keys: bool) -> Mapping[str, Any]:
    body, hashed, sealed, visitor, key = leaf.body, leaf.hash, leaf.sealed, leaf.visitor, leaf.key
    if not (isinstance(body, bytes) and isinstance(hashed, bytes)):
        raise UnicodeError("a leaf is no bytes")
    document: dict[str, Any] = {"leaf": leaf.number, "body": body.decode(), "hash": hashed.hex()}
    if isinstance(sealed, bytes):
        document["sealed"] = _text(sealed)
    if with_keys and isinstance(visitor, bytes) and isinstance(key, bytes):
        document |= {"person": visitor.hex(), "key": _text(key)}
    return document


# --------------------------------------------------------------------------------------------- reading


def is_export(source: str | Path) -> bool:
    """Whether a file with this name begins as an export does."""
    try:
        with Path(source).open("rb") as file:
            return file.read(len(_FIRST)) == _FIRST
    except (OSError, ValueError):
        return False


def exported(file: Path) -> "Exported":
    """An export to be read through. Raises LedgerError."""
    return Exported(file)


class Exported:
    """What an export holds. Every question reads the file from its beginning, and keeps no more than a line of it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        first = next((line for _, line in self._lines()), {})
        if first.get("form") != _FORM:
            raise self._damaged(1, "it is an export of a form that this program does not know")
        self.keyed = first.get("keyed") is True
        self._first = first

    def state(self) -> StateFound:
        with self._reading(1):
            first = self._first
            size, merged = _whole(first["size"]), _whole(first["merged_hour"])
            return StateFound(str(first["ledger"]), size, _bytes(first["peaks"]), merged)

    def leaves(self) -> Iterator[LeafFound]:
        for number, line in self._numbered("leaf"):
            with self._reading(number):
                yield LeafFound(
                    _whole(line["leaf"]),
                    str(line["body"]).encode(),
                    bytes.fromhex(line["hash"]),
                    _bytes(line["sealed"]) if "sealed" in line else None,
                    bytes.fromhex(line["person"]) if "person" in line else None,
                    _bytes(line["key"]) if "key" in line else None,
                )

    def heads(self) -> Iterable[SignedHead]:
        for number, line in self._numbered("head", until="leaf"):
            with self._reading(number):
                yield read_head(line["head"])

    def signers(self) -> Mapping[str, bytes]:
        found = {}
        for number, line in self._numbered("signer", until="leaf"):
            with self._reading(number):
                found[str(line["signer"])] = _bytes(line["public"])
        return found

    def persons(self) -> Iterator[PersonFound]:
        for number, line in self._numbered("person"):
            if "leaf" in line:
                continue
            with self._reading(number):
                yield _person(line)

    def waiting(self) -> Iterator[WaitingFound]:
        for number, line in self._numbered("waiting"):
            with self._reading(number):
                yield _waiting(line)

    def counted(self) -> Iterator[tuple[str, int, int]]:
        for number, line in self._numbered("event"):
            with self._reading(number):
                yield _counted(line)

    def roots(self, ranges: Sequence[Range]) -> list[bytes]:
        """All in one reading: of each range the right edge of its tree is kept."""
        trees = [Frontier() for _ in ranges]
        for leaf in self.leaves():
            for (start, end), tree in zip(ranges, trees, strict=True):
                if start <= leaf.number < end and isinstance(leaf.hash, bytes):
                    tree.append(leaf.hash)
        if any(tree.size != end - start for (start, end), tree in zip(ranges, trees, strict=True)):
            raise ValueError("records are missing: verify the export")
        return [tree.root for tree in trees]

    def node(self, level: int, index: int) -> object:
        raise LookupError(level, index)

    def stray(self) -> Iterator[tuple[int, str]]:
        return iter(())

    def damage(self) -> Iterator[str]:
        """Whether it ends where it says it does, and every line that no check of the tree reads is one of an export.

        Otherwise a backup could verify that cannot be restored.
        """
        count, last = 0, b""
        for count, last in self._raw():
            if count > 1 and not (last.startswith(_LEAF) or _PERSON.fullmatch(last)):
                with self._reading(count):
                    _known(_document(last))
        with self._reading(count):
            end = _document(last).get("end")
        if type(end) is not int or end != count - 1:
            yield f"the file ends after line {count}, and its end is missing"

    def _numbered(self, name: str, until: str | None = None) -> Iterator[tuple[int, Mapping[str, Any]]]:
        # Whoever reads the leaves reads every line whole; then most lines need not be read again for the few others.
        names = () if name == "leaf" else tuple(f'"{one}"'.encode() for one in (name, until) if one)
        for number, line in self._lines(names):
            if until is not None and until in line:
                return
            if name in line:
                yield number, line

    def _lines(self, names: Sequence[bytes] = ()) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Every line, or those that have one of these names somewhere; counted from 1."""
        for number, line in self._raw():
            if not names or any(name in line for name in names):
                with self._reading(number):
                    document = _document(line)
                yield number, document

    def _raw(self) -> Iterator[tuple[int, bytes]]:
        try:
            with self._file.open("rb") as file:
                yield from enumerate(_bounded(file), start=1)
        except OSError as error:
            raise from_os(LedgerError, self._file, error) from error

    def _reading(self, number: int) -> "_Reading":
        return _Reading(self, number)

    def _damaged(self, number: int, what: str) -> LedgerError:
        remedy = "export the ledger anew, or take another copy of the file"
        return LedgerError(Reason.CORRUPT, self._file, f"line {number}: {what}", remedy)


class _Reading:
    """Turns what is wrong with a line into an error that names it."""

    def __init__(self, export: Exported, number: int) -> None:
        self._export, self._number = export, number

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, KeyError | TypeError | ValueError | RecursionError) and not isinstance(error, LedgerError):
            raise self._export._damaged(self._number, f"is no line of an export ({error})") from error


def _person(line: Mapping[str, Any]) -> PersonFound:
    visitor, key = bytes.fromhex(line["person"]), _bytes(line["key"])
    if (len(visitor), len(key)) != (sealing.ID_BYTES, sealing.KEY_BYTES):
        raise ValueError("a person's id or key is of another length")
    return PersonFound(visitor, key, _whole(line["last_hour"]), _whole(line["until_hour"]))


def _waiting(line: Mapping[str, Any]) -> WaitingFound:
    body, hashed = str(line["waiting"]).encode(), bytes.fromhex(line["hash"])
    return WaitingFound(body, hashed, _whole(line["hour"]), str(line["kind"]), _whole(line["n"]))


def _counted(line: Mapping[str, Any]) -> tuple[str, int, int]:
    return str(line["event"]), _whole(line["hour"]), _whole(line["n"])


# Lines beside the tree, by the member that tells them.
_BESIDE: Mapping[str, Callable[[Mapping[str, Any]], object]] = {
    "waiting": _waiting,
    "event": _counted,
    "person": _person,
}


def _known(line: Mapping[str, Any]) -> None:
    """Raises an error as reading it would, for a line that is none of an export."""
    for name, read in _BESIDE.items():
        if name in line and "leaf" not in line:
            read(line)
            return
    if not any(name in line for name in ("leaf", "head", "signer", "end")):
        raise ValueError("it is of no kind")


def _document(line: bytes) -> Mapping[str, Any]:
    document = json.loads(line)
    if not isinstance(document, dict):
        raise TypeError("is no object")
    return document


def _bounded(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(_LONGEST_LINE):
        yield line


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError("a whole number is not one")
    return value
