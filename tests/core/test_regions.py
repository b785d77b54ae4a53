"""Where a visitor is, what holds there, and the strictest where nobody knows."""

from typing import Any

import pytest

from cmp.core.consent import NO_CHOICE, Visitor, permit
from cmp.core.decision import Reason
from cmp.core.policy import Policy
from cmp.core.regions import EEA, EU, expand, read_place
from cmp.core.signals import NO_SIGNALS, Signals
from tests.core.examples import compiled

DAY = 86_400
CALIFORNIA = {"id": "california", "places": ["US-CA"], "defaults": {"analytics": "allow"}, "askAgain": "12 months"}
STATES = {"id": "states", "places": ["US"], "defaults": {"analytics": "allow", "research": "allow"}}
EUROPE = {"id": "europe", "places": ["EEA"], "defaults": {"research": "deny"}, "askAgain": "182 days"}


def world(**changes: Any) -> Policy:
    source = {"header": "CF-IPCountry"}
    return compiled(regions={"source": source, "defined": [CALIFORNIA, STATES, EUROPE], **changes})


@pytest.mark.parametrize(
    "place, category, allowed, reason",
    [
        pytest.param("US-CA", "analytics", True, Reason.REGION_ALLOWED, id="a subdivision of its own"),
        pytest.param("US-NY", "analytics", True, Reason.REGION_ALLOWED, id="another: the country's"),
        pytest.param("DE", "analytics", False, Reason.DEFAULT_DENIED, id="a region that says nothing: the policy"),
        pytest.param("DE", "research", False, Reason.REGION_DENIED, id="a region that denies"),
        pytest.param("JP", "research", True, Reason.DEFAULT_ALLOWED, id="no region: the policy"),
        pytest.param("", "analytics", False, Reason.REGION_DENIED, id="unknown: the strictest"),
        pytest.param("", "research", False, Reason.REGION_DENIED, id="unknown: one region denies"),
        pytest.param("", "advertising", False, Reason.DEFAULT_DENIED, id="unknown: no region says anything"),
    ],
)
def test_a_regional_default(place: str, category: str, allowed: bool, reason: Reason) -> None:
    found = permit(world(), Visitor(place=place), NO_SIGNALS, category, None)
    assert (found.allowed, found.reason) == (allowed, reason)


def test_a_country_without_its_part_may_be_any_of_them() -> None:
    strict = {"id": "california", "places": ["US-CA"], "defaults": {"analytics": "deny"}}
    policy = world(defined=[strict, STATES])
    assert not permit(policy, Visitor(place="US"), NO_SIGNALS, "analytics", None).allowed
    assert permit(policy, Visitor(place="US-NY"), NO_SIGNALS, "analytics", None).allowed


@pytest.mark.parametrize(
    "visitor, signals, reason",
    [
        pytest.param(
            Visitor(place="US-CA", refused=frozenset({"analytics"})), NO_SIGNALS, Reason.REFUSED, id="refusal"
        ),
        pytest.param(Visitor(place="US-CA"), Signals(dnt=True), Reason.DNT, id="signal"),
        pytest.param(Visitor(place="DE", granted=frozenset({"analytics"})), NO_SIGNALS, Reason.GRANTED, id="grant"),
    ],
)
def test_everything_a_person_says_comes_before_a_regional_default(
    visitor: Visitor, signals: Signals, reason: Reason
) -> None:
    assert permit(world(), visitor, signals, "analytics", None).reason is reason


@pytest.mark.parametrize(
    "place, granted, refused",
    [
        pytest.param("DE", 182 * DAY, 182 * DAY, id="as the region says"),
        pytest.param("US-CA", 12 * 31 * DAY, 12 * 31 * DAY, id="another region"),
        pytest.param("JP", 100 * DAY, 100 * DAY, id="no region: as the policy says"),
        pytest.param("", 100 * DAY, 12 * 31 * DAY, id="unknown: permission ends first, a refusal last"),
    ],
)
def test_how_long_a_choice_holds(place: str, granted: int, refused: int) -> None:
    regions = world().regions
    assert regions.ask_again(place, 100 * DAY, min) == granted
    assert regions.ask_again(place, 100 * DAY, max) == refused


def test_without_regions_the_policy_counts_everywhere() -> None:
    assert permit(compiled(), NO_CHOICE, NO_SIGNALS, "research", None).reason is Reason.DEFAULT_ALLOWED


@pytest.mark.parametrize(
    "text, place",
    [
        pytest.param("DE", "DE", id="a country"),
        pytest.param(" de ", "DE", id="as people write it"),
        pytest.param("us-ca", "US-CA", id="a part of one"),
        pytest.param("XX", "", id="an edge that does not know"),
        pytest.param("T1", "", id="Tor"),
        pytest.param("EU", "", id="a continent"),
        pytest.param("UK", "", id="no code of a country: that is GB"),
        pytest.param("", "", id="nothing"),
        pytest.param("Germany", "", id="a name"),
        pytest.param("DE,US", "", id="a list"),
        pytest.param("US-CALIFORNIA", "", id="no code"),
    ],
)
def test_a_place_as_a_header_has_it(text: str, place: str) -> None:
    assert read_place(text) == place


def test_the_groups() -> None:
    assert (len(EU), len(EEA)) == (27, 30)
    assert expand(["EEA", "US-CA"]) == EEA | {"US-CA"}
