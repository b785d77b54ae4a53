"""Who may change something: the table, then over HTTP."""

from collections.abc import Mapping

import pytest

from cmp.ledger.leaves import Part
from cmp.ledger.reading import entries
from cmp.seal.form_token import make_token
from cmp.server.same_origin import Sender, sender_of
from tests.server.site import NOW, ORIGIN, Running

SITE, FROM, PAGE = "sec-fetch-site", "origin", "referer"
OWN = f"{ORIGIN}/page"
THEIRS = "https://evil.test"


@pytest.mark.parametrize(
    "fields, sender",
    [
        # Fetch metadata decides where a browser sends it.
        ({SITE: ["same-origin"]}, Sender.OURS),
        ({SITE: ["same-origin"], FROM: [ORIGIN]}, Sender.OURS),
        # A page with Referrer-Policy: no-referrer.
        ({SITE: ["same-origin"], FROM: ["null"]}, Sender.OURS),
        ({SITE: ["same-site"], FROM: [ORIGIN]}, Sender.FOREIGN),
        ({SITE: ["cross-site"]}, Sender.FOREIGN),
        ({SITE: ["cross-site"], FROM: [ORIGIN], PAGE: [OWN]}, Sender.FOREIGN),
        # A sandboxed frame of anybody's.
        ({SITE: ["cross-site"], FROM: ["null"]}, Sender.FOREIGN),
        ({SITE: ["none"]}, Sender.UNPROVEN),
        ({SITE: ["none"], FROM: [ORIGIN]}, Sender.FOREIGN),
        ({SITE: ["none"], FROM: [THEIRS]}, Sender.FOREIGN),
        ({SITE: ["same-origin", "cross-site"]}, Sender.FOREIGN),
        ({SITE: ["same-origin", "same-origin"]}, Sender.FOREIGN),
        ({SITE: ["none", "same-origin"]}, Sender.FOREIGN),
        ({SITE: [""]}, Sender.FOREIGN),
        ({SITE: ["Same-Origin"]}, Sender.FOREIGN),
        # Without it, Origin.
        ({FROM: [ORIGIN]}, Sender.OURS),
        ({FROM: [ORIGIN], PAGE: [f"{THEIRS}/"]}, Sender.OURS),
        ({FROM: [THEIRS]}, Sender.FOREIGN),
        ({FROM: [THEIRS], PAGE: [OWN]}, Sender.FOREIGN),
        ({FROM: ["http://www.shop.test"]}, Sender.FOREIGN),
        ({FROM: ["https://www.shop.test:8443"]}, Sender.FOREIGN),
        ({FROM: ["https://www.shop.test.evil.test"]}, Sender.FOREIGN),
        ({FROM: [f"{ORIGIN}/"]}, Sender.FOREIGN),
        ({FROM: [ORIGIN, ORIGIN]}, Sender.FOREIGN),
        ({FROM: [ORIGIN, "null"]}, Sender.FOREIGN),
        ({FROM: [""]}, Sender.FOREIGN),
        ({FROM: ["null"]}, Sender.UNPROVEN),
        ({FROM: ["null"], PAGE: [OWN]}, Sender.UNPROVEN),
        # Without that too, Referer.
        ({PAGE: [OWN]}, Sender.OURS),
        ({PAGE: [ORIGIN]}, Sender.OURS),
        ({PAGE: [f"{THEIRS}/?{OWN}"]}, Sender.FOREIGN),
        ({PAGE: ["https://www.shop.test@evil.test/"]}, Sender.FOREIGN),
        ({PAGE: ["no address"]}, Sender.FOREIGN),
        ({PAGE: [OWN, f"{THEIRS}/"]}, Sender.FOREIGN),
        ({}, Sender.UNPROVEN),
    ],
)
def test_who_sent_it(fields: Mapping[str, list[str]], sender: Sender) -> None:
    assert sender_of(fields, ORIGIN) is sender


def nothing_stored(server: Running) -> bool:
    return not any(list(entries(server.ledger, part)) for part in (Part.PERSONAL, Part.UNLINKABLE))


@pytest.mark.parametrize("name", ["choice", "withdraw"])
@pytest.mark.parametrize("form", [False, True])
def test_what_another_site_sends_is_refused(server: Running, name: str, form: bool) -> None:
    token = make_token(server.keys.form_secret, server.site.audience, NOW)
    send = server.post_form if form else server.post_json
    answer = send(name, {"choice": "refuse", "token": token}, Sec_Fetch_Site="cross-site", Origin=THEIRS)
    assert answer.status == 403
    assert answer.set_cookies == []
    assert form or answer.code == "cross-site"
    assert nothing_stored(server)


@pytest.mark.parametrize("origin", ["null", ""])
def test_without_proof_a_token_takes_permission_away_and_gives_none(server: Running, origin: str) -> None:
    token = make_token(server.keys.form_secret, server.site.audience, NOW)

    def post(**values: str) -> int:
        return server.post_form("choice", values, Sec_Fetch_Site="", Origin=origin).status

    assert post(choice="refuse") == 403
    assert post(choice="refuse", token="1.abc") == 403
    assert post(choice="accept", token=token) == 403
    assert nothing_stored(server)
    assert post(choice="refuse", token=token) == 303


def test_an_old_token_is_told_apart(server: Running) -> None:
    token = make_token(server.keys.form_secret, server.site.audience, NOW - 14 * 3600)
    answer = server.post_json("withdraw", {"token": token}, Sec_Fetch_Site="", Origin="null")
    assert (answer.status, answer.code) == (403, "stale-form")
    answer = server.post_json("withdraw", {}, Sec_Fetch_Site="")
    assert (answer.status, answer.code) == (403, "unproven")


def test_a_form_without_proof_is_answered_with_the_page_to_go_on_from(server: Running) -> None:
    answer = server.post_form("choice", {"choice": "accept", "back": "/cart", "lang": "de"}, Sec_Fetch_Site="")
    assert answer.status == 403
    assert "Ihr Browser sagt nicht" in answer.text
    assert 'action="/.consent/choice"' in answer.text
    assert 'href="/cart"' in answer.text


def test_the_pages_token_is_one_that_holds(server: Running) -> None:
    token = server.get().text.partition('name="token" value="')[2].partition('"')[0]
    answer = server.post_form("withdraw", {"token": token}, Sec_Fetch_Site="", Origin="null")
    assert answer.status == 303
