"""The desk's rules, one by one: addresses, days, links, states, small groups, what a policy offers."""

import base64
import hmac
from collections.abc import Callable, Mapping
from datetime import date
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmp.desk.address import mailbox, masked, normalised
from cmp.desk.days import after_business_days, day_of, is_overdue
from cmp.desk.keying import link_secret, people_secret, person_of
from cmp.desk.link import Link, make_token, read_token
from cmp.desk.offer import offer_of
from cmp.desk.states import FOLLOWING, KINDS, NEEDS_IDENTITY, SETTLED, State, first_state
from cmp.desk.suppression import suppressed
from tests.desk.offer import NOW, SECRET, desk_policy


@pytest.mark.parametrize(
    "text, address",
    [
        ("ann@shop.test", "ann@shop.test"),
        (" ann@shop.test\t", "ann@shop.test"),
        ("ann@SHOP.Test", "ann@shop.test"),
        ("Ann@shop.test", "Ann@shop.test"),
        ("ann+tag@shop.test", "ann+tag@shop.test"),
        ("o'hara@shop.test", "o'hara@shop.test"),
        ("ann@bücher.test", "ann@xn--bcher-kva.test"),
        ("ann@BÜCHER.test", "ann@xn--bcher-kva.test"),
        ("jürgen@shop.test", "jürgen@shop.test"),
        ("ju\u0308rgen@shop.test", "jürgen@shop.test"),
        ("ann", None),
        ("@shop.test", None),
        ("ann@", None),
        ("ann@localhost", None),
        ("ann@shop..test", None),
        ("ann@-shop.test", None),
        ("ann@shop.test.", None),
        (".ann@shop.test", None),
        ("a..n@shop.test", None),
        ("an n@shop.test", None),
        ("ann@shop.test,bob@shop.test", None),
        ("ann@shop.test\nBcc: bob@shop.test", None),
        ("<ann@shop.test>", None),
        ('"ann"@shop.test', None),
        ("a\u202enn@shop.test", None),
        ("a\u200bnn@shop.test", None),
        ("a\0@shop.test", None),
        ("\ud800@shop.test", None),
        ("a" * 65 + "@shop.test", None),
        ("a@" + "b" * 64 + ".test", None),
        ("a@" + "bcd." * 70 + "test", None),
        ("", None),
    ],
)
def test_an_address_has_one_spelling_or_is_none(text: str, address: str | None) -> None:
    assert normalised(text) == address


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_an_address_for_good_or_not_at_all(text: str) -> None:
    found = normalised(text)
    assert found is None or normalised(found) == found


def test_one_mailbox_is_one_person_however_it_is_written() -> None:
    assert mailbox("Ann@shop.test") == mailbox("aNN@shop.test")
    names = {person_of(SECRET, text) for text in ("ann@shop.test", " ANN@Shop.test", "Ann@SHOP.TEST ")}
    assert len(names) == 1
    assert names.isdisjoint({person_of(SECRET, "bob@shop.test"), person_of(b"t" * 32, "ann@shop.test")})
    assert person_of(SECRET, "+49 30  123") == person_of(SECRET, " +49 30 123 ")


def test_each_use_has_a_secret_of_its_own() -> None:
    assert len({SECRET, people_secret(SECRET), link_secret(SECRET)}) == 3


def test_a_masked_address_keeps_the_first_letter_and_the_domain() -> None:
    assert masked("ann@shop.test") == "a…@shop.test"


MONDAY, WEDNESDAY, FRIDAY = date(2026, 10, 5), date(2026, 10, 7), date(2026, 10, 9)
SATURDAY, SUNDAY = date(2026, 10, 10), date(2026, 10, 11)


