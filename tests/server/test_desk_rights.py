"""Asking for one's rights: what is offered, the request, its receipt and its limits."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cmp.seal.form_token import make_token
from cmp.wire.desk_words import desk_word
from tests.desk.offer import DESK, NOW, desk_policy
from tests.server.desk_site import DeskRunning, desk_running
from tests.server.site import running

HTML = {"Accept": "text/html"}
ASKED = {"kind": "access", "contact": "ann@shop.test", "subject": "respondent", "client": "acme", "text": "All of it"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DeskRunning]:
    with desk_running(tmp_path) as found:
        yield found


def rights(**changes: Any) -> dict[str, Any]:
    return {**DESK["rights"], **changes}


def stored(server: DeskRunning) -> list[Any]:
    return list(server.call("olga", "GET", "/requests").json["requests"])


def test_ss_11_every_right_offered_is_listed_with_deadline_contact_and_authority(server: DeskRunning) -> None:
    told = server.get("rights").json
    assert [right["id"] for right in told["rights"]] == DESK["rights"]["offered"]
    assert (told["deadlineDays"], told["contact"], told["authority"]) == (30, "privacy@shop.test", "The authority")
    page = server.get("rights", **HTML).text
    for kind in DESK["rights"]["offered"]:
        assert desk_word("en", f"kind-{kind}") in page
        assert f'<option value="{kind}"' in page
    for text in ("within 30 days", "privacy@shop.test", "The authority", "free of charge", "Three a day are plenty"):
        assert text in page


@pytest.mark.parametrize("kind", DESK["rights"]["offered"])
def test_ss_11_each_of_them_can_be_asked_for(server: DeskRunning, kind: str) -> None:
    answer = server.post_json("rights", {"kind": kind, "contact": "ann@shop.test"})
    assert answer.status == 200
    assert [(request["kind"], request["contact"]) for request in stored(server)] == [(kind, "ann@shop.test")]


def test_hc_17_an_access_request_waits_for_the_identity_check_and_is_due_in_thirty_days(server: DeskRunning) -> None:
    request = server.post_json("rights", ASKED).json["request"]
    assert (request["state"], request["opened"], request["due"]) == (
        "identity-check",
        "2026-10-07T12:34:56Z",
        "2026-11-06",
    )
    told = server.get(f"request/{request['reference']}").json["request"]
    assert told == request


def test_hc_2_the_data_subject_category_is_on_the_request_and_on_its_receipt(server: DeskRunning) -> None:
    answer = server.post_json("rights", ASKED, Accept_Language="de").json["request"]
    assert (answer["subject"], answer["subjectTitle"]) == ("respondent", "Befragte")
    assert [request["subject"] for request in stored(server)] == ["respondent"]
    page = server.get(f"request/{answer['reference']}", Accept_Language="de", **HTML).text
    assert "Befragte" in page


def test_hc_25_removal_of_a_forum_post_is_a_request_for_deletion(server: DeskRunning) -> None:
    wish = {"kind": "erase", "contact": "ann@shop.test", "text": "My forum post of 3 May, please"}
    reference = server.post_json("rights", wish).json["request"]["reference"]
    (found,) = stored(server)
    assert (found["reference"], found["kind"], found["text"]) == (reference, "erase", wish["text"])


def test_a_form_is_answered_with_the_receipts_address(server: DeskRunning) -> None:
    page = server.get("rights", **HTML).text
    assert 'action="/.consent/rights"' in page
    answer = server.post_form("rights", {**ASKED, "lang": "de"})
    assert answer.status == 303
    where = answer.value("Location")
    assert where.startswith("/.consent/request/")
    receipt = server.ask("GET", where, HTML).text
    for text in ('<html lang="de">', "Eine Kopie Ihrer Daten", "2026-11-06", "wartet, bis feststeht", "Acme"):
        assert text in receipt
    # Whoever has the address sees how it stands, and nothing more.
    assert "ann@shop.test" not in receipt
    assert "All of it" not in receipt


def test_a_reference_cannot_be_guessed(server: DeskRunning) -> None:
    references = {
        server.post_json("rights", {**ASKED, "contact": f"a{n}@shop.test"}).json["request"]["reference"]
        for n in range(10)
    }
    assert len(references) == 10
    assert {len(reference) for reference in references} == {24}
    for guess in ("1", "a" * 24, "%27%20OR%201=1"):
        assert server.get(f"request/{guess}").status == 404


def test_cu_20_too_many_in_a_day_are_declined_with_the_stated_reason(server: DeskRunning) -> None:
    for _ in range(3):
        assert server.post_json("rights", ASKED).status == 200
    answer = server.post_json("rights", {**ASKED, "contact": " ANN@Shop.test "})
    assert (answer.status, answer.code) == (429, "too-often")
    assert answer.json["error"]["message"].endswith("Three a day are plenty")
    assert server.post_json("rights", {**ASKED, "contact": "bob@shop.test"}).status == 200
    assert len(stored(server)) == 4
    server.now[0] += 86_400
    assert server.post_json("rights", ASKED).status == 200


def test_cu_20_the_limit_survives_a_restart(tmp_path: Path) -> None:
    with desk_running(tmp_path) as server:
        keys = server.keys
        for _ in range(3):
            server.post_json("rights", ASKED)
    (tmp_path / "operators.json").unlink()
    with desk_running(tmp_path, keys=keys) as server:
        assert server.post_json("rights", ASKED).status == 429


def test_cu_20_it_is_free_of_charge_and_says_so(tmp_path: Path, server: DeskRunning) -> None:
    assert server.get("rights").json["free"] is True
    assert "free of charge" in server.get("rights", **HTML).text


def test_cu_22_the_age_is_stated(server: DeskRunning) -> None:
    assert "not for people under 16" in server.get("rights", **HTML).text
    assert server.get("rights").json["minimumAge"] == 16


def test_cu_17_what_cannot_be_stopped_says_why(server: DeskRunning) -> None:
    page = server.get("rights", **HTML).text
    assert "You could not use the service without" in page
    wish = {"kind": "object", "contact": "ann@shop.test", "purpose": "service-mail"}
    answer = server.post_json("rights", wish)
    assert (answer.status, answer.code) == (409, "cannot-stop")
    assert "You could not use the service without" in answer.json["error"]["message"]
    assert server.post_json("rights", {**wish, "purpose": "promotion"}).status == 200
    assert [request["purpose"] for request in stored(server)] == ["promotion"]


@pytest.mark.parametrize(
    "changes, code",
    [
        ({"kind": ""}, "unknown-choice"),
        ({"kind": "restrict"}, "unknown-choice"),
        ({"subject": "x"}, "unknown-choice"),
        ({"client": "x"}, "unknown-choice"),
        ({"purpose": "x"}, "unknown-choice"),
        ({"contact": ""}, "no-contact"),
        ({"contact": "  "}, "no-contact"),
        ({"contact": "ann@"}, "no-contact"),
        ({"contact": "a\nb"}, "no-contact"),
        ({"contact": "a" * 255}, "too-long"),
        ({"text": "x" * 4_001}, "too-long"),
        ({"more": "x"}, "bad-request"),
        ({"text": "\ud800"}, "bad-request"),
        ({"text": "a\0b"}, "bad-request"),
        ({"text": 3}, "bad-request"),
    ],
)
def test_what_makes_no_sense_is_said_and_not_stored(server: DeskRunning, changes: dict[str, Any], code: str) -> None:
    answer = server.post_json("rights", {**ASKED, **changes})
    assert (answer.status, answer.code) == (400, code)
    assert stored(server) == []


@pytest.mark.parametrize("body", [b"[]", b"[[]]", b'"x"', b"{", b'{"kind":"access","kind":"erase"}', b"[" * 9_000])
def test_what_is_no_object_is_no_request(server: DeskRunning, body: bytes) -> None:
    assert server.post("rights", body, "application/json").status == 400


def test_a_form_with_a_mistake_comes_back_with_what_was_written(server: DeskRunning) -> None:
    answer = server.post_form("rights", {**ASKED, "contact": "ann@", "text": "<b>all</b>"})
    assert answer.status == 400
    assert "&lt;b&gt;all&lt;/b&gt;" in answer.text
    assert "<b>all" not in answer.text
    assert '<option value="access" selected>' in answer.text
    assert 'value="ann@"' in answer.text


def test_another_sites_page_cannot_ask(server: DeskRunning) -> None:
    assert server.post_json("rights", ASKED, Sec_Fetch_Site="cross-site").code == "cross-site"
    assert server.post_json("rights", ASKED, Sec_Fetch_Site="").code == "unproven"
    token = make_token(server.keys.form_secret, server.site.audience, NOW)
    assert server.post_json("rights", {**ASKED, "token": token}, Sec_Fetch_Site="").status == 200


def test_without_rights_there_is_nothing(tmp_path: Path) -> None:
    with desk_running(tmp_path, policy=desk_policy(rights=None)) as server:
        for path in ("rights", "request/abc"):
            assert server.get(path).status == 404
        assert server.post_json("rights", ASKED).status == 404
        assert server.call("olga", "GET", "/requests").code == "not-offered"


def test_without_a_desk_rights_are_shown_and_nothing_can_be_asked(tmp_path: Path) -> None:
    with running(tmp_path, policy=desk_policy()) as server:
        page = server.get("rights", **HTML)
        assert page.status == 200
        assert "<form" not in page.text
        assert "privacy@shop.test" in page.text
        assert server.post_json("rights", ASKED).status == 404
        for path in ("request/abc", "opt-out/abc"):
            assert server.get(path).status == 404
        assert server.post_json("opt-out", {"list": "surveys", "address": "ann@shop.test"}).status == 404


def test_without_an_identity_check_a_request_is_open_at_once(tmp_path: Path) -> None:
    with desk_running(tmp_path, policy=desk_policy(rights=rights(identityCheck=False))) as server:
        assert server.post_json("rights", ASKED).json["request"]["state"] == "open"


def test_what_is_not_stored_is_not_acknowledged(server: DeskRunning) -> None:
    server.desk.file.rename(server.desk.file.with_name("moved.db"))
    assert server.post_json("rights", ASKED).code == "not-stored"
    page = server.post_form("rights", ASKED)
    assert (page.status, "All of it" in page.text) == (503, True)


def test_the_page_needs_no_script(server: DeskRunning) -> None:
    page = server.get("rights", **HTML)
    assert "<script" not in page.text
    assert page.text.isascii()
    assert page.value("Content-Security-Policy").startswith("default-src 'none'")


class TestNotices:
    def ids(self, server: DeskRunning, path: str = "notices") -> list[str]:
        return [notice["id"] for notice in server.get(path).json["notices"]]

    def test_hc_21_a_merger_is_announced_while_it_is_in_force(self, server: DeskRunning) -> None:
        (notice,) = server.get("notices", Accept_Language="de").json["notices"]
        assert notice == {
            "id": "merger",
            "kind": "merger",
            "from": "2026-10-01",
            "until": "2026-11-01",
            "text": "Wir gehen mit Muster zusammen",
        }
        assert "We merge with Sample" in server.get("rights", **HTML).text

    @pytest.mark.parametrize(
        "day, ids",
        [(-7, []), (-6, ["merger"]), (24, ["merger"]), (25, []), (54, []), (55, ["later"]), (5_000, ["later"])],
    )
    def test_each_from_its_first_day_and_until_its_last(self, server: DeskRunning, day: int, ids: list[str]) -> None:
        server.now[0] = NOW + day * 86_400
        assert self.ids(server) == ids

    def test_by_kind(self, server: DeskRunning) -> None:
        assert self.ids(server, "notices?kind=merger") == ["merger"]
        assert self.ids(server, "notices?kind=incident") == []

    def test_without_notices_there_is_nothing(self, tmp_path: Path) -> None:
        with desk_running(tmp_path, policy=desk_policy(notices=None)) as server:
            assert server.get("notices").status == 404
