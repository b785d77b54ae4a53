"""The decision log of a running proxy: what it says of real traffic, and what it never says."""

import json
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from mitmproxy.test import tflow

from addons.decision_log import LogDecisions, taken_of
from cmp.capture.flow_exchange import MARK
from cmp.cli import main
from cmp.decision_log.folder import read_heads
from cmp.decision_log.verify import check
from cmp.decision_log.writer import DecisionLog, LogSettings
from cmp.live.enforcement import ConsentServer, Enforcement, Mode
from cmp.proxy import ProxySettings
from cmp.seal.audit_token import make_token
from cmp.seal.keys import make_keys
from cmp.seal.site import ConsentSite
from tests.addons.test_enforce import CDN, FROM_SITE, SITE, STRANGER, TRACKER, shop_document, shop_policy
from tests.decision_log.examples import lines_of, text_of
from tests.live import (
    Arrived,
    Upstream,
    answer,
    regular,
    reverse,
    running_command,
    running_proxy,
    running_upstream,
    send,
    wait_for,
)
from tests.seal.choices import sealed_choice

PAGE = (("Sec-Fetch-Dest", "document"),)
SECRET = b"a secret for the tests of visits"
SET = (("Set-Cookie", "session=s; Path=/"), ("Set-Cookie", "_track=t; Max-Age=99999; Path=/"))


def shop_answers(request: Arrived) -> bytes:
    if request.target.startswith("/page"):
        body = f'<p>Hello <script src="http://{TRACKER}/tag.js"></script>'.encode()
        return answer(body, *SET, ("Content-Type", "text/html; charset=utf-8"))
    return answer(b"ok", *SET, ("Content-Type", "text/plain"))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream(shop_answers) as found:
        yield found


def logged(settings: ProxySettings, folder: Path) -> ProxySettings:
    log = LogSettings(folder, look_seconds=0.01)
    return replace(settings, decision_log=log, audit_secret=SECRET)


def visit(port: int, *more: tuple[str, str]) -> None:
    send(port, f"http://{SITE}/", ("Accept", "text/html"), ("Cookie", "session=1; _track=2; unheard=3"), *more)
    for kind in ("image", "script"):
        send(port, f"http://{TRACKER}/p?id=1", ("Sec-Fetch-Dest", kind), *FROM_SITE, *more)
    send(port, f"http://{CDN}/lib.js", *FROM_SITE, *more)
    send(port, f"http://{STRANGER}/x", *FROM_SITE, *more)


def test_every_exchange_is_counted_with_what_was_done_and_why(upstream: Upstream, tmp_path: Path) -> None:
    policy = shop_policy()
    with running_proxy(policy, logged(regular(upstream), tmp_path)) as proxy:
        visit(proxy.port)
    rows = lines_of(tmp_path, "decided")
    assert sum(row["n"] for row in rows) == 5
    assert {(row["choice"], row["policy"], row["mode"], row["where"]) for row in rows} == {
        ("none", policy.fingerprint, "enforce", "wire")
    }
    assert Counter((row["action"], row["reason"], row["rule"], row["kind"], row["site"]) for row in rows) == Counter(
        [
            ("edit", "navigation", "navigation", "document", None),
            ("block", "default-denied", "vendor:tracker", "image", "tracker.test"),
            ("block", "default-denied", "vendor:tracker", "script", "tracker.test"),
            ("edit", "necessary", "vendor:cdn", "script", "lib.test"),
            ("block", "unknown-denied", "unknown.host", "other", None),
        ]
    )
    (page,) = (row for row in rows if row["kind"] == "document")
    changes = {(one["edit"], one["name"][0], one["rule"]) for one in page["changes"]}
    assert ("strip-set-cookie", "~", "cookie:tracker/_track*") in changes
    assert ("strip-cookie", "~", "unknown.cookie") in changes
    assert check(tmp_path).faults == ()


def test_what_is_only_observed_is_logged_as_observed(upstream: Upstream, tmp_path: Path) -> None:
    observing = Enforcement(shop_policy(), Mode.OBSERVE)
    with running_proxy(observing, logged(regular(upstream), tmp_path)) as proxy:
        visit(proxy.port)
    assert {row["mode"] for row in lines_of(tmp_path, "decided")} == {"observe"}


def test_a_visitors_choice_and_the_tags_of_a_page_are_logged(upstream: Upstream, tmp_path: Path) -> None:
    keys, site = make_keys(tmp_path / "keys.json"), ConsentSite(f"http://{SITE}")
    policy = shop_policy()
    consent = ConsentServer(site, keys.public, "127.0.0.1", 1)
    with running_proxy(Enforcement(policy, consent=consent), logged(reverse(upstream), tmp_path / "log")) as proxy:
        for choice in ("refuse", "accept"):
            cookie = sealed_choice(keys, site, policy, choice, time.time())
            send(proxy.port, "/page", ("Host", SITE), ("Sec-Fetch-Dest", "document"), ("Cookie", cookie))
    rows = lines_of(tmp_path / "log", "decided")
    assert {(row["choice"], row["where"], row["action"]) for row in rows} == {
        ("refused", "wire", "edit"),
        ("refused", "page", "block"),
        ("accepted", "wire", "allow"),
    }


