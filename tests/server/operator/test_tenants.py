"""Two clients beside each other: neither sees or changes anything of the other's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.desk_site import DeskRunning, desk_running

ANN = "ann@shop.test"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DeskRunning]:
    """Acme has an opt-out, a request, a consent, a disclosure and an address; Bolt has nothing."""
    with desk_running(tmp_path) as found:
        for path, body in (
            ("/addresses", {"addresses": [ANN], "source": "client"}),
            ("/opt-outs/surveys", {"addresses": [ANN]}),
            ("/consents/testimonials", {"contact": ANN, "given": True, "source": "form"}),
            ("/disclosures", {"authority": "Court", "ground": "Order", "what": "Answers", "on": "2026-10-01"}),
        ):
            assert found.call("anna", "POST", path, body).status == 200
        found.post_json("rights", {"kind": "object", "contact": ANN, "client": "acme"})
        yield found


def reference(server: DeskRunning) -> str:
    return str(server.call("anna", "GET", "/requests").json["requests"][0]["reference"])


def everything(server: DeskRunning, who: str) -> Any:
    """All that a token can see, as far as it is about people."""
    permission = server.call(who, "POST", "/permission/testimonials", {"contact": ANN}).json
    return {
        "optOuts": server.call(who, "GET", "/opt-outs/surveys").json["optOuts"],
        "history": server.call(who, "POST", "/opt-out-history/surveys", {"address": ANN}).json["history"],
        "requests": server.call(who, "GET", "/requests").json["requests"],
        "consents": permission["history"],
        "disclosures": server.call(who, "GET", "/disclosures").json["disclosures"],
    }


def test_hc_19_a_client_sees_its_own_and_nothing_of_another(server: DeskRunning) -> None:
    assert {name: len(found) for name, found in everything(server, "anna").items()} == dict.fromkeys(
        ("optOuts", "history", "requests", "consents", "disclosures"), 1
    )
    assert everything(server, "bea") == {
        "optOuts": [],
        "history": [],
        "requests": [],
        "consents": [],
        "disclosures": [],
    }
    invited = server.call("bea", "POST", "/invitations", {"addresses": [ANN], "list": "surveys"}).json["invitations"]
    assert invited == [{"address": ANN, "invite": False, "reason": "unknown-address"}]
    assert {row["client"] for row in server.call("bea", "GET", "/opt-outs").json["optOuts"]} == {"bolt"}


@pytest.mark.parametrize(
    "method, path, body",
    [
        ("GET", "/requests?client=acme", None),
        ("GET", "/opt-outs/surveys?client=acme", None),
        ("GET", "/opt-outs/surveys?format=csv&client=acme", None),
        ("POST", "/opt-outs/surveys", {"client": "acme", "addresses": [ANN], "change": "in"}),
        ("POST", "/purge", {"client": "acme", "contact": ANN}),
        ("POST", "/disclosures", {"client": "acme", "authority": "a", "ground": "g", "what": "w", "on": "2026-10-01"}),
        ("GET", "/disclosures?client=", None),
        ("GET", "/opt-outs/marketing", None),
        ("POST", "/opt-outs/marketing", {"addresses": [ANN]}),
        ("POST", "/purge", {"person": "ab" * 16}),
    ],
)
def test_hc_19_naming_another_client_is_refused(server: DeskRunning, method: str, path: str, body: Any) -> None:
    before = everything(server, "anna")
    answer = server.call("bea", method, path, body)
    assert (answer.status, answer.code) == (403, "other-client")
    assert everything(server, "anna") == before


def test_hc_19_another_clients_request_is_no_request(server: DeskRunning) -> None:
    known, unknown = f"/requests/{reference(server)}", "/requests/" + "a" * 24
    for body in (None, {"state": "answered"}):
        method = "GET" if body is None else "POST"
        answers = [server.call("bea", method, path, body) for path in (known, unknown)]
        assert [answer.status for answer in answers] == [404, 404]
        assert answers[0].body == answers[1].body
    assert server.call("anna", "GET", known).json["request"]["state"] == "open"


def test_hc_19_a_purge_by_one_client_leaves_what_another_has(server: DeskRunning) -> None:
    server.call("bea", "POST", "/opt-outs/surveys", {"addresses": [ANN]})
    before = everything(server, "bea")
    removed = server.call("anna", "POST", "/purge", {"contact": ANN}).json["removed"]
    assert removed == {"addresses": 1, "sources": 1, "consents": 1, "requests": 1}
    assert everything(server, "bea") == before
    assert everything(server, "anna")["optOuts"] == []


def test_hc_17_a_request_that_is_referred_is_then_the_other_clients(server: DeskRunning) -> None:
    path = f"/requests/{reference(server)}"
    assert server.call("olga", "POST", path, {"state": "referred", "referTo": "bolt"}).status == 200
    assert server.call("bea", "GET", path).json["request"]["client"] == "bolt"
    assert server.call("anna", "GET", path).status == 404
    assert server.call("bea", "POST", path, {"state": "answered"}).status == 200


def test_an_auditor_of_one_client_reads_the_log_of_that_client(server: DeskRunning) -> None:
    server.call("bea", "GET", "/requests")
    server.call("olga", "GET", "/requests?client=bolt")
    found = server.call("arno", "GET", "/access-log").json["accesses"]
    assert {access["client"] for access in found} == {"acme"}
    everywhere = server.call("otto", "GET", "/access-log").json["accesses"]
    assert {access["client"] for access in everywhere} >= {"acme", "bolt", ""}
    assert ("olga", "bolt") in {(access["who"], access["client"]) for access in everywhere}


def test_ss_1_who_acts_for_several_clients_names_one(server: DeskRunning) -> None:
    found = server.call("olga", "GET", "/requests?client=acme").json["requests"]
    assert [request["client"] for request in found] == ["acme"]
    assert server.call("olga", "GET", "/requests?client=bolt").json["requests"] == []
    assert server.call("olga", "GET", "/requests?client=nobody").code == "unknown-client"
    assert len(server.call("olga", "GET", "/requests").json["requests"]) == 1
