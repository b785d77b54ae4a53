"""Records for tests, and ledgers holding some of them.

May go in here: values and short runs of a ledger. May not: assertions.
"""

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from cmp.ledger import schema
from cmp.ledger.errors import LedgerError
from cmp.ledger.heads import Signs
from cmp.ledger.ledger import Ledger
from cmp.ledger.record import Kind, Record, Source, Surface
from cmp.ledger.store import Acknowledgement
from cmp.seal.keys import SigningKeys, make_keys
from cmp.store.address import place_of

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


def filled(address: str | Path, records: Iterable[Record], **options: Any) -> list[Acknowledgement]:
    """A ledger with these records, closed again."""
    with Ledger(address, **options) as ledger:
        return asyncio.run(append_all(ledger, records))


def merge(address: str | Path, signer: Signs | None = None) -> None:
    """Lets an hour pass: what was refused goes into the tree."""
    Ledger(address, signer=signer, clock=lambda: AT + 3600).close()


def signer(folder: Path) -> SigningKeys:
    return make_keys(folder / "keys.json")


@contextmanager
def tampering(address: str | Path) -> Iterator[Connection]:
    """A transaction of somebody with the database and a shell; guards are off meanwhile, and back after."""
    place = place_of(address, LedgerError, "ledger")
    if isinstance(place, Path):
        engine = create_engine(f"sqlite:///{place}", poolclass=NullPool)
    else:
        engine = create_engine(make_url(place).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.begin() as connection:
        if isinstance(place, Path):
            for name in schema.GUARDS:
                connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        yield connection
        if isinstance(place, Path):
            for name in schema.GUARDS:
                connection.execute(text(schema.guard_sql("sqlite", name)[0]))


def tamper(address: str | Path, *statements: str) -> None:
    with tampering(address) as connection:
        for statement in statements:
            connection.execute(text(statement))
