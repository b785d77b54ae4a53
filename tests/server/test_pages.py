"""What can be read: the preferences page, embeds, state, assets, and what every answer carries."""

import gzip
import logging
from pathlib import Path

import pytest

from cmp import resources
from cmp.ledger.statistics import statistics_of
from cmp.server import headers, state
from cmp.wire.shorten import shorter_script, shorter_style
from tests.server.site import NOW, OPTIONAL, ORIGIN, Running, running, shop_policy

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "consentry",
}


@pytest.mark.parametrize(
    "method, target",
    [
        ("GET", "/.consent/"),
        ("GET", "/.consent/state"),
        ("GET", "/.consent/embed/chat"),
        ("GET", "/.consent/guard.js"),
        ("GET", "/.consent/banner.js"),
        ("GET", "/.consent/banner.css"),
        ("GET", "/.consent/health"),
        ("GET", "/nothing"),
        ("POST", "/.consent/choice"),
        ("POST", "/.consent/health"),
    ],
)
def test_every_answer_is_kept_from_frames_sniffers_and_caches(server: Running, method: str, target: str) -> None:
    answer = server.ask(method, target)
    assert {name: answer.value(name) for name in EVERYWHERE} == EVERYWHERE
    assert "frame-ancestors 'self'" in answer.value("Content-Security-Policy")
    if target.endswith((".js", ".css")):
        assert "no-store" not in answer.value("Cache-Control")
    else:
        assert answer.value("Cache-Control") == "no-store"
    # A script's address must not let another origin read it.
    assert not answer.values("Access-Control-Allow-Origin")


def test_asking_sets_no_cookie(server: Running) -> None:
    for name in ("", "state", "embed/chat", "guard.js", "banner.js", "banner.css", "health"):
        assert server.get(name).set_cookies == []


def test_health(server: Running) -> None:
    assert server.get("health").json == {"ok": True}


def test_state_of_somebody_who_has_not_chosen(server: Running) -> None:
    found = server.get("state", Accept_Language="de").json
    assert found["ok"] is True
    assert (found["decided"], found["granted"], found["refused"]) == (False, [], [])
    assert found["state"] == "undecided"
    assert found["signals"] == {"gpc": False, "dnt": None}
    assert found["policy"] == {"id": "shop", "version": "1", "fingerprint": server.policy.fingerprint}
    research = {"id": "research", "title": "DE research", "necessary": False, "allowed": True}
    assert {**research, "reason": "default-allowed"} in found["categories"]


def test_signals_come_from_the_request(server: Running) -> None:
    found = server.get("state", Sec_GPC="1, 1", DNT="0x").json
    assert found["signals"] == {"gpc": True, "dnt": False}
    by_id = {category["id"]: category["reason"] for category in found["categories"]}
    assert by_id["advertising"] == "gpc"
    assert server.get("state", Sec_GPC="true", DNT="1").json["signals"] == {"gpc": False, "dnt": True}


# ------------------------------------------------------------------------------------------------------ languages


@pytest.mark.parametrize(
    "target, accept, language",
    [
        ("/.consent/", "", "en"),
        ("/.consent/", "de", "de"),
        ("/.consent/", "de-AT,en;q=0.5", "de"),
        ("/.consent/", "fr, de;q=0.1", "de"),
        ("/.consent/", "fr", "en"),
        ("/.consent/?lang=de", "en", "de"),
        ("/.consent/?lang=xx", "de", "de"),
        ("/.consent/?lang=%22%3E%3Cscript%3E", "en", "en"),
        ("/.consent/embed/chat?lang=de", "", "de"),
    ],
)
def test_pages_speak_the_visitors_language(server: Running, target: str, accept: str, language: str) -> None:
    answer = server.ask("GET", target, {"Accept-Language": accept} if accept else {})
    assert f'<html lang="{language}">' in answer.text


def test_problems_speak_it_too(server: Running) -> None:
    answer = server.post_json("choice", {"granted": ["spying"]}, Accept_Language="de")
    assert answer.json["error"]["message"] == "Eine solche Kategorie steht nicht zur Wahl: 'spying'"


