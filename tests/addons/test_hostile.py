"""Traffic as nobody should send it: odd answers, odd targets, endless bodies, and what is logged of it all."""

import asyncio
import contextlib
import gzip
import json
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from addons.enforce import Enforce
from cmp.live.consent_endpoint import ConsentHealth
from cmp.live.enforcement import ConsentServer, Enforcement, Mode
from cmp.seal.keys import make_keys
from cmp.seal.site import ConsentSite
from tests.addons.test_enforce import SITE, TRACKER, shop_document, shop_policy
from tests.live import (
    Arrived,
    Got,
    Upstream,
    regular,
    reverse,
    running_command,
    running_proxy,
    running_upstream,
    send,
    send_raw,
    wait_for,
)

PAGE = (
    b"<!doctype html><html><head></head><body>"
    b'<script src="http://' + TRACKER.encode() + b'/t.js"></script>' + b"<p>x</p></body></html>"
)
TAG = b'<script src="http://' + TRACKER.encode()
HTML = "Content-Type: text/html"
REPORT = {"host": "report", "cookie": "report"}
DOCUMENT = (("Host", SITE), ("Accept", "text/html"), ("Sec-Fetch-Dest", "document"))


def answers(
    *lines: str, body: bytes = PAGE, status: str = "200 OK", version: str = "1.1", length: bool = True
) -> bytes:
    head = [f"HTTP/{version} {status}", *lines, *([f"Content-Length: {len(body)}"] if length else [])]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


