"""Choosing and withdrawing: what is answered, remembered and stored, the same for scripts and forms."""

import re
from pathlib import Path
from typing import Any

import pytest

from cmp.core.consent import Visitor, permit
from cmp.core.cookies import read_cookie_header, read_set_cookie
from cmp.core.decision import Reason
from cmp.core.signals import Signals
from cmp.ledger.leaves import Part
from cmp.ledger.ledger import Ledger
from cmp.ledger.reading import Entry, entries
from cmp.ledger.verify import verify
from cmp.seal.cookie import Remembered, read_cookie, write_cookie
from cmp.seal.holding import DAY, terms_of
from cmp.seal.keys import make_keys
from cmp.seal.site import ConsentSite, Scope
from tests.server.site import NOW, OPTIONAL, ORIGIN, Answer, Running, running, shop_policy

SOME = ["analytics", "comfort"]
OTHERS = sorted(set(OPTIONAL) - set(SOME))


def remembered(server: Running, answer: Answer) -> Remembered:
    cookies = read_cookie_header(answer.consent)
    return read_cookie(server.keys.public, server.site, cookies, NOW, server.policy)


def stored(server: Running) -> list[Entry]:
    return [entry for part in (Part.PERSONAL, Part.UNLINKABLE) for entry in entries(server.ledger, part)]


@pytest.mark.parametrize(
    "document, values, granted",
    [
        ({"choice": "accept"}, {"choice": "accept"}, sorted(OPTIONAL)),
        ({"choice": "refuse"}, {"choice": "refuse"}, []),
        ({"granted": SOME}, {"choice": "save", "category": SOME}, SOME),
        ({"granted": []}, {"choice": "save"}, []),
        (
            {"granted": SOME, "vendors": {"granted": ["ads", "stats"]}},
            {"choice": "save", "category": SOME, "vendor": ["ads", "stats"]},
            ["analytics", "comfort", "vendor:ads"],
        ),
    ],
)
def test_a_script_and_a_form_choose_alike(
    tmp_path: Path, document: dict[str, Any], values: dict[str, Any], granted: list[str]
) -> None:
    keys = make_keys(tmp_path / "keys.json")
    cookies, kinds = [], []
    for name in ("json", "form"):
        folder = tmp_path / name
        folder.mkdir()
        with running(folder, keys=keys) as server:
            if name == "json":
                answer = server.post_json("choice", document)
                assert answer.status == 200
                assert answer.json["ok"] is True
                assert answer.json["granted"] == granted
                assert answer.json["decided"] is True
            else:
                answer = server.post_form("choice", values)
                assert answer.status == 303
            state = server.get("state", Cookie=answer.consent).json
            assert state["granted"] == granted
            found = remembered(server, answer)
            assert (found.record != "") == bool(granted)
            cookies.append(found.visitor)
            kinds.append([(entry.part, entry.kind) for entry in stored(server)])
    assert cookies[0] == cookies[1]
    assert kinds[0] == kinds[1] == [(Part.PERSONAL, "given") if granted else (Part.UNLINKABLE, "refused")]


def test_the_state_answered_is_the_state_asked_for_later(server: Running) -> None:
    answer = server.post_json("choice", {"granted": SOME})
    assert server.get("state", Cookie=answer.consent).json == answer.json
    allowed = {category["id"]: category["allowed"] for category in answer.json["categories"]}
    assert [id_ for id_ in OPTIONAL if allowed[id_]] == ["comfort", "analytics"]
    assert allowed["necessary"] is True
    assert allowed["profiling"] is False


def test_a_consent_is_stored_with_everything_it_rests_on(server: Running) -> None:
    answer = server.post_json(
        "choice", {"granted": SOME, "surface": "preferences", "language": "de"}, Sec_GPC="1", DNT="0"
    )
    (entry,) = stored(server)
    assert entry.payload is not None
    notice = entry.payload["notice"]
    assert re.fullmatch("[0-9a-f]{16}", notice)
    assert entry.payload == {
        "format": 2,
        "person": remembered(server, answer).record,
        "kind": "given",
        "at": round(NOW * 1000),
        "until": entry.payload["until"],
        "policy": server.policy.fingerprint,
        "policy_version": "1",
        "notice": notice,
        "surface": "preferences",
        "buttons": ["accept", "refuse", "save"],
        "source": "json",
        "language": "de",
        "granted": SOME,
        "refused": OTHERS,
        "gpc": True,
        "dnt": False,
    }
    # 182 days from the day of the choice on, to the end of the last one.
    assert entry.payload["until"] / 1000 == NOW // 86_400 * 86_400 + 183 * 86_400