def test_what_failed_is_logged_with_the_fallback(upstream: Upstream, tmp_path: Path) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("made to fail")

    def break_it(master: object) -> None:
        master.addons.get("enforce")._decide_request = fail  # type: ignore[attr-defined]

    with running_proxy(shop_policy(), logged(regular(upstream), tmp_path), change=break_it) as proxy:
        send(proxy.port, f"http://{TRACKER}/p", *FROM_SITE)
    (row,) = lines_of(tmp_path, "decided")
    assert (row["action"], row["reason"], row["rule"]) == ("block", "fallback", "fallback")


def test_a_decision_that_cannot_be_handed_over_is_counted_as_lost(tmp_path: Path) -> None:
    flow = tflow.tflow(resp=True)
    flow.metadata[MARK] = "{}"
    # An original that nobody can read.
    flow._backup = {"request": {}}  # type: ignore[assignment]  # annotated as a Flow, holds its state
    addon = LogDecisions(DecisionLog(LogSettings(tmp_path), taken_of))
    with pytest.raises(KeyError):
        addon.response(flow)
    addon.response(flow)
    addon.done()
    assert (addon.log.counts.noted, addon.log.counts.lost) == (1, 1)
    assert [line["why"] for line in lines_of(tmp_path, "gap")] == ["unread"]


class TestNothingOfAVisitor:
    """Markers in everything that somebody who refuses sends; none of them is in any file of the log."""

    MARKERS = tuple(f"m4rk3r{word}{number}q7" for number in range(3) for word in ("alpha", "bravo", "charly"))
    # Words without digits, as names and addresses are made of.
    WORDS = ("janedoe", "musterfrau", "wonderland")

    def test_nothing_is_kept(self, upstream: Upstream, tmp_path: Path) -> None:
        keys, site = make_keys(tmp_path / "keys.json"), ConsentSite(f"http://{SITE}")
        policy = shop_policy(sites=["shop.test"])
        with running_proxy(policy, logged(regular(upstream), tmp_path / "log")) as proxy:
            for number, mark in enumerate((*self.MARKERS, *self.WORDS)):
                self.send_everything(proxy.port, mark, ("GET", "POST", "PUT")[number % 3])
        consent = ConsentServer(site, keys.public, "127.0.0.1", 1)
        with running_proxy(Enforcement(policy, consent=consent), logged(reverse(upstream), tmp_path / "log")) as proxy:
            refused = ("Cookie", sealed_choice(keys, site, policy, "refuse", time.time()))
            for mark in (*self.MARKERS, *self.WORDS):
                self.send_everything(proxy.port, mark, "GET", refused, hosts=[SITE])
        rows = lines_of(tmp_path / "log", "decided")
        assert sum(row["n"] for row in rows if row["where"] == "wire") == 60
        assert {row["choice"] for row in rows} == {"none", "refused"}
        files = [path for path in (tmp_path / "log").iterdir() if path.name != "lock"]
        written = b"".join(text_of(path) for path in files).lower()
        names = " ".join(path.name for path in files)
        assert [mark for mark in (*self.MARKERS, *self.WORDS) if mark.encode() in written or mark in names] == []
        assert b"127.0.0.1" not in written
        assert b"agent" not in written

    def send_everything(
        self, port: int, mark: str, method: str, *more: tuple[str, str], hosts: list[str] | None = None
    ) -> None:
        everywhere = [SITE, f"{mark}.{TRACKER}", f"{mark}.test", f"{mark}.shop.test"]
        for host in hosts or everywhere:
            fields = [
                *(("Cookie", f"{mark}={mark}; session={mark}; _track_{mark}={mark}"),),
                *(("Referer", f"http://{SITE}/{mark}?{mark}={mark}"), ("User-Agent", mark), ("From", mark)),
                *(("Accept-Language", mark), (f"X-{mark}", mark), ("Authorization", mark), ("Content-Type", mark)),
                *(("If-None-Match", mark), ("Origin", f"http://{mark}.test"), ("Sec-Fetch-Dest", "image")),
            ]
            body = f"{mark}={mark}".encode() if method != "GET" else b""
            target = f"/{mark}/page?{mark}={mark}&uid={mark}#{mark}"
            whole = target if hosts else f"http://{host}{target}"
            send(port, whole, ("Host", host), *fields, *more, method=method, body=body)


