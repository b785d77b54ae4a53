"""The operators' calls are as their description says, and a tool that knows nothing else finds no fault."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.described import faults
from tests.server.desk_site import DeskRunning, desk_running
from tests.server.operator.test_access import CALLS


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskRunning]:
    with desk_running(tmp_path_factory.mktemp("desk")) as found:
        yield found


def test_every_call_is_described_with_its_members_and_the_roles_that_may_make_it(desk: DeskRunning) -> None:
    paths = desk.call("otto", "GET", "/openapi.json").json["paths"]
    told = {
        (method.upper(), path.partition("{")[0]): said
        for path, calls in paths.items()
        for method, said in calls.items()
    }
    probes = {("GET", f"/{name}") for name in ("health", "ready")}
    for method, path, body, roles in CALLS:
        name, slash, _ = path[1:].partition("/")
        said = told.pop((method, f"/{name}{slash}"))
        assert said["x-roles"] == sorted(roles)
        if body:
            properties = said["requestBody"]["content"]["application/json"]["schema"]["properties"]
            assert set(body) <= set(properties)
    assert told.keys() == probes | {("GET", "/metrics"), ("GET", "/openapi.json")}


def test_the_description_is_for_who_has_a_token(desk: DeskRunning) -> None:
    assert desk.call("", "GET", "/openapi.json").status == 401
    assert {desk.call(who, "GET", "/openapi.json").status for who in ("vera", "olga", "otto", "anna")} == {200}


@pytest.mark.parametrize(
    "examples, phases",
    [
        pytest.param(2, "fuzzing", id="sample"),
        pytest.param(200, "coverage,fuzzing", id="full", marks=[pytest.mark.soak, pytest.mark.timeout(3600)]),
    ],
)
def test_schemathesis_finds_nothing(desk: DeskRunning, tmp_path: Path, examples: int, phases: str) -> None:
    url, token = f"http://127.0.0.1:{desk.operator_port}", desk.tokens["olga"]
    assert faults(url, tmp_path, examples, "--header", f"Authorization: Bearer {token}", phases=phases) == ""


def test_statistics_name_nobody(desk: DeskRunning) -> None:
    """Numbers by kind alone: no address, id, reference or time of a person is a group of theirs."""
    desk.register("marker@shop.test")
    desk.post_json("choice", {"choice": "accept"}, User_Agent="marker-agent", X_Forwarded_For="203.0.113.77")
    desk.post_json("rights", {"kind": "access", "contact": "marker@shop.test", "text": "marker"})
    answer = desk.call("otto", "GET", "/statistics")
    assert answer.status == 200
    assert "choicesByKind" in answer.json["tables"]
    for marker in ("marker", "203.0.113.77", "@"):
        assert marker not in answer.text
