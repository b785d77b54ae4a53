"""Applications that others wrote do behind the proxy, after a refusal, what they do without it, in real Chromium."""

from typing import Any

import pytest

from tests.browser.applications import APPLICATIONS, Application, visited
from tests.browser.chromium import needs_chromium
from tests.browser.evasion import BARE, DEFAULT, STRICT

pytestmark = [pytest.mark.browser, pytest.mark.soak, pytest.mark.timeout(900), needs_chromium]


@pytest.fixture(scope="module", params=APPLICATIONS, ids=lambda application: application.name)
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    application: Application = request.param
    return visited(application, tmp_path_factory.mktemp(application.name))


def test_without_the_proxy_every_step_can_be_done(seen: dict[str, dict[str, Any]]) -> None:
    assert "failed" not in seen[BARE], seen[BARE]["failed"]


@pytest.mark.parametrize("site", [pytest.param(STRICT, id="strict"), pytest.param(DEFAULT, id="default")])
def test_behind_the_proxy_nothing_is_seen_that_differs(seen: dict[str, dict[str, Any]], site: str) -> None:
    bare, here = seen[BARE], seen[site]
    different = {key: (bare.get(key), here.get(key)) for key in {*bare, *here} if bare.get(key) != here.get(key)}
    assert different == {}
