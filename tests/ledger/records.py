"""Records for tests, and ledgers holding some of them.

May go in here: values and short runs of a ledger. May not: assertions.
"""

import asyncio
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cmp.ledger.leaves import Head
from cmp.ledger.ledger import Ledger
from cmp.ledger.record import Kind, Record, Source, Surface
from cmp.ledger.store import Acknowledgement

ROOT = Path(__file__).resolve().parents[2]
# 2026-10-07 12:34:56.789 UTC.
AT = 1_791_376_496.789
HOUR = 1_791_374_400
POLICY = "ab" * 32

_COMMON: dict[str, Any] = {
    "at": AT,
    "policy": POLICY,
    "policy_version": "2026-10-01",
    "notice": "3",
    "surface": Surface.BANNER,
    "source": Source.JSON,
    "language": "en",
}


def given(*granted: str, **fields: Any) -> Record:
    names = frozenset(granted or ("analytics",))
    return Record(**_COMMON | {"kind": Kind.GIVEN, "granted": names} | fields)


def refused(*names: str, **fields: Any) -> Record:
    return Record(**_COMMON | {"kind": Kind.REFUSED, "refused": frozenset(names or ("analytics",))} | fields)


def withdrawn(*names: str, **fields: Any) -> Record:
    return Record(**_COMMON | {"kind": Kind.WITHDRAWN, "refused": frozenset(names or ("analytics",))} | fields)


def numbered(number: int) -> Record:
    """A record that can be told from all others, every other one a refusal."""
    return refused(f"n{number}") if number % 2 else given(f"n{number}")


def number_of(names: Iterable[str]) -> int:
    (name,) = names
    return int(name.removeprefix("n"))


async def append_all(ledger: Ledger, records: Iterable[Record]) -> list[Acknowledgement]:
    """One after the other."""
    return [await ledger.append(record) for record in records]


def filled(file: Path, records: Iterable[Record]) -> list[Acknowledgement]:
    """A ledger with these records, closed again."""
    with Ledger(file) as ledger:
        return asyncio.run(append_all(ledger, records))


def tamper(file: Path, *statements: str) -> None:
    """Changes rows as somebody with the file and a database shell can, in one transaction; guards are back after."""
    connection = sqlite3.connect(file, isolation_level=None)
    guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    connection.execute("BEGIN")
    for name, _ in guards:
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    for _, text in guards:
        connection.execute(text)
    connection.execute("COMMIT")
    connection.close()


def head_at(heads: Iterable[Head], chain: str) -> Head:
    return next(head for head in heads if head.chain == chain)
