"""What a visitor agrees to in a category: which changes are material."""

from typing import Any

import pytest

from cmp.policy.presets import PRESETS
from tests.core.examples import compiled, shop


def changed(**change: Any) -> set[str]:
    """The categories whose terms differ from the shop's."""
    before, after = compiled().terms, compiled(**change).terms
    return {id_ for id_ in {*before, *after} if before.get(id_) != after.get(id_)}


def vendors(index: int, **change: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop()["vendors"]
    found[index] |= change
    return found


@pytest.mark.parametrize(
    "change, categories",
    [
        pytest.param({"version": "2"}, set(), id="the version"),
        pytest.param({"title": {"en": "Privacy"}}, set(), id="the title"),
        pytest.param({"vendors": vendors(1, name="Statistics")}, {"analytics"}, id="who a vendor is"),
        pytest.param({"vendors": vendors(1, country="US")}, {"analytics"}, id="where it is"),
        pytest.param({"vendors": vendors(1, hosts=["stats.test", "s.test"])}, set(), id="not how it is recognised"),
        pytest.param({"vendors": vendors(1, category="comfort")}, {"analytics", "comfort"}, id="what it is for"),
        pytest.param({"vendors": vendors(0, company="Pay Ltd")}, {"payment"}, id="one category alone"),
        pytest.param(
            {"cookies": [{"name": "theme", "category": "comfort", "lifetime": "2 years"}]},
            {"comfort", "necessary"},
            id="how long a cookie lives",
        ),
        pytest.param({"unknown": {"host": "allow"}}, set(), id="not what is unknown"),
        pytest.param({"vendors": vendors(1, techniques=["session-replay"])}, {"analytics"}, id="by which technique"),
        pytest.param(
            {"vendors": vendors(1, cookies=[{"name": "_st", "lifetime": "10 years"}])},
            {"analytics"},
            id="how long a vendor's cookie lives",
        ),
        pytest.param(
            {"changes": [{"version": "2", "date": "2026-01-01", "text": {"en": "Now sold"}}]},
            set(),
            id="not every change",
        ),
        pytest.param(
            {
                "changes": [
                    {
                        "version": "2",
                        "date": "2026-01-01",
                        "material": True,
                        "categories": ["analytics"],
                        "text": {"en": "Now sold"},
                    }
                ]
            },
            {"analytics"},
            id="what the operator says is material",
        ),
    ],
)
def test_material_is_for_what_by_whom_where_and_how_long(change: dict[str, Any], categories: set[str]) -> None:
    assert changed(**change) == categories


def test_terms_are_short_and_say_nothing_of_the_visitor() -> None:
    assert {len(digest) for digest in compiled().terms.values()} == {16}


# -- presets


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_fills_in_what_is_not_said(preset: str) -> None:
    policy = compiled(preset=preset, signals=None, unknown=None)
    assert set(policy.signals["gpc"].denies) == {"comfort", "analytics", "advertising", "research", "profiling"}
    assert policy.categories["analytics"].default is (preset == "us")
    assert policy.ask_again == (12 * 31 if preset == "us" else 182) * 86_400


@pytest.mark.parametrize("preset", PRESETS)
def test_what_the_policy_says_wins(preset: str) -> None:
    said = {"gpc": {"denies": ["advertising"]}}
    policy = compiled(preset=preset, signals=said, consent={"askAgain": "30 days"})
    assert (policy.signals["gpc"].denies, policy.ask_again) == (frozenset({"advertising"}), 30 * 86_400)
