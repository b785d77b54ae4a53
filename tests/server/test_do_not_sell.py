"""Opting out of sale and sharing: a link and a form of their own, which take away what the GPC signal does."""

from collections.abc import Iterator

import pytest

from cmp.core.consent import Visitor
from cmp.core.signals import NO_SIGNALS
from cmp.wire.banner import banner_html
from tests.server.site import OPTIONAL, Running, running, shop_policy


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("shop")) as found:
        yield found


def test_it_refuses_what_global_privacy_control_would_and_nothing_else(shop: Running) -> None:
    chosen = shop.post_json("choice", {"choice": "accept"})
    found = shop.post_json("do-not-sell", {}, Cookie=chosen.consent).json
    assert found["refused"] == ["advertising"]
    assert found["granted"] == sorted(set(OPTIONAL) - {"advertising"})


def test_a_company_granted_on_its_own_goes_with_its_category(shop: Running) -> None:
    chosen = shop.post_json("choice", {"vendors": {"granted": ["ads", "chat"]}})
    found = shop.post_json("do-not-sell", {}, Cookie=chosen.consent).json
    assert found["granted"] == ["vendor:chat"]
    assert "advertising" in found["refused"]


def test_who_chose_nothing_is_still_asked_about_the_rest(shop: Running) -> None:
    found = shop.post_json("do-not-sell", {}).json
    assert (found["decided"], found["granted"], found["refused"]) == (False, [], ["advertising"])


def test_a_policy_that_says_nothing_of_the_signal_refuses_everything(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(tmp_path_factory.mktemp("silent"), policy=shop_policy(signals=None)) as server:
        assert server.post_json("do-not-sell", {}).json["refused"] == sorted(OPTIONAL)


def test_it_prolongs_nothing_that_was_granted_before(shop: Running) -> None:
    chosen = shop.post_json("choice", {"choice": "accept"})
    shop.now[0] += 100 * 86_400
    found = shop.post_json("do-not-sell", {}, Cookie=chosen.consent)
    shop.now[0] += 100 * 86_400
    later = shop.get("state", Cookie=found.consent).json
    assert later["granted"] == []
    assert [one["allowed"] for one in later["categories"] if one["id"] == "advertising"] == [False]


def test_the_page_does_it_with_one_button_and_says_that_it_is_honoured(shop: Running) -> None:
    page = shop.get("do-not-sell?lang=en", Accept="text/html")
    assert "<li>Advertising</li>" in page.text
    assert "<script" not in page.text
    assert page.text.count("<button>") == 1
    done = shop.post_form("do-not-sell", {"lang": "en", "back": "/cart"})
    assert (done.status, done.value("Location")) == (303, "/cart")
    again = shop.get("do-not-sell?lang=en", Accept="text/html", Cookie=done.consent)
    assert "Opt-out request honoured." in again.text


@pytest.mark.parametrize(
    "choices, signal, honoured",
    [
        pytest.param([], {}, False, id="nobody asked"),
        pytest.param([], {"Sec_GPC": "1"}, True, id="the signal alone is a request"),
        pytest.param([], {"Sec_GPC": "true"}, False, id="another value is none"),
        pytest.param([{"choice": "refuse"}], {}, True, id="all refused"),
        pytest.param([{"choice": "accept"}], {"Sec_GPC": "1"}, True, id="the signal outweighs an older grant"),
        pytest.param([{"choice": "accept"}], {}, False, id="granted"),
        pytest.param([{"granted": ["analytics"]}], {}, True, id="not among what was granted"),
        pytest.param(
            [{"choice": "refuse"}, {"vendors": {"granted": ["ads"]}}], {}, False, id="one company allowed afterwards"
        ),
        pytest.param(
            [{"choice": "refuse"}, {"vendors": {"granted": ["chat"]}}],
            {},
            True,
            id="one that has nothing to do with it",
        ),
    ],
)
def test_a_request_is_said_to_be_honoured_where_one_holds_for_every_company(
    shop: Running, choices: list[dict[str, object]], signal: dict[str, str], honoured: bool
) -> None:
    cookie = ""
    for choice in choices:
        cookie = shop.post_json("choice", choice, Cookie=cookie).consent
    assert shop.get("do-not-sell", Cookie=cookie, **signal).json["optedOut"] is honoured
    page = shop.get("do-not-sell?lang=en", Accept="text/html", Cookie=cookie, **signal)
    assert ("Opt-out request honoured." in page.text) is honoured


def test_a_browser_that_says_nothing_of_itself_can_opt_out_with_the_pages_token(shop: Running) -> None:
    chosen = shop.post_json("choice", {"choice": "accept"})
    token = shop.get("do-not-sell", Accept="text/html").text.partition('name="token" value="')[2].partition('"')[0]
    sent = shop.post_form("do-not-sell", {"token": token}, Sec_Fetch_Site="", Cookie=chosen.consent)
    assert sent.status == 303
    assert shop.get("state", Cookie=sent.consent).json["refused"] == ["advertising"]


def test_another_site_cannot_opt_anybody_out(shop: Running) -> None:
    assert shop.post_form("do-not-sell", {}, Sec_Fetch_Site="cross-site").status == 403


@pytest.mark.parametrize("place, shown", [("US-CA", True), ("US", True), ("DE", False), ("", False)])
@pytest.mark.parametrize("refused", [frozenset(), frozenset(OPTIONAL)], ids=["asked", "decided"])
def test_the_banner_links_to_it_for_visitors_from_the_united_states(
    place: str, shown: bool, refused: frozenset[str]
) -> None:
    visitor = Visitor(refused=refused, place=place)
    html = banner_html(shop_policy(), visitor, NO_SIGNALS, "en", reserved="/.consent/")
    assert ('href="/.consent/do-not-sell?lang=en"' in html) is shown