def test_changes_of_a_consent_stay_one_persons(server: Running) -> None:
    first = server.post_json("choice", {"choice": "accept"})
    second = server.post_json("choice", {"granted": SOME}, Cookie=first.consent)
    third = server.post_json("withdraw", {}, Cookie=second.consent)
    record = remembered(server, first).record
    assert record
    assert remembered(server, second).record == record
    assert remembered(server, third).record == ""
    assert third.json["granted"] == []
    assert third.json["refused"] == sorted(OPTIONAL)
    kinds = [(entry.kind, entry.payload["person"]) for entry in stored(server) if entry.payload]
    assert kinds == [("given", record), ("changed", record), ("withdrawn", record)]


def test_refusing_after_a_consent_withdraws_it(server: Running) -> None:
    given = server.post_json("choice", {"choice": "accept"})
    server.post_form("choice", {"choice": "refuse"}, Cookie=given.consent)
    assert [(entry.part, entry.kind) for entry in stored(server)] == [
        (Part.PERSONAL, "given"),
        (Part.PERSONAL, "withdrawn"),
    ]


@pytest.mark.parametrize("form", [False, True])
def test_withdrawing_without_a_consent_refuses_and_belongs_to_nobody(server: Running, form: bool) -> None:
    answer = server.post_form("withdraw", {}) if form else server.post_json("withdraw", {})
    assert remembered(server, answer).visitor.refused == set(OPTIONAL)
    assert [(entry.part, entry.kind) for entry in stored(server)] == [(Part.UNLINKABLE, "withdrawn")]