@pytest.mark.parametrize("language", ["de", "de-AT"])
def test_a_page_about_a_problem_is_german_throughout(tmp_path: Path, language: str) -> None:
    policy = shop_policy(languages=["de"], title={"de": "Datenschutz"})
    with running(tmp_path, policy=policy) as server:
        page = server.post_form("choice", {"choice": "maybe", "lang": language})
        told = server.post_json("choice", {"choice": "maybe"})
    assert "Die Anfrage ist nicht zu verstehen" in page.text
    assert "choice is" not in page.text
    assert "choice is" in told.json["error"]["message"]


# ---------------------------------------------------------------------------------------------------------- pages


def test_the_preferences_page_works_without_a_script(server: Running) -> None:
    chosen = server.post_json("choice", {"granted": ["analytics"]})
    answer = server.ask("GET", "/.consent/?back=/cart", {"Cookie": chosen.consent})
    assert answer.value("Content-Type") == "text/html; charset=utf-8"
    assert '<form class="consentry-form" method="post" action="/.consent/choice">' in answer.text
    assert "<script" not in answer.text
    assert 'value="analytics" checked' in answer.text
    assert 'value="advertising">' in answer.text
    assert 'name="back" value="/cart"' in answer.text
    assert 'name="choice" value="refuse"' in answer.text


@pytest.mark.parametrize("back", ["//evil.test", "https://evil.test", '/"><script>', "javascript:alert(1)"])
def test_a_way_back_out_of_the_site_or_the_markup_is_none(server: Running, back: str) -> None:
    text = server.ask("GET", f"/.consent/?back={back.replace(' ', '%20')}").text
    assert "evil.test" not in text
    assert "<script" not in text
    assert "javascript:" not in text


def test_an_embed_page_names_the_vendor_and_calls_nobody(server: Running) -> None:
    answer = server.get("embed/chat", Referer=f"{ORIGIN}/help")
    assert answer.status == 200
    assert "Chat" in answer.text
    assert 'name="vendor" value="chat"' in answer.text
    assert 'name="back" value="/help"' in answer.text
    assert answer.value("Content-Security-Policy") != headers.PAGE_CSP
    assert "default-src 'none'" in answer.value("Content-Security-Policy")
    assert "chat.test" not in answer.value("Content-Security-Policy")
    assert 'value="/x"' in server.ask("GET", "/.consent/embed/chat?back=/x", {"Referer": f"{ORIGIN}/help"}).text


def test_an_unknown_vendor_has_no_embed(server: Running) -> None:
    answer = server.get("embed/nobody", Accept="text/html")
    assert answer.status == 404
    assert answer.value("Content-Type") == "text/html; charset=utf-8"
    assert "There is nothing here" in answer.text


# --------------------------------------------------------------------------------------------------------- assets


@pytest.mark.parametrize("name, media_type", [("banner.js", "text/javascript"), ("banner.css", "text/css")])
def test_files_are_served_in_few_bytes_and_cached(server: Running, name: str, media_type: str) -> None:
    answer = server.get(name)
    shorter = shorter_script if name.endswith(".js") else shorter_style
    assert answer.body.decode() == shorter((resources.static() / name).read_text("utf-8"))
    assert b"/*" not in answer.body
    assert answer.value("Content-Type") == f"{media_type}; charset=utf-8"
    assert "max-age=" in answer.value("Cache-Control")
    again = server.get(name, If_None_Match=answer.value("ETag"))
    assert (again.status, again.body) == (304, b"")
    assert server.get(name, If_None_Match='"other"').status == 200
    assert server.get(name, If_None_Match=f'W/"x", W/{answer.value("ETag")}').status == 304


