"""`consentry serve` from outside."""

import http.client
import json
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cmp.ledger.statistics import statistics_of
from cmp.ledger.verify import verify
from cmp.seal.keys import make_keys
from tests.called import called
from tests.server.command import ROOT, arguments, serving


def ask(port: int, method: str, target: str, body: str | None = None) -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    fields = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}
    connection.request(method, target, body, fields)
    reply = connection.getresponse()
    answer = reply.status, reply.getheader("Set-Cookie") or "", reply.read()
    connection.close()
    return answer


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_it_makes_keys_says_where_it_listens_and_ends_with_everything_stored(
    tmp_path: Path, name: signal.Signals
) -> None:
    with serving(tmp_path, "--public-origin", "https://www.shop.test") as (process, port):
        status, cookie, _ = ask(port, "POST", "/.consent/choice", '{"choice":"accept"}')
        assert (status, cookie.partition("=")[0]) == (200, "__Host-consent")
        ask(port, "GET", "/.consent/")
        process.send_signal(name)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0
    keys = tmp_path / "keys.json"
    assert errors == f"consentry serve: made {keys} (keep it) and {keys}.pub (for the proxy)\n"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert verify(tmp_path / "ledger.db") == []
    (counted,) = statistics_of(tmp_path / "ledger.db").counted.values()
    assert counted == {"preferences.shown": 1}


def test_a_choice_survives_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path, "--public-origin", "https://www.shop.test") as (_, port):
        _, cookie, _ = ask(port, "POST", "/.consent/choice", '{"choice":"accept"}')
    with serving(tmp_path, "--public-origin", "https://www.shop.test") as (_, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/.consent/state", headers={"Cookie": cookie.partition(";")[0]})
        assert json.loads(connection.getresponse().read())["decided"] is True
        connection.close()


def test_where_it_listens_is_the_origin_unless_one_is_named(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, port):
        status, cookie, _ = ask(port, "POST", "/.consent/choice", '{"choice":"refuse"}')
        assert (status, cookie.partition("=")[0]) == (200, "consent")


def test_scope_site(tmp_path: Path) -> None:
    with serving(tmp_path, "--public-origin", "https://www.shop.test", "--scope", "site") as (_, port):
        _, cookie, _ = ask(port, "POST", "/.consent/choice", '{"choice":"refuse"}')
        assert cookie.startswith("__Secure-consent=")
        assert "; Domain=shop.test;" in cookie


def unusable(folder: Path, *more: str) -> str:
    said = called(*arguments(folder, *more))
    assert said.status == 2, said
    assert said.out == ""
    assert said.err.count("\n") == 1, said.err
    return said.err


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"cannot listen on 127.0.0.1:{port}: " in unusable(tmp_path, "--port", port)
    assert not (tmp_path / "keys.json").exists()


@pytest.mark.parametrize(
    "more, told",
    [
        (["--port", "70000"], "cannot listen"),
        (["--listen", "no such host"], "cannot listen"),
        (["--public-origin", "www.shop.test"], "--public-origin"),
        (["--public-origin", "https://www.shop.test/shop"], "write scheme and host alone"),
        (["--public-origin", "ftp://www.shop.test"], "write scheme and host alone"),
        (["--scope", "site", "--public-origin", "http://localhost"], "--scope host"),
        (["--scope", "site", "--public-origin", "http://127.0.0.1:8000"], "--scope host"),
        (["--scope", "site", "--public-origin", "https://github.io"], "--scope host"),
        (["--trusted-proxies", "somebody"], "somebody"),
        (["--ledger", "postgresql://u:secret@h/d"], "cannot be reached"),
        (["--ledger", "/nonexistent/l.db"], "/nonexistent/l.db"),
    ],
)
def test_what_cannot_be_used_is_one_line(tmp_path: Path, more: list[str], told: str) -> None:
    line = unusable(tmp_path, "--port", "0", *more)
    assert told in line
    assert "secret" not in line


def test_keys_that_others_may_read_are_refused(tmp_path: Path) -> None:
    make_keys(tmp_path / "keys.json")
    (tmp_path / "keys.json").chmod(0o644)
    assert "chmod 600" in unusable(tmp_path, "--port", "0")


def test_a_second_server_on_the_same_ledger_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path):
        assert "another consent server already writes this ledger" in unusable(tmp_path, "--port", "0")


def test_it_starts_without_mitmproxy(tmp_path: Path) -> None:
    (tmp_path / "mitmproxy.py").write_text("raise ImportError('the server needs no proxy')\n")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\nimport cmp.server.app, cmp.server.listening, cmp.commands.serve"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
