"""One server for each test that asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.site import Running, running


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path) as found:
        yield found
