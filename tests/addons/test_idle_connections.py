"""A request never goes out on a connection that the server may just be ending."""

import http.client
from collections.abc import Iterator

import pytest
from mitmproxy.master import Master

from tests.addons.test_enforce import SITE, shop_policy
from tests.live import Upstream, reverse, running_proxy, running_upstream

BLOCKED = "/g/collect?tid=1"


class Clock:
    """Time that passes when the test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream() as found:
        yield found


@pytest.fixture(scope="module")
def port(upstream: Upstream, clock: Clock) -> Iterator[int]:
    def move(master: Master) -> None:
        master.addons.get("idleconnections").clock = clock

    with running_proxy(shop_policy(sites=["shop.test"]), reverse(upstream), change=move) as proxy:
        yield proxy.port


@pytest.fixture(autouse=True)
def _fresh(upstream: Upstream) -> None:
    upstream.connections = 0


def asked(port: int, clock: Clock, *steps: tuple[float, str]) -> list[int]:
    """The status of each request of one client, which waits so many seconds before it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    found = []
    for seconds, target in steps:
        clock.now += seconds
        connection.request("GET", target, headers={"Host": SITE})
        answer = connection.getresponse()
        answer.read()
        found.append(answer.status)
    connection.close()
    return found


@pytest.mark.parametrize(
    "steps, connections",
    [
        pytest.param([(0, "/a"), (0.1, "/b"), (1.4, "/c")], 1, id="used-again-and-again"),
        pytest.param([(0, "/a"), (1.6, "/b")], 2, id="idle"),
        pytest.param([(0, "/a"), (1.6, "/b"), (0.1, "/c"), (9, "/d")], 3, id="idle-twice"),
        pytest.param([(0, "/a"), (1, BLOCKED), (1, "/b")], 2, id="an-answer-of-ours-is-no-use-of-it"),
    ],
)
def test_what_was_idle_is_not_used_again(
    port: int, clock: Clock, upstream: Upstream, steps: list[tuple[float, str]], connections: int
) -> None:
    statuses = asked(port, clock, *steps)
    assert [status for status, (_, target) in zip(statuses, steps, strict=True) if target != BLOCKED] == [
        200 for _, target in steps if target != BLOCKED
    ]
    assert upstream.connections == connections
