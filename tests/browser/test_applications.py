"""Applications that others wrote do behind the proxy, after a refusal, what they do without it, in real Chromium."""

from typing import Any

import pytest

from tests.browser.applications import APPLICATIONS, Application, visited
from tests.browser.chromium import needs_chromium
from tests.browser.evasion import BARE, DEFAULT, STRICT

pytestmark = [pytest.mark.browser, pytest.mark.soak, pytest.mark.timeout(2400), needs_chromium]

_VISITS = 2


@pytest.fixture(scope="module", params=APPLICATIONS, ids=lambda application: application.name)
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What is broken is so at every visit; what a busy machine shows late, at one or the other."""
    application: Application = request.param
    for _ in range(_VISITS):
        found = visited(application, tmp_path_factory.mktemp(application.name))
        if "failed" not in found[BARE] and found[BARE] == found[STRICT] == found[DEFAULT]:
            break
    return found


def test_without_the_proxy_every_step_can_be_done(seen: dict[str, dict[str, Any]]) -> None:
    assert "failed" not in seen[BARE], seen[BARE]["failed"]


@pytest.mark.parametrize("site", [pytest.param(STRICT, id="strict"), pytest.param(DEFAULT, id="default")])
def test_behind_the_proxy_nothing_is_seen_that_differs(seen: dict[str, dict[str, Any]], site: str) -> None:
    bare, here = seen[BARE], seen[site]
    different = {key: (bare.get(key), here.get(key)) for key in {*bare, *here} if bare.get(key) != here.get(key)}
    assert different == {}
