"""Who may call the operator listener, from where, and that every call is in the access log."""

import asyncio
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cmp.desk import access_log
from cmp.server.operator.app import hosts_of
from cmp.server.operator.tokens import Role, TokenFile, TokensError, make_token, read_holders
from tests.desk.offer import desk_policy
from tests.server.desk_site import DeskRunning, desk_running

# Every call, with the roles that may make it.
READ, CHANGE, LOG, ALL = ("viewer", "operator"), ("operator",), ("auditor",), ("viewer", "operator", "auditor")
CALLS: list[tuple[str, str, Any, tuple[str, ...]]] = [
    ("GET", "/whoami", None, ALL),
    ("GET", "/opt-outs", None, ALL),
    ("GET", "/opt-outs/surveys", None, READ),
    ("POST", "/opt-outs/surveys", {"addresses": ["a@shop.test"]}, CHANGE),
    ("POST", "/opt-out-history/surveys", {"address": "a@shop.test"}, READ),
    ("POST", "/entered/surveys", {"upto": 1}, CHANGE),
    ("POST", "/addresses", {"addresses": ["a@shop.test"], "source": "panel"}, CHANGE),
    ("POST", "/invitations", {"addresses": ["a@shop.test"], "list": "surveys"}, READ),
    ("GET", "/requests", None, READ),
    ("GET", "/requests/abc", None, READ),
    ("POST", "/requests/abc", {"state": "answered"}, CHANGE),
    ("POST", "/consents/promotion", {"contact": "a@shop.test", "given": True, "source": "call"}, CHANGE),
    ("POST", "/permission/promotion", {"contact": "a@shop.test"}, READ),
    ("GET", "/disclosures", None, ALL),
    ("POST", "/disclosures", {"authority": "A", "ground": "G", "what": "W", "on": "2026-10-01"}, CHANGE),
    ("GET", "/notices", None, ALL),
    ("GET", "/statistics", None, ALL),
    ("GET", "/access-log", None, LOG),
    ("POST", "/purge", {"contact": "a@shop.test"}, CHANGE),
]
WHO = {"viewer": "vera", "operator": "olga", "auditor": "otto"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskRunning]:
    with desk_running(tmp_path_factory.mktemp("desk")) as found:
        yield found


def log(server: DeskRunning) -> list[access_log.Access]:
    return [access for _, access in asyncio.run(server.desk.do(access_log.listing, None, 1_000))]


@pytest.mark.parametrize("method, path, body, roles", CALLS, ids=[f"{call[0]} {call[1]}" for call in CALLS])
@pytest.mark.parametrize("role", WHO)
def test_ss_12_a_role_may_do_what_the_table_says_and_no_more(
    server: DeskRunning, role: str, method: str, path: str, body: Any, roles: tuple[str, ...]
) -> None:
    answer = server.call(WHO[role], method, path, body)
    if role in roles:
        assert answer.status in (200, 404, 400), answer.text
        assert answer.status == 200 or answer.code in ("unknown-request", "unknown-entry")
    else:
        assert (answer.status, answer.code) == (403, "role")


@pytest.mark.parametrize("method, path, body, roles", CALLS, ids=[f"{call[0]} {call[1]}" for call in CALLS])
def test_ss_12_every_call_is_in_the_access_log(
    server: DeskRunning, method: str, path: str, body: Any, roles: tuple[str, ...]
) -> None:
    what = f"{method} {path[1:].partition('/')[0]}"
    server.call(WHO[roles[0]], method, path, body)
    newest = log(server)[0]
    assert (newest.who, newest.role, newest.what, newest.outcome) == (WHO[roles[0]], roles[0], what, "allowed")
    for token, code in (("", "unauthenticated"), ("x" * 43, "unauthenticated")):
        answer = server.call(token, method, path, body)
        assert (answer.status, answer.code) == (401, code)
        assert answer.value("WWW-Authenticate") == "Bearer"
        newest = log(server)[0]
        assert (newest.who, newest.what, newest.outcome) == ("", what, code)


def test_a_refused_role_is_in_the_log_too(server: DeskRunning) -> None:
    server.call("vera", "POST", "/purge", {"contact": "a@shop.test"})
    newest = log(server)[0]
    assert (newest.who, newest.what, newest.outcome) == ("vera", "POST purge", "role")


