"""A first policy out of what was found and what was answered."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp.core.policy import Policy
from cmp.policy.catalogue import catalogue
from cmp.policy.drafting import (
    CATEGORIES,
    LANGUAGES,
    SIGNALS,
    Answers,
    FoundCookie,
    draft,
    lifetime_text,
    proposed_site,
    site_host,
    vendor_key,
)
from cmp.policy.lints import Level, advice_of, subject_of
from cmp.policy.load import find_faults, policy_of
from cmp.policy.presets import PRESETS
from tests.sampled import examples

TODAY, NOW = "2026-10-01", 1_790_812_800.0
DAY = 86_400


def answers(**changes: Any) -> Answers:
    given: Mapping[str, Any] = {
        "name": "Example Ltd",
        "contact": "privacy@shop.example",
        "preset": "eu",
        "sites": ("shop.example",),
        "languages": ("en", "de"),
        "cookies": {"sid": "necessary", "_hjid": "analytics"},
        "vendors": {"hotjar": "analytics", "stripe": "necessary", "pictures.example": "functional"},
        "signals": frozenset(SIGNALS),
        "keep_records": "5 years",
        "minimum_age": None,
    }
    return Answers(**{**given, **changes})


def compiled(*cookies: FoundCookie, **changes: Any) -> Policy:
    return policy_of(draft(answers(**changes), cookies, TODAY), "draft.json")


def test_a_draft_has_no_fault_and_nothing_worse_than_a_note() -> None:
    document = draft(answers(cookies={"sid": "necessary"}), [FoundCookie("sid", "session", "necessary")], TODAY)
    assert find_faults(document) == []
    advice = advice_of(subject_of(document, policy_of(document, "draft.json"), NOW))
    assert [found for found in advice if found.level is not Level.NOTE] == []


def test_it_begins_by_looking_on_and_lets_nothing_undeclared_pass_later() -> None:
    policy = compiled()
    assert (policy.mode, policy.unknown_host, policy.unknown_cookie) == ("observe", "deny", "deny")


def test_it_has_the_categories_that_are_used() -> None:
    assert list(compiled().categories) == ["necessary", "functional", "analytics"]
    assert list(compiled(cookies={}, vendors={}).categories) == ["necessary"]


def test_a_vendor_of_the_catalogue_is_adopted_and_one_of_another_category_declared() -> None:
    document = draft(answers(vendors={"hotjar": "analytics", "stripe": "functional"}), [], TODAY)
    assert document["catalogue"] == {"adopt": ["hotjar"]}
    assert document["vendors"] == [{"id": "stripe", "catalogue": "stripe", "category": "functional"}]


def test_a_host_becomes_a_vendor_with_an_id_of_its_own() -> None:
    document = draft(answers(vendors={"a-b.example": "functional", "a.b.example": "social"}), [], TODAY)
    assert [(vendor["id"], vendor["hosts"]) for vendor in document["vendors"]] == [
        ("a-b-example", ["a-b.example"]),
        ("a-b-example-2", ["a.b.example"]),
    ]


def test_a_cookie_that_comes_with_its_vendor_is_not_listed_twice() -> None:
    found = [FoundCookie("_hjid", "365 days", "analytics", "hotjar"), FoundCookie("sid", "session", "necessary")]
    document = draft(answers(), found, TODAY)
    assert document["cookies"] == [{"name": "sid", "category": "necessary", "lifetime": "session"}]
    apart = draft(answers(vendors={}), found, TODAY)
    assert [cookie["name"] for cookie in apart["cookies"]] == ["sid", "_hjid"]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(
    "signals", [frozenset(), frozenset({"gpc"}), frozenset({"dnt"}), frozenset(SIGNALS)], ids=sorted
)
def test_the_signals_that_were_named_count_whatever_the_preset_says(preset: str, signals: frozenset[str]) -> None:
    policy = compiled(preset=preset, signals=signals)
    counting = {name for name, rule in policy.signals.items() if rule.denies}
    assert counting == signals


def test_age_and_retention_are_written_where_they_were_named() -> None:
    document = draft(answers(minimum_age=16, keep_records="24 months"), [], TODAY)
    assert document["consent"] == {"keepRecords": "24 months", "minimumAge": 16}
    assert "minimumAge" not in draft(answers(), [], TODAY)["consent"]


names = st.text(min_size=1, max_size=200).filter(str.isprintable).filter(str.strip)
hosts = st.sampled_from(["a.example", "b.co.uk", "xn--bcher-kva.example", "127.0.0.1", "localhost", "c_d.test"])
categories = st.sampled_from(CATEGORIES)


@examples(40, 200)
@given(
    st.builds(
        Answers,
        name=names,
        contact=st.sampled_from(["", "a@b.example", "https://a.example/x"]),
        preset=st.sampled_from(sorted(PRESETS)),
        sites=st.lists(hosts, max_size=3, unique=True).map(tuple),
        languages=st.lists(st.sampled_from(LANGUAGES), min_size=1, unique=True).map(tuple),
        cookies=st.dictionaries(st.sampled_from(["sid", "_ga", "_ga_*", "a.b", "__Host-x"]), categories),
        vendors=st.dictionaries(st.one_of(st.sampled_from(sorted(catalogue())), hosts), categories, max_size=6),
        signals=st.frozensets(st.sampled_from(SIGNALS)),
        keep_records=st.just("5 years"),
        minimum_age=st.one_of(st.none(), st.integers(13, 21)),
    )
)
def test_whatever_was_answered_the_draft_has_no_fault(answered: Answers) -> None:
    document = draft(answered, [FoundCookie("_ga", "13 months", "analytics", "google-analytics")], TODAY)
    assert find_faults(document) == []


@pytest.mark.parametrize(
    "seconds, text",
    [
        pytest.param(None, "session", id="no lifetime"),
        pytest.param(1, "1 second", id="a second"),
        pytest.param(59.2, "60 seconds", id="rounded up"),
        pytest.param(1800, "30 minutes", id="minutes"),
        pytest.param(1.5 * DAY, "2 days", id="a day and a half"),
        pytest.param(400 * DAY, "400 days", id="the longest"),
        pytest.param(401 * DAY, "13 months", id="longer than browsers keep it"),
        pytest.param(1e12, "13 months", id="without end"),
    ],
)
def test_a_lifetime_is_written_as_policies_do(seconds: float | None, text: str) -> None:
    assert lifetime_text(seconds) == text


@pytest.mark.parametrize(
    "host, site",
    [
        pytest.param("www.shop.example", "shop.example", id="site"),
        pytest.param("www.shop.co.uk", "shop.co.uk", id="two labels"),
        pytest.param("127.0.0.1", "127.0.0.1", id="address"),
        pytest.param("localhost", "localhost", id="one label"),
        pytest.param("github.io", "", id="public suffix"),
        pytest.param("[::1]", "", id="no name"),
    ],
)
def test_the_site_of_a_host_is_proposed(host: str, site: str) -> None:
    assert proposed_site(host) == site


@pytest.mark.parametrize("text", ["stripe", "px.tracker.example", "Bücher.example"])
def test_a_vendor_is_named_by_id_or_host(text: str) -> None:
    assert vendor_key(text) in ("stripe", "px.tracker.example", "xn--bcher-kva.example")


@pytest.mark.parametrize("text", ["no-such-vendor", "co.uk", "a b.example", "x;y.example", ""])
def test_what_no_policy_can_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no |is a public suffix|forbidden"):
        vendor_key(text)


def test_a_public_suffix_is_nobodys_site() -> None:
    with pytest.raises(ValueError, match="public suffix"):
        site_host("co.uk")
