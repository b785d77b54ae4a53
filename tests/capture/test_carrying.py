"""What a request carries: data the policy limits, and the value of another host's confined cookie."""

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from cmp.capture.carrying import Carrying
from cmp.core.consent import NO_CHOICE
from cmp.core.cookies import read_set_cookie
from cmp.core.decide import decide
from cmp.core.exchange import Exchange, Kind, Phase
from cmp.core.policy import Policy, SensitiveRule
from tests.core.examples import compiled, exchange

VALUE = "d9b2d63d-a233-4123-847a-3f0bb0d1f2a1"
PACKED = base64.urlsafe_b64encode(json.dumps({"s": VALUE}).encode()).decode().rstrip("=")
SITE = "https://www.shop.test/"
TRACKER = "https://px.tracker.test/collect"
NOTHING: frozenset[str] = frozenset()
FOUND = frozenset({"cookie:chat_sid"})


def confining(**rule: Any) -> Policy:
    cookie = {"name": "chat_sid", "category": "comfort", "confined": True, **rule}
    return compiled(cookies=[cookie, {"name": "sid", "category": "necessary"}])


def limiting(*kinds: str, **changes: Any) -> Policy:
    rules = {kind: SensitiveRule(f"sensitive:{kind}", own=True) for kind in kinds}
    return replace(compiled(), sensitive=rules, **changes)


def after_the_chat(policy: Policy | None = None, value: str = VALUE) -> Carrying:
    carrying = Carrying(policy or confining())
    carrying.of(exchange(SITE, cookie=f"chat_sid={value}"))
    return carrying


# -- data


def test_a_kind_of_data_counts_only_where_the_policy_has_a_rule_for_it() -> None:
    asked = exchange(f"{TRACKER}?mail=jane@example.test&card=4539578763621486")
    assert Carrying(limiting("card-number")).of(asked) == {"card-number"}
    assert Carrying(limiting("card-number", "email-address")).of(asked) == {"card-number", "email-address"}
    assert Carrying(compiled()).of(asked) == NOTHING


def test_places_count_where_the_policy_has_a_category_for_them() -> None:
    asked = exchange(f"{TRACKER}?lat=52.5200&lon=13.4050")
    assert Carrying(limiting(location_category="comfort")).of(asked) == {"coordinates"}


def test_the_policies_that_one_is_composed_of_are_asked() -> None:
    composed = replace(compiled(), parts=(compiled(), limiting("card-number")))
    assert Carrying(composed).of(exchange(f"{TRACKER}?card=4539578763621486")) == {"card-number"}


def test_a_body_is_read_by_its_type() -> None:
    carrying = Carrying(limiting("card-number"))
    assert carrying.of(exchange(TRACKER), b"card=4539578763621486", "application/x-www-form-urlencoded") == {
        "card-number"
    }
    assert carrying.of(exchange(TRACKER), b"order_id=4539578763621486", "application/x-www-form-urlencoded") == NOTHING


def test_a_body_nobody_can_read_counts_as_carrying_everything_to_a_third_party() -> None:
    carrying = Carrying(limiting("card-number", "email-address"))
    assert carrying.of(exchange(TRACKER), None) == {"card-number", "email-address"}
    assert carrying.of(exchange(f"{SITE}upload"), None) == NOTHING


def test_data_in_the_referrer_goes_to_third_parties_too() -> None:
    carrying = Carrying(limiting("email-address"))
    referrer = f"{SITE}thanks?mail=jane%40example.test"
    assert carrying.of(replace(exchange(TRACKER), referrer=referrer)) == {"email-address"}
    assert carrying.of(replace(exchange(f"{SITE}x.js"), referrer=referrer)) == NOTHING


def test_a_policy_without_such_rules_costs_nothing() -> None:
    carrying = Carrying(compiled())
    carrying.learn(exchange(SITE, cookie=f"chat_sid={VALUE}"))
    assert (carrying.active, carrying.possible, carrying._known) == (False, (), {})


