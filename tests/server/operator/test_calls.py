"""What operators do at the desk, call by call."""

import asyncio
import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cmp.ledger.leaves import Part
from cmp.ledger.reading import entries
from cmp.ledger.verify import verify
from tests.desk.offer import DESK, desk_policy
from tests.ledger.records import given
from tests.server.desk_site import DeskRunning, desk_running

ANN, BOB = "ann@shop.test", "bob@shop.test"
ACME = {"client": "acme"}
DAY = 86_400


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DeskRunning]:
    with desk_running(tmp_path) as found:
        yield found


def post(server: DeskRunning, path: str, **body: Any) -> Any:
    answer = server.call("olga", "POST", path, body)
    assert answer.status == 200, answer.text
    return answer.json


def refused(server: DeskRunning, path: str, **body: Any) -> str:
    answer = server.call("olga", "POST", path, body)
    assert answer.status in range(400, 500)
    return answer.code


def ask(server: DeskRunning, kind: str = "access", **texts: str) -> str:
    answer = server.post_json("rights", {"kind": kind, "contact": ANN, **texts})
    return f"/requests/{answer.json['request']['reference']}"


class TestLists:
    def test_hc_30_a_clients_list_is_exported_as_json_and_csv(self, server: DeskRunning) -> None:
        post(server, "/opt-outs/surveys", addresses=[ANN, BOB], source="import", **ACME)
        told = server.call("olga", "GET", "/opt-outs/surveys?client=acme").json
        assert told["optOuts"] == [
            {
                "address": address,
                "source": "import",
                "since": "2026-10-07T12:34:56Z",
                "due": "2026-10-21",
                "entered": False,
                "overdue": False,
            }
            for address in (ANN, BOB)
        ]
        answer = server.call("olga", "GET", "/opt-outs/surveys?client=acme&format=csv")
        assert answer.value("Content-Type").startswith("text/csv")
        assert answer.value("Content-Disposition") == 'attachment; filename="opt-outs-surveys-acme.csv"'
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [(row["address"], row["due"], row["entered"]) for row in rows] == [
            (ANN, "2026-10-21", "false"),
            (BOB, "2026-10-21", "false"),
        ]
        assert answer.value("Consentry-Upto") == str(told["upto"])

    def test_hc_15_what_is_not_entered_when_it_is_due_is_overdue(self, server: DeskRunning) -> None:
        post(server, "/opt-outs/surveys", addresses=[ANN], **ACME)

        def acme() -> Any:
            rows = server.call("olga", "GET", "/opt-outs?client=acme").json["optOuts"]
            (row,) = (row for row in rows if row["list"] == "surveys")
            return row

        assert acme() == {"list": "surveys", "client": "acme", "waiting": 1, "overdue": 0, "nextDue": "2026-10-21"}
        server.now[0] += 14 * DAY
        assert acme()["overdue"] == 0
        server.now[0] += DAY
        assert acme()["overdue"] == 1
        upto = server.call("olga", "GET", "/opt-outs/surveys?client=acme").json["upto"]
        post(server, "/entered/surveys", upto=upto, **ACME)
        assert (acme()["waiting"], acme()["overdue"], acme()["nextDue"]) == (0, 0, None)
        post(server, "/opt-outs/surveys", addresses=[BOB], **ACME)
        assert (acme()["waiting"], acme()["overdue"]) == (1, 0)

    @pytest.mark.parametrize("upto", [0, -1, 99, True, "1", None])
    def test_only_what_was_given_out_can_be_entered(self, server: DeskRunning, upto: object) -> None:
        post(server, "/opt-outs/surveys", addresses=[ANN], **ACME)
        assert refused(server, "/entered/surveys", upto=upto, **ACME) in ("unknown-entry", "bad-request")

    def test_an_import_with_something_that_is_no_address_changes_nothing(self, server: DeskRunning) -> None:
        answer = server.call("olga", "POST", "/opt-outs/surveys", {"addresses": [ANN, "x", BOB], **ACME})
        assert answer.code == "bad-request"
        assert "number 2" in answer.json["error"]["message"]
        assert server.call("olga", "GET", "/opt-outs/surveys?client=acme").json["optOuts"] == []

    def test_hc_16_an_operator_takes_one_back(self, server: DeskRunning) -> None:
        assert post(server, "/opt-outs/surveys", addresses=[ANN], **ACME)["changed"] == 1
        assert post(server, "/opt-outs/surveys", addresses=[ANN], **ACME)["changed"] == 0
        assert post(server, "/opt-outs/surveys", addresses=[ANN], change="in", **ACME)["changed"] == 1
        history = post(server, "/opt-out-history/surveys", address=ANN, **ACME)["history"]
        assert [(one["change"], one["source"]) for one in history] == [("out", "operator"), ("in", "operator")]

    def test_a_list_is_handed_over_only_where_the_policy_says_so(self, tmp_path: Path) -> None:
        lists = [{"id": "surveys", "title": {"en": "S", "de": "S"}, "perClient": True, "export": False}]
        with desk_running(tmp_path, policy=desk_policy(optOuts=lists)) as server:
            assert server.call("olga", "GET", "/opt-outs/surveys?client=acme").code == "not-offered"

    def test_a_list_nobody_declared_is_said(self, server: DeskRunning) -> None:
        assert server.call("olga", "GET", "/opt-outs/x?client=acme").code == "unknown-list"
        assert server.call("olga", "GET", "/opt-outs/surveys?format=xml").code == "bad-request"

    def test_an_address_is_no_formula_in_a_spreadsheet(self, server: DeskRunning) -> None:
        post(server, "/opt-outs/surveys", addresses=["=1+1@shop.test", "+a@shop.test"], **ACME)
        text = server.call("olga", "GET", "/opt-outs/surveys?client=acme&format=csv").text
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [row["address"] for row in rows] == ["'=1+1@shop.test", "'+a@shop.test"]
        told = server.call("olga", "GET", "/opt-outs/surveys?client=acme").json["optOuts"]
        assert [row["address"] for row in told] == ["=1+1@shop.test", "+a@shop.test"]