def test_the_log_holds_nothing_of_the_people_it_is_about(server: DeskRunning) -> None:
    server.call("olga", "POST", "/invitations", {"addresses": ["marker@shop.test"], "list": "surveys"})
    server.call("olga", "GET", "/requests/markerreference?client=acme")
    server.call("olga", "MARKER", "/marker")
    assert "marker" not in str(log(server)).lower()


@pytest.mark.parametrize(
    "host",
    [
        "evil.test",
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost",
        "www.shop.test",
        "evil.test:{port}",
        "127.0.0.1.evil.test:{port}",
    ],
)
def test_a_name_that_leads_here_by_dns_is_not_answered(server: DeskRunning, host: str) -> None:
    answer = server.call("olga", "GET", "/whoami", host=host.format(port=server.operator_port))
    assert (answer.status, answer.code) == (403, "wrong-host")


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}"])
def test_the_names_of_loopback_are(server: DeskRunning, host: str) -> None:
    assert server.call("olga", "GET", "/whoami", host=host.format(port=server.operator_port)).status == 200


@pytest.mark.parametrize(
    "listen, hosts",
    [
        ("10.0.0.5", {"10.0.0.5:90"}),
        ("127.0.0.1", {"127.0.0.1:90", "localhost:90", "[::1]:90"}),
        ("::1", {"127.0.0.1:90", "localhost:90", "[::1]:90"}),
        ("desk.internal", {"desk.internal:90"}),
    ],
)
def test_which_hosts_are_answered(listen: str, hosts: set[str]) -> None:
    assert hosts_of(listen, 90) == hosts


@pytest.mark.parametrize(
    "name, value",
    [
        ("X-Forwarded-For", "127.0.0.1"),
        ("Via", "1.1 proxy"),
        ("Forwarded", "for=127.0.0.1"),
        ("X-Forwarded-Proto", "https"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ],
)
def test_what_comes_through_a_proxy_or_from_another_page_is_refused(server: DeskRunning, name: str, value: str) -> None:
    answer = server.call("olga", "GET", "/whoami", fields=[(name, value)])
    assert (answer.status, answer.code) == (403, "proxied")


def test_other_sites_scripts_are_given_no_permission(server: DeskRunning) -> None:
    asked = [("Origin", "https://evil.test"), ("Access-Control-Request-Method", "GET")]
    for method in ("OPTIONS", "GET"):
        answer = server.call("", method, "/requests", fields=asked)
        assert answer.status in (401, 405)
        assert not [name for name, _ in answer.fields if name.lower().startswith("access-control")]


def test_the_visitors_port_knows_none_of_it(server: DeskRunning) -> None:
    token = server.tokens["olga"]
    for _, path, _, _ in CALLS:
        for target in (path, f"/.consent{path}", f"/.consent/operator{path}"):
            answer = server.ask("GET", target, {"Authorization": f"Bearer {token}"})
            assert answer.status == 404 or target == "/.consent/notices", target


def test_the_operators_port_knows_no_visitors(server: DeskRunning) -> None:
    for path in ("/.consent/state", "/.consent/", "/choice", "/"):
        assert server.call("olga", "GET", path).code == "not-found"


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        b'{"client":1}',
        b'{"client":"acme","client":"bolt"}',
        b'{"more":1}',
        b'{"addresses":"a@shop.test","list":"surveys"}',
        b'{"addresses":[1],"list":"surveys"}',
        b'{"addresses":[],"list":"surveys"}',
        b'{"addresses":["a\\u0000@shop.test"],"list":"surveys"}',
        b'{"addresses":["\\ud800"],"list":"surveys"}',
        b'{"addresses":["a@shop.test"],"list":3}',
        b"[" * 9_000,
    ],
)
def test_a_body_that_makes_no_sense_is_said(server: DeskRunning, body: bytes) -> None:
    answer = server.call("olga", "POST", "/invitations", body)
    assert (answer.status, answer.code) == (400, "bad-request")


def test_an_expectation_is_refused_in_the_one_shape_before_anything_is_looked_at(server: DeskRunning) -> None:
    answer = server.call("olga", "GET", "/whoami", fields=[("Expect", "marker")])
    assert (answer.status, answer.code) == (417, "expectation")


def test_an_unknown_method_is_told_which_there_are(server: DeskRunning) -> None:
    answer = server.call("olga", "PUT", "/disclosures", {})
    assert (answer.status, answer.value("Allow")) == (405, "GET, POST")


