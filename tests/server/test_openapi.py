"""The API is as its description says: every endpoint is in it, and a tool that knows nothing else finds no fault."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from cmp.ledger.ledger import Ledger
from cmp.seal.keys import make_keys
from cmp.seal.site import ConsentSite
from cmp.server import choice_limit
from cmp.server.app import make_app
from cmp.server.endpoints import ENDPOINTS
from tests.server.described import faults
from tests.server.site import ORIGIN, Running, running, shop_policy

# What this policy does not have, and what takes no input.
NOT_OFFERED = "/(rights|request|notices|opt-out|opt-in|tell-me|well-known|banner|health|keys|openapi|guard)"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that takes as many choices as there come."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice_limit, "EACH", 10**9)
        patch.setattr(choice_limit, "TOGETHER", 10**9)
        with running(tmp_path_factory.mktemp("shop")) as found:
            yield found


def test_every_endpoint_is_described_and_nothing_else(tmp_path: Path, shop: Running) -> None:
    async def names() -> set[tuple[str, str]]:
        with Ledger(tmp_path / "ledger.db") as ledger:
            app = make_app(shop_policy(), ledger, make_keys(tmp_path / "keys.json"), ConsentSite(ORIGIN))
            return set(app[ENDPOINTS].names())

    paths = shop.get("openapi.json").json["paths"]
    told = {
        (method.upper(), path[1:].partition("{")[0])
        for path, operations in paths.items()
        for method in operations
        if method != "parameters"
    }
    assert told == asyncio.run(names())


def test_the_description_names_what_this_policy_lets_a_visitor_choose(shop: Running) -> None:
    choice = shop.get("openapi.json").json["paths"]["/choice"]["post"]["requestBody"]["content"]["application/json"]
    granted = choice["schema"]["oneOf"][1]["properties"]["granted"]["items"]
    assert granted["enum"] == sorted(shop.policy.optional_categories)


@pytest.mark.parametrize(
    "examples, phases, left_out",
    [
        pytest.param(2, "fuzzing", ["--exclude-path-regex", NOT_OFFERED], id="sample"),
        pytest.param(400, "coverage,fuzzing", [], id="full", marks=[pytest.mark.soak, pytest.mark.timeout(3600)]),
    ],
)
def test_schemathesis_finds_nothing(
    shop: Running, tmp_path: Path, examples: int, phases: str, left_out: list[str]
) -> None:
    url, header = f"http://127.0.0.1:{shop.port}/.consent", "Sec-Fetch-Site: same-origin"
    assert faults(url, tmp_path, examples, "--header", header, *left_out, phases=phases) == ""
