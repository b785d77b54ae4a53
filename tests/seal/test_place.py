"""Where a visitor is, by what the policy takes it from."""

from typing import Any

import pytest

from cmp.core.policy import Policy
from cmp.policy.compose import compose
from cmp.seal.place import place_of
from tests.core.examples import compiled


def sourced(**source: str) -> Policy:
    return compiled(regions={"source": source, "defined": [{"id": "r", "places": ["DE"]}]})


@pytest.mark.parametrize(
    "policy, lines, place",
    [
        pytest.param(sourced(fixed="IE"), ["DE"], "IE", id="fixed"),
        pytest.param(sourced(header="CF-IPCountry"), ["de"], "DE", id="a header"),
        pytest.param(sourced(header="CF-IPCountry"), ["US-CA"], "US-CA", id="with a subdivision"),
        pytest.param(sourced(header="CF-IPCountry"), [], "", id="a header that is missing"),
        pytest.param(sourced(header="CF-IPCountry"), ["DE", "FR"], "", id="a header given twice"),
        pytest.param(sourced(header="CF-IPCountry"), ["somewhere"], "", id="no place"),
        pytest.param(compiled(), ["DE"], "", id="no source"),
        pytest.param(compose([compiled(), sourced(fixed="FR")]), [], "FR", id="the first part with a source"),
    ],
)
def test_the_place_is_taken_from_the_source_of_the_policy(policy: Policy, lines: list[str], place: str) -> None:
    asked: list[Any] = []

    def field_lines(name: str) -> list[str]:
        asked.append(name)
        return lines

    assert place_of(policy, field_lines) == place
    assert set(asked) <= {"cf-ipcountry"}