def test_a_consent_of_another_ledger_can_be_withdrawn(server: Running, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with running(tmp_path / "other", keys=server.keys) as other:
        given = other.post_json("choice", {"choice": "accept"})
    assert server.post_json("withdraw", {}, Cookie=given.consent).status == 200
    assert [(entry.part, entry.kind) for entry in stored(server)] == [(Part.UNLINKABLE, "withdrawn")]


def test_a_single_vendor_is_added_to_what_holds(server: Running) -> None:
    refused = server.post_json("choice", {"choice": "refuse"})
    values = {"vendor": "chat", "surface": "embed", "back": "/help?a=1"}
    answer = server.post_form("choice", values, Cookie=refused.consent)
    assert (answer.status, answer.value("Location")) == (303, "/help?a=1")
    found = remembered(server, answer).visitor
    assert found.granted == {"vendor:chat"}
    assert found.refused == set(OPTIONAL)


def test_a_single_vendor_leaves_the_rest_undecided(server: Running) -> None:
    answer = server.post_json("choice", {"vendors": {"granted": ["chat"]}})
    assert answer.json["granted"] == ["vendor:chat"]
    assert answer.json["refused"] == []
    assert answer.json["decided"] is False


GPC = {"Sec_GPC": "1"}


def allowed(server: Running, cookie: str, **fields: str) -> dict[str, str]:
    found = server.get("state", Cookie=cookie, **fields).json["categories"]
    return {one["id"]: one["reason"] for one in found if one["id"] in ("analytics", "advertising")}


def test_a_vendor_allowed_now_takes_no_earlier_grant_past_a_signal(server: Running) -> None:
    accepted = server.post_json("choice", {"granted": ["analytics", "advertising"]})
    assert allowed(server, accepted.consent, **GPC) == {"analytics": "granted", "advertising": "gpc"}
    clicked = server.post_json("choice", {"vendors": {"granted": ["chat"]}}, Cookie=accepted.consent, **GPC)
    assert clicked.json["granted"] == ["advertising", "analytics", "vendor:chat"]
    assert allowed(server, clicked.consent, **GPC) == {"analytics": "granted", "advertising": "gpc"}
    assert allowed(server, clicked.consent)["advertising"] == "granted"


def test_a_vendor_the_signal_denies_loads_alone(server: Running) -> None:
    accepted = server.post_json("choice", {"granted": ["analytics", "advertising"]})
    clicked = server.post_json("choice", {"vendors": {"granted": ["ads"]}}, Cookie=accepted.consent, **GPC)
    assert clicked.json["granted"] == ["analytics", "vendor:ads"]
    assert allowed(server, clicked.consent, **GPC) == {"analytics": "granted", "advertising": "gpc"}
    visitor = remembered(server, clicked).visitor
    found = permit(server.policy, visitor, Signals(gpc=True), "advertising", "ads")
    assert found.reason is Reason.GRANTED_OVER_SIGNAL


def test_a_grant_made_under_the_signal_stays_beside_a_vendor(server: Running) -> None:
    accepted = server.post_json("choice", {"choice": "accept"}, **GPC)
    clicked = server.post_json("choice", {"vendors": {"granted": ["chat"]}}, Cookie=accepted.consent, **GPC)
    assert allowed(server, clicked.consent, **GPC)["advertising"] == "granted-over-signal"
    without = server.post_json("choice", {"vendors": {"granted": ["chat"]}}, Cookie=accepted.consent)
    assert allowed(server, without.consent, **GPC)["advertising"] == "gpc"


def test_a_signal_no_grant_outweighs_is_no_reason_to_drop_one(server: Running) -> None:
    accepted = server.post_json("choice", {"granted": ["analytics", "advertising"]})
    clicked = server.post_json("choice", {"vendors": {"granted": ["ads"]}}, Cookie=accepted.consent, DNT="1")
    assert clicked.json["granted"] == ["advertising", "analytics"]
    assert allowed(server, clicked.consent, DNT="1") == {"analytics": "dnt", "advertising": "dnt"}


def test_a_vendor_allowed_now_prolongs_no_earlier_grant(server: Running) -> None:
    accepted = server.post_json("choice", {"granted": ["analytics"]})
    server.now[0] += 170 * DAY
    clicked = server.post_json("choice", {"vendors": {"granted": ["chat"]}}, Cookie=accepted.consent)
    assert clicked.json["granted"] == ["analytics", "vendor:chat"]
    server.now[0] += 100 * DAY
    assert server.get("state", Cookie=clicked.consent).json["granted"] == []


def test_beside_refusals_alone_a_vendor_holds_its_own_time(server: Running) -> None:
    refused = server.post_json("choice", {"choice": "refuse"})
    server.now[0] += 170 * DAY
    clicked = server.post_json("choice", {"vendors": {"granted": ["chat"]}}, Cookie=refused.consent)
    server.now[0] += 100 * DAY
    assert server.get("state", Cookie=clicked.consent).json["granted"] == ["vendor:chat"]


def test_an_earlier_grant_keeps_the_terms_it_was_given_under(server: Running) -> None:
    # As a version of the program wrote it that counted other facts as terms.
    old = Visitor(granted=frozenset({"analytics"}), decided_at=NOW, policy=server.policy.fingerprint)
    value = write_cookie(server.keys, server.site, old, terms={"analytics": "0" * 8})
    cookie = f"{server.site.cookie_name}={value}"
    clicked = server.post_json("choice", {"vendors": {"granted": ["chat"]}}, Cookie=cookie)
    written = remembered(server, clicked).written
    assert written is not None
    assert written.terms == {"analytics": "0" * 8, **terms_of(server.policy, ["vendor:chat"])}


def test_a_forged_cookie_changes_nothing_of_a_choice(server: Running, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with running(tmp_path / "other") as other:
        forged = other.post_json("choice", {"choice": "accept"}).consent
    assert server.get("state", Cookie=forged).json["state"] == "undecided"
    answer = server.post_json("choice", {"vendors": {"granted": ["chat"]}}, Cookie=forged)
    assert answer.json["granted"] == ["vendor:chat"]


# ------------------------------------------------------------------------------------------------ what is no choice


@pytest.mark.parametrize(
    "document, code, named",
    [
        ({}, "bad-request", "nothing was chosen"),
        ({"choice": "maybe"}, "bad-request", "accept"),
        ({"choice": "save"}, "bad-request", "accept"),
        ({"choice": "accept", "granted": []}, "bad-request", "granted"),
        ({"vendors": {"granted": 1}}, "bad-request", "list of ids"),
        ({"vendors": {"granted": None}}, "bad-request", "list of ids"),
        ({"granted": ["analytics", "spying"]}, "unknown-category", "spying"),
        ({"granted": ["necessary"]}, "unknown-category", "necessary"),
        ({"granted": ["profiling"]}, "unknown-category", "profiling"),
        ({"granted": ["vendor:chat"]}, "unknown-category", "vendor:chat"),
        ({"granted": ["<script>\r\n"]}, "unknown-category", r"<script>\r\n"),
        ({"granted": "analytics"}, "bad-request", "granted"),
        ({"granted": [1]}, "bad-request", "ids"),
        ({"granted": None}, "bad-request", "granted"),
        ({"vendors": {"granted": ["nobody"]}}, "unknown-vendor", "nobody"),
        ({"vendors": {"granted": ["pay"]}}, "unknown-vendor", "pay"),
        ({"vendors": {"granted": ["profiler"]}}, "unknown-vendor", "profiler"),
        ({"vendors": ["chat"]}, "bad-request", "vendors"),
        ({"grant": ["analytics"]}, "bad-request", "grant"),
        ({"choice": "accept", "surface": "elsewhere"}, "bad-request", "surface"),
        ([], "bad-request", "object"),
        ("accept", "bad-request", "object"),
    ],
)
def test_what_makes_no_sense_is_said_and_not_stored(server: Running, document: Any, code: str, named: str) -> None:
    answer = server.post_json("choice", document)
    assert (answer.status, answer.code) == (400, code)
    assert named in answer.json["error"]["message"]
    assert answer.set_cookies == []
    assert stored(server) == []


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"choice":"refuse","choice":"accept"}', b"[" * 16_000, b"\xff", b"NaN", b'{"a":' * 3_000],
)
def test_what_is_no_json_is_said(server: Running, body: bytes) -> None:
    answer = server.post("choice", body, "application/json")
    assert (answer.status, answer.code) == (400, "bad-request")


@pytest.mark.parametrize(
    "values",
    [{}, {"choice": "maybe"}, {"choice": ["accept", "refuse"]}, {"choice": "save", "category": "spying"}],
)
def test_a_form_that_makes_no_sense_is_answered_with_a_page(server: Running, values: dict[str, Any]) -> None:
    answer = server.post_form("choice", values)
    assert answer.status == 400
    assert answer.value("Content-Type").startswith("text/html")
    assert answer.set_cookies == []
    assert stored(server) == []


def test_where_everything_is_necessary_there_is_nothing_to_choose(tmp_path: Path) -> None:
    policy = shop_policy(
        categories={"necessary": {"basis": "necessary", "title": {"en": "Necessary", "de": "Notwendig"}}},
        vendors=None,
        cookies=None,
        signals=None,
    )
    with running(tmp_path, policy=policy) as server:
        assert server.post_json("choice", {"choice": "refuse"}).code == "nothing-to-choose"
        assert server.post_json("withdraw", {}).code == "nothing-to-choose"
        assert server.get("state").json["decided"] is True
        assert server.get().status == 200


# ------------------------------------------------------------------------------------------- where a form's answer is


def test_a_form_leads_back_to_its_page(server: Running) -> None:
    answer = server.post_form("choice", {"choice": "accept", "back": "/cart?item=1&x=ä"})
    assert (answer.status, answer.value("Location")) == (303, "/cart?item=1&x=%C3%A4")


@pytest.mark.parametrize(
    "back",
    [
        "",
        "//evil.test/",
        "https://evil.test/",
        f"{ORIGIN}/x",
        "/\\evil.test",
        "/\t/evil.test",
        "/.//evil.test",
        "x\r\nA: b",
    ],
)
def test_a_form_leads_nowhere_else(server: Running, back: str) -> None:
    answer = server.post_form("choice", {"choice": "refuse", "back": back, "lang": "de"})
    assert (answer.status, answer.value("Location")) == (303, "/.consent/?saved=1&lang=de")
    page = server.ask("GET", answer.value("Location"), {"Cookie": answer.consent})
    assert "Ihre Auswahl ist gespeichert." in page.text


@pytest.mark.parametrize("in_frame", [{"Sec_Fetch_Dest": "iframe"}, {}])
def test_a_form_that_is_answered_in_a_frame_leaves_the_page_alone(server: Running, in_frame: dict[str, str]) -> None:
    values = {"choice": "accept", "lang": "de"} | ({} if in_frame else {"answer": "frame"})
    answer = server.post_form("choice", values, **in_frame)
    assert answer.status == 200
    assert answer.consent
    assert "Ihre Auswahl ist gespeichert." in answer.text
    assert answer.value("X-Frame-Options") == "SAMEORIGIN"


# ---------------------------------------------------------------------------------------------------- which cookies go


def expired(answer: Answer) -> set[str]:
    cookies = [read_set_cookie(line) for line in answer.set_cookies]
    return {cookie.name for cookie in cookies if cookie.deletes(NOW)}


def test_denied_cookies_of_the_site_are_expired_and_others_stay(server: Running) -> None:
    jar = "sid=1; _st=2; _st_x=3; theme=4; csrf_a=5; unknown=6; cart=7"
    refused = server.post_json("choice", {"choice": "refuse"}, Cookie=jar)
    assert expired(refused) == {"_st", "_st_x", "theme", "unknown"}
    granted = server.post_json("choice", {"granted": ["analytics"]}, Cookie=jar)
    assert expired(granted) == {"theme", "unknown"}
    withdrawn = server.post_form("withdraw", {}, Cookie=f"{granted.consent}; {jar}")
    assert expired(withdrawn) == {"_st", "_st_x", "theme", "unknown"}


def test_what_a_signal_denies_is_expired_too(server: Running) -> None:
    # DNT cannot be overridden under this policy.
    answer = server.post_json("choice", {"choice": "accept"}, Cookie="_st=2; theme=4", DNT="1")
    assert expired(answer) == {"_st"}


def test_they_are_expired_on_the_domain_and_on_the_path_of_the_page(server: Running) -> None:
    answer = server.post_json("choice", {"choice": "refuse"}, Cookie="theme=4", Referer=f"{ORIGIN}/account/orders")
    found = {
        (cookie.domain, cookie.path) for cookie in map(read_set_cookie, answer.set_cookies) if cookie.name == "theme"
    }
    assert {("", "/"), ("shop.test", "/"), ("www.shop.test", "/"), ("", "/account")} <= found


def test_no_cookie_name_writes_a_header_of_its_own(server: Running) -> None:
    answer = server.post_json("choice", {"choice": "refuse"}, Cookie="theme =1; a b=2; x\ty=3; =4; é=5")
    assert answer.status == 200
    assert all(line.isascii() and line.isprintable() for line in answer.set_cookies)


# -------------------------------------------------------------------------------------------------------- scope, keys


@pytest.mark.parametrize(
    "site, start, attribute",
    [
        (ConsentSite(ORIGIN), "__Host-consent=", "Secure"),
        (ConsentSite(ORIGIN, Scope.SITE, "shop.test"), "__Secure-consent=", "Domain=shop.test"),
        (ConsentSite("http://www.shop.test"), "consent=", "HttpOnly"),
    ],
)
def test_the_cookie_by_scope_and_scheme(tmp_path: Path, site: ConsentSite, start: str, attribute: str) -> None:
    with running(tmp_path, site=site) as server:
        answer = server.post_json("choice", {"choice": "accept"})
        (line,) = answer.set_cookies
        assert line.startswith(start)
        assert attribute in line.split("; ")
        assert "SameSite=Lax" in line
        assert server.get("state", Cookie=answer.consent).json["granted"] == sorted(OPTIONAL)


def test_another_reserved_path_is_used_throughout(tmp_path: Path) -> None:
    with running(tmp_path, site=ConsentSite(ORIGIN, reserved="/privacy/c/")) as server:
        assert 'action="/privacy/c/choice"' in server.get().text
        assert server.post_form("choice", {"choice": "accept"}).value("Location").startswith("/privacy/c/?")
        assert server.ask("GET", "/.consent/state").status == 404


def test_the_ledger_verifies_after_everything(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        consent = ""
        documents: list[dict[str, Any]] = [
            {"choice": "accept"},
            {"choice": "refuse"},
            {"granted": SOME},
            {"granted": []},
        ]
        for document in documents:
            consent = server.post_json("choice", document, Cookie=consent).consent
        file = server.ledger
    assert verify(file) == []
    with Ledger(file) as ledger:
        assert ledger.file == file


@pytest.mark.parametrize(
    "declared, before, after, cleared",
    [
        pytest.param(["storage", "cache"], SOME, [], ['"cache", "storage"'], id="taken back altogether"),
        pytest.param(["storage"], SOME, ["comfort"], ['"storage"'], id="taken back in part"),
        pytest.param(["storage"], SOME, SOME, [], id="said again"),
        pytest.param(["storage"], [], [], [], id="there was nothing to take back"),
        pytest.param(["storage"], [], SOME, [], id="given"),
        pytest.param(None, SOME, [], [], id="not unless the policy asks for it"),
    ],
)
def test_what_a_site_keeps_is_cleared_where_a_consent_is_taken_back_and_the_policy_asks(
    tmp_path: Path, declared: list[str] | None, before: list[str], after: list[str], cleared: list[str]
) -> None:
    policy = shop_policy(consent={"clearOnWithdrawal": declared} if declared else {})
    with running(tmp_path, policy=policy) as server:
        first = server.post_json("choice", {"granted": before})
        assert first.values("Clear-Site-Data") == []
        second = server.post_json("choice", {"granted": after}, Cookie=first.consent)
        assert second.values("Clear-Site-Data") == cleared