@pytest.mark.parametrize("asked", ["gzip", "br, GZIP;q=0.5", "deflate,gzip"])
@pytest.mark.parametrize("name", ["guard.js", "banner.js", "banner.css"])
def test_files_are_packed_for_who_can_unpack_them(server: Running, name: str, asked: str) -> None:
    plain, packed = server.get(name), server.get(name, Accept_Encoding=asked)
    assert packed.value("Content-Encoding") == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert packed.value("ETag") != plain.value("ETag")
    assert server.get(name, Accept_Encoding=asked, If_None_Match=packed.value("ETag")).status == 304
    assert server.get(name, Accept_Encoding=asked, If_None_Match=plain.value("ETag")).status == 200


@pytest.mark.parametrize("asked", ["", "br", "gzip;q=0", "gzip;q=0.0, br", "x-gzipped"])
def test_files_are_plain_for_who_cannot(server: Running, asked: str) -> None:
    assert not server.get("guard.js", Accept_Encoding=asked).values("Content-Encoding")


def test_the_guard_is_the_visitors_own(server: Running) -> None:
    nobody = server.get("guard.js")
    assert nobody.value("Cache-Control") == "private, no-cache"
    assert nobody.value("Vary") == "Accept-Encoding, Cookie, Sec-GPC, DNT, Sec-Fetch-Site"
    accepted = server.get("guard.js", Cookie=server.post_json("choice", {"choice": "accept"}).consent)
    assert accepted.body != nobody.body
    assert accepted.value("ETag") != nobody.value("ETag")
    assert server.get("guard.js", If_None_Match=nobody.value("ETag")).status == 304
    with_gpc = server.get("guard.js", Sec_GPC="1")
    assert with_gpc.status == 200


def test_a_frame_in_a_sandbox_gets_the_guard_of_a_refusal_and_so_does_every_other_site(server: Running) -> None:
    refused = server.get("guard.js", Cookie=server.post_json("choice", {"choice": "refuse"}).consent)
    accepted = server.post_json("choice", {"choice": "accept"}).consent
    boxed = server.get("guard.js", Cookie=accepted, Sec_Fetch_Site="cross-site")
    assert boxed.body == refused.body
    assert boxed.value("Cross-Origin-Resource-Policy") == "cross-origin"
    assert refused.value("Cross-Origin-Resource-Policy") == "same-origin"
    assert not boxed.values("Set-Cookie")


# --------------------------------------------------------------------------------------- counted, and nothing more


def test_who_only_looks_is_counted(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.get()
        server.get()
        server.get("embed/chat")
        server.get("guard.js", Sec_GPC="1")
        refused = server.post_json("choice", {"choice": "refuse"}).consent
        server.get("guard.js", Cookie=refused, DNT="1")
        file = server.ledger
    (counted,) = statistics_of(file).counted.values()
    assert counted == {
        "preferences.shown": 2,
        "embed.shown": 1,
        "notice.shown": 1,
        "signal.gpc": 1,
        "signal.dnt": 1,
    }


def test_what_nobody_foresaw_is_answered_and_logged_without_a_person(
    server: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_arguments: object) -> None:
        raise RuntimeError("marker-of-a-person")

    monkeypatch.setattr(state, "state_of", fail)
    with caplog.at_level(logging.DEBUG):
        answer = server.get("state", X_Marker="marker-of-a-person")
    assert (answer.status, answer.code) == (500, "internal")
    assert "RuntimeError" in caplog.text
    assert "marker" not in caplog.text + answer.text
    assert "127.0.0.1" not in caplog.text


def test_what_is_no_http_is_logged_without_an_address(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = server.ask("GET", "/.consent/state", [("Content-Length", "marker")])
    assert answer.status == 400
    assert "127.0.0.1" not in caplog.text
    assert "marker" not in caplog.text


def test_nothing_is_logged_of_ordinary_visits(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        server.get()
        server.post_json("choice", {"choice": "accept"})
        server.post_json("choice", {"granted": ["x"]})
    assert [record for record in caplog.records if record.name.startswith(("consentry", "aiohttp"))] == []


def test_all_optional_categories_are_of_the_shop(server: Running) -> None:
    assert server.policy.optional_categories == OPTIONAL
    assert NOW > 0
