"""Texts exist in every language, and the language picked is the one the visitor asked for."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmp.policy.catalogue import catalogue
from cmp.wire import words
from cmp.wire.words import LANGUAGES, company_name, country_name, pick_language, spoken, text_of, word


@pytest.mark.parametrize(
    "header, offered, expected",
    [
        pytest.param("", ["en", "de"], "en", id="no header: the first offered"),
        pytest.param("de", ["en", "de"], "de", id="plain"),
        pytest.param("DE", ["en", "de"], "de", id="case does not matter"),
        pytest.param("de-AT,de;q=0.9,en;q=0.8", ["en", "de"], "de", id="a region falls back to its language"),
        pytest.param("de", ["en", "de-CH"], "de-CH", id="a language takes a region of it"),
        pytest.param("de-CH", ["de", "de-CH"], "de-CH", id="exact before shortened"),
        pytest.param("en;q=0.3, de;q=0.7", ["en", "de"], "de", id="by quality, not by place"),
        pytest.param("en;q=0.7, de;q=0.7", ["de", "en"], "en", id="same quality: by place in the header"),
        pytest.param("fr, de;q=0.1", ["en", "de"], "de", id="a language we do not have is passed over"),
        pytest.param("fr", ["en", "de"], "en", id="none we have"),
        pytest.param("en;q=0, *", ["en", "de"], "de", id="q=0 refuses one, the star takes another"),
        pytest.param("en;q=0", ["en"], "en", id="refusing all still gets an answer"),
        pytest.param("*;q=0.1, de;q=0.5", ["en", "de"], "de", id="star last"),
        pytest.param("de;q=abc, en", ["de", "en"], "en", id="an unreadable quality is no wish"),
        pytest.param("de;q=2, en", ["de", "en"], "en", id="nor one above 1"),
        pytest.param("de ; q = 0.9 , en ; q=0.8", ["en", "de"], "de", id="spaces"),
        pytest.param("den", ["en", "de"], "en", id="a prefix ends at a hyphen"),
        pytest.param(",,;q=1,", ["en", "de"], "en", id="empty ranges"),
        pytest.param("x" * 100_000 + ",de", ["en", "de"], "en", id="a huge header is cut"),
    ],
)
def test_picks_the_language_asked_for(header: str, offered: list[str], expected: str) -> None:
    assert pick_language(header, offered) == expected


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.text(max_size=60), st.lists(st.sampled_from(["en", "de", "de-CH", "fr"]), min_size=1, max_size=4))
def test_any_header_picks_one_that_is_offered(header: str, offered: list[str]) -> None:
    assert pick_language(header, offered) in offered


def test_every_text_is_there_in_every_language_with_the_same_blanks() -> None:
    for row in words._TABLE:
        assert len(row) == 1 + len(LANGUAGES)
        assert len({tuple(sorted(re.findall(r"{\w+}", text))) for text in row[1:]}) == 1, row[0]
    assert len({row[0] for row in words._TABLE}) == len(words._TABLE)


@pytest.mark.parametrize("language, expected", [("en", "en"), ("de-AT", "de"), ("fr", "en"), ("", "en")])
def test_speaks_english_where_it_does_not_know_the_language(language: str, expected: str) -> None:
    assert spoken(language) == expected
    assert word(language, "accept") == word(expected, "accept")


def test_every_country_of_the_catalogue_has_a_name() -> None:
    codes = {vendor.get("country", "ZZ") for vendor in catalogue().values()}
    for language in LANGUAGES:
        assert not [code for code in codes if country_name(language, code) == code]
    assert country_name("en", "XK") == "XK"


def test_what_a_site_sets_itself_is_nobodys_and_said_in_the_visitors_language() -> None:
    companies = {vendor.get("company", "") for vendor in catalogue().values()}
    assert "The site itself" in companies
    assert company_name("de", "The site itself") == "die Seite selbst"
    assert company_name("de", "Acme") == "Acme"


@pytest.mark.parametrize(
    "texts, language, expected",
    [
        ({"en": "a", "de": "b"}, "de", "b"),
        ({"en": "a", "de": "b"}, "de-AT", "b"),
        ({"en": "a"}, "fr", "a"),
        ({"fr": "c"}, "de", "c"),
        ({}, "de", ""),
    ],
)
def test_policy_texts_come_in_the_nearest_language(texts: dict[str, str], language: str, expected: str) -> None:
    assert text_of(texts, language) == expected
