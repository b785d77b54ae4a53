"""The enforcing addon on the wire: a real Master between a raw client and a recording upstream."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from mitmproxy.master import Master

from cmp.core.policy import Policy
from cmp.policy.load import policy_of
from tests.live import Arrived, Got, Upstream, answer, regular, reverse, running_proxy, running_upstream, send, send_raw

SITE, TRACKER, CDN, STRANGER = "www.shop.test", "px.tracker.test", "cdn.lib.test", "unlisted.test"
FROM_SITE = (("Referer", f"http://{SITE}/"), ("Accept", "*/*"))

SET_COOKIES = (
    ("Set-Cookie", "session=s; Path=/; HttpOnly"),
    ("Set-Cookie", "_track=t; Max-Age=99999; Path=/"),
    ("Set-Cookie", "basket=b; Expires=Wed, 01 Jan 2098 00:00:00 GMT; Path=/; Secure"),
    ("Set-Cookie", "unheard=of; Path=/"),
)


def shop_document(**changes: object) -> dict[str, object]:
    return {
        "consentry": 1,
        "id": "shop",
        "version": "1",
        "title": {"en": "Shop"},
        "categories": {
            "necessary": {"basis": "necessary", "title": {"en": "Necessary"}},
            "analytics": {"basis": "consent", "title": {"en": "Analytics"}},
        },
        "vendors": [
            {
                "id": "tracker",
                "name": "Tracker",
                "category": "analytics",
                "hosts": ["tracker.test"],
                "signatures": [{"path": "/g/collect", "query": ["tid"]}],
                "cookies": [{"name": "_track*"}],
            },
            {"id": "cdn", "name": "Library", "category": "necessary", "hosts": ["lib.test"]},
        ],
        "cookies": [
            {"name": "session", "category": "necessary", "lifetime": "session"},
            {"name": "basket", "category": "necessary", "lifetime": "30 days"},
        ],
        "unknown": {"host": "deny", "cookie": "deny"},
        **changes,
    }


def shop_policy(**changes: object) -> Policy:
    return policy_of(shop_document(**changes), "shop")


def from_upstream(request: Arrived) -> bytes:
    return answer(b"from upstream", *SET_COOKIES, ("Content-Type", "text/plain"))


def without_time(master: Master) -> None:
    """No connection to a server grows too old to be used again, however long this machine stands still."""
    master.addons.get("idleconnections").clock = lambda: 0.0


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream(from_upstream) as found:
        yield found


@pytest.fixture(autouse=True)
def _fresh(upstream: Upstream) -> None:
    upstream.arrived.clear()
    upstream.connections = 0


# mitmproxy knows one Master a process: of two that run at once, the hooks of both go to the later one.
@pytest.fixture(scope="class")
def browser_proxy(upstream: Upstream) -> Iterator[int]:
    with running_proxy(shop_policy(), regular(upstream)) as proxy:
        yield proxy.port


@pytest.fixture(scope="class")
def site_proxy(upstream: Upstream) -> Iterator[int]:
    with running_proxy(shop_policy(), reverse(upstream)) as proxy:
        yield proxy.port


class TestRegularMode:
    """A browser's proxy sees third parties."""

    def test_a_page_and_its_own_requests_pass(self, browser_proxy: int, upstream: Upstream) -> None:
        page = send(browser_proxy, f"http://{SITE}/", ("Accept", "text/html"))
        script = send(browser_proxy, f"http://{SITE}/app.js", *FROM_SITE)
        assert (page.status, script.status, page.body) == (200, 200, b"from upstream")
        assert [request.target for request in upstream.to(SITE)] == ["/", "/app.js"]

    def test_a_vendor_nobody_agreed_to_gets_no_connection(self, browser_proxy: int, upstream: Upstream) -> None:
        got = send(browser_proxy, f"http://{TRACKER}/pixel.gif", ("Sec-Fetch-Dest", "image"), *FROM_SITE)
        assert got.values("X-Consentry") == ["blocked"]
        assert (upstream.arrived, upstream.connections) == ([], 0)

    def test_an_unknown_host_is_stopped(self, browser_proxy: int, upstream: Upstream) -> None:
        assert send(browser_proxy, f"http://{STRANGER}/x", *FROM_SITE).values("X-Consentry") == ["blocked"]
        assert upstream.arrived == []

    def test_a_necessary_third_party_passes(self, browser_proxy: int, upstream: Upstream) -> None:
        assert send(browser_proxy, f"http://{CDN}/lib.js", *FROM_SITE).body == b"from upstream"
        assert len(upstream.to(CDN)) == 1

    @pytest.mark.parametrize(
        "dest, status, media_type",
        [
            pytest.param("image", 200, "image/gif", id="pixel"),
            pytest.param("script", 200, "text/javascript; charset=utf-8", id="script"),
            pytest.param("style", 200, "text/css; charset=utf-8", id="style"),
            pytest.param("iframe", 200, "text/html; charset=utf-8", id="frame"),
            pytest.param("empty", 200, "application/json", id="fetch"),
        ],
    )
    def test_a_stub_is_of_the_kind_asked_for(self, browser_proxy: int, dest: str, status: int, media_type: str) -> None:
        got = send(browser_proxy, f"http://{TRACKER}/x", ("Sec-Fetch-Dest", dest), *FROM_SITE)
        assert (got.status, got.values("Content-Type")) == (status, [media_type])

    @pytest.mark.parametrize(
        "size", [pytest.param(0, id="empty"), pytest.param(200_000, id="padded"), pytest.param(3_000_000, id="huge")]
    )
    def test_no_byte_of_a_beacon_escapes(self, browser_proxy: int, upstream: Upstream, size: int) -> None:
        send(browser_proxy, f"http://{TRACKER}/b", *FROM_SITE, method="POST", body=b"x" * size)
        assert (upstream.arrived, upstream.connections) == ([], 0)

    def test_no_byte_of_a_chunked_beacon_escapes(self, browser_proxy: int, upstream: Upstream) -> None:
        head = f"POST http://{TRACKER}/b HTTP/1.1\r\nHost: {TRACKER}\r\nTransfer-Encoding: chunked\r\n\r\n"
        send_raw(browser_proxy, head.encode() + b"5\r\nhello\r\n" * 1000 + b"0\r\n\r\n")
        assert (upstream.arrived, upstream.connections) == ([], 0)

    def test_only_denied_cookies_are_taken_out_of_a_request(self, browser_proxy: int, upstream: Upstream) -> None:
        sent = 'session="a b";  _track=1;basket=x=y ; unheard=of'
        send(browser_proxy, f"http://{SITE}/", ("Accept", "text/html"), ("Cookie", sent))
        assert upstream.to(SITE)[0].values("Cookie") == ['session="a b";basket=x=y']

    def test_a_cookie_header_with_nothing_left_goes(self, browser_proxy: int, upstream: Upstream) -> None:
        send(browser_proxy, f"http://{SITE}/", ("Accept", "text/html"), ("Cookie", "_track=1"), ("Cookie", "session=2"))
        assert upstream.to(SITE)[0].values("Cookie") == ["session=2"]

    def test_set_cookies_are_filtered_and_cut_to_their_lifetime(self, browser_proxy: int) -> None:
        got = send(browser_proxy, f"http://{SITE}/", ("Accept", "text/html"))
        assert got.values("Set-Cookie") == [
            "session=s; Path=/; HttpOnly",
            f"basket=b; Path=/; Secure; Max-Age={30 * 86_400}",
        ]

    def test_first_party_collection_is_stopped(self, browser_proxy: int, upstream: Upstream) -> None:
        got = send(browser_proxy, f"http://{SITE}/g/collect?tid=1", *FROM_SITE)
        assert got.values("X-Consentry") == ["blocked"]
        assert upstream.arrived == []

    def test_the_host_header_follows_the_host_connected_to(self, browser_proxy: int, upstream: Upstream) -> None:
        send(browser_proxy, f"http://{SITE}/", ("Accept", "text/html"), ("Host", TRACKER))
        assert [request.host for request in upstream.arrived] == [SITE]

    def test_signals_reach_the_site_untouched(self, browser_proxy: int, upstream: Upstream) -> None:
        send(browser_proxy, f"http://{SITE}/", ("Accept", "text/html"), ("Sec-GPC", "1"), ("DNT", "1"))
        assert (upstream.arrived[0].values("Sec-GPC"), upstream.arrived[0].values("DNT")) == (["1"], ["1"])


