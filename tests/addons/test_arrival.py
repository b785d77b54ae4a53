"""Requests on the operator's site as they arrive: whose word on the client counts, and to which server they go."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cmp.capture.reading import read_capture
from cmp.core.globs import Glob
from cmp.core.networks import read_networks
from cmp.core.urls import parse_url
from cmp.live.arrival import Front
from cmp.live.arrival import Upstream as Server
from cmp.live.enforcement import ConsentServer, Enforcement, Mode
from cmp.seal.keys import make_keys
from cmp.seal.site import ConsentSite
from tests.addons.test_enforce import SITE, shop_policy, without_time
from tests.live import Arrived, Upstream, answer, reverse, running_proxy, running_upstream, send

CLIENT, EDGE, STRANGER = "198.51.100.7", "203.0.113.9", "192.0.2.66"
PLACE = {
    "regions": {
        "source": {"header": "X-Place"},
        "defined": [{"id": "california", "places": ["US-CA"], "askAgain": "12 months"}],
    }
}
COOKIE = ("Set-Cookie", "unheard=of; Path=/")


def from_site(request: Arrived) -> bytes:
    if request.target.startswith("/page"):
        return answer(b"<p>" + request.values("host")[0].encode(), ("Content-Type", "text/html"), COOKIE)
    return answer(b"from site", COOKIE)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream(from_site) as found:
        yield found


@pytest.fixture(scope="module")
def consent_server() -> Iterator[Upstream]:
    with running_upstream() as found:
        yield found


@pytest.fixture(autouse=True)
def _fresh(upstream: Upstream, consent_server: Upstream) -> None:
    upstream.arrived.clear()
    consent_server.arrived.clear()


@pytest.fixture(scope="module")
def consent(consent_server: Upstream, tmp_path_factory: pytest.TempPathFactory) -> ConsentServer:
    keys = make_keys(tmp_path_factory.mktemp("keys") / "keys.json")
    return ConsentServer(ConsentSite(f"http://{SITE}"), keys.public, "127.0.0.1", consent_server.port)


def questions(server: Upstream) -> list[Arrived]:
    """What arrived but for the proxy's own asking whether the server is there."""
    return [request for request in server.arrived if request.target != "/.consent/health"]


FORGED = [
    ("X-Forwarded-For", CLIENT),
    ("x_forwarded_for", CLIENT),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "evil.test"),
    ("X-Forwarded-Port", "443"),
    ("Forwarded", f"for={CLIENT};proto=https;host=evil.test"),
    ("X-Real-IP", CLIENT),
    ("X-Original-URL", "/admin"),
    ("X-Consentry", "anything"),
]


class TestStrangers:
    """Nobody in front of the proxy is trusted."""

    @pytest.fixture(scope="class")
    def port(self, upstream: Upstream, consent: ConsentServer) -> Iterator[int]:
        front = Front(trusted=read_networks(["203.0.113.0/24"]))
        with running_proxy(Enforcement(shop_policy(), Mode.ENFORCE, consent, front=front), reverse(upstream)) as proxy:
            yield proxy.port

    @pytest.mark.parametrize("forged", FORGED, ids=lambda field: field[0])
    def test_what_they_say_of_the_client_is_replaced(
        self, port: int, upstream: Upstream, forged: tuple[str, str]
    ) -> None:
        send(port, "/x", ("Host", SITE), forged, (forged[0], "again"))
        (arrived,) = upstream.arrived
        said = {name.lower(): value for name, value in arrived.fields if name.lower() not in ("host", "connection")}
        assert said == {"x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http", "x-forwarded-host": SITE}

    @pytest.mark.parametrize("forged", FORGED, ids=lambda field: field[0])
    def test_the_consent_server_hears_our_word_alone(
        self, port: int, consent_server: Upstream, forged: tuple[str, str]
    ) -> None:
        send(port, "/.consent/state", ("Host", SITE), forged)
        (arrived,) = questions(consent_server)
        assert arrived.values("x-forwarded-for") == ["127.0.0.1"]
        assert arrived.values("x-forwarded-proto") == ["http"]
        assert CLIENT not in str(arrived.fields)
        assert not {"forwarded", "x-real-ip", "x_forwarded_for", "x-consentry"} & {n.lower() for n, _ in arrived.fields}