# -- confined cookies


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(f"{TRACKER}?id={VALUE}", id="a member"),
        pytest.param(f"{TRACKER}?id=x%7C{VALUE}%7Cy", id="between others in a member"),
        pytest.param(f"{TRACKER}/{VALUE}/pixel.gif", id="a segment of the path"),
        pytest.param(f"{TRACKER}?u=https%3A%2F%2Fa.test%2F%3Fs%3D{VALUE}", id="in a URL in a member"),
        pytest.param(f"{TRACKER}?d={PACKED}", id="in Base64 of JSON"),
        pytest.param(f"https://api.shop.test/?id={VALUE}", id="another host of the same site"),
    ],
)
def test_a_confined_value_is_found_in_the_url_of_another_host(url: str) -> None:
    assert after_the_chat().of(exchange(url)) == FOUND


def test_a_confined_value_is_found_in_referrer_and_body() -> None:
    asked = exchange(TRACKER)
    assert after_the_chat().of(replace(asked, referrer=f"{SITE}?s={VALUE}")) == FOUND
    assert after_the_chat().of(asked, f'{{"a":["{VALUE}"]}}'.encode(), "application/json") == FOUND
    assert after_the_chat().of_piece(asked, f'...,"s":"{VALUE}","t":'.encode()) == FOUND


@pytest.mark.parametrize(
    "value, sent",
    [
        pytest.param("s%3Aabcdef123456", "s%3Aabcdef123456", id="encoded in the cookie and sent as it stands"),
        pytest.param("s%3Aabcdef123456", "s%253Aabcdef123456", id="encoded in the cookie and once more"),
        pytest.param('"abcdef123456"', "abcdef123456", id="quoted in the cookie"),
        pytest.param("q7Rf2d+/8sKd2==", "q7Rf2d%2B%2F8sKd2%3D%3D", id="Base64"),
        pytest.param("a1c4.d7f2.g9i~1", "a1c4.d7f2.g9i~1", id="dots"),
    ],
)
def test_a_confined_value_is_found_in_every_spelling(value: str, sent: str) -> None:
    assert after_the_chat(value=value).of(exchange(f"{TRACKER}?x={sent}")) == FOUND


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(f"{SITE}api?s={VALUE}", id="its own host"),
        pytest.param(f"{TRACKER}?id={VALUE[:-1]}", id="a part of it"),
        pytest.param(f"{TRACKER}?id={VALUE}0", id="something longer"),
    ],
)
def test_a_confined_value_is_not_found(url: str) -> None:
    assert after_the_chat().of(exchange(url)) == NOTHING


def test_a_short_value_stands_anywhere_by_chance() -> None:
    assert after_the_chat(value="a1b2c3d4e5f").of(exchange(f"{TRACKER}?x=a1b2c3d4e5f")) == NOTHING
    assert after_the_chat(value="a1b2c3d4e5f6").of(exchange(f"{TRACKER}?x=a1b2c3d4e5f6")) == FOUND


@pytest.mark.parametrize("value", ["checkout", "checkout-and-payment", "order-status-2026", "checkoutAndPayment"])
def test_a_word_that_a_stranger_sends_as_a_cookie_is_stopped_nowhere(value: str) -> None:
    carrying = after_the_chat(value=value)
    assert carrying.of(exchange(f"{TRACKER}/{value}?x={value}")) == NOTHING
    assert carrying.possible == ()


def test_a_page_of_the_own_sites_opens_whatever_is_known() -> None:
    carrying = after_the_chat(replace(confining(), sites=frozenset({"shop.test"})))
    page = exchange(f"https://docs.shop.test/p/{VALUE}", kind=Kind.DOCUMENT)
    assert carrying.of(replace(page, referrer=f"https://docs.shop.test/p/{VALUE}")) == NOTHING
    assert carrying.of(exchange(f"https://docs.shop.test/?x={VALUE}", kind=Kind.DOCUMENT)) == FOUND
    assert carrying.of(replace(page, referrer=f"{SITE}?x={VALUE}")) == FOUND
    assert carrying.of(exchange(f"{TRACKER}/{VALUE}", kind=Kind.DOCUMENT)) == FOUND
    assert carrying.of(exchange(f"https://docs.shop.test/p/{VALUE}")) == FOUND


def test_of_one_value_so_many_hosts_and_names_are_remembered() -> None:
    carrying = Carrying(confining(name="chat_*"))
    for n in range(100):
        carrying.of(exchange(f"https://h{n}.shop.test/", cookie=f"chat_{n}={VALUE}"))
    (known,) = carrying._known.values()
    assert (len(known.hosts), len(known.names)) == (32, 32)


