"""Where the ledgers of these tests lie: in files, and on a server that is started once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import Postgres, postgres


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    with postgres() as found:
        yield found


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a ledger that is not there yet, on each of the databases."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'l.db'}"
    server: Postgres = request.getfixturevalue("server")
    return server.empty()
