"""When a form token holds."""

import pytest

from cmp.seal.form_token import make_token, token_holds

SECRET = b"s" * 32
NOW = 1_791_376_496.0
HOUR = 3600


def test_it_holds_for_half_a_day() -> None:
    token = make_token(SECRET, "www.shop.test", NOW)
    assert token_holds(SECRET, "www.shop.test", token, NOW)
    assert token_holds(SECRET, "www.shop.test", token, NOW + 12 * HOUR)
    assert not token_holds(SECRET, "www.shop.test", token, NOW + 14 * HOUR)


def test_it_tells_nobody_apart() -> None:
    start = NOW // HOUR * HOUR
    assert make_token(SECRET, "a", start) == make_token(SECRET, "a", start + HOUR - 1)


def test_it_holds_neither_before_nor_elsewhere_nor_under_another_secret() -> None:
    token = make_token(SECRET, "www.shop.test", NOW)
    assert not token_holds(SECRET, "www.shop.test", token, NOW - HOUR)
    assert not token_holds(SECRET, "other.test", token, NOW)
    assert not token_holds(b"t" * 32, "www.shop.test", token, NOW)


@pytest.mark.parametrize(
    "text", ["", ".", "1.", "-1.ab", "٣.ab", "9" * 300 + ".ab", "497604.é", "497604.\udc80", "497604", " 497604.ab"]
)
def test_what_is_no_token_does_not_hold(text: str) -> None:
    assert not token_holds(SECRET, "www.shop.test", text, NOW)