class TestAuditVisits:
    """Who carries a token agreed to be linked; the token goes no further."""

    def test_a_visit_with_a_token_is_linked_and_no_other(self, upstream: Upstream, tmp_path: Path) -> None:
        token, name = make_token(SECRET, int(time.time()) + 60)
        with running_proxy(shop_policy(), logged(regular(upstream), tmp_path)) as proxy:
            visit(proxy.port, ("X-Consentry-Audit", token))
            visit(proxy.port)
        linked, others = lines_of(tmp_path, "visit"), lines_of(tmp_path, "decided")
        assert {line["visit"] for line in linked} == {name}
        assert (len(linked), sum(line["n"] for line in others)) == (5, 5)
        assert [line["kind"] for line in linked] == ["document", "image", "script", "script", "other"]
        assert sorted(line["at"] for line in linked) == [line["at"] for line in linked]

    def test_the_token_reaches_no_server_no_recording_and_no_decision(self, upstream: Upstream, tmp_path: Path) -> None:
        token, _ = make_token(SECRET, int(time.time()) + 60)
        upstream.arrived.clear()
        settings = logged(regular(upstream, tmp_path / "run.flow"), tmp_path / "log")
        with running_proxy(shop_policy(), settings) as proxy:
            send(proxy.port, f"http://{SITE}/", ("Accept", "text/html"), ("X-Consentry-Audit", token))
            send(proxy.port, f"http://{SITE}/", *PAGE, ("Cookie", f"session=1; consentry-audit={token}"))
            send(proxy.port, f"http://{SITE}/", *PAGE, ("Cookie", f"consentry-audit={token}"))
        assert [request.values("Cookie") for request in upstream.arrived] == [[], ["session=1"], []]
        assert not any("audit" in name.lower() for request in upstream.arrived for name, _ in request.fields)
        assert token.encode() not in (tmp_path / "run.flow").read_bytes()
        assert len(lines_of(tmp_path / "log", "visit")) == 3
        assert not any(
            "consentry-audit" in json.dumps(line.get("changes", [])) for line in lines_of(tmp_path / "log", "visit")
        )

    @pytest.mark.parametrize(
        "token",
        [
            pytest.param(make_token(b"another secret of somebody else", 9_999_999_999)[0], id="of another secret"),
            pytest.param(make_token(SECRET, 1)[0], id="that has ended"),
            pytest.param("a1.0123456789ab.9999999999." + "A" * 22, id="made up"),
            pytest.param("x" * 5_000, id="long"),
            pytest.param("", id="empty"),
        ],
    )
    def test_another_token_links_nobody_and_is_taken_out_too(
        self, upstream: Upstream, tmp_path: Path, token: str
    ) -> None:
        upstream.arrived.clear()
        with running_proxy(shop_policy(), logged(regular(upstream), tmp_path)) as proxy:
            send(proxy.port, f"http://{SITE}/", ("Accept", "text/html"), ("X-Consentry-Audit", token))
        assert lines_of(tmp_path, "visit") == []
        assert [line["n"] for line in lines_of(tmp_path, "decided")] == [1]
        assert not any(name.lower() == "x-consentry-audit" for name, _ in upstream.arrived[0].fields)


class TestTheCommand:
    """`consentry proxy --decision-log` as a process of its own."""

    def proxy(self, folder: Path, upstream: Upstream, *more: str) -> list[str]:
        policy = folder / "shop.json"
        policy.write_text(json.dumps(shop_document()))
        return [
            *("-m", "cmp", "proxy", "--mode", f"reverse:http://127.0.0.1:{upstream.port}", "--policy", str(policy)),
            *("--port", "0", "--confdir", str(folder), "--decision-log", str(folder / "log"), *more),
        ]

    def wait_for_log(self, folder: Path, runs: int) -> None:
        def opened() -> bool:
            heads = read_heads(folder)
            return heads is not None and len(heads.segments) == runs

        assert wait_for(opened)

    def test_a_proxy_that_is_ended_closes_its_log_and_one_that_is_killed_says_so(
        self, upstream: Upstream, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for runs, end in enumerate((signal.SIGTERM, signal.SIGKILL), start=1):
            with running_command(self.proxy(tmp_path, upstream), ready="consentry proxy:") as (process, line):
                port = int(line.split(" on 127.0.0.1:")[1].split(",")[0])
                send(port, "/", ("Host", SITE))
                # A thread of its own opens the log.
                self.wait_for_log(tmp_path / "log", runs)
                process.send_signal(end)
                process.wait(60)
        assert [fault.code for fault in check(tmp_path / "log").faults] == ["killed"]
        assert [line["n"] for line in lines_of(tmp_path / "log", "decided")] == [1]
        assert main(["log", "verify", str(tmp_path / "log")]) == 0
        said = capsys.readouterr().out
        assert "whole" in said
        assert "was not closed" in said
