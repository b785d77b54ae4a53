"""Other names of hosts, asked of a real server on loopback: in bounded time, once, and only by who answers rightly."""

import asyncio
from collections.abc import Iterator

import pytest

from cmp.live import aliases
from cmp.live.aliases import AliasLookup
from tests.name_server import NameServer, reply, running_name_server

HOST = "metrics.shop.test"


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    # The name server is a thread of a machine that may be busy.
    monkeypatch.setattr(aliases, "PATIENCE", 60.0)


@pytest.fixture
def server() -> Iterator[NameServer]:
    names = {HOST: "shop.tracker.test", "cdn.shop.test": "edge.shop.test", "edge.shop.test": "x.cdn.test"}
    with running_name_server(names) as running:
        yield running


@pytest.fixture
def lookup(server: NameServer) -> AliasLookup:
    return AliasLookup("127.0.0.1", server.port)


def test_a_name_on_another_site_is_told(lookup: AliasLookup) -> None:
    assert asyncio.run(lookup.of(HOST)) == ("shop.tracker.test",)


def test_names_on_the_same_site_are_not(lookup: AliasLookup) -> None:
    assert asyncio.run(lookup.of("cdn.shop.test")) == ("x.cdn.test",)


def test_many_who_ask_at_once_ask_once(lookup: AliasLookup, server: NameServer) -> None:
    async def ask() -> list[tuple[str, ...]]:
        return await asyncio.gather(*(lookup.of(HOST) for _ in range(50)))

    assert set(asyncio.run(ask())) == {("shop.tracker.test",)}
    assert server.asked == [HOST]


def test_an_answer_is_remembered_as_long_as_it_holds(server: NameServer) -> None:
    now = [0.0]
    lookup = AliasLookup("127.0.0.1", server.port, clock=lambda: now[0])
    for moment, times in ((0.0, 1), (299.0, 1), (301.0, 2)):
        now[0] = moment
        assert asyncio.run(lookup.of(HOST)) == ("shop.tracker.test",)
        assert len(server.asked) == times


def test_a_server_that_is_silent_holds_nobody_up_for_long(
    lookup: AliasLookup, server: NameServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(aliases, "PATIENCE", 0.05)
    server.answering = lambda _question: []
    assert asyncio.run(lookup.of(HOST)) == ()
    assert asyncio.run(lookup.of(HOST)) == ()
    # What is asked next comes behind all that was asked before.
    monkeypatch.setattr(aliases, "PATIENCE", 60.0)
    server.answering = None
    assert asyncio.run(lookup.of("cdn.shop.test")) == ("x.cdn.test",)
    assert server.asked == [HOST, "cdn.shop.test"]
    assert len(caplog.records) == 1


def test_a_wrong_answer_is_passed_over_for_the_right_one(lookup: AliasLookup, server: NameServer) -> None:
    def answers(question: bytes) -> list[bytes]:
        number = (int.from_bytes(question[:2]) + 1) % 65_536
        forged = reply(question, (HOST, "nobody.test"), number=number)
        return [forged, b"nonsense", reply(question, (HOST, "shop.tracker.test"))]

    server.answering = answers
    assert asyncio.run(lookup.of(HOST)) == ("shop.tracker.test",)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_addresses_and_single_labels_have_no_aliases(lookup: AliasLookup, server: NameServer, host: str) -> None:
    assert asyncio.run(lookup.of(host)) == ()
    assert server.asked == []


def test_only_so_many_are_remembered(lookup: AliasLookup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aliases, "REMEMBERED", 3)

    async def ask() -> None:
        for n in range(5):
            await lookup.of(f"h{n}.shop.test")

    asyncio.run(ask())
    assert [lookup.known(f"h{n}.shop.test") for n in range(5)] == [None, None, (), (), ()]
