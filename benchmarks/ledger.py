"""The ledger: beside synced inserts into plain SQLite, and beside SHA-256 over its rows.

May go in here: filling a ledger, timing, comparing. May not: anything the product needs. CONSENTRY_BENCH_RECORDS says
how many records the large ledger has (default: a million).
"""

import asyncio
import hashlib
import multiprocessing
import os
import resource
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from cmp.ledger import leaves, sealing
from cmp.ledger.contents import LeafFound, PersonFound, StateFound, Stored, WaitingFound
from cmp.ledger.copying import copy
from cmp.ledger.database import database_of
from cmp.ledger.export import write_export
from cmp.ledger.heads import Head, SignedHead, sign_head
from cmp.ledger.ledger import Ledger
from cmp.ledger.opening import contents_of
from cmp.ledger.proving import prove
from cmp.ledger.record import Kind, Record, Source, Surface
from cmp.ledger.tree import Frontier, Range, leaf_hash
from cmp.ledger.verify import verify
from cmp.seal.keys import SigningKeys, make_keys

RECORDS = int(os.environ.get("CONSENTRY_BENCH_RECORDS", "1000000"))
_APPENDED = 2000
_AT_ONCE = 256
_SERIAL = 100
_PROOFS = 200
_RECORD = Record(
    kind=Kind.GIVEN,
    at=1_791_376_496.789,
    policy="ab" * 32,
    policy_version="1",
    notice="0123456789abcdef",
    surface=Surface.BANNER,
    source=Source.JSON,
    language="en",
    granted=frozenset({"analytics", "comfort"}),
    refused=frozenset({"advertising"}),
    buttons=("accept", "refuse", "save"),
)


def run() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys = make_keys(folder / "keys.json")
        yield from _appending(folder, keys)
        yield from _reading(folder, keys)


# ------------------------------------------------------------------------------------------- appending


def _appending(folder: Path, keys: SigningKeys) -> Iterator[str]:
    plain = _plain_inserts(folder / "plain.db")
    with Ledger(folder / "l.db", signer=keys) as ledger:
        one, many = asyncio.run(_appends(ledger))
    yield f"a synced insert into plain SQLite: {plain * 1e3:.2f} ms"
    yield f"a choice stored durably, one after the other: {one * 1e3:.2f} ms, {one / plain:.1f} times as long"
    yield f"{_AT_ONCE} at once: {many * 1e3:.3f} ms each, {plain / many:.1f} times as many as synced inserts"


