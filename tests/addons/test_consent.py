"""`consentry serve` and the proxy in front of a site, without a browser: cookies, modes, and servers that are down."""

import contextlib
import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cmp.capture.flow_exchange import read_mark
from cmp.capture.flows import read_flows
from cmp.capture.reading import read_capture
from cmp.core.consent import Visitor, supposed_visitor
from cmp.core.decide import decide
from cmp.core.forms import decision_form
from cmp.core.policy import Policy
from cmp.live.enforcement import ConsentServer, Enforcement, Mode
from cmp.seal.cookie import write_cookie
from cmp.seal.keys import SigningKeys, make_keys
from cmp.seal.site import ConsentSite
from tests.addons.test_enforce import SITE, TRACKER, shop_document, shop_policy
from tests.live import (
    Arrived,
    Got,
    Upstream,
    answer,
    reverse,
    running_command,
    running_proxy,
    running_upstream,
    send,
    wait_for,
)

NOW = 1_800_000_000.0
ORIGIN = f"http://{SITE}"
CONSENT = ConsentSite(ORIGIN)

PAGE = f"""<!doctype html>
<html><head><title>Shop</title></head>
<body class="x">
<script src="http://{TRACKER}/tag.js"></script>
<img src='http://{TRACKER}/p.gif'> <img src="http://cdn.lib.test/logo.png">
<iframe src="http://unlisted.test/frame"></iframe>
<p>Gr\u00fc\u00dfe</p>
</body></html>
""".encode()


def shop_site(request: Arrived) -> bytes:
    if request.target == "/packed":
        return answer(
            gzip.compress(PAGE, mtime=0), ("Content-Type", "text/html; charset=utf-8"), ("Content-Encoding", "gzip")
        )
    if request.target.startswith("/page"):
        fields = [("Content-Type", "text/html; charset=utf-8"), ("ETag", '"v1"'), ("Cache-Control", "max-age=60")]
        fields += [("Set-Cookie", "_track=t; Max-Age=99999; Path=/"), ("Set-Cookie", "session=s; Path=/")]
        return answer(PAGE, *fields)
    return answer(b"plain", ("Content-Type", "text/plain"))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream(shop_site) as found:
        yield found


@pytest.fixture(autouse=True)
def _fresh(upstream: Upstream) -> None:
    upstream.arrived.clear()


@dataclass
class Shop:
    """The proxy in front of the shop, and the keys that its consent cookies are signed with."""

    port: int
    keys: SigningKeys
    policy: Policy

    def cookie(
        self, choice: str, *, at: float = NOW, site: ConsentSite = CONSENT, keys: SigningKeys | None = None
    ) -> str:
        supposed = supposed_visitor(self.policy, choice)
        visitor = Visitor(supposed.granted, supposed.refused, at, self.policy.fingerprint)
        return write_cookie(keys or self.keys, site, visitor)

    def get(self, target: str = "/page", *cookies: str, **fields: str) -> Got:
        more = [("Cookie", cookie) for cookie in cookies]
        more += [(name.replace("_", "-"), value) for name, value in fields.items()]
        return send(self.port, target, ("Host", SITE), ("Accept", "text/html"), ("Sec-Fetch-Dest", "document"), *more)


@contextlib.contextmanager
def shop(
    upstream: Upstream,
    folder: Path,
    mode: Mode = Mode.ENFORCE,
    record: Path | None = None,
    site: ConsentSite = CONSENT,
) -> Iterator[Shop]:
    keys, policy = make_keys(folder / "keys.json"), shop_policy(sites=["shop.test"])
    # Nothing listens on this port: whoever has a cookie has it, and nobody can make a new choice.
    consent = ConsentServer(site, keys.public, "127.0.0.1", 9)
    with running_proxy(Enforcement(policy, mode, consent, clock=lambda: NOW), reverse(upstream, record)) as proxy:
        yield Shop(proxy.port, keys, policy)