def test_a_strangers_place_counts_for_nothing(upstream: Upstream) -> None:
    front = Front(trusted=read_networks([EDGE]))
    with running_proxy(Enforcement(shop_policy(**PLACE), front=front), reverse(upstream)) as proxy:
        send(proxy.port, "/x", ("Host", SITE), ("X-Place", "DE"))
    assert upstream.arrived[0].values("x-place") == []


class TestTrusted:
    """The proxy stands behind others, here on loopback."""

    @pytest.fixture(scope="class")
    def port(self, upstream: Upstream, consent: ConsentServer) -> Iterator[int]:
        front = Front(trusted=read_networks(["127.0.0.1", EDGE]))
        policy = shop_policy(sites=["shop.test"])
        with running_proxy(Enforcement(policy, Mode.ENFORCE, consent, front=front), reverse(upstream)) as proxy:
            yield proxy.port

    @pytest.mark.parametrize(
        "fields, client",
        [
            pytest.param([("X-Forwarded-For", CLIENT)], CLIENT, id="one"),
            pytest.param([("X-Forwarded-For", f"{CLIENT}, {EDGE}")], CLIENT, id="a-chain"),
            pytest.param([("X-Forwarded-For", CLIENT), ("X-Forwarded-For", EDGE)], CLIENT, id="two-lines"),
            pytest.param([("X-Forwarded-For", f"{CLIENT}, {STRANGER}")], STRANGER, id="forged-before-the-stranger"),
            pytest.param([("Forwarded", f"for={CLIENT};proto=https")], CLIENT, id="standard"),
            pytest.param([("Forwarded", 'for="[2001:db8::7]:4711"')], "2001:db8::7", id="standard-ipv6"),
            pytest.param([("X-Forwarded-For", "unknown")], "127.0.0.1", id="nobody"),
            pytest.param([], "127.0.0.1", id="nothing-said"),
        ],
    )
    def test_the_client_is_whom_they_say(
        self, port: int, consent_server: Upstream, fields: list[tuple[str, str]], client: str
    ) -> None:
        send(port, "/.consent/state", ("Host", SITE), *fields)
        (arrived,) = questions(consent_server)
        assert arrived.values("x-forwarded-for") == [client]

    def test_the_server_behind_hears_of_every_one(self, port: int, upstream: Upstream) -> None:
        told = (("X-Forwarded-For", CLIENT), ("X-Forwarded-Proto", "https"), ("Forwarded", f"for={CLIENT}"))
        send(port, "/x", ("Host", SITE), *told)
        (arrived,) = upstream.arrived
        assert arrived.values("x-forwarded-for") == [f"{CLIENT}, 127.0.0.1"]
        assert arrived.values("x-forwarded-proto") == ["https"]
        assert arrived.values("forwarded") == [f"for={CLIENT}"]


def test_what_trusted_proxies_pass_on_as_https_is(upstream: Upstream, tmp_path: Path) -> None:
    record = tmp_path / "run.flow"
    with running_proxy(shop_policy(), reverse(upstream, record)) as proxy:
        for fields in ([("X-Forwarded-Proto", "https")], [("Forwarded", "for=x;proto=https")], []):
            send(proxy.port, "/x", ("Host", SITE), *fields)
    assert [entry.asked.url.scheme for entry in read_capture(record).entries] == ["https", "https", "http"]


def test_a_host_that_trusted_proxies_name_is_the_sites(upstream: Upstream, tmp_path: Path) -> None:
    record = tmp_path / "run.flow"
    with running_proxy(shop_policy(sites=["shop.test"]), reverse(upstream, record)) as proxy:
        for told in (SITE, f"evil.test, {SITE}"):
            send(proxy.port, "/page", ("Host", "internal.lan"), ("X-Forwarded-Host", told), ("Accept", "text/html"))
    # Of several the nearest proxy's: what stands before it, the client may have written.
    assert [entry.asked.url.host for entry in read_capture(record).entries] == [SITE, SITE]
    assert upstream.arrived[0].values("host") == ["internal.lan"]


