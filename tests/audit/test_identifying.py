"""What in a cookie may tell one person from another, and what looks like it and does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp.audit.identifying import identifying_parts
from tests.sampled import examples

IDENTIFIERS = [
    pytest.param("7f3a9c21be44", ("7f3a9c21be44",), id="hexadecimal"),
    pytest.param("KBj6rbe8", ("KBj6rbe8",), id="eight-characters"),
    pytest.param("234141124076077577", ("234141124076077577",), id="digits"),
    pytest.param(
        "3cb779f4-9f4a-4491-9f65-91c7fd7a484a", ("3cb779f4-9f4a-4491-9f65-91c7fd7a484a",), id="uuid-is-one-part"
    ),
    pytest.param("GA1.2.1031955057.1453646506", ("1031955057.1453646506",), id="client-id-without-its-prefix"),
    pytest.param("ID=fc056fd8b4550a7f:T=1450618993:S=x", ("fc056fd8b4550a7f",), id="within-fields"),
    pytest.param("%7B%22id%22%3A%227f3a9c21be44%22%7D", ("7f3a9c21be44",), id="percent-encoded-json"),
    pytest.param("%257B7f3a9c21be44%257D", ("7f3a9c21be44",), id="percent-encoded-twice"),
    pytest.param("DJtwxCDOpYdgkDeIpWqa", ("DJtwxCDOpYdgkDeIpWqa",), id="letters-that-no-word-has"),
    pytest.param("7f3a9c21be44|7f3a9c21be44", ("7f3a9c21be44",), id="each-once"),
]


@pytest.mark.parametrize("value,parts", IDENTIFIERS)
def test_parts_that_may_identify(value: str, parts: tuple[str, ...]) -> None:
    assert identifying_parts(value) == parts


NONE = [
    pytest.param("", id="empty"),
    pytest.param("7f3a9c2", id="seven-characters"),
    pytest.param("accepted_everything", id="words"),
    pytest.param("CheckForPermission", id="words-in-camel-case"),
    pytest.param("SignInState1st", id="words-with-a-digit"),
    pytest.param("variant12", id="word-and-number"),
    pytest.param("1753430022", id="time"),
    pytest.param("1753430022123", id="time-in-milliseconds"),
    pytest.param("20260301120000", id="day-and-time"),
    pytest.param("2026-03-01T12-00", id="date"),
    pytest.param("01-Mar-2026", id="date-in-words"),
    pytest.param("zh-Hant-TW", id="language"),
    pytest.param("1920x1080", id="size"),
    pytest.param("10-2-3-4567", id="version"),
    pytest.param("UA-12345678-1", id="account-at-a-counter"),
    pytest.param("GTM-K3ZT9X2", id="container-of-a-tag-manager"),
    pytest.param("https%3A%2F%2Fsite.test%2Fa7f3a9c21be44", id="address"),
    pytest.param("SE:AB:Stockholm:59.33:18.06:v4", id="place"),
    pytest.param("1111111111111111", id="one-digit"),
    pytest.param("aaaabbbbaaaa1212", id="four-characters"),
]


@pytest.mark.parametrize("value", NONE)
def test_values_that_are_the_same_for_many(value: str) -> None:
    assert identifying_parts(value) == ()


@examples(40, 200)
@given(st.text())
def test_parts_stand_in_any_value_and_nothing_raises(value: str) -> None:
    assert all(len(part) >= 8 for part in identifying_parts(value))