def test_a_redirected_connection_is_used_again(upstream: Upstream) -> None:
    request = f"GET http://{SITE}/x HTTP/1.1\r\nHost: {SITE}\r\nReferer: http://{SITE}/\r\n\r\n".encode()
    last = request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with running_proxy(shop_policy(), regular(upstream), change=without_time) as proxy:
        send_raw(proxy.port, request * 11 + last)
    assert len(upstream.arrived) == 12
    assert upstream.connections == 1


class TestReverseMode:
    """In front of the operator's site there is only the site's own traffic."""

    def test_cookies_are_governed_in_both_directions(self, site_proxy: int, upstream: Upstream) -> None:
        got = send(site_proxy, "/", ("Host", SITE), ("Cookie", "_track=1; session=2"))
        assert upstream.to(SITE)[0].values("Cookie") == ["session=2"]
        assert [value.partition("=")[0] for value in got.values("Set-Cookie")] == ["session", "basket"]

    def test_first_party_collection_is_stopped(self, site_proxy: int, upstream: Upstream) -> None:
        assert send(site_proxy, "/g/collect?tid=1", ("Host", SITE)).values("X-Consentry") == ["blocked"]
        assert upstream.arrived == []

    def test_an_absolute_target_goes_to_the_site_all_the_same(self, site_proxy: int, upstream: Upstream) -> None:
        send(site_proxy, f"http://{TRACKER}/x", ("Host", SITE))
        assert all(request.host in (SITE, TRACKER) for request in upstream.arrived)
        assert upstream.connections <= 1


