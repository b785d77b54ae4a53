"""A database server whose disk is full: nothing is acknowledged that is not stored, and writing goes on by itself."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from cmp.ledger.errors import LedgerError, Reason
from cmp.ledger.leaves import Part
from cmp.ledger.ledger import Ledger
from cmp.ledger.reading import entries
from cmp.ledger.verify import verify
from tests.ledger.records import number_of, numbered
from tests.postgres import Postgres

_MEGABYTES = 8
# What an empty ledger takes is less; a few hundred records are more.
_LEFT = 256 * 1024


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of a few megabytes that the database server may write to."""
    folder.mkdir()
    owner = f"uid=65534,gid=65534,mode=0700,size={_MEGABYTES}m"
    mount = ["mount", "-t", "tmpfs", "-o", owner, "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
        folder.rmdir()


def told(server: Postgres, *statements: str) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def test_a_full_disk_under_the_database_is_named_and_loses_nothing(server: Postgres) -> None:
    acknowledged: list[int] = []

    async def until_full(ledger: Ledger, relieve: Callable[[], None]) -> LedgerError:
        for number in range(0, 20_000, 2):
            try:
                await ledger.append(numbered(number))
            except LedgerError as error:
                relieve()
                # As a visitor who is told to try again.
                await ledger.append(numbered(number + 20_000))
                acknowledged.append(number + 20_000)
                return error
            acknowledged.append(number)
        raise AssertionError("the disk was never full")

    with small_disk(server.folder / "small") as disk:
        told(server, f"CREATE TABLESPACE small LOCATION '{disk}'")
        try:
            address = server.empty() + "%20-cdefault_tablespace%3Dsmall"
            with Ledger(address) as ledger:
                ballast = disk / "ballast"
                free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
                ballast.write_bytes(b"\0" * (free - _LEFT))
                error = asyncio.run(until_full(ledger, ballast.unlink))
            assert error.reason is Reason.FULL
            assert "full" in str(error)
            assert verify(address) == []
            kept = [number_of(one.payload["granted"]) for one in entries(address, Part.PERSONAL) if one.payload]
            assert kept == acknowledged
        finally:
            schema = address.partition("search_path%3D")[2].partition("%20")[0]
            told(server, f"DROP SCHEMA {schema} CASCADE", "DROP TABLESPACE small")