def test_what_cannot_be_entered_in_the_log_is_not_done(tmp_path: Path) -> None:
    with desk_running(tmp_path) as server:
        server.desk.file.rename(tmp_path / "moved.db")
        # Neither would need the desk itself.
        for path in ("/whoami", "/notices"):
            answer = server.call("otto", "GET", path)
            assert (answer.status, answer.code) == (503, "not-stored")


def test_strangers_cannot_fill_the_disk(tmp_path: Path) -> None:
    with desk_running(tmp_path) as server:
        answers = [server.call("", "GET", "/whoami").status for _ in range(610)]
        assert answers == [401] * 600 + [429] * 10
        assert len(log(server)) == 600
        assert server.call("olga", "GET", "/whoami").status == 200


def test_the_log_is_read_a_page_at_a_time_by_an_auditor(tmp_path: Path) -> None:
    with desk_running(tmp_path) as server:
        for _ in range(205):
            server.call("vera", "GET", "/whoami")
        first = server.call("otto", "GET", "/access-log").json["accesses"]
        assert len(first) == 200
        rest = server.call("otto", "GET", f"/access-log?before={first[-1]['id']}").json["accesses"]
        assert [access["id"] for access in rest] == [6, 5, 4, 3, 2, 1]
        assert {access["who"] for access in rest} == {"vera"}
        assert server.call("otto", "GET", "/access-log?before=x").code == "bad-request"


def test_without_an_access_log_in_the_policy_calls_are_entered_all_the_same(tmp_path: Path) -> None:
    with desk_running(tmp_path, policy=desk_policy(desk={"smallestGroup": 10})) as server:
        assert server.call("otto", "GET", "/access-log").code == "not-offered"
        assert [access.what for access in log(server)] == ["GET access-log"]


class TestTokens:
    def test_the_file_holds_the_hash_and_is_the_owners_alone(self, tmp_path: Path) -> None:
        file = tmp_path / "t.json"
        token = make_token(file, "anna:operator:acme")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert token not in file.read_text()
        assert len(token) == 43
        (holder,) = read_holders(file)
        assert (holder.name, holder.role, holder.client) == ("anna", Role.OPERATOR, "acme")
        assert TokenFile(file).holder_of(token) == holder
        assert TokenFile(file).holder_of(token[:-1]) is None
        assert TokenFile(file).holder_of(holder.sha256) is None

    def test_who_is_taken_out_of_the_file_is_out_at_once(self, tmp_path: Path) -> None:
        file = tmp_path / "t.json"
        anna, bert = make_token(file, "anna:viewer"), make_token(file, "bert:auditor")
        tokens = TokenFile(file)
        document = json.loads(file.read_text())
        document["tokens"] = document["tokens"][1:]
        file.write_text(json.dumps(document))
        assert tokens.holder_of(anna) is None
        found = tokens.holder_of(bert)
        assert found is not None
        assert found.name == "bert"

    @pytest.mark.parametrize(
        "told", ["", "anna", "anna:boss", "Anna:viewer", "an na:viewer", "anna:viewer:A b", ":viewer"]
    )
    def test_what_is_no_name_and_role_is_refused(self, tmp_path: Path, told: str) -> None:
        with pytest.raises(TokensError):
            make_token(tmp_path / "t.json", told)
        assert not (tmp_path / "t.json").exists()

    def test_a_name_is_given_once(self, tmp_path: Path) -> None:
        make_token(tmp_path / "t.json", "anna:viewer")
        with pytest.raises(TokensError, match="already"):
            make_token(tmp_path / "t.json", "anna:operator")

    @pytest.mark.parametrize(
        "text", ["", "[]", "{}", '{"form":2,"tokens":[]}', '{"form":1,"tokens":[{"name":"a","role":"viewer"}]}']
    )
    def test_a_file_of_another_form_is_refused(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "t.json"
        file.write_text(text)
        file.chmod(0o600)
        with pytest.raises(TokensError, match=r"t\.json"):
            read_holders(file)

    def test_a_file_others_may_read_is_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "t.json"
        make_token(file, "anna:viewer")
        file.chmod(0o640)
        with pytest.raises(TokensError, match="chmod 600"):
            TokenFile(file)

    def test_a_file_that_becomes_unusable_lets_nobody_in(self, tmp_path: Path) -> None:
        with desk_running(tmp_path) as server:
            server.token_file.chmod(0o644)
            assert server.call("olga", "GET", "/whoami").status == 401
            server.token_file.chmod(0o600)
            assert server.call("olga", "GET", "/whoami").status == 200
            server.token_file.unlink()
            assert server.call("olga", "GET", "/whoami").status == 401
