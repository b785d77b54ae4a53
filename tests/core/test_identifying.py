"""Which values of cookies look like identifiers."""

import pytest

from cmp.core.identifying import looks_like_identifier


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("d9b2d63d-a233-4123-847a-3f0bb0d1f2a1", id="UUID"),
        pytest.param("c7f3a9d2e8b64c51", id="hexadecimal digits"),
        pytest.param("q7Rf2dXs8sKd2", id="letters and digits"),
        pytest.param("aXbYcZdQeWfR", id="letters of no language"),
        pytest.param("GA1.2.1234567890.1600000000", id="long numbers"),
    ],
)
def test_an_identifier_is_mixed_or_a_long_number(value: str) -> None:
    assert looks_like_identifier(value)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("checkoutpayment", id="word"),
        pytest.param("checkout-and-payment", id="words"),
        pytest.param("checkoutAndPayment", id="words joined"),
        pytest.param("variant12-step-2026", id="words with numbers"),
        pytest.param("2026-11-22T06-30", id="date"),
        pytest.param("a1b2c3d4e5f", id="too short"),
        pytest.param("111111111111", id="one digit again and again"),
        pytest.param("", id="empty"),
    ],
)
def test_words_dates_and_short_values_are_none(value: str) -> None:
    assert not looks_like_identifier(value)