@pytest.mark.parametrize(
    "start, days, due",
    [
        (WEDNESDAY, 0, WEDNESDAY),
        (WEDNESDAY, 1, date(2026, 10, 8)),
        (WEDNESDAY, 2, FRIDAY),
        (WEDNESDAY, 3, date(2026, 10, 12)),
        (WEDNESDAY, 10, date(2026, 10, 21)),
        (MONDAY, 10, date(2026, 10, 19)),
        (FRIDAY, 1, date(2026, 10, 12)),
        (FRIDAY, 10, date(2026, 10, 23)),
        (SATURDAY, 1, date(2026, 10, 12)),
        (SATURDAY, 10, date(2026, 10, 23)),
        (SUNDAY, 10, date(2026, 10, 23)),
        # A year and a leap day in between.
        (date(2027, 12, 30), 2, date(2028, 1, 3)),
        (date(2028, 2, 25), 3, date(2028, 3, 1)),
    ],
)
def test_business_days_leave_out_saturdays_and_sundays(start: date, days: int, due: date) -> None:
    assert after_business_days(start, days) == due


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 60))
def test_so_many_business_days_lie_between_start_and_due(start: date, days: int) -> None:
    due = after_business_days(start, days)
    between = (date.fromordinal(n) for n in range(start.toordinal() + 1, due.toordinal() + 1))
    assert sum(day.weekday() < 5 for day in between) == days
    assert due.weekday() < 5


def test_the_due_day_itself_is_in_time() -> None:
    assert [is_overdue(FRIDAY, day) for day in (WEDNESDAY, FRIDAY, SATURDAY)] == [False, False, True]
    assert day_of(NOW) == WEDNESDAY


LINK = Link("surveys", "acme", "ann@shop.test")


def test_a_link_says_list_client_and_address() -> None:
    token = make_token(SECRET, LINK)
    assert read_token(SECRET, token) == LINK
    assert make_token(SECRET, LINK) == token
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_a_link_shows_nobody_the_address() -> None:
    token = make_token(SECRET, LINK)
    sealed = base64.urlsafe_b64decode(token[1:] + "=" * (-len(token[1:]) % 4))
    assert b"ann" not in sealed
    assert b"shop" not in sealed
    # Two addresses of different length look alike.
    other = make_token(SECRET, Link("surveys", "acme", "anneliese@shop.test"))
    assert len(other) == len(token)
    assert sum(one == another for one, another in zip(token, other, strict=True)) < len(token) / 4


@pytest.mark.parametrize("address", ["jürgen@shop.test", "o'hara@shop.test", "a" * 64 + "@" + "b" * 60 + ".test"])
def test_any_address_fits_a_link(address: str) -> None:
    link = Link("surveys", "", address)
    assert read_token(SECRET, make_token(SECRET, link)) == link


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40), st.integers(0, 40))
def test_what_was_not_signed_here_is_no_link(left: str, right: str, at: int) -> None:
    token = make_token(SECRET, LINK)
    for text in (left + right, f"1{right}", token[:at] + left + token[at:], left):
        assert (read_token(SECRET, text) is None) == (text != token)


def test_every_changed_character_of_a_link_is_noticed() -> None:
    token = make_token(SECRET, LINK)
    for at in range(len(token)):
        for other in "Aa0-.":
            if other != token[at]:
                assert read_token(SECRET, token[:at] + other + token[at + 1 :]) is None


def test_another_secret_reads_no_link() -> None:
    assert read_token(b"t" * 32, make_token(SECRET, LINK)) is None


def test_a_links_signature_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    real = hmac.compare_digest

    def compare(one: Any, other: Any) -> bool:
        seen.append(other)
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    token = make_token(SECRET, LINK)
    read_token(SECRET, token)
    assert seen == [base64.urlsafe_b64decode(token[1:] + "=" * (-len(token[1:]) % 4))[:32]]


def test_which_state_may_follow_which() -> None:
    allowed = {(one.value, other.value) for one, other in product(State, State) if other in FOLLOWING[one]}
    assert allowed == {
        ("identity-check", "open"),
        ("identity-check", "referred"),
        ("identity-check", "declined"),
        ("identity-check", "withdrawn"),
        ("open", "identity-check"),
        ("open", "referred"),
        ("open", "answered"),
        ("open", "declined"),
        ("open", "withdrawn"),
        ("referred", "open"),
        ("referred", "answered"),
        ("referred", "declined"),
        ("referred", "withdrawn"),
    }
    assert {state.value for state in SETTLED} == {"answered", "declined", "withdrawn"}


