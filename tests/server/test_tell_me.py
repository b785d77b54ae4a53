"""Being told of each cookie: switched on and off in the consent cookie, and never taken for a choice."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cmp.core.consent import Visitor
from cmp.core.cookies import read_cookie_header, read_set_cookie
from cmp.ledger.leaves import Part
from cmp.ledger.reading import entries
from cmp.policy.in_force import InForce
from cmp.seal.cookie import Remembered, read_cookie
from tests.server.site import NOW, Answer, Running, running, shop_policy

TELLING = {"tellMe": True, "askAgain": "6 months"}
MONTHS = 6 * 31 * 86_400


@pytest.fixture
def telling(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path, policy=shop_policy(consent=TELLING)) as found:
        yield found


def remembered(server: Running, answer: Answer) -> Remembered:
    cookies = read_cookie_header(answer.consent)
    return read_cookie(server.keys.public, server.site, cookies, server.now[0], server.policies.now)


def switch(server: Running, *, on: bool, form: bool, cookie: str = "", **fields: str) -> Answer:
    if form:
        return server.post_form("tell-me", {"tell": "on" if on else "off", "lang": "de"}, Cookie=cookie, **fields)
    return server.post_json("tell-me", {"tellMe": on}, Cookie=cookie, **fields)


@pytest.mark.parametrize("form", [True, False], ids=["form", "json"])
def test_who_has_chosen_nothing_can_be_told_and_is_still_asked(telling: Running, form: bool) -> None:
    answer = switch(telling, on=True, form=form)
    assert answer.status == (303 if form else 200)
    assert remembered(telling, answer).visitor == Visitor(tell_me=True)
    state = telling.get("state", Cookie=answer.consent).json
    assert (state["tellMe"], state["decided"], state["state"]) == (True, False, "undecided")
    (line,) = answer.set_cookies
    assert read_set_cookie(line).max_age == MONTHS
    assert [entry for part in (Part.PERSONAL, Part.UNLINKABLE) for entry in entries(telling.ledger, part)] == []


@pytest.mark.parametrize("form", [True, False], ids=["form", "json"])
def test_switching_off_without_a_choice_leaves_no_cookie(telling: Running, form: bool) -> None:
    on = switch(telling, on=True, form=form)
    off = switch(telling, on=False, form=form, cookie=on.consent)
    (line,) = off.set_cookies
    assert read_set_cookie(line).deletes(NOW)
    assert remembered(telling, off).visitor == Visitor()


def test_being_told_does_not_end_a_refusal_that_lasts(telling: Running) -> None:
    chosen = telling.post_json("choice", {"choice": "refuse"})
    telling.now[0] += 399 * 86_400
    told = switch(telling, on=True, form=True, cookie=chosen.consent)
    assert read_set_cookie(told.set_cookies[0]).max_age == 400 * 86_400
    assert remembered(telling, told).visitor.refused == {"research"}
    assert remembered(telling, told).visitor.tell_me


@pytest.mark.parametrize(
    "document",
    [{"choice": "accept"}, {"granted": ["research"]}, {"granted": ["analytics", "research"]}],
    ids=str,
)
def test_a_choice_stays_as_it_is_and_is_not_prolonged(telling: Running, document: dict[str, Any]) -> None:
    chosen = telling.post_json("choice", document)
    before = remembered(telling, chosen)
    telling.now[0] += 30 * 86_400
    told = switch(telling, on=True, form=True, cookie=chosen.consent)
    after = remembered(telling, told)
    assert after == replace(before, visitor=replace(before.visitor, tell_me=True))
    assert (read_set_cookie(told.set_cookies[0]).max_age or 0) <= MONTHS - 29 * 86_400
    back = switch(telling, on=False, form=False, cookie=told.consent)
    assert back.consent == chosen.consent
    assert len([entry for part in (Part.PERSONAL, Part.UNLINKABLE) for entry in entries(telling.ledger, part)]) == 1


def test_a_choice_made_later_keeps_it(telling: Running) -> None:
    told = switch(telling, on=True, form=False)
    chosen = telling.post_json("choice", {"choice": "refuse"}, Cookie=told.consent)
    assert chosen.json["tellMe"] is True
    assert remembered(telling, chosen).visitor.tell_me


def test_switching_keeps_even_what_no_longer_holds(telling: Running) -> None:
    chosen = telling.post_json("choice", {"choice": "accept"})
    telling.policies.swap(InForce(shop_policy(consent=TELLING, vendors=None)))
    told = switch(telling, on=True, form=False, cookie=chosen.consent)
    found = remembered(telling, told)
    assert found.lapsed == {"analytics", "comfort", "advertising", "research"}
    assert found.visitor.tell_me


def test_the_form_leads_back_and_the_page_offers_the_other_way(telling: Running) -> None:
    values = {"tell": "on", "back": "/cart", "lang": "de"}
    answer = telling.post_form("tell-me", values)
    assert (answer.status, answer.value("Location")) == (303, "/cart")
    assert switch(telling, on=True, form=True).value("Location") == "/.consent/?lang=de"
    assert 'name="tell" value="on"' in telling.get().text
    assert 'name="tell" value="off"' in telling.get(Cookie=answer.consent).text


@pytest.mark.parametrize(
    "fields, code",
    [
        ({"Sec_Fetch_Site": "cross-site"}, "cross-site"),
        ({"Sec_Fetch_Site": ""}, "unproven"),
        ({"Sec_Fetch_Site": "", "Origin": "https://evil.test"}, "cross-site"),
    ],
)
def test_only_our_own_pages_can_switch_it(telling: Running, fields: dict[str, str], code: str) -> None:
    answer = switch(telling, on=True, form=False, **fields)
    assert (answer.status, answer.code) == (403, code)
    assert answer.set_cookies == []


def test_a_form_token_will_do_for_a_browser_that_says_nothing(telling: Running) -> None:
    token = telling.get().text.partition('name="token" value="')[2].partition('"')[0]
    answer = telling.post_form("tell-me", {"tell": "on", "token": token}, Sec_Fetch_Site="")
    assert remembered(telling, answer).visitor.tell_me
    stale = telling.post_form("tell-me", {"tell": "on", "token": "1.x"}, Sec_Fetch_Site="")
    assert stale.status == 403


@pytest.mark.parametrize("body", [{}, {"tellMe": 1}, {"tellMe": True, "more": 1}, [], {"tellMe": True, "token": 1}])
def test_what_makes_no_sense_is_said(telling: Running, body: Any) -> None:
    answer = telling.post_json("tell-me", body)
    assert (answer.status, answer.code) == (400, "bad-request")
    assert telling.post_form("tell-me", {"tell": ["on", "off"]}).status == 400
    assert telling.post_form("tell-me", {}).status == 400


def test_where_it_is_not_offered_there_is_no_such_thing(server: Running) -> None:
    assert switch(server, on=True, form=False).status == 404
    assert "tell-me" not in server.get().text