class TestUpstreams:
    @pytest.fixture(scope="class")
    def blog(self) -> Iterator[Upstream]:
        with running_upstream(from_site) as found:
            yield found

    @pytest.fixture(scope="class")
    def port(self, upstream: Upstream, blog: Upstream) -> Iterator[int]:
        front = Front(upstreams={"blog.shop.test": Server("http", "127.0.0.1", blog.port)})
        enforcement = Enforcement(shop_policy(sites=["shop.test"]), front=front)
        with running_proxy(enforcement, reverse(upstream), change=without_time) as proxy:
            yield proxy.port

    @pytest.mark.parametrize("host", ["blog.shop.test", "Blog.Shop.Test", "blog.shop.test:8080"])
    def test_a_host_has_its_own(self, port: int, upstream: Upstream, blog: Upstream, host: str) -> None:
        blog.arrived.clear()
        got = send(port, "/page", ("Host", host), ("Accept", "text/html"))
        assert b"<p>" + host.encode() in got.body
        assert got.values("Set-Cookie") == []
        assert (len(blog.arrived), len(upstream.arrived)) == (1, 0)

    @pytest.mark.parametrize("host", [SITE, "other.blog.shop.test", "127.0.0.1"])
    def test_any_other_has_the_first(self, port: int, upstream: Upstream, blog: Upstream, host: str) -> None:
        blog.arrived.clear()
        send(port, "/x", ("Host", host), ("Sec-Fetch-Dest", "document"))
        assert (len(blog.arrived), len(upstream.arrived)) == (0, 1)

    def test_connections_of_both_are_used_again(self, port: int, upstream: Upstream, blog: Upstream) -> None:
        before = upstream.connections + blog.connections
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            for host in (SITE, "blog.shop.test") * 3:
                connection.sendall(f"GET /x HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                received = b""
                while not received.endswith(b"from site"):
                    received += connection.recv(65_536)
        assert upstream.connections + blog.connections - before == 2


class TestExclusions:
    @pytest.fixture(scope="class", params=Mode)
    def port(self, request: pytest.FixtureRequest, upstream: Upstream, consent: ConsentServer) -> Iterator[int]:
        front = Front(excluded=(Glob("/page/plain*"), Glob("/g/*")))
        enforcement = Enforcement(shop_policy(sites=["shop.test"]), request.param, consent, front=front)
        with running_proxy(enforcement, reverse(upstream)) as proxy:
            yield proxy.port

    def test_a_page_there_is_untouched(self, port: int, upstream: Upstream) -> None:
        cookies = ("Cookie", "unheard=of; session=1; consent-events=x")
        got = send(port, "/page/plain", ("Host", SITE), ("Accept", "text/html"), cookies, ("If-None-Match", "x"))
        assert got.fields == (("Content-Type", "text/html"), COOKIE, ("Content-Length", str(len(got.body))))
        assert got.body == f"<p>{SITE}".encode()
        assert upstream.arrived[0].values("Cookie") == [cookies[1]]
        assert upstream.arrived[0].values("If-None-Match") == ["x"]

    def test_collection_there_passes(self, port: int, upstream: Upstream) -> None:
        assert send(port, "/g/collect?tid=1&v=2", ("Host", SITE)).status == 200
        assert len(upstream.arrived) == 1


@pytest.mark.parametrize(
    "path, left_alone",
    [
        ("/page/plain", True),
        ("/page/plain/deeper?x=/../", True),
        ("/page/%70lain", True),
        ("/page/plain/../other", False),
        ("/page/plain/%2e%2E/other", False),
        ("/page/plain%2F..%2Fother", False),
        ("/page/plain/..;/other", False),
        ("/page/plain/..%5cother", False),
        ("/other", False),
    ],
)
def test_a_path_that_may_lead_elsewhere_is_not_excluded(path: str, left_alone: bool) -> None:
    assert Front(excluded=(Glob("/page/plain*"),)).excludes(parse_url(f"http://{SITE}{path}").path) is left_alone