@pytest.fixture(scope="class")
def enforced(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with shop(upstream, tmp_path_factory.mktemp("shop")) as found:
        yield found


def accepted(got: Got) -> bool:
    """Whether the page came as somebody gets it who agreed to analytics."""
    return (
        f'src="http://{TRACKER}/tag.js"' in got.body.decode()
        and b"data-consent-src" not in got.body.split(b"tag.js")[0][-60:]
    )


class TestWhoCounts:
    def test_a_signed_cookie_is_the_visitor(self, enforced: Shop, upstream: Upstream) -> None:
        got = enforced.get("/page", f"consent={enforced.cookie('accept')}; _track=1")
        assert accepted(got)
        assert "_track=1" in upstream.arrived[0].values("Cookie")[0]
        assert "_track" in " ".join(got.values("Set-Cookie"))

    def test_without_a_cookie_nobody_has_chosen(self, enforced: Shop, upstream: Upstream) -> None:
        got = enforced.get("/page", "_track=1; session=2")
        assert not accepted(got)
        assert upstream.arrived[0].values("Cookie") == ["session=2"]
        assert "_track" not in " ".join(got.values("Set-Cookie"))

    def test_a_forged_cookie_counts_as_none(self, enforced: Shop, tmp_path: Path) -> None:
        forged = enforced.cookie("accept", keys=make_keys(tmp_path / "other.json"))
        assert not accepted(enforced.get("/page", f"consent={forged}"))

    def test_two_cookies_count_as_none(self, enforced: Shop) -> None:
        cookie = enforced.cookie("accept")
        assert not accepted(enforced.get("/page", f"consent={cookie}; consent={cookie}"))

    def test_an_expired_cookie_counts_as_none(self, enforced: Shop) -> None:
        assert not accepted(enforced.get("/page", f"consent={enforced.cookie('accept', at=NOW - 200 * 86_400)}"))

    def test_a_cookie_of_the_future_counts_as_none(self, enforced: Shop) -> None:
        assert not accepted(enforced.get("/page", f"consent={enforced.cookie('accept', at=NOW + 5 * 86_400)}"))

    def test_a_cookie_for_another_site_counts_as_none(self, enforced: Shop) -> None:
        foreign = enforced.cookie("accept", site=ConsentSite("http://www.other.test"))
        assert not accepted(enforced.get("/page", f"consent={foreign}"))


class TestPages:
    def test_denied_tags_are_inert_and_the_rest_is_untouched(self, enforced: Shop) -> None:
        text = enforced.get().body.decode()
        assert '<img src="http://cdn.lib.test/logo.png">\n' in text
        assert "<p>Gr\u00fc\u00dfe</p>" in text
        assert not re.search(rf"<[^>]* src=.http://(?:{TRACKER}|unlisted\.test)", text)

    def test_a_packed_page_is_rewritten_too(self, enforced: Shop) -> None:
        got = enforced.get("/packed", Accept_Encoding="gzip")
        assert b"/.consent/guard.js" in got.body
        assert got.values("Content-Encoding") == []

    def test_the_page_depends_on_the_visitor_and_says_so(self, enforced: Shop) -> None:
        got = enforced.get()
        assert got.values("Cache-Control") == ["private, no-cache"]
        assert got.values("ETag") == []
        assert "Cookie" in got.values("Vary")[0]

    def test_a_page_that_is_still_current_is_asked_for_again(self, enforced: Shop, upstream: Upstream) -> None:
        enforced.get("/page", If_None_Match='"v1"')
        assert upstream.arrived[0].values("If-None-Match") == []

    def test_the_csp_stands_beside_the_sites_own(self, enforced: Shop) -> None:
        (csp,) = enforced.get().values("Content-Security-Policy")
        assert "lib.test" in csp
        assert "tracker.test" not in csp

    def test_a_refusal_takes_away_what_is_still_there(self, enforced: Shop) -> None:
        got = enforced.get("/page", f"consent={enforced.cookie('refuse')}; _track=1")
        gone = [line for line in got.values("Set-Cookie") if line.startswith("_track=;")]
        assert gone
        assert all("Max-Age=0" in line for line in gone)


def test_behind_a_tls_terminator_the_site_is_the_https_one(upstream: Upstream, tmp_path: Path) -> None:
    secure, record = ConsentSite(f"https://{SITE}"), tmp_path / "visit.flow"
    with shop(upstream, tmp_path, record=record, site=secure) as found:
        got = found.get("/page", f"__Host-consent={found.cookie('refuse', site=secure)}; _track=1")
    gone = [line for line in got.values("Set-Cookie") if line.startswith("_track=;")]
    assert any("Secure" in line for line in gone)
    (entry,) = read_capture(record).entries
    assert entry.delivered is not None
    assert (entry.asked.url.scheme, entry.delivered.url.scheme) == ("https", "https")


class TestObserve:
    """Nothing a visitor could notice: what arrives and what comes back is what it is without us."""

    REQUEST = (("Host", SITE), ("Accept", "*/*"), ("Sec-Fetch-Dest", "iframe"), ("Cookie", "_track=1; session=2"))
    TARGETS = ("/page", "/packed", "/plain", "/g/collect?tid=1")

    def test_bytes_are_what_they_are_without_us(self, upstream: Upstream, tmp_path: Path) -> None:
        def visit(port: int) -> tuple[list[Got], list[Arrived]]:
            upstream.arrived.clear()
            return [send(port, target, *self.REQUEST) for target in self.TARGETS], list(upstream.arrived)

        direct, arrived_direct = visit(upstream.port)
        with shop(upstream, tmp_path, Mode.OBSERVE) as observed:
            through, arrived_through = visit(observed.port)
        told = (("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Proto", "http"), ("X-Forwarded-Host", SITE))
        assert arrived_through == [replace(one, fields=(*one.fields, *told)) for one in arrived_direct]
        for ours, theirs in zip(through, direct, strict=True):
            fields = tuple(field for field in ours.fields if not field[0].endswith("-Report-Only"))
            assert (ours.status, fields, ours.body) == (theirs.status, theirs.fields, theirs.body)
        assert through[0].values("Content-Security-Policy-Report-Only")

    def test_what_would_be_stopped_is_what_enforcing_stops(self, upstream: Upstream, tmp_path: Path) -> None:
        stopped = {}
        for mode in Mode:
            record = tmp_path / f"{mode}.flow"
            folder = tmp_path / mode
            folder.mkdir()
            with shop(upstream, folder, mode, record) as found:
                for target in self.TARGETS:
                    send(found.port, target, *self.REQUEST)
            stopped[mode] = [_stops(record, n) for n in range(len(self.TARGETS))]
        assert stopped[Mode.OBSERVE] == stopped[Mode.ENFORCE]
        assert stopped[Mode.OBSERVE][0]["tags"]
        assert [stop["action"] for stop in stopped[Mode.OBSERVE]] == ["edit", "edit", "edit", "block"]

    def test_observed_traffic_was_delivered(self, upstream: Upstream, tmp_path: Path) -> None:
        record = tmp_path / "observed.flow"
        with shop(upstream, tmp_path, Mode.OBSERVE, record) as observed:
            send(observed.port, "/g/collect?tid=1", *self.REQUEST)
        (entry,) = read_capture(record).entries
        assert entry.recorded is not None
        assert entry.recorded.decision["action"] == "block"
        assert entry.delivered is not None


def _stops(record: Path, index: int) -> dict[str, object]:
    from mitmproxy import http
    from mitmproxy.io import FlowReader

    with record.open("rb") as file:
        flow = list(FlowReader(file).stream())[index]
    assert isinstance(flow, http.HTTPFlow)
    mark = read_mark(flow)
    assert mark is not None
    return {"action": mark.decision["action"], "decision": mark.decision, "tags": list(mark.tags)}


def test_a_recorded_visit_replays_to_the_live_decisions(upstream: Upstream, tmp_path: Path) -> None:
    record = tmp_path / "visit.flow"
    with shop(upstream, tmp_path, record=record) as found:
        for choice in ("accept", "refuse"):
            found.get("/page", f"consent={found.cookie(choice)}; _track=1; session=2")
        found.get("/page", "_track=1")
    capture = read_flows(record.read_bytes(), "visit")
    assert len(capture.entries) == 3
    for entry in capture.entries:
        assert entry.visitor is not None
        assert entry.recorded is not None
        assert decision_form(decide(found.policy, entry.visitor, entry.asked)) == entry.recorded.decision


class TestServerDown:
    """Everything refused, site up, banner says so."""

    def test_the_site_stays_up_and_says_so(self, upstream: Upstream, tmp_path: Path) -> None:
        policy = tmp_path / "shop.json"
        policy.write_text(json.dumps(shop_document(sites=["shop.test"])))
        keys = tmp_path / "keys.json"
        serve = ["-m", "cmp", "serve", "--policy", str(policy), "--keys", str(keys), "--public-origin", ORIGIN]
        serve += ["--ledger", f"sqlite:{tmp_path / 'ledger.db'}", "--port", "0"]
        with contextlib.ExitStack() as stack:
            server, line = stack.enter_context(running_command(serve, ready=f" for {ORIGIN}"))
            found = re.search(r"127\.0\.0\.1:(\d+)", line)
            assert found is not None
            command = ["-m", "cmp", "proxy", "--mode", f"reverse:http://127.0.0.1:{upstream.port}", "--port", "0"]
            command += ["--policy", str(policy), "--confdir", str(tmp_path), "--public-origin", ORIGIN]
            command += ["--consent-server", f"http://127.0.0.1:{found[1]}", "--keys", f"{keys}.pub"]
            _, line = stack.enter_context(running_command(command, ready="consentry proxy:"))
            port = int(line.partition(" on ")[2].partition(",")[0].rpartition(":")[2])

            page = (("Host", SITE), ("Accept", "text/html"), ("Sec-Fetch-Dest", "document"))
            body = b'{"choice": "refuse"}'
            post = (("Host", SITE), ("Content-Type", "application/json"), ("Sec-Fetch-Site", "same-origin"))
            assert send(port, "/.consent/choice", *post, method="POST", body=body).status == 200
            # The proxy may have asked in vain when the server was busy starting, and asks again.
            assert wait_for(lambda: b"could not be saved" not in _status(send(port, "/page", *page)))

            made_by_server = send(port, "/.consent/guard.js", ("Host", SITE), ("Sec-Fetch-Dest", "script"))

            server.kill()
            server.wait(60)
            assert wait_for(lambda: b"could not be saved" in _status(send(port, "/page", *page)))
            shown = send(port, "/page", *page)
            assert shown.status == 200
            assert not accepted(shown)
            guard = send(port, "/.consent/guard.js", ("Host", SITE), ("Sec-Fetch-Dest", "script"))
            assert guard.status == 200
            assert guard.body.decode() == made_by_server.body.decode().strip()
            assert send(port, "/.consent/choice", *post, method="POST", body=body).status >= 500


def _status(got: Got) -> bytes:
    """What the banner's status line says."""
    found = re.search(rb'role="status">([^<]*)<', got.body)
    return found[1] if found else b""
