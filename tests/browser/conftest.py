"""What several tests in a browser share: the browser itself, one for each module."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chromium import LONGEST, running_chromium

# What is waited for comes; on a machine with much else to do it comes late.
expect.set_options(timeout=LONGEST)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_chromium() as running:
        yield running
