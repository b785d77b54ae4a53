"""One server for each test that asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cmp.server import few_lines
from cmp.server.unexpected import LINES
from tests.server.site import Running, running


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path) as found:
        yield found


@pytest.fixture(autouse=True)
def lines_of_this_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Log lines of each kind are written again: the bound is the process's, which has run other tests this minute."""
    monkeypatch.setattr(LINES, "_minute", {})


@pytest.fixture
def one_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """All log lines of the test fall into the same minute, whenever the clock's own ends."""
    monkeypatch.setattr(few_lines, "_MINUTE", 10**12)
