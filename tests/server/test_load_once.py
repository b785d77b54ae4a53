"""A vendor's content that is loaded once: by a press on our own button, that content alone, and nothing is kept."""

import re
from urllib.parse import urlencode

import pytest

from tests.server.site import ORIGIN, Running

CONTENT = "https://chat.test/room?a=1&b=2"
OURS = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}


def token(server: Running) -> str:
    found: list[str] = re.findall(r'name="token" value="([^"]+)"', server.get("embed/chat").text)
    return found[0]


def once(server: Running, of: str = CONTENT, vendor: str = "chat", **fields: str) -> tuple[int, str, str, list[str]]:
    body = urlencode({"of": of, "token": fields.pop("token", token(server)), "lang": "en"}).encode()
    headers = {**OURS, **{name.replace("_", "-"): value for name, value in fields.items()}}
    answer = server.ask("POST", f"/.consent/embed/{vendor}", headers, body)
    return answer.status, answer.text, answer.value("Content-Security-Policy"), answer.set_cookies


def test_the_placeholder_offers_it_for_what_would_have_been_there(server: Running) -> None:
    text = server.ask("GET", "/.consent/embed/chat?of=https%3A%2F%2Fchat.test%2Froom%3Fa%3D1%26b%3D2").text
    assert "Load Chat once" in text
    assert 'action="/.consent/embed/chat"' in text
    assert 'name="of" value="https://chat.test/room?a=1&amp;b=2"' in text


def test_the_frame_then_holds_the_content_and_may_ask_its_vendor_alone(server: Running) -> None:
    status, text, csp, cookies = once(server)
    assert status == 200
    assert 'src="https://chat.test/room?a=1&amp;b=2"' in text
    assert "default-src 'none'" in csp
    assert "frame-src chat.test:* *.chat.test:*" in csp
    assert "frame-ancestors 'self'" in csp
    assert cookies == []


NOT_ITS = {
    "another vendor's": "https://stats.test/x",
    "nobody's": "https://nobody.test/x",
    "no address": "javascript:alert(1)",
    "a page without TLS": "http://chat.test/room",
    "nothing": "",
    "the site's own": f"{ORIGIN}/x",
}


@pytest.mark.parametrize("of", NOT_ITS.values(), ids=NOT_ITS)
def test_nothing_else_is_loaded_or_offered(server: Running, of: str) -> None:
    status, text, _, _ = once(server, of)
    assert status == 400
    assert "<iframe" not in text
    assert "once" not in server.ask("GET", f"/.consent/embed/chat?of={of.replace(' ', '%20')}").text


def test_another_site_cannot_press_the_button(server: Running) -> None:
    assert once(server, Sec_Fetch_Site="cross-site")[0] == 403


def test_a_form_that_is_not_ours_loads_nothing(server: Running) -> None:
    assert once(server, token="1.x")[0] >= 400


def test_an_unknown_vendor_loads_nothing(server: Running) -> None:
    assert once(server, vendor="nobody")[0] == 404


def test_a_vendor_that_no_visitor_can_choose_is_never_loaded(server: Running) -> None:
    assert once(server, "https://pay.test/x", vendor="pay")[0] == 400