def _raising(*_arguments: object) -> None:
    raise RuntimeError("made to fail")


LISTED_IN_FALLBACK = {"sites": ["shop.test"]}


class TestFailClosed:
    """mitmproxy lets traffic pass when a hook raises; we do not."""

    @pytest.mark.parametrize("hook", ["requestheaders", "request", "responseheaders", "response"])
    @pytest.mark.parametrize(
        "policy",
        [
            pytest.param(shop_policy(), id="site-not-listed"),
            pytest.param(shop_policy(**LISTED_IN_FALLBACK), id="site-listed"),
        ],
    )
    @pytest.mark.parametrize("mode", ["regular", "reverse"])
    def test_a_hook_that_raises_leaks_nothing(self, upstream: Upstream, hook: str, policy: Policy, mode: str) -> None:
        settings = regular(upstream) if mode == "regular" else reverse(upstream)
        with running_proxy(
            policy, settings, change=lambda master: setattr(master.addons.get("enforce"), hook, _raising)
        ) as proxy:
            self._check_nothing_leaks(proxy.port, upstream, mode)

    @pytest.mark.parametrize("step", ["_decide_request", "_hold_request", "_decide_answer", "_hold_answer"])
    @pytest.mark.parametrize("mode", ["regular", "reverse"])
    def test_a_step_that_raises_leaks_nothing(self, upstream: Upstream, step: str, mode: str) -> None:
        settings = regular(upstream) if mode == "regular" else reverse(upstream)
        with running_proxy(
            shop_policy(**LISTED_IN_FALLBACK),
            settings,
            change=lambda master: setattr(master.addons.get("enforce"), step, _raising),
        ) as proxy:
            self._check_nothing_leaks(proxy.port, upstream, mode)

    @pytest.mark.parametrize("mode", ["regular", "reverse"])
    def test_a_decision_that_raises_leaks_nothing(
        self, upstream: Upstream, mode: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("addons.enforce.decide", _raising)
        settings = regular(upstream) if mode == "regular" else reverse(upstream)
        with running_proxy(shop_policy(**LISTED_IN_FALLBACK), settings) as proxy:
            got = self._check_nothing_leaks(proxy.port, upstream, mode)
        assert got.body == b"from upstream"
        assert "default-src 'self'" in got.values("Content-Security-Policy")[0]
        assert upstream.to(SITE)[0].values("Cookie") == ["session=2"]

    def _check_nothing_leaks(self, port: int, upstream: Upstream, mode: str) -> Got:
        cookies = ("Cookie", "_track=1; session=2; unheard=of")
        target = f"http://{SITE}/" if mode == "regular" else "/"
        got = send(port, target, ("Host", SITE), ("Accept", "text/html"), cookies)
        if mode == "regular":
            send(port, f"http://{TRACKER}/pixel.gif", cookies, *FROM_SITE)
            send(port, f"http://{TRACKER}/b", cookies, *FROM_SITE, method="POST", body=b"x" * 200_000)
            send(port, f"http://{STRANGER}/", *FROM_SITE)
        assert upstream.to(TRACKER) + upstream.to(STRANGER) == []
        sent = "".join(value for request in upstream.arrived for value in request.values("Cookie"))
        assert "_track" not in sent
        assert "unheard" not in sent
        received = "".join(got.values("Set-Cookie"))
        assert "_track" not in received
        assert "unheard" not in received
        return got


def test_without_a_policy_nothing_starts(upstream: Upstream) -> None:
    from mitmproxy.exceptions import OptionsError
    from mitmproxy.test import taddons

    from addons.enforce import Enforce

    with taddons.context() as context:
        addon = Enforce()
        with pytest.raises(OptionsError, match="no policy"):
            context.configure(addon)


@pytest.mark.parametrize(
    "name, value",
    [
        pytest.param("connection_strategy", "lazy", id="no-early-connection"),
        pytest.param("rawtcp", False, id="no-raw-tcp"),
        pytest.param("stream_large_bodies", None, id="no-streaming-past-a-block"),
    ],
)
def test_options_that_would_let_traffic_past_are_set_right(
    upstream: Upstream, tmp_path: Path, name: str, value: object
) -> None:
    with running_proxy(shop_policy(), regular(upstream)) as proxy:
        assert getattr(proxy.master.options, name) == value
