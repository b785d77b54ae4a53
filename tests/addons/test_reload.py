"""A policy swapped while flows are under way: each is answered under the one that its request was decided under."""

import gc
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from addons.enforce import Enforce
from cmp.live.enforcement import Enforcement
from tests.addons.test_enforce import SITE, shop_policy
from tests.live import Arrived, Upstream, answer, regular, reverse, running_proxy, running_upstream, send, wait_for

COOKIES = (("Set-Cookie", "old=1; Path=/"), ("Set-Cookie", "new=1; Path=/"))


def knowing(cookie: str) -> Enforcement:
    return Enforcement(shop_policy(version=cookie, cookies=[{"name": cookie, "category": "necessary"}]))


class Site:
    """Answers to /slow when it is told to."""

    def __init__(self) -> None:
        self.asked, self.go_on = threading.Event(), threading.Event()

    def __call__(self, request: Arrived) -> bytes:
        if request.target == "/slow":
            self.asked.set()
            self.go_on.wait(60)
        return answer(b"<p>page", ("Content-Type", "text/html"), *COOKIES)


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def upstream(site: Site) -> Iterator[Upstream]:
    with running_upstream(site) as found:
        yield found


def _enforce(found: object) -> Enforce:
    assert isinstance(found, Enforce)
    return found


def set_cookies(got_head: bytes) -> list[bytes]:
    return [line.split(b" ")[1] for line in got_head.split(b"\r\n") if line.lower().startswith(b"set-cookie")]


def test_a_flow_under_way_keeps_the_policy_it_began_under(site: Site, upstream: Upstream) -> None:
    with running_proxy(knowing("old"), reverse(upstream)) as proxy:
        addon = _enforce(proxy.master.addons.get("enforce"))
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=60) as connection:
            connection.sendall(f"GET /slow HTTP/1.1\r\nHost: {SITE}\r\nConnection: close\r\n\r\n".encode())
            assert site.asked.wait(60)
            addon.enforcement = knowing("new")
            site.go_on.set()
            received = b""
            while part := connection.recv(65_536):
                received += part
        later = send(proxy.port, "/later", ("Host", SITE))
    assert set_cookies(received.partition(b"\r\n\r\n")[0]) == [b"old=1;"]
    assert later.values("Set-Cookie") == ["new=1; Path=/"]


def test_switching_to_observe_holds_from_the_next_request(upstream: Upstream) -> None:
    with running_proxy(knowing("old"), reverse(upstream)) as proxy:
        addon = _enforce(proxy.master.addons.get("enforce"))
        before = send(proxy.port, "/", ("Host", SITE))
        assert addon.enforcement is not None
        addon.enforcement = replace(addon.enforcement, policy=replace(addon.enforcement.policy, mode="observe"))
        after = send(proxy.port, "/", ("Host", SITE))
    assert before.values("Set-Cookie") == ["old=1; Path=/"]
    assert after.values("Set-Cookie") == [value for _, value in COOKIES]


def test_nothing_stays_of_flows_that_ended(site: Site, upstream: Upstream) -> None:
    with running_proxy(knowing("old"), reverse(upstream)) as proxy:
        addon = _enforce(proxy.master.addons.get("enforce"))
        for _ in range(5):
            send(proxy.port, "/", ("Host", SITE))
        for _ in range(5):
            site.asked.clear()
            with socket.create_connection(("127.0.0.1", proxy.port), timeout=60) as connection:
                connection.sendall(f"GET /slow HTTP/1.1\r\nHost: {SITE}\r\n\r\n".encode())
                # Gone before there is an answer.
                assert site.asked.wait(60)
            site.go_on.set()

        def none_left() -> bool:
            gc.collect()
            return len(addon._under) == 0

        assert wait_for(none_left)


def confining(version: str, *, confined: bool = True) -> Enforcement:
    cookies = [{"name": "chat", "category": "necessary", "hosts": ["shop.test"], "confined": confined}]
    unknown = {"host": "allow", "cookie": "allow"}
    return Enforcement(shop_policy(version=version, cookies=cookies, vendors=[], sites=["shop.test"], unknown=unknown))


@pytest.mark.parametrize("confined", [True, False], ids=["confined still", "not confined any more"])
def test_what_was_learnt_of_a_confined_cookie_outlives_the_policy(upstream: Upstream, confined: bool) -> None:
    with running_proxy(confining("old"), regular(upstream)) as proxy:
        send(proxy.port, f"http://{SITE}/", ("Cookie", "chat=c7f3a9d2e8b64c51"))
        _enforce(proxy.master.addons.get("enforce")).enforcement = confining("new", confined=confined)
        own = send(proxy.port, f"http://{SITE}/x?c=c7f3a9d2e8b64c51")
        other = send(proxy.port, "http://other.test/x?c=c7f3a9d2e8b64c51")
    assert own.values("X-Consentry") == []
    assert other.values("X-Consentry") == (["blocked"] if confined else [])