async def _appends(ledger: Ledger) -> tuple[float, float]:
    """Seconds for a record: one after the other, and many at once."""
    begun = time.perf_counter()
    for _ in range(_SERIAL):
        await ledger.append(_RECORD)
    serial = (time.perf_counter() - begun) / _SERIAL
    begun = time.perf_counter()
    for _ in range(_APPENDED // _AT_ONCE):
        await asyncio.gather(*(ledger.append(_RECORD) for _ in range(_AT_ONCE)))
    return serial, (time.perf_counter() - begun) / (_APPENDED // _AT_ONCE * _AT_ONCE)


def _plain_inserts(file: Path) -> float:
    """Seconds for one row of the same size, each in a synced transaction of its own."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE kept (body BLOB)")
    body = os.urandom(900)
    begun = time.perf_counter()
    for _ in range(_SERIAL):
        connection.execute("INSERT INTO kept VALUES (?)", (body,))
    taken = (time.perf_counter() - begun) / _SERIAL
    connection.close()
    return taken


# ------------------------------------------------------------------------------------------- reading


def _reading(folder: Path, keys: SigningKeys) -> Iterator[str]:
    file = folder / "large.db"
    made = _Made(keys, RECORDS)
    begun = time.perf_counter()
    copy(made, file)
    yield f"filled with {RECORDS:,} records in {time.perf_counter() - begun:.1f} s, {file.stat().st_size / 1e6:.0f} MB"
    with database_of(file).reading() as connection:
        contents = Stored(connection)
        times = []
        for number in range(_PROOFS):
            begun = time.perf_counter()
            proof = prove(contents, number * RECORDS // _PROOFS)
            times.append(time.perf_counter() - begun)
            assert proof.fault(keys.public_bytes()) == ""
    slowest = max(times) * 1e3
    median = statistics.median(times) * 1e3
    yield f"an inclusion proof: median {median:.1f} ms, slowest of {_PROOFS} {slowest:.1f} ms (aim: under 50 ms)"
    hashing = _hashed(file)
    yield f"SHA-256 over its rows: {hashing:.1f} s"
    yield _verified(file, keys, hashing, "verify")
    export = folder / "export.jsonl"
    begun = time.perf_counter()
    with contents_of(file) as whole:
        write_export(whole, export, with_keys=True)
    yield f"export, with keys: {time.perf_counter() - begun:.1f} s, {export.stat().st_size / 1e6:.0f} MB"
    yield _verified(export, keys, hashing, "verify the export")


def _verified(source: Path, keys: SigningKeys, hashing: float, name: str) -> str:
    """In a process of its own: what it holds at most is nobody else's."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
        taken, before, most = alone.submit(_verifying, source, keys.public_bytes()).result()
    memory = f"memory {most:.0f} MB at most, {before:.0f} before (aim: as much for any size)"
    return f"{name}: {taken:.1f} s, {taken / hashing:.1f} times as long (aim: under 60 s a million); {memory}"


def _verifying(source: Path, keys: Mapping[str, bytes]) -> tuple[float, float, float]:
    """Seconds, and the megabytes held at most before and until the end."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun = time.perf_counter()
    assert verify(source, keys=keys) == []
    taken = time.perf_counter() - begun
    return taken, before / 1024, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _hashed(file: Path) -> float:
    """Seconds to read every row and hash it once."""
    connection = sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)
    begun = time.perf_counter()
    for body, sealed in connection.execute("SELECT body, sealed FROM ledger_leaf ORDER BY idx"):
        hashlib.sha256(body + sealed).digest()
    taken = time.perf_counter() - begun
    connection.close()
    return taken


class _Made:
    """A ledger of so many records of so many people, made as it is read; each is sealed with a key of its own."""

    keyed = True

    def __init__(self, keys: SigningKeys, size: int) -> None:
        self._keys, self._size = keys, size
        self._frontier = Frontier()
        self._key = sealing.new_key()

    def state(self) -> StateFound:
        return StateFound("ab" * 16, self._size, self._frontier.packed, 0)

    def leaves(self) -> Iterator[LeafFound]:
        for number in range(self._size):
            visitor = number.to_bytes(16, "big")
            sealed = sealing.seal(self._key, visitor, leaves.payload(_RECORD, Kind.GIVEN, visitor.hex()))
            body = leaves.personal_leaf(Kind.GIVEN, _RECORD.hour, _RECORD.policy, sealed)
            hashed = leaf_hash(body)
            # Nonces are random: what one reading gives, no other does.
            self._frontier.append(hashed)
            yield LeafFound(number, body, hashed, sealed, visitor, self._key)

    def heads(self) -> Iterable[SignedHead]:
        return [sign_head(self._keys, Head("ab" * 16, self._size, self._frontier.root, 0))]

    def signers(self) -> Mapping[str, bytes]:
        return self._keys.public_bytes()

    def persons(self) -> Iterator[PersonFound]:
        for number in range(self._size):
            yield PersonFound(number.to_bytes(16, "big"), self._key, _RECORD.hour, 0)

    def waiting(self) -> Iterator[WaitingFound]:
        return iter(())

    def counted(self) -> Iterator[tuple[str, int, int]]:
        return iter(())

    def roots(self, ranges: Sequence[Range]) -> list[bytes]:
        raise LookupError(ranges)

    def node(self, level: int, index: int) -> object:
        raise LookupError(level, index)

    def stray(self) -> Iterator[tuple[int, str]]:
        return iter(())

    def damage(self) -> Iterator[str]:
        return iter(())