def test_what_a_stranger_could_misuse_waits_for_the_identity_check() -> None:
    waiting = {kind for kind in KINDS if first_state(kind, identity_check=True) is State.IDENTITY_CHECK}
    assert waiting == {"access", "correct", "erase", "restrict", "port"} == NEEDS_IDENTITY
    assert {first_state(kind, identity_check=False) for kind in KINDS} == {State.OPEN}


@pytest.mark.parametrize(
    "counts, groups, total",
    [
        pytest.param({"a": 30, "b": 20}, {"a": 30, "b": 20}, 50, id="all large"),
        pytest.param({"a": 30, "b": 20, "c": 9}, {"a": 30, "b": None, "c": None}, 59, id="one small takes the next"),
        pytest.param({"a": 30, "b": 6, "c": 5}, {"a": 30, "b": None, "c": None}, 41, id="two small hide each other"),
        pytest.param({"a": 30, "b": 2, "c": 3}, {"a": None, "b": None, "c": None}, 35, id="two small are not enough"),
        pytest.param({"a": 30, "b": 40, "c": 2, "d": 3}, {"a": None, "b": 40, "c": None, "d": None}, 75, id="a third"),
        pytest.param({"a": 3, "b": 4}, {"a": None, "b": None}, None, id="all of them few"),
        pytest.param({"a": 9}, {"a": None}, None, id="one small group"),
        pytest.param({"a": 10}, {"a": 10}, 10, id="just large enough"),
        pytest.param({"a": 30, "b": 0}, {"a": None, "b": None}, 30, id="an empty group is small"),
        pytest.param({}, {}, None, id="nobody"),
    ],
)
def test_small_groups_are_left_out_and_do_not_follow(
    counts: dict[str, int], groups: dict[str, int | None], total: int | None
) -> None:
    table = suppressed(counts, 10)
    assert (table.groups, table.total) == (groups, total)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 60)), st.integers(2, 20))
def test_no_small_group_can_be_worked_out_from_what_is_told(counts: dict[str, int], smallest: int) -> None:
    table = suppressed(counts, smallest)
    told = {name: count for name, count in table.groups.items() if count is not None}
    hidden = [counts[name] for name in counts if name not in told]
    assert all(count >= smallest and counts[name] == count for name, count in told.items())
    if table.total is None:
        assert told == {}
    elif hidden:
        # What follows is the sum of the hidden: of several groups, and itself of no small one.
        assert len(hidden) > 1
        assert table.total - sum(told.values()) == sum(hidden) >= smallest


def test_a_document_that_names_nothing_offers_nothing() -> None:
    offer = offer_of({})
    assert offer.anything is False
    assert (offer.rights, offer.notices, offer.keep_records, offer.smallest_group) == (None, None, None, None)


def test_what_the_whole_document_offers() -> None:
    offer = offer_of(desk_policy().document)
    assert offer.anything is True
    assert [one.due_business_days for one in offer.opt_outs.values()] == [10, 10]
    assert [purpose.can_stop for purpose in offer.purposes.values()] == [True, False, True]
    assert offer.clients == {"acme": "Acme", "bolt": "Bolt"}
    assert (offer.keep_records, offer.minimum_age) == (5 * 366 * 86_400, 16)


@pytest.mark.parametrize(
    "key, absent",
    [
        ("optOuts", lambda offer: offer.opt_outs == {}),
        ("rights", lambda offer: offer.rights is None),
        ("purposes", lambda offer: offer.purposes == {}),
        ("dataSubjects", lambda offer: offer.subjects == {}),
        ("notices", lambda offer: offer.notices is None),
        ("desk", lambda offer: not (offer.clients or offer.record_source or offer.disclosures or offer.access_log)),
    ],
)
def test_what_is_taken_out_is_not_offered(key: str, absent: Callable[[Any], bool]) -> None:
    whole: Mapping[str, Any] = desk_policy().document
    assert not absent(offer_of(whole))
    assert absent(offer_of({name: value for name, value in whole.items() if name != key}))