class TestInvitations:
    def test_cs_6_only_addresses_from_a_client_or_a_panel_are_invited(self, server: DeskRunning) -> None:
        post(server, "/addresses", addresses=[ANN], source="client", **ACME)
        post(server, "/addresses", addresses=[BOB], source="panel")
        assert server.invited(ANN)["source"] == "client"
        assert server.invited(BOB)["source"] == "panel"
        assert server.invited(BOB, client="bolt")["source"] == "panel"
        assert server.invited(ANN, client="bolt")["reason"] == "unknown-address"
        assert server.invited("eve@shop.test") == {
            "address": "eve@shop.test",
            "invite": False,
            "reason": "unknown-address",
        }
        assert server.invited("nobody")["reason"] == "no-address"

    def test_cs_7_an_invitation_comes_with_its_opt_out_link_and_fields(self, server: DeskRunning) -> None:
        server.register(ANN)
        told = server.invited(ANN)
        assert told["optOut"] == f"https://www.shop.test/.consent/{server.link()}"
        assert told["headers"] == {
            "List-Unsubscribe": f"<{told['optOut']}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
        answer = server.post(
            told["optOut"].partition("/.consent/")[2],
            b"List-Unsubscribe=One-Click",
            "application/x-www-form-urlencoded",
            Sec_Fetch_Site="",
        )
        assert answer.status == 200
        assert server.invited(ANN)["reason"] == "opted-out"

    def test_what_is_no_address_is_handed_back(self, server: DeskRunning) -> None:
        told = post(server, "/addresses", addresses=[ANN, "x@", "a b@shop.test"], source="client", **ACME)
        assert (told["registered"], told["noAddresses"]) == (1, ["x@", "a b@shop.test"])
        assert refused(server, "/addresses", addresses=[ANN], source="bought", **ACME) == "bad-request"

    def test_a_list_that_becomes_one_for_each_client_forgets_no_opt_out(self, tmp_path: Path) -> None:
        shared = [{"id": "surveys", "title": {"en": "S", "de": "S"}}]
        with desk_running(tmp_path, policy=desk_policy(optOuts=shared)) as server:
            keys = server.keys
            server.register(ANN)
            post(server, "/opt-outs/surveys", addresses=[ANN])
        (tmp_path / "operators.json").unlink()
        with desk_running(tmp_path, keys=keys) as server:
            assert server.invited(ANN)["reason"] == "opted-out"

    def test_without_sources_there_is_nothing(self, tmp_path: Path) -> None:
        with desk_running(tmp_path, policy=desk_policy(desk={"smallestGroup": 5})) as server:
            assert refused(server, "/addresses", addresses=[ANN], source="client") == "not-offered"
            assert refused(server, "/invitations", addresses=[ANN], list="surveys") == "not-offered"


class TestRequests:
    def test_hc_17_it_is_answered_only_after_the_identity_check(self, server: DeskRunning) -> None:
        path = ask(server)
        assert refused(server, path, state="answered") == "not-now"
        assert refused(server, path, state="open") == "not-identified"
        assert post(server, path, state="open", identified=True)["request"]["identified"] is True
        told = post(server, path, state="answered")["request"]
        assert [(step["state"], step["who"]) for step in told["history"]] == [
            ("identity-check", "visitor"),
            ("open", "olga"),
            ("answered", "olga"),
        ]
        assert refused(server, path, state="open") == "not-now"

    def test_hc_17_it_is_referred_to_the_client(self, server: DeskRunning) -> None:
        path = ask(server)
        assert refused(server, path, state="referred") == "unknown-client"
        assert refused(server, path, state="referred", referTo="x") == "unknown-client"
        told = post(server, path, state="referred", referTo="acme")["request"]
        assert (told["state"], told["client"], told["due"]) == ("referred", "acme", "2026-11-06")
        page = server.get(f"request/{told['reference']}", Accept="text/html").text
        assert "passed on to the company" in page
        assert "Acme" in page

    def test_it_is_declined_only_with_a_reason_which_the_person_reads(self, server: DeskRunning) -> None:
        path = ask(server)
        assert refused(server, path, state="declined") == "no-reason"
        assert refused(server, path, state="declined", reason="  ") == "no-reason"
        post(server, path, state="declined", reason="You were never here")
        reference = path.rpartition("/")[2]
        assert server.get(f"request/{reference}").json["request"]["reason"] == "You were never here"

    def test_hc_17_what_is_not_answered_in_thirty_days_is_overdue(self, server: DeskRunning) -> None:
        path = ask(server)
        server.now[0] += 30 * DAY
        assert server.call("vera", "GET", "/requests").json["overdue"] == 0
        server.now[0] += DAY
        assert server.call("vera", "GET", "/requests").json["overdue"] == 1
        assert server.call("vera", "GET", path).json["request"]["overdue"] is True
        post(server, path, state="withdrawn")
        assert server.call("vera", "GET", "/requests").json["overdue"] == 0

    def test_they_are_listed_by_state(self, server: DeskRunning) -> None:
        post(server, ask(server, "object"), state="answered")
        ask(server, "complain")
        listed = server.call("vera", "GET", "/requests?state=open").json["requests"]
        assert [request["kind"] for request in listed] == ["complain"]
        assert server.call("vera", "GET", "/requests?state=x").code == "bad-request"

    def test_without_referral_in_the_policy_none_is_made(self, tmp_path: Path) -> None:
        rights = {key: value for key, value in DESK["rights"].items() if key != "referTo"}
        with desk_running(tmp_path, policy=desk_policy(rights=rights)) as server:
            assert refused(server, ask(server), state="referred", referTo="acme") == "not-offered"


class TestConsents:
    def permitted(self, server: DeskRunning, purpose: str) -> bool:
        return bool(post(server, f"/permission/{purpose}", contact=ANN)["permitted"])

    def say(self, server: DeskRunning, purpose: str, given: bool) -> Any:
        return post(server, f"/consents/{purpose}", contact=ANN, given=given, source="call")

    def test_hc_24_a_testimonial_needs_a_yes_that_can_be_taken_back(self, server: DeskRunning) -> None:
        assert self.permitted(server, "testimonials") is False
        self.say(server, "testimonials", True)
        assert self.permitted(server, "testimonials") is True
        server.now[0] += DAY
        self.say(server, "testimonials", False)
        assert self.permitted(server, "testimonials") is False
        history = post(server, "/permission/testimonials", contact=" Ann@SHOP.test")["history"]
        assert [(one["given"], one["at"], one["who"]) for one in history] == [
            (True, "2026-10-07T12:34:56Z", "olga"),
            (False, "2026-10-08T12:34:56Z", "olga"),
        ]

    def test_cu_17_promotion_can_be_stopped_and_service_mail_cannot(self, server: DeskRunning) -> None:
        assert self.permitted(server, "promotion") is True
        self.say(server, "promotion", False)
        assert self.permitted(server, "promotion") is False
        answer = server.call(
            "olga", "POST", "/consents/service-mail", {"contact": ANN, "given": False, "source": "call"}
        )
        assert (answer.status, answer.code) == (409, "cannot-stop")
        assert answer.json["error"]["message"].endswith("You could not use the service without")
        assert self.permitted(server, "service-mail") is True
        assert refused(server, "/consents/service-mail", contact=ANN, given=True, source="call") == "not-asked"

    def test_a_purpose_nobody_declared_is_said(self, server: DeskRunning) -> None:
        assert refused(server, "/consents/x", contact=ANN, given=True, source="call") == "unknown-purpose"
        assert refused(server, "/consents/promotion", contact="a@", given=True, source="call") == "bad-request"
        assert refused(server, "/consents/promotion", contact=ANN, given=1, source="call") == "bad-request"


class TestDisclosures:
    ENTRY: ClassVar = {"authority": "Court of X", "ground": "Order 1/26", "what": "Answers of May", "on": "2026-10-01"}

    def test_hc_20_a_disclosure_is_entered_and_stays(self, server: DeskRunning) -> None:
        post(server, "/disclosures", **self.ENTRY, **ACME)
        (found,) = server.call("otto", "GET", "/disclosures").json["disclosures"]
        assert found == {**self.ENTRY, "client": "acme", "who": "olga", "at": "2026-10-07T12:34:56Z"}
        kept = [json.loads(entry.leaf) for entry in entries(server.ledger, Part.PUBLIC) if entry.kind == "disclosed"]
        assert [(entry["recipient"], entry["day"]) for entry in kept] == [("Court of X", "2026-10-01")]

    @pytest.mark.parametrize(
        "changes", [{"on": "x"}, {"on": "2026-10-08"}, {"authority": ""}, {"ground": " "}, {"what": "x" * 1_001}]
    )
    def test_an_entry_that_says_too_little_is_refused(self, server: DeskRunning, changes: dict[str, str]) -> None:
        assert refused(server, "/disclosures", **{**self.ENTRY, **changes}) == "bad-request"


def test_hc_21_notices_in_force_at_a_time_by_kind(server: DeskRunning) -> None:
    def ids(query: str) -> list[str]:
        return [one["id"] for one in server.call("vera", "GET", f"/notices{query}").json["notices"]]

    assert ids("") == ["merger"]
    assert ids("?at=2026-12-24") == ["later"]
    assert ids("?at=2026-12-24&kind=merger") == []
    assert server.call("vera", "GET", "/notices?at=x").code == "bad-request"


class TestStatistics:
    def tables(self, server: DeskRunning, who: str = "otto") -> Any:
        return server.call(who, "GET", "/statistics").json["tables"]

    def test_cs_5_small_groups_and_what_would_give_them_away_are_left_out(self, server: DeskRunning) -> None:
        addresses = [f"a{n}@shop.test" for n in range(45)]
        post(server, "/opt-outs/surveys", addresses=addresses[:3], source="import", **ACME)
        post(server, "/opt-outs/marketing", addresses=addresses[:42])
        post(server, "/consents/promotion", contact=ANN, given=True, source="call")
        tables = self.tables(server)
        # 3 of 45 would follow from 42.
        assert tables["optOutsByList"] == {"groups": {"surveys": None, "marketing": None}, "total": 45}
        assert tables["consentsByPurpose"] == {"groups": {"promotion": None}, "total": None}
        assert "shop.test" not in str(tables)

    def test_cs_5_large_groups_are_told(self, server: DeskRunning) -> None:
        post(server, "/opt-outs/surveys", addresses=[f"a{n}@shop.test" for n in range(12)], **ACME)
        post(server, "/opt-outs/marketing", addresses=[f"a{n}@shop.test" for n in range(30)])
        assert self.tables(server)["optOutsByList"] == {"groups": {"surveys": 12, "marketing": 30}, "total": 42}
        assert self.tables(server, "arno")["optOutsByList"] == {"groups": {"surveys": 12}, "total": 12}

    def test_cs_5_choices_on_the_site_are_counted_too(self, server: DeskRunning) -> None:
        for _ in range(11):
            server.post_json("choice", {"choice": "refuse"})
        assert self.tables(server)["choicesByKind"] == {"groups": {"refused": 11}, "total": 11}
        assert "choicesByKind" not in self.tables(server, "arno")

    def test_nobody_gets_all_and_all_but_one(self, server: DeskRunning) -> None:
        assert server.call("otto", "GET", "/statistics?client=acme").code == "bad-request"

    def test_without_a_smallest_group_there_are_no_numbers(self, tmp_path: Path) -> None:
        with desk_running(tmp_path, policy=desk_policy(desk={"accessLog": True})) as server:
            assert server.call("otto", "GET", "/statistics").code == "not-offered"


class TestPurge:
    def everything_about_ann(self, server: DeskRunning) -> str:
        """Fills the desk, and the ledger; the id of the consent's record."""
        server.register(ANN)
        post(server, "/opt-outs/surveys", addresses=[ANN], **ACME)
        post(server, "/consents/testimonials", contact=ANN, given=True, source="call")
        post(server, "/consents/promotion", contact=ANN, given=False, source="call")
        ask(server, "erase", text="My marker text", client="acme")
        return str(asyncio.run(server.open_ledger.append(given("analytics"))).person)

    def test_cu_22_one_call_deletes_everything_about_a_person(self, server: DeskRunning) -> None:
        person = self.everything_about_ann(server)
        told = post(server, "/purge", contact=" Ann@SHOP.test", person=person)
        assert told["removed"] == {"addresses": 2, "sources": 1, "consents": 1, "requests": 1}
        assert told["erased"] is True
        kept = b"".join(path.read_bytes() for path in server.desk.file.parent.glob("desk.db*") if path.is_file())
        for marker in (b"ann@shop.test", b"Ann@", b"marker text"):
            assert marker not in kept
        assert [entry.payload for entry in entries(server.ledger, Part.PERSONAL)] == [None]
        assert verify(server.ledger) == []
        assert server.call("olga", "GET", "/requests").json["requests"] == []

    def test_cu_22_the_opt_out_goes_on_holding(self, server: DeskRunning) -> None:
        self.everything_about_ann(server)
        post(server, "/purge", contact=ANN)
        told = server.call("olga", "GET", "/opt-outs/surveys?client=acme").json
        assert (told["optOuts"], told["erased"]) == ([], 1)
        server.register(ANN)
        assert server.invited(ANN)["reason"] == "opted-out"
        assert post(server, "/permission/promotion", contact=ANN)["permitted"] is False
        assert post(server, "/permission/testimonials", contact=ANN)["permitted"] is False

    def test_purging_again_finds_nothing(self, server: DeskRunning) -> None:
        person = self.everything_about_ann(server)
        post(server, "/purge", contact=ANN, person=person)
        told = post(server, "/purge", contact=ANN, person=person)
        assert (sum(told["removed"].values()), told["erased"]) == (0, False)

    def test_it_says_whom(self, server: DeskRunning) -> None:
        assert refused(server, "/purge") == "bad-request"

    def test_without_it_in_the_policy_there_is_none(self, tmp_path: Path) -> None:
        rights = {**DESK["rights"], "purge": False}
        with desk_running(tmp_path, policy=desk_policy(rights=rights)) as server:
            assert refused(server, "/purge", contact=ANN) == "not-offered"

    def test_that_a_purge_was_made_stays_and_of_whom_does_not(self, server: DeskRunning) -> None:
        self.everything_about_ann(server)
        post(server, "/purge", contact=ANN)
        connection = sqlite3.connect(f"file:{server.desk.file}?mode=ro", uri=True)
        assert connection.execute("SELECT client, rows, who FROM purge").fetchall() == [("", 5, "olga")]
        connection.close()
