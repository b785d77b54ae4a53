"""How long a choice holds, where, and what ends it."""

import math
from dataclasses import replace
from typing import Any

import pytest

from cmp.core.consent import Visitor
from cmp.core.policy import Policy
from cmp.policy.compose import compose
from cmp.seal.holding import LONGEST, grant_seconds, holding, kept_seconds, left_seconds, refusal_seconds, terms_of
from tests.core.examples import compiled, shop

DAY = 86_400
MONTH = 31 * DAY
AT = 1_791_331_200.0
NAMES = frozenset({"analytics", "vendor:chat"})


def in_regions(**changes: Any) -> Policy:
    defined = [
        {"id": "california", "places": ["US-CA"], "askAgain": "12 months"},
        {"id": "spain", "places": ["ES"], "askAgain": "3 months"},
    ]
    regions = {"source": {"header": "x-place"}, "defined": defined}
    return compiled(consent={"askAgain": "6 months"}, regions=regions, **changes)


@pytest.mark.parametrize(
    "place, granted, refused",
    [
        pytest.param("US-CA", 12, 12, id="a region of its own"),
        pytest.param("ES", 3, 3, id="a shorter one"),
        pytest.param("DE", 6, 6, id="in none of them"),
        pytest.param("US", 6, 12, id="a country whose part is not known"),
        pytest.param("", 3, 12, id="nobody knows: what is granted ends first, what is refused last"),
    ],
)
def test_how_long_a_choice_holds_by_place(place: str, granted: int, refused: int) -> None:
    policy = in_regions()
    assert (grant_seconds(policy, place), refusal_seconds(policy, place)) == (granted * MONTH, refused * MONTH)


def test_of_composed_policies_a_grant_holds_the_shorter_and_a_refusal_the_longer() -> None:
    both = compose([compiled(consent={"askAgain": "3 months"}), compiled(consent={"askAgain": "9 months"})])
    assert (grant_seconds(both, ""), refusal_seconds(both, "")) == (3 * MONTH, 9 * MONTH)


@pytest.mark.parametrize(
    "visitor, months",
    [
        (Visitor(), 0),
        (Visitor(granted=NAMES), 3),
        (Visitor(refused=NAMES), 12),
        (Visitor(granted=NAMES, refused=frozenset({"advertising"})), 12),
        (Visitor(tell_me=True), 12),
    ],
    ids=["nothing", "grants", "refusals", "both", "told"],
)
def test_the_cookie_lives_as_long_as_it_is_of_use(visitor: Visitor, months: int) -> None:
    assert kept_seconds(in_regions(), visitor) == months * MONTH


@pytest.mark.parametrize(
    "days, granted, refused",
    [
        (0, True, True),
        (3 * 31, True, True),
        (3 * 31 + 1, False, True),
        (12 * 31, False, True),
        (12 * 31 + 1, False, False),
    ],
)
def test_a_grant_runs_out_before_a_refusal_where_the_place_is_not_known(
    days: int, granted: bool, refused: bool
) -> None:
    policy = in_regions()
    visitor = Visitor(NAMES, frozenset({"advertising"}), AT, policy.fingerprint)
    held = holding(policy, visitor, {}, AT + days * DAY)
    assert (held is not None and held[0].granted == NAMES) is granted
    assert (held is not None and held[0].refused == {"advertising"}) is refused


@pytest.mark.parametrize(
    "place, still",
    [
        pytest.param("DE", {"research"}, id="the policy allows it"),
        pytest.param("US-CA", {"research", "comfort"}, id="the region does"),
        pytest.param("", {"research", "comfort"}, id="a region does that the visitor may be in"),
    ],
)
@pytest.mark.parametrize("days", [13 * 31, 4_000])
def test_a_refusal_of_what_is_allowed_by_default_does_not_end_by_itself(days: int, place: str, still: set[str]) -> None:
    defined = [{"id": "california", "places": ["US-CA"], "defaults": {"comfort": "allow"}}]
    policy = compiled(regions={"source": {"header": "x-place"}, "defined": defined})
    refused = frozenset({"research", "comfort", "advertising"})
    visitor = Visitor(NAMES, refused, AT, policy.fingerprint, place=place, tell_me=True)
    assert kept_seconds(policy, visitor) == LONGEST
    assert left_seconds(policy, visitor, AT + days * DAY) == LONGEST
    held = holding(policy, visitor, {}, AT + days * DAY)
    assert held is not None
    assert not held[0].granted
    assert held[0].refused == still
    assert held[0].tell_me