def chunks(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


REWRITTEN: dict[str, bytes] = {
    "plain": answers(HTML),
    "garbage-type-after": answers(HTML, "Content-Type: garbage"),
    "types-in-one-line": answers("Content-Type: text/plain, text/html"),
    "folded-type": answers("Content-Type:\r\n text/html"),
    "chunked": answers(HTML, "Transfer-Encoding: chunked", body=chunks(PAGE), length=False),
    "http-1.0-until-close": answers(HTML, "Connection: close", version="1.0", length=False),
    "packed": answers(HTML, "Content-Encoding: gzip", body=gzip.compress(PAGE)),
    "no-head": answers(HTML, body=TAG + b'/t.js"></script>'),
    "odd-status": answers(HTML, status="999 Odd"),
    "no-type": answers(),
    "unknown-type": answers("Content-Type: unknown/unknown"),
    "application-unknown": answers("Content-Type: application/unknown"),
    "type-with-a-tab": answers("Content-Type: text/html\tx", body=b"x" + PAGE),
    "type-with-a-comma-in-quotes": answers('Content-Type: text/html;x=",text/plain'),
    "bytes-of-no-encoding": answers(HTML, "X-Odd: \xff\xfe", "Set-Cookie: \xff=1"),
}
WIDE: dict[str, bytes] = {
    "utf-16": answers(HTML + ";charset=unicode", body=PAGE.decode().encode("utf-16-le")),
    "utf-16-that-breaks-off": answers(HTML + "; charset=utf-16", body=PAGE.decode().encode("utf-16-le")[:-1]),
    "utf-16-and-utf-8": answers(HTML + ";charset=unicode;charset=utf-8", body=PAGE.decode().encode("utf-16-le")),
}
UNREAD: dict[str, bytes] = {
    "no-type-and-no-page": answers(body=b"x" + PAGE),
    "no-type-and-no-guess": answers("X-Content-Type-Options: nosniff"),
    "svg": answers("Content-Type: image/svg+xml"),
    "xml": answers("Content-Type: application/xml"),
    "xhtml": answers("Content-Type: application/xhtml+xml"),
    "parts": answers("Content-Type: multipart/x-mixed-replace; boundary=x"),
    "brotli": answers(HTML, "Content-Encoding: br"),
    "cut-off-gzip": answers(HTML, "Content-Encoding: gzip", body=gzip.compress(PAGE)[:-12]),
    "two-gzips": answers(HTML, "Content-Encoding: gzip", body=gzip.compress(PAGE[:60]) + gzip.compress(PAGE[60:])),
    "gzip-bomb": answers(HTML, "Content-Encoding: gzip", body=gzip.compress(b"x" * 30_000_000)),
    "a-part": answers(HTML, "Content-Range: bytes 0-9/999", status="206 Partial Content"),
    "too-long": answers(HTML, "ETag: x", body=PAGE + b"x" * 9_000_000),
}
REFUSED: dict[str, bytes] = {
    "length-no-number": answers(HTML, "Content-Length: abc", length=False),
    "length-twice": answers(HTML, f"Content-Length: {len(PAGE)}"),
    "length-and-chunked": answers(HTML, "Transfer-Encoding: chunked", body=chunks(PAGE)),
    "coding-nobody-knows": answers(HTML, "Transfer-Encoding: chunked, odd", body=chunks(PAGE), length=False),
    "interim-hints": b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" + answers(HTML),
    "interim-continue": b"HTTP/1.1 100 Continue\r\n\r\n" + answers(HTML),
}
BODILESS: dict[str, bytes] = {
    "no-content": answers(HTML, status="204 No Content", body=b"", length=False),
    "reset-content": answers(HTML, status="205 Reset Content", body=b""),
    "not-modified": answers(HTML, status="304 Not Modified", body=b"", length=False),
}
RULES_TYPE = "application/speculationrules+json"
RULES = f"Content-Type: {RULES_TYPE}"
DENIED_RULES = b'{"prefetch": [{"urls": ["/x", "http:\\u002f/%s/x"]}]}' % TRACKER.encode()
HELD: dict[str, bytes] = {
    "rules": answers(RULES, body=DENIED_RULES),
    "rules-packed": answers(RULES, "Content-Encoding: gzip", body=gzip.compress(DENIED_RULES)),
    "rules-pattern": answers(
        RULES, body=b'{"prerender":[{"where":{"href_matches":"http://%s/*"}}]}' % TRACKER.encode()
    ),
    "rules-brotli": answers(RULES, "Content-Encoding: br", body=b"unread"),
    "rules-in-part": answers(RULES, "Content-Range: bytes 0-9/99", status="206 Partial Content", body=b"{"),
    "rules-too-long": answers(RULES, body=b'{"x": "' + b"x" * 9_000_000 + b'"}'),
    "rules-too-long-in-parts": answers(
        RULES, "Transfer-Encoding: chunked", body=chunks(b'{"x": "' + b"x" * 9_000_000 + b'"}'), length=False
    ),
}
ALLOWED_RULES = answers(RULES, body=b'{"prefetch": [{"urls": ["/x", "http://%s/x"]}]}' % SITE.encode())
EXCHANGE = answers("Content-Type: application/signed-exchange;v=b3", body=b"sxg1-b3\0")
SITE_ANSWERS = {
    **REWRITTEN,
    **UNREAD,
    **REFUSED,
    **BODILESS,
    **HELD,
    "rules-allowed": ALLOWED_RULES,
    "exchange": EXCHANGE,
    **WIDE,
    "iso-2022-jp": answers(HTML, body=b"<meta charset=iso-2022-jp>\x1b$BF|\x1b(B" + PAGE),
}


def hostile_site(request: Arrived) -> bytes:
    return SITE_ANSWERS.get(request.target.strip("/"), answers("Content-Type: text/plain", body=b"plain"))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream(hostile_site) as found:
        yield found


@pytest.fixture(autouse=True)
def _fresh(upstream: Upstream) -> None:
    upstream.arrived.clear()
    upstream.connections = 0


@pytest.fixture(scope="module")
def consent(tmp_path_factory: pytest.TempPathFactory) -> ConsentServer:
    keys = make_keys(tmp_path_factory.mktemp("keys") / "keys.json")
    return ConsentServer(ConsentSite(f"http://{SITE}"), keys.public, "127.0.0.1", 9)


def in_front(mode: Mode, consent: ConsentServer | None, **changes: object) -> Enforcement:
    return Enforcement(shop_policy(sites=["shop.test"], **changes), mode, consent)


# One proxy at a time: mitmproxy's `ctx` is global, so the hooks of all go to the one that was started last.
@pytest.fixture(scope="class")
def enforced(upstream: Upstream, consent: ConsentServer) -> Iterator[int]:
    with running_proxy(in_front(Mode.ENFORCE, consent), reverse(upstream)) as proxy:
        yield proxy.port


@pytest.fixture(scope="class")
def lenient(upstream: Upstream, consent: ConsentServer) -> Iterator[int]:
    with running_proxy(in_front(Mode.ENFORCE, consent, unknown=REPORT), reverse(upstream)) as proxy:
        yield proxy.port


@pytest.fixture(scope="class")
def observed(upstream: Upstream, consent: ConsentServer) -> Iterator[int]:
    with running_proxy(in_front(Mode.OBSERVE, consent), reverse(upstream)) as proxy:
        yield proxy.port


@pytest.fixture(scope="class")
def browser_proxy(upstream: Upstream) -> Iterator[int]:
    with running_proxy(shop_policy(), regular(upstream)) as proxy:
        yield proxy.port


def csp(got: Got) -> list[str]:
    return got.values("Content-Security-Policy")


class TestOddAnswersEnforced:
    @pytest.mark.parametrize("name", REWRITTEN)
    def test_what_a_browser_reads_as_html_is_rewritten(self, enforced: int, name: str) -> None:
        got = send(enforced, f"/{name}", *DOCUMENT)
        assert TAG not in got.body
        assert b"data-consent-src" in got.body
        assert len(csp(got)) == 1

    @pytest.mark.parametrize("name", WIDE)
    def test_a_page_in_utf_16_is_rewritten_in_it(self, enforced: int, name: str) -> None:
        text = send(enforced, f"/{name}", *DOCUMENT).body.decode("utf-16-le")
        assert "data-consent-src" in text
        assert TAG.decode() not in text

    @pytest.mark.parametrize("name, coding", [("utf-16-and-utf-8", "utf-16le"), ("iso-2022-jp", "iso-2022-jp")])
    def test_a_page_that_could_be_read_in_two_ways_says_which(self, enforced: int, name: str, coding: str) -> None:
        got = send(enforced, f"/{name}", *DOCUMENT)
        assert got.values("Content-Type") == [f"text/html; charset={coding}"]
        assert "data-consent-src" in got.body.decode(coding)

    @pytest.mark.parametrize("name", UNREAD)
    def test_what_cannot_be_read_goes_out_as_it_is_under_a_csp(self, enforced: int, name: str) -> None:
        got = send(enforced, f"/{name}", *DOCUMENT)
        assert got.body == SITE_ANSWERS[name].partition(b"\r\n\r\n")[2]
        assert len(csp(got)) == 1
        assert "tracker.test" not in csp(got)[0]
        assert got.values("Cache-Control") == ["private, no-cache"]
        assert got.values("ETag") == []

    @pytest.mark.parametrize("dest", ["worker", "sharedworker", "serviceworker", "embed", "iframe"])
    def test_a_worker_is_held_by_a_csp_of_its_own(self, enforced: int, dest: str) -> None:
        got = send(enforced, "/w.js", ("Host", SITE), ("Accept", "*/*"), ("Sec-Fetch-Dest", dest))
        assert len(csp(got)) == 1

    @pytest.mark.parametrize("name", HELD)
    def test_speculation_rules_that_name_what_is_denied_are_none(self, enforced: int, name: str) -> None:
        """No CSP holds what they ask for."""
        got = send(enforced, f"/{name}", ("Host", SITE), ("Sec-Fetch-Dest", "speculationrules"))
        assert got.values("Content-Type") == ["text/plain"]
        assert got.values("Cache-Control") == ["private, no-cache"]

    def test_other_speculation_rules_pass(self, enforced: int) -> None:
        got = send(enforced, "/rules-allowed", ("Host", SITE), ("Sec-Fetch-Dest", "speculationrules"))
        assert got.values("Content-Type") == [RULES_TYPE]
        assert got.body == ALLOWED_RULES.partition(b"\r\n\r\n")[2]

    def test_a_signed_exchange_is_none(self, enforced: int) -> None:
        """It names an address of its own choice that a browser goes to."""
        got = send(enforced, "/exchange", *DOCUMENT)
        assert (got.values("Content-Type"), got.body) == (["text/plain"], b"sxg1-b3\0")

    @pytest.mark.parametrize("name", REFUSED)
    def test_what_could_be_read_in_two_ways_is_not_passed_on(self, enforced: int, name: str) -> None:
        got = send(enforced, f"/{name}", *DOCUMENT)
        assert got.status in (0, 502)
        assert TAG not in got.body

    @pytest.mark.parametrize("name", BODILESS)
    def test_an_answer_without_a_body_gets_none(self, enforced: int, name: str) -> None:
        got = send(enforced, f"/{name}", *DOCUMENT)
        assert (got.status, got.body) == (int(SITE_ANSWERS[name].split()[1]), b"")

    @pytest.mark.parametrize(
        "asked, passed",
        [
            pytest.param("gzip, deflate, br, zstd", "gzip, deflate", id="browser"),
            pytest.param("br;q=1, gzip", "gzip", id="some"),
            pytest.param("identity", "identity", id="none"),
        ],
    )
    def test_no_coding_is_asked_for_that_the_client_cannot_read(
        self, enforced: int, upstream: Upstream, asked: str, passed: str
    ) -> None:
        send(enforced, "/x", *DOCUMENT, ("Accept-Encoding", asked))
        assert upstream.arrived[0].values("Accept-Encoding") == [passed]


class TestLetTheUnknownPass:
    """Where the policy does, there is no CSP for pages that were rewritten; for the others there is."""

    @pytest.mark.parametrize("name", UNREAD)
    def test_what_cannot_be_read_goes_out_under_the_fallback(self, lenient: int, name: str) -> None:
        (found,) = csp(send(lenient, f"/{name}", *DOCUMENT))
        assert "tracker.test" not in found


def test_without_a_consent_server_there_is_a_csp_all_the_same(upstream: Upstream) -> None:
    with running_proxy(in_front(Mode.ENFORCE, None), reverse(upstream)) as proxy:
        assert "tracker.test" not in csp(send(proxy.port, "/plain", *DOCUMENT))[0]


class TestObserved:
    @pytest.mark.parametrize("name", [*REWRITTEN, *WIDE, *UNREAD, *BODILESS, *list(HELD)[:-1]])
    def test_observing_changes_no_byte(self, observed: int, upstream: Upstream, name: str) -> None:
        direct, through = send(upstream.port, f"/{name}", *DOCUMENT), send(observed, f"/{name}", *DOCUMENT)
        assert through.body == direct.body
        assert csp(through) == []

    def test_observing_an_unreadable_host_changes_nothing(self, observed: int, upstream: Upstream) -> None:
        got = send(observed, "/plain", ("Host", "a.."), ("Accept", "text/html"), ("Cookie", "session=1; _track=2"))
        assert upstream.arrived[0].values("Cookie") == ["session=1; _track=2"]
        assert got.body == PAGE
        assert csp(got) == []

    @pytest.mark.parametrize("name", REFUSED)
    def test_what_could_be_read_in_two_ways_is_not_passed_on(self, observed: int, name: str) -> None:
        assert send(observed, f"/{name}", *DOCUMENT).status in (0, 502)


class TestBrowserProxy:
    @pytest.mark.parametrize("host", ["[::1]", "[::1]:8080"])
    def test_an_ipv6_host_keeps_its_brackets(self, browser_proxy: int, upstream: Upstream, host: str) -> None:
        send(browser_proxy, f"http://{host}/x", ("Host", host), ("Sec-Fetch-Dest", "document"))
        assert upstream.arrived[0].values("Host") == [host]


class TestOddTargets:
    COLLECT = "/g/collect?tid=1"

    @pytest.mark.parametrize("host", [f"{SITE}/x?", f"{SITE}#", f"x@{SITE}", "a..", "a b", f"{SITE}\\x"])
    def test_an_unreadable_host_gets_the_fallback(self, enforced: int, upstream: Upstream, host: str) -> None:
        got = send(enforced, "/x", ("Host", host), ("Accept", "text/html"), ("Cookie", "session=1; _track=2"))
        assert [request.values("Cookie") for request in upstream.arrived] == [["session=1"]]
        assert len(csp(got)) == 1

    def test_a_host_in_the_target_does_not_outrank_the_one_decided_on(self, enforced: int, upstream: Upstream) -> None:
        send(enforced, f"http://{TRACKER}/x", ("Host", SITE))
        assert [request.target for request in upstream.arrived] == ["/x"]

    def test_pipelined_requests_are_each_decided_on(self, enforced: int, upstream: Upstream) -> None:
        one = f"GET /x HTTP/1.1\r\nHost: {SITE}\r\n\r\nGET {self.COLLECT} HTTP/1.1\r\nHost: {SITE}\r\n\r\n".encode()
        send_raw(enforced, one * 2 + f"GET /z HTTP/1.1\r\nHost: {SITE}\r\nConnection: close\r\n\r\n".encode())
        assert [request.target for request in upstream.arrived] == ["/x", "/x", "/z"]

    @pytest.mark.parametrize(
        "target, passes", [pytest.param("/f", True, id="passing"), pytest.param(COLLECT, False, id="blocked")]
    )
    def test_a_client_that_waits_for_leave_to_send(
        self, enforced: int, upstream: Upstream, target: str, passes: bool
    ) -> None:
        head = f"POST {target} HTTP/1.1\r\nHost: {SITE}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n"
        send_raw(enforced, f"{head}Connection: close\r\n\r\nhello".encode())
        assert [request.body for request in upstream.arrived] == ([b"hello"] if passes else [])

    @pytest.mark.parametrize(
        "target",
        ["/.consent", "//.consent/state", "/.consent%2fstate", "/.Consent/state", "/x/%2e%2e%2f.consent/state"],
    )
    def test_what_is_not_the_reserved_path_is_the_sites(self, enforced: int, upstream: Upstream, target: str) -> None:
        send(enforced, target, ("Host", SITE))
        assert [request.target for request in upstream.arrived] == [target]

    @pytest.mark.parametrize(
        "target", ["/.consent/state", "/%2econsent/state", "/x/../.consent/state", "/x/%2E%2e/.cons%65nt/state"]
    )
    def test_no_spelling_of_it_reaches_the_site(self, enforced: int, upstream: Upstream, target: str) -> None:
        assert send(enforced, target, ("Host", SITE)).status == 502
        assert upstream.arrived == []

    def test_a_log_names_the_fault_and_not_the_person(self, enforced: int, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING):
            send(enforced, "/x?email=jane@doe.test", ("Host", "a.."), ("Cookie", "session=secret"))
        assert "deciding failed" in caplog.text
        assert "UrlError" in caplog.text
        assert "jane" not in caplog.text
        assert "secret" not in caplog.text


Serving = Callable[[socket.socket], None]


@contextlib.contextmanager
def serving(serve: Serving, host: str = "127.0.0.1") -> Iterator[int]:
    """A server that writes to a connection what and when it likes, once a request's head has come."""
    listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)

    def one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                part = connection.recv(65_536)
                if not part:
                    return
                head += part
            serve(connection)

    def run() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=run, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def asking(port: int, *lines: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.sendall("\r\n".join(["GET /x HTTP/1.1", f"Host: {SITE}", *lines, "", ""]).encode())
    return connection


class TestLongConnections:
    @pytest.mark.parametrize("mode", Mode)
    def test_events_come_one_by_one(self, consent: ConsentServer, mode: Mode) -> None:
        more = threading.Event()

        def serve(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
            more.wait(60)
            connection.sendall(b"data: 2\n\n")

        with serving(serve) as port, running_proxy(in_front(mode, consent), reverse(Upstream(port=port))) as proxy:
            connection = asking(proxy.port, "Accept: text/event-stream")
            received = b""
            while b"data: 1" not in received:
                received += connection.recv(65_536)
            assert b"data: 2" not in received
            more.set()
            while b"data: 2" not in received:
                received += connection.recv(65_536)
            connection.close()

    @pytest.mark.parametrize("fails", [pytest.param(False, id="decided"), pytest.param(True, id="deciding-fails")])
    def test_a_download_is_not_kept_in_memory(
        self, consent: ConsentServer, monkeypatch: pytest.MonkeyPatch, fails: bool
    ) -> None:
        size, sent, go_on = 64 * 1024 * 1024, [0], threading.Event()

        def serve(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\nContent-Length: %d\r\n\r\n" % size)
            while sent[0] < size:
                sent[0] += connection.send(b"x" * 65_536)
                if sent[0] > size // 2:
                    go_on.wait(60)

        if fails:
            monkeypatch.setattr(Enforce, "_decide_answer", lambda *_: 1 / 0)
        with (
            serving(serve) as port,
            running_proxy(in_front(Mode.ENFORCE, consent), reverse(Upstream(port=port))) as proxy,
        ):
            connection = asking(proxy.port)
            received = 0
            while received < size // 4:
                received += len(connection.recv(1_048_576))
            # A quarter has come while the server still holds back half.
            assert not go_on.is_set()
            go_on.set()
            connection.close()


class TestConsentServerAddress:
    def test_an_odd_health_answer_ends_no_watch(self, consent: ConsentServer) -> None:
        with serving(lambda connection: connection.sendall(b"x" * 300_000)) as port:
            health = ConsentHealth(ConsentServer(consent.site, consent.keys, "127.0.0.1", port))
            assert asyncio.run(health._ask()) is False

    def test_an_ipv6_consent_server_is_reached(self, upstream: Upstream, tmp_path: Path) -> None:
        make_keys(tmp_path / "keys.json")
        policy = tmp_path / "shop.json"
        policy.write_text(json.dumps(shop_document(sites=["shop.test"])))
        reply = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nours"
        with serving(lambda connection: connection.sendall(reply), "::1") as port:
            command = ["-m", "cmp", "proxy", "--mode", f"reverse:http://127.0.0.1:{upstream.port}", "--port", "0"]
            command += ["--policy", str(policy), "--confdir", str(tmp_path), "--public-origin", f"http://{SITE}"]
            command += ["--consent-server", f"http://[::1]:{port}", "--keys", str(tmp_path / "keys.json.pub")]
            with running_command(command, ready="consentry proxy:") as (_, line):
                own = int(line.partition(" on ")[2].partition(",")[0].rpartition(":")[2])
                assert send(own, "/.consent/state", ("Host", SITE)).body == b"ours"


def test_a_half_sent_choice_does_not_hold_up_the_end(upstream: Upstream, tmp_path: Path) -> None:
    policy = tmp_path / "shop.json"
    policy.write_text(json.dumps(shop_document(sites=["127.0.0.1"])))
    command = ["-m", "cmp", "up", "--upstream", f"http://127.0.0.1:{upstream.port}", "--policy", str(policy)]
    command += ["--keys", str(tmp_path / "k"), "--ledger", f"sqlite:{tmp_path / 'l.db'}", "--port", "0"]
    with running_command([*command, "--confdir", str(tmp_path)], ready="consentry up:") as (process, line):
        port = int(line.rpartition(":")[2].strip(" )\n"))
        with socket.create_connection(("127.0.0.1", port)) as connection:
            head = f"POST /.consent/choice HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
            connection.sendall(f"{head}Sec-Fetch-Site: same-origin\r\nContent-Length: 50\r\n\r\n{{".encode())
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            # aiohttp alone would give such a request a minute.
            assert wait_for(lambda: process.poll() is not None, 45)
