"""What the proxy records, replayed: the same decisions, and the originals still there."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mitmproxy import http
from mitmproxy.io import FlowReader

from cmp.capture.flow_exchange import read_mark
from cmp.capture.reading import read_capture
from cmp.core.consent import NO_CHOICE
from cmp.core.decide import decide
from cmp.core.forms import decision_form
from cmp.proxy import ProxySettings
from tests.addons.test_enforce import (
    FROM_SITE,
    SET_COOKIES,
    SITE,
    STRANGER,
    TRACKER,
    from_upstream,
    shop_document,
    shop_policy,
)
from tests.called import called
from tests.live import ROOT, Upstream, regular, reverse, running_command, running_proxy, running_upstream, send

SENT = "session=1; _track=2; unheard=3"


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream(from_upstream) as found:
        yield found


def visit(port: int, mode: str) -> None:
    own = f"http://{SITE}" if mode == "regular" else ""
    host = ("Host", SITE)
    send(port, f"{own}/", host, ("Accept", "text/html"), ("Cookie", SENT))
    send(port, f"{own}/plain", host, *FROM_SITE)
    send(port, f"{own}/g/collect?tid=1", host, *FROM_SITE, ("Cookie", SENT))
    send(port, f"{own}/form", host, *FROM_SITE, ("Sec-GPC", "1"), method="POST", body=b"answer=42")
    if mode == "regular":
        send(port, f"http://{TRACKER}/p.gif", ("Sec-Fetch-Dest", "image"), ("Cookie", "_track=2"), *FROM_SITE)
        send(port, f"http://{STRANGER}/", *FROM_SITE)
        send(port, f"http://{TRACKER}/", *FROM_SITE, method="POST", body=b"x" * 2_000_000)


@pytest.mark.parametrize(
    "mode, settings", [pytest.param("regular", regular, id="regular"), pytest.param("reverse", reverse, id="reverse")]
)
def test_a_replayed_flow_file_gives_the_decisions_taken_live(
    upstream: Upstream, tmp_path: Path, mode: str, settings: Callable[[Upstream, Path], ProxySettings]
) -> None:
    record, policy = tmp_path / "visit.flow", shop_policy()
    with running_proxy(policy, settings(upstream, record)) as proxy:
        visit(proxy.port, mode)
    capture = read_capture(record)
    assert len(capture.entries) == (7 if mode == "regular" else 4)
    assert not capture.skipped
    for entry in capture.entries:
        assert entry.recorded is not None
        assert entry.visitor == NO_CHOICE
        assert entry.recorded.policy == policy.fingerprint
        assert decision_form(decide(policy, entry.visitor, entry.asked)) == entry.recorded.decision


def test_the_original_is_kept_beside_what_was_delivered(upstream: Upstream, tmp_path: Path) -> None:
    record = tmp_path / "visit.flow"
    with running_proxy(shop_policy(), regular(upstream, record)) as proxy:
        visit(proxy.port, "regular")
    with record.open("rb") as file:
        page = next(iter(FlowReader(file).stream()))
    assert isinstance(page, http.HTTPFlow)
    assert page.response is not None
    assert read_mark(page) is not None
    assert page.request.headers["Cookie"] == "session=1"
    assert [line.partition("=")[0] for line in page.response.headers.get_all("Set-Cookie")] == ["session", "basket"]
    page.revert()
    assert page.request.headers["Cookie"] == SENT
    assert page.response.headers.get_all("Set-Cookie") == [value for _, value in SET_COOKIES]


def test_asked_and_delivered_are_two_views(upstream: Upstream, tmp_path: Path) -> None:
    record = tmp_path / "visit.flow"
    with running_proxy(shop_policy(), regular(upstream, record)) as proxy:
        visit(proxy.port, "regular")
    page, *others = read_capture(record).entries
    assert page.delivered is not None
    assert [cookie.name for cookie in page.asked.cookies] == ["session", "_track", "unheard"]
    assert [cookie.name for cookie in page.delivered.cookies] == ["session"]
    assert len(page.asked.set_cookies) == 4
    assert [cookie.name for cookie in page.delivered.set_cookies] == ["session", "basket"]
    stopped = [entry for entry in others if entry.asked.url.host in (TRACKER, STRANGER)]
    assert [entry.delivered for entry in stopped] == [None, None, None]
    assert all(not entry.asked.set_cookies for entry in stopped)


def write_policy(folder: Path) -> Path:
    path = folder / "shop.json"
    path.write_text(json.dumps(shop_document()))
    return path


def mitmdump(*arguments: str) -> list[str]:
    return ["-c", "from mitmproxy.tools.main import mitmdump; mitmdump()", *arguments]


def test_mitmdump_runs_the_addon(upstream: Upstream, tmp_path: Path) -> None:
    command = mitmdump(
        *("-s", str(ROOT / "addons" / "enforce.py"), "--set", f"consentry_policy={write_policy(tmp_path)}"),
        *("--listen-host", "127.0.0.1", "--listen-port", "0", "--set", f"confdir={tmp_path}"),
        *("--mode", f"reverse:http://127.0.0.1:{upstream.port}", "--set", "keep_host_header=true"),
    )
    upstream.arrived.clear()
    with running_command(command, ready="listening at") as (_, line):
        port = int(line.rstrip(". \n").rpartition(":")[2])
        send(port, "/", ("Host", SITE), ("Cookie", SENT))
        assert send(port, "/g/collect?tid=1", ("Host", SITE)).values("X-Consentry") == ["blocked"]
    assert [request.values("Cookie") for request in upstream.arrived] == [["session=1"]]


def test_mitmdump_refuses_to_start_with_a_bad_policy(tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('{"consentry": 1}')
    command = mitmdump(
        "-s", str(ROOT / "addons" / "enforce.py"), "--set", f"consentry_policy={bad}", "--listen-port", "0"
    )
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode != 0
    assert "bad.json" in done.stdout + done.stderr


class TestCommand:
    """`consentry proxy` as a process of its own."""

    def test_it_says_where_it_listens_and_enforces(self, upstream: Upstream, tmp_path: Path) -> None:
        record = tmp_path / "visit.flow"
        command = ["-m", "cmp", "proxy", "--mode", f"reverse:http://127.0.0.1:{upstream.port}", "--port", "0"]
        command += ["--policy", str(write_policy(tmp_path)), "--record", str(record), "--confdir", str(tmp_path)]
        with running_command(command, ready="policy shop") as (process, line):
            port = int(line.partition(" on ")[2].partition(",")[0].rpartition(":")[2])
            assert send(port, "/g/collect?tid=1", ("Host", SITE)).values("X-Consentry") == ["blocked"]
        assert process.returncode == 0
        assert len(read_capture(record).entries) == 1

    @pytest.mark.parametrize(
        "arguments, said",
        [
            pytest.param(["--mode", "sideways"], "--mode sideways", id="unknown-mode"),
            pytest.param(["--mode", "reverse:ftp://x"], "no http or https address", id="upstream-of-another-kind"),
            pytest.param(["--mode", "regular", "--connect-to", "x"], "--connect-to", id="bad-route"),
        ],
    )
    def test_bad_arguments_are_one_line(self, tmp_path: Path, arguments: list[str], said: str) -> None:
        ended = called("proxy", "--policy", str(write_policy(tmp_path)), *arguments)
        assert ended.status == 2
        assert said in ended.err
        assert len(ended.err.strip().splitlines()) == 1

    def test_an_address_that_is_not_ours_is_one_line(self, tmp_path: Path) -> None:
        command = [sys.executable, "-m", "cmp", "proxy", "--policy", str(write_policy(tmp_path)), "--mode", "regular"]
        command += ["--listen", "203.0.113.1"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=500, check=False)
        assert done.returncode == 2
        assert "cannot start" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
