"""Hooks of addons: called in order, at once where none of them waits."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
from mitmproxy import exceptions, hooks, http, options
from mitmproxy.proxy.layers.http._hooks import HttpRequestHook
from mitmproxy.test import tflow

from cmp.live.hooks import Hooks, LeanMaster


class Noting:
    """An addon that notes when its turn comes."""

    def __init__(self, name: str, turns: list[str], error: type[Exception] | None = None) -> None:
        self.name, self._turns, self._error = name, turns, error

    def request(self, _flow: http.HTTPFlow) -> None:
        self._turns.append(self.name)
        if self._error is not None:
            raise self._error


class Waiting:
    async def request(self, _flow: http.HTTPFlow) -> None:
        await asyncio.sleep(0)


class Updating:
    def __init__(self, turns: list[str]) -> None:
        self._turns = turns

    def update(self, _flows: list[http.HTTPFlow]) -> None:
        self._turns.append("update")


@pytest.fixture
def turns() -> list[str]:
    return []


@pytest.fixture
def with_addons() -> Iterator[Callable[..., Hooks]]:
    loop = asyncio.new_event_loop()

    def made(*addons: object) -> Hooks:
        master = LeanMaster(options.Options(), event_loop=loop)
        master.addons.add(*addons)
        return master.addons

    yield made
    loop.close()


def event() -> hooks.Hook:
    return HttpRequestHook(tflow.tflow())


def test_they_are_called_in_the_order_of_the_addons(with_addons: Callable[..., Hooks], turns: list[str]) -> None:
    assert with_addons(Noting("a", turns), Noting("b", turns)).called_at_once(event())
    assert turns == ["a", "b"]


def test_none_is_called_at_once_where_one_may_wait(with_addons: Callable[..., Hooks], turns: list[str]) -> None:
    assert not with_addons(Noting("a", turns), Waiting()).called_at_once(event())
    assert turns == []


@pytest.mark.parametrize(
    "error, expected",
    [
        pytest.param(ValueError, ["a", "b"], id="one-that-fails-leaves-the-others-their-turn"),
        pytest.param(exceptions.AddonHalt, ["a"], id="one-that-halts-is-the-last"),
    ],
)
def test_an_error_is_as_in_mitmproxy(
    with_addons: Callable[..., Hooks], turns: list[str], error: type[Exception], expected: list[str]
) -> None:
    assert with_addons(Noting("a", turns, error), Noting("b", turns)).called_at_once(event())
    assert turns == expected


def test_who_asks_for_updates_of_flows_gets_them(with_addons: Callable[..., Hooks], turns: list[str]) -> None:
    assert with_addons(Noting("a", turns), Updating(turns)).called_at_once(event())
    assert turns == ["a", "update"]


def test_an_addon_that_comes_later_has_its_turn(with_addons: Callable[..., Hooks], turns: list[str]) -> None:
    addons = with_addons(Noting("a", turns))
    addons.called_at_once(event())
    addons.add(Waiting())
    assert not addons.called_at_once(event())
