"""A policy saved while `up`, `serve` and `proxy` run: swapped whole, and nothing that is under way notices."""

import http.client
import json
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.core.examples import shop
from tests.live import running_command, wait_for

HALF = 300_000


class Site(ThreadingHTTPServer):
    """Its answers to /download and /slow are held back until `go_on` is set."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.go_on = threading.Event()
        self.asked: list[str] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.path == "/slow":
            self.server.go_on.wait(60)
        long = self.path == "/download"
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(2 * HALF if long else 2))
        self.send_header("Set-Cookie", "later=1; Path=/")
        self.end_headers()
        if not long:
            self.wfile.write(b"ok")
            return
        self.wfile.write(b"a" * HALF)
        self.server.go_on.wait(60)
        self.wfile.write(b"b" * HALF)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by the base class
        """What is asked for is kept, not printed."""


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield found
        found.go_on.set()
        found.shutdown()
        thread.join()


def write(file: Path, version: str, *, later: bool = False, **changes: Any) -> None:
    cookies = [{"name": "later", "category": "necessary", "lifetime": "session"}] if later else []
    file.write_text(json.dumps(shop(version=version, cookies=cookies, sites=None, **changes)), encoding="utf-8")


class Running:
    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._process, self.port = process, port

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def says(self, text: str) -> str:
        """The next line with that text in it."""
        for line in self._process.stdout or ():
            if text in line:
                return line
        raise RuntimeError(f"it ended without saying {text!r}")


def get(connection: http.client.HTTPConnection, target: str) -> tuple[list[str], bytes]:
    """The cookies it sets, without our own, and the body."""
    connection.request("GET", target)
    reply = connection.getresponse()
    cookies = [line for line in reply.headers.get_all("Set-Cookie") or [] if not line.startswith("consent")]
    return cookies, reply.read()


@contextmanager
def running(*arguments: str, ready: str) -> Iterator[Running]:
    with running_command(["-m", "cmp", *arguments], ready=ready) as (process, line):
        # The last address in it: `proxy` names the upstream as well.
        yield Running(process, int(re.findall(r"127\.0\.0\.1:(\d+)", line)[-1]))


@pytest.fixture
def up(site: Site, tmp_path: Path) -> Iterator[Running]:
    write(tmp_path / "shop.json", "1")
    places = ["--keys", str(tmp_path / "keys.json"), "--ledger", f"sqlite:{tmp_path / 'ledger.db'}"]
    places += ["--confdir", str(tmp_path / "conf"), "--policy", str(tmp_path / "shop.json")]
    with running("up", "--upstream", f"http://127.0.0.1:{site.port}", "--port", "0", *places, ready="up: ") as found:
        yield found


def test_what_is_under_way_survives_a_swap(up: Running, site: Site, tmp_path: Path) -> None:
    download, slow, kept = up.connect(), up.connect(), up.connect()
    download.request("GET", "/download")
    under_way = download.getresponse()
    assert under_way.read(HALF) == b"a" * HALF
    slow.request("GET", "/slow")
    assert wait_for(lambda: "/slow" in site.asked)
    assert get(kept, "/first") == ([], b"ok"), "the cookie is not declared yet"
    before = kept.sock

    write(tmp_path / "shop.json", "2", later=True)
    up.says("shop 2")
    assert get(kept, "/second") == (["later=1; Path=/"], b"ok")
    assert kept.sock is before, "on the same connection"
    state = json.loads(get(kept, "/.consent/state")[1])
    assert state["policy"]["version"] == "2", "the server has it too"

    site.go_on.set()
    assert under_way.read() == b"b" * HALF
    reply = slow.getresponse()
    assert (reply.headers.get_all("Set-Cookie"), reply.read()) == (None, b"ok"), "answered under what it began with"
    for connection in (download, slow, kept):
        connection.close()


def test_a_broken_policy_keeps_the_old_one_and_a_date_is_announced(up: Running, tmp_path: Path) -> None:
    visitor = up.connect()
    file = tmp_path / "shop.json"
    file.write_text('{"consentry": 1,', encoding="utf-8")
    line = up.says("stays in force")
    assert f"{file}: is not JSON: line 1, column 17: " in line
    assert get(visitor, "/") == ([], b"ok")
    write(file, "2", later=True, effective="2999-01-01")
    up.says("shop 2")
    assert get(visitor, "/") == ([], b"ok")
    write(file, "3", later=True)
    up.says("shop 3")
    assert get(visitor, "/") == (["later=1; Path=/"], b"ok")
    visitor.close()


def test_one_word_in_the_file_turns_from_looking_on_to_enforcing(up: Running, tmp_path: Path) -> None:
    visitor = up.connect()
    for version, mode, cookies in (("2", "observe", ["later=1; Path=/"]), ("3", "enforce", [])):
        write(tmp_path / "shop.json", version, mode=mode)
        up.says(f"shop {version}")
        assert get(visitor, "/") == (cookies, b"ok")
    visitor.close()


def test_the_server_alone_takes_a_saved_policy(tmp_path: Path) -> None:
    write(tmp_path / "shop.json", "1")
    places = ["--policy", str(tmp_path / "shop.json"), "--keys", str(tmp_path / "keys.json")]
    places += ["--ledger", f"sqlite:{tmp_path / 'ledger.db'}"]
    with running("serve", "--port", "0", *places, ready="serve: http") as server:
        visitor = server.connect()
        write(tmp_path / "shop.json", "2")
        server.says("shop 2")
        assert json.loads(get(visitor, "/.consent/state")[1])["policy"]["version"] == "2"
        visitor.close()


def test_the_proxy_alone_takes_a_saved_policy(site: Site, tmp_path: Path) -> None:
    write(tmp_path / "shop.json", "1")
    places = ["--policy", str(tmp_path / "shop.json"), "--confdir", str(tmp_path / "conf")]
    upstream = f"reverse:http://127.0.0.1:{site.port}"
    with running("proxy", "--mode", upstream, "--port", "0", *places, ready=" on 127.0.0.1") as proxy:
        visitor = proxy.connect()
        assert get(visitor, "/") == ([], b"ok")
        write(tmp_path / "shop.json", "2", later=True)
        proxy.says("shop 2")
        assert get(visitor, "/") == (["later=1; Path=/"], b"ok")
        visitor.close()
