"""What is offered follows the policy that is in force at the moment, not the one the server started with."""

from pathlib import Path

from cmp.policy.in_force import InForce
from tests.desk.offer import desk_policy
from tests.server.desk_site import desk_running


def test_a_new_policy_offers_what_it_says_from_the_next_request_on(tmp_path: Path) -> None:
    with desk_running(tmp_path) as server:
        assert server.get("rights").json["deadlineDays"] == 30
        server.policies.swap(InForce(desk_policy(rights={"offered": ["access"], "deadlineDays": 20})))
        told = server.get("rights").json
        assert (told["deadlineDays"], [right["id"] for right in told["rights"]]) == (20, ["access"])
        assert server.post_json("rights", {"kind": "erase", "contact": "a@shop.test"}).code == "unknown-choice"
        server.policies.swap(InForce(desk_policy(rights=None)))
        assert server.get("rights").status == 404
        assert server.call("olga", "GET", "/requests").code == "not-offered"