def test_a_body_nobody_can_read_may_hold_a_confined_value_that_is_known() -> None:
    assert Carrying(confining()).of(exchange(TRACKER), None) == NOTHING
    assert after_the_chat().of(exchange(TRACKER), None) == {"cookie:"}
    assert after_the_chat().of(exchange(f"{SITE}upload"), None) == NOTHING
    listed = after_the_chat(confining(hosts=["shop.test", "chat-backend.test"]))
    assert listed.of(exchange("https://eu.chat-backend.test/"), None) == NOTHING
    assert not decide(
        confining(), NO_CHOICE, replace(exchange(f"{SITE}x"), carries=frozenset({"cookie:"}))
    ).ruling.allowed


def test_a_cookie_that_is_not_confined_may_be_sent() -> None:
    carrying = Carrying(confining())
    carrying.of(exchange(SITE, cookie=f"sid={VALUE}"))
    assert carrying.of(exchange(f"{TRACKER}?id={VALUE}")) == NOTHING


def answered(url: str, set_cookie: str) -> Exchange:
    return replace(exchange(url), phase=Phase.RESPONSE, set_cookies=(read_set_cookie(set_cookie),))


def test_a_cookie_is_known_from_the_answer_that_sets_it() -> None:
    carrying = Carrying(confining())
    carrying.learn(answered(SITE, f"chat_sid={VALUE}; Path=/"))
    assert carrying.of(exchange(f"{TRACKER}?id={VALUE}")) == FOUND
    assert carrying.of(exchange(f"https://api.shop.test/?id={VALUE}")) == FOUND


def test_a_cookie_of_the_domain_belongs_to_its_hosts() -> None:
    carrying = Carrying(confining())
    carrying.learn(answered(SITE, f"chat_sid={VALUE}; Domain=.shop.test"))
    assert carrying.of(exchange(f"https://api.shop.test/?id={VALUE}")) == NOTHING
    # A domain that is not the host's own is none.
    carrying.learn(answered(SITE, "chat_sid=012345678901; Domain=tracker.test"))
    assert carrying.of(exchange(f"{TRACKER}?id=012345678901")) == FOUND


def test_a_cookie_belongs_to_the_hosts_of_its_rule_and_of_its_vendor() -> None:
    listed = after_the_chat(confining(hosts=["shop.test", "chat-backend.test"]))
    assert listed.of(exchange(f"https://eu.chat-backend.test/?s={VALUE}")) == NOTHING
    assert listed.of(exchange(f"{TRACKER}?s={VALUE}")) == FOUND
    vendor = {
        "id": "talk",
        "name": "Talk",
        "category": "comfort",
        "hosts": ["chat.test"],
        "cookies": [{"name": "chat_sid", "confined": True}],
    }
    vendors = after_the_chat(compiled(vendors=[vendor]))
    assert vendors.of(exchange(f"https://api.chat.test/?s={VALUE}")) == NOTHING


def test_the_oldest_values_are_forgotten_and_used_ones_stay() -> None:
    carrying = Carrying(confining(), remembered=2)
    for value in ("a1b2c3d4e5-1", "a1b2c3d4e5-2", "a1b2c3d4e5-1", "a1b2c3d4e5-3"):
        carrying.of(exchange(SITE, cookie=f"chat_sid={value}"))
    left = [n for n in (1, 2, 3) if carrying.of(exchange(f"{TRACKER}?x=a1b2c3d4e5-{n}"))]
    assert left == [1, 3]


def test_no_value_is_kept_in_clear() -> None:
    carrying = after_the_chat()
    kept = repr(carrying._known)
    assert VALUE not in kept
    assert hashlib.blake2b(VALUE.encode(), digest_size=16).digest() not in carrying._known


def test_the_same_exchanges_give_the_same_answers() -> None:
    asked = [exchange(SITE, cookie=f"chat_sid={VALUE}"), exchange(f"{TRACKER}?id={VALUE}"), exchange(f"{TRACKER}?x=1")]
    one, other = Carrying(confining()), Carrying(confining())
    assert [one.of(each) for each in asked] == [other.of(each) for each in asked] == [NOTHING, FOUND, NOTHING]