def test_a_refusal_made_where_nothing_is_allowed_is_kept_for_where_it_is() -> None:
    defined = [{"id": "california", "places": ["US-CA"], "defaults": {"comfort": "allow"}}]
    policy = compiled(regions={"source": {"header": "x-place"}, "defined": defined})
    assert kept_seconds(policy, Visitor(refused=frozenset({"comfort"}), place="DE")) == LONGEST
    assert kept_seconds(policy, Visitor(refused=frozenset({"advertising"}), place="DE")) < LONGEST


def test_of_composed_policies_one_that_allows_by_default_makes_the_refusal_last() -> None:
    both = compose([compiled(), compiled(categories=without_default())])
    assert kept_seconds(both, Visitor(refused=frozenset({"research"}))) == LONGEST


def without_default() -> dict[str, Any]:
    categories = shop()["categories"]
    del categories["research"]["default"]
    return dict(categories)


def test_what_is_granted_again_is_of_use_no_longer_than_it_was() -> None:
    policy = in_regions()
    visitor = Visitor(granted=NAMES, decided_at=AT)
    assert left_seconds(policy, visitor, AT) == 3 * MONTH
    assert left_seconds(policy, visitor, AT + 2 * MONTH) == MONTH + DAY
    assert left_seconds(policy, visitor, AT + 9 * MONTH) == 0


@pytest.mark.parametrize("now", [AT - DAY - 1, AT - 10 * DAY, -math.inf, math.nan, math.inf])
def test_a_choice_of_the_future_or_of_no_time_holds_nothing(now: float) -> None:
    policy = compiled()
    assert holding(policy, Visitor(NAMES, frozenset(), AT, policy.fingerprint), {}, now) is None


def chat_elsewhere() -> Policy:
    return compiled(
        vendors=[{**vendor, **({"country": "US"} if vendor["id"] == "chat" else {})} for vendor in shop()["vendors"]]
    )


@pytest.mark.parametrize(
    "new, held, lapsed",
    [
        pytest.param(compiled(), NAMES, set(), id="the same policy"),
        pytest.param(compiled(version="2"), NAMES, set(), id="the same terms"),
        pytest.param(chat_elsewhere(), {"analytics"}, {"vendor:chat"}, id="a vendor of the category moved"),
        pytest.param(
            compiled(vendors=[v for v in shop()["vendors"] if v["id"] not in ("chat", "stats")]),
            set(),
            {"analytics"},
            id="a vendor that is gone has no terms to lapse",
        ),
    ],
)
def test_a_grant_holds_as_long_as_its_terms_do(new: Policy, held: set[str], lapsed: set[str]) -> None:
    old = compiled()
    visitor = Visitor(NAMES, frozenset({"research"}), AT, old.fingerprint)
    found = holding(new, visitor, terms_of(old, NAMES), AT)
    assert found == (replace(visitor, granted=frozenset(held)), frozenset(lapsed))


def test_terms_of_another_category_prove_nothing() -> None:
    old, new = compiled(), chat_elsewhere()
    swapped = {"analytics": terms_of(old, ["comfort"])["comfort"], "vendor:chat": terms_of(new, ["comfort"])["comfort"]}
    visitor = Visitor(NAMES, frozenset(), AT, old.fingerprint)
    found = holding(new, visitor, swapped, AT)
    assert found is not None
    assert found[0].granted == {"vendor:chat"}
