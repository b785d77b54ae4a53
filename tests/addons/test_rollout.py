"""Enforcing step by step: the document's mode, a share of the visitors, certain pages; and what an error lets pass."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from mitmproxy import http
from mitmproxy.master import Master
from mitmproxy.test import tflow

from cmp.core.globs import Glob
from cmp.core.policy import Policy, Rollout
from cmp.live.arrival import Front
from cmp.live.enforcement import Enforcement, Mode
from cmp.live.rollout import Buckets
from tests.addons.test_enforce import SITE, TRACKER, shop_policy
from tests.live import Arrived, Got, Upstream, answer, regular, reverse, running_proxy, running_upstream, send

PAGE = f'<html><head></head><body><script src="http://{TRACKER}/t.js"></script></body></html>'.encode()
TAG = b'<script src="http://' + TRACKER.encode()
DOCUMENT = (("Host", SITE), ("Accept", "text/html"), ("Sec-Fetch-Dest", "document"), ("Cookie", "_track=1; session=2"))


def site_answers(request: Arrived) -> bytes:
    kind = "text/plain" if request.target.endswith(".txt") else "text/html"
    return answer(PAGE, ("Content-Type", kind), ("Set-Cookie", "_track=t; Max-Age=99; Path=/"))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream(site_answers) as found:
        yield found


@pytest.fixture(autouse=True)
def _fresh(upstream: Upstream) -> None:
    upstream.arrived.clear()


def enforced(got: Got, arrived: Arrived) -> bool:
    """Whether all of it is enforced; fails where some is and some is not."""
    signs = {
        "page": TAG not in got.body,
        "policy": bool(got.values("Content-Security-Policy")),
        "no report": not got.values("Content-Security-Policy-Report-Only"),
        "set": got.values("Set-Cookie") == [],
        "sent": arrived.values("Cookie") == ["session=2"],
    }
    assert len(set(signs.values())) == 1, signs
    return signs["page"]


def seen(upstream: Upstream, policy: Policy | Enforcement, target: str = "/") -> bool:
    with running_proxy(policy, reverse(upstream)) as proxy:
        got = send(proxy.port, target, *DOCUMENT)
    return enforced(got, upstream.arrived[-1])


@pytest.mark.parametrize(
    "document, said, expected",
    [
        pytest.param({}, None, True, id="nothing said"),
        pytest.param({"mode": "observe"}, None, False, id="the document's"),
        pytest.param({"mode": "observe"}, Mode.ENFORCE, True, id="the operator's before the document's"),
        pytest.param({"mode": "enforce"}, Mode.OBSERVE, False, id="the other way round"),
        pytest.param({"rollout": {"share": 0}}, None, False, id="nobody yet"),
        pytest.param({"rollout": {"share": 0}}, Mode.ENFORCE, False, id="nobody yet, whatever the mode"),
        pytest.param({"rollout": {"share": 1}}, None, True, id="everybody"),
    ],
)
def test_the_mode_is_the_operators_then_the_documents(
    upstream: Upstream, document: dict[str, object], said: Mode | None, expected: bool
) -> None:
    assert seen(upstream, Enforcement(shop_policy(**document), said)) is expected


@pytest.mark.parametrize(
    "target, expected",
    [
        pytest.param("/shop/basket", True, id="within"),
        pytest.param("/blog", False, id="outside"),
        pytest.param("/%73hop/basket", True, id="within, spelt otherwise"),
        pytest.param("/blog/../shop/basket", True, id="within, by way of another"),
    ],
)
def test_a_page_outside_the_rollout_is_observed_whole(upstream: Upstream, target: str, expected: bool) -> None:
    assert seen(upstream, shop_policy(rollout={"paths": ["/shop/*"]}), target) is expected


@pytest.mark.parametrize("referrer", ["origin", "none"])
def test_parts_of_a_page_within_can_be_told_by_its_own_referrer_policy(upstream: Upstream, referrer: str) -> None:
    policy = shop_policy(rollout={"paths": ["/shop/*"]}, outgoing={"referrer": referrer})
    page = f"http://{SITE}/shop/basket"
    with running_proxy(policy, reverse(upstream)) as proxy:
        (stated,) = send(proxy.port, "/shop/basket", *DOCUMENT).values("Referrer-Policy")
        # Referrer Policy, section 8.3: what a browser then sends to the page's own origin.
        sent = {"strict-origin-when-cross-origin": page, "same-origin": page, "strict-origin": f"http://{SITE}/"}
        fields = [("Referer", sent[stated])] if stated in sent else []
        send(proxy.port, "/logo.txt", ("Host", SITE), ("Sec-Fetch-Dest", "image"), DOCUMENT[-1], *fields)
    assert upstream.arrived[-1].values("Cookie") == ["session=2"]


class TestWithin:
    """What a flow says of its page, read off its header."""

    ROLLOUT = Rollout(paths=(Glob("/shop/*"),))

    def flow(self, path: str, referer: str = "", *, page: bool = False, host: str = SITE) -> http.HTTPFlow:
        flow = tflow.tflow()
        flow.request.host, flow.request.host_header, flow.request.path = host, host, path
        flow.request.headers["Sec-Fetch-Dest"] = "document" if page else "image"
        if referer:
            flow.request.headers["Referer"] = referer
        return flow

    @pytest.mark.parametrize(
        "path, referer, page, expected",
        [
            pytest.param("/shop/x", "", True, True, id="page"),
            pytest.param("/x", f"http://{SITE}/shop/y", True, False, id="page from a page within"),
            pytest.param("/logo.png", f"http://{SITE}/shop/x", False, True, id="part of a page within"),
            pytest.param("/logo.png", f"http://{SITE}/blog", False, False, id="part of a page outside"),
            pytest.param("/shop/logo.png", f"http://{SITE}/", False, True, id="own path, where the page is not told"),
            pytest.param("/logo.png", "", False, False, id="no page told"),
        ],
    )
    def test_behind_a_site(self, path: str, referer: str, page: bool, expected: bool) -> None:
        assert Buckets().within(self.ROLLOUT, self.flow(path, referer, page=page), Front(), reverse=True) is expected

    @pytest.mark.parametrize(
        "host, referer, expected",
        [
            pytest.param(TRACKER, f"http://{SITE}/shop/x", True, id="from a page within"),
            pytest.param(TRACKER, f"http://{SITE}/blog", False, id="from a page outside"),
            pytest.param(TRACKER, f"http://{SITE}/", True, id="page not told: the stricter"),
            pytest.param(TRACKER, "", True, id="nothing told: the stricter"),
        ],
    )
    def test_in_a_browsers_proxy(self, host: str, referer: str, expected: bool) -> None:
        assert (
            Buckets().within(self.ROLLOUT, self.flow("/t.gif", referer, host=host), Front(), reverse=False) is expected
        )


class TestShare:
    def test_a_visitor_stays_where_they_are(self) -> None:
        buckets = Buckets(b"k" * 32)
        assert buckets.place("203.0.113.7") == buckets.place("203.0.113.7")
        assert buckets.place("::ffff:203.0.113.7") == buckets.place("203.0.113.7")

    def test_a_household_with_changing_addresses_is_one(self) -> None:
        buckets = Buckets(b"k" * 32)
        assert buckets.place("2001:db8:1:2::5") == buckets.place("2001:db8:1:2:a:b:c:d")
        assert buckets.place("2001:db8:1:2::5") != buckets.place("2001:db8:1:3::5")

    def test_another_process_draws_anew(self) -> None:
        assert Buckets().place("203.0.113.7") != Buckets().place("203.0.113.7")

    def test_the_share_is_about_what_was_asked_for(self) -> None:
        buckets = Buckets(b"k" * 32)
        places = [buckets.place(f"198.51.{n // 256}.{n % 256}") for n in range(4_000)]
        assert 900 < sum(place < 0.25 for place in places) < 1_100
        assert all(0 <= place < 1 for place in places)

    def test_visitors_are_told_apart_by_their_address(self, upstream: Upstream) -> None:
        policy = shop_policy(rollout={"share": 0.5})
        found = {}
        with running_proxy(policy, reverse(upstream)) as proxy:
            for last in range(2, 34):
                got = [_from(f"127.0.0.{last}", proxy.port) for _ in range(2)]
                states = {enforced(answered, upstream.arrived[-1]) for answered in got}
                assert len(states) == 1
                found[last] = states.pop()
        assert set(found.values()) == {True, False}


def _from(address: str, port: int) -> Got:
    """A page, asked for from another address of this machine."""
    lines = ["GET / HTTP/1.1", *(f"{name}: {value}" for name, value in DOCUMENT), "Connection: close"]
    with socket.create_connection(("127.0.0.1", port), timeout=60, source_address=(address, 0)) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        received = b""
        while part := connection.recv(65_536):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    fields = tuple((line.partition(":")[0], line.partition(":")[2].strip()) for line in rest)
    return Got(int(first.split(" ")[1]), fields, body)


@dataclass
class Failing:
    """Makes one step of the addon fail."""

    step: str

    def __call__(self, master: Master) -> None:
        def fail(*_arguments: object) -> None:
            raise RuntimeError("made to fail")

        setattr(master.addons.get("enforce"), self.step, fail)


class TestOnError:
    """With onError "block" nothing passes that was not decided on."""

    @pytest.mark.parametrize("mode", ["regular", "reverse"])
    @pytest.mark.parametrize(
        "dest, status", [pytest.param("document", 502, id="page"), pytest.param("empty", 403, id="part of a page")]
    )
    def test_a_request_is_not_forwarded(self, upstream: Upstream, mode: str, dest: str, status: int) -> None:
        settings = regular(upstream) if mode == "regular" else reverse(upstream)
        policy = shop_policy(onError="block", sites=["shop.test"])
        with running_proxy(policy, settings, change=Failing("_decide_request")) as proxy:
            target = f"http://{SITE}/" if mode == "regular" else "/"
            got = send(proxy.port, target, ("Host", SITE), ("Sec-Fetch-Dest", dest))
        assert got.status == status
        assert upstream.arrived == []

    @pytest.mark.parametrize(
        "dest, status", [pytest.param("document", 502, id="page"), pytest.param("empty", 403, id="part of a page")]
    )
    def test_an_answer_is_not_passed_on(self, upstream: Upstream, dest: str, status: int) -> None:
        policy = shop_policy(onError="block", sites=["shop.test"])
        with running_proxy(policy, reverse(upstream), change=Failing("_decide_answer")) as proxy:
            got = send(proxy.port, "/", ("Host", SITE), ("Sec-Fetch-Dest", dest))
        assert (got.status, got.values("Set-Cookie")) == (status, [])
        assert PAGE not in got.body
        assert int(got.values("Content-Length")[0]) == len(got.body) > 0

    def test_otherwise_what_is_necessary_passes(self, upstream: Upstream) -> None:
        policy = shop_policy(sites=["shop.test"])
        with running_proxy(policy, reverse(upstream), change=Failing("_decide_request")) as proxy:
            assert send(proxy.port, "/", *DOCUMENT).status == 200
        assert upstream.arrived[0].values("Cookie") == ["session=2"]

    def test_where_only_observed_an_error_holds_nothing_back(self, upstream: Upstream) -> None:
        policy = shop_policy(onError="block", sites=["shop.test"], mode="observe")
        with running_proxy(policy, reverse(upstream), change=Failing("_decide_answer")) as proxy:
            assert send(proxy.port, "/", *DOCUMENT).body == PAGE
