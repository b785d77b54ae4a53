"""Which addon has which hook, looked up once and not for every event.

May go in here: calling hooks as mitmproxy's own `AddonManager` does. May not: hooks.

A request is about ten events, and each event is offered to every addon. Most have no hook for it.
"""

import inspect
from collections.abc import Callable
from typing import Any

from mitmproxy import exceptions, hooks
from mitmproxy.addonmanager import AddonManager, safecall
from mitmproxy.master import Master


class Hooks(AddonManager):
    """Calls the same hooks in the same order, and ends an addon's turn where one of its hooks fails.

    What addons there are is looked up anew when one comes or goes; an addon may not change its hooks, or the addons it
    brings along, while it is there.
    """

    def __init__(self, master: Master) -> None:
        super().__init__(master)  # type: ignore[no-untyped-call]  # mitmproxy gives no types here
        self._turns: dict[str, tuple[tuple[Callable[..., Any], ...], ...]] = {}

    def register(self, addon: Any) -> Any:
        self._turns.clear()
        return super().register(addon)  # type: ignore[no-untyped-call]  # mitmproxy gives no types here

    def add(self, *addons: Any) -> None:
        super().add(*addons)  # type: ignore[no-untyped-call]  # mitmproxy gives no types here
        self._turns.clear()

    def remove(self, addon: Any) -> None:
        super().remove(addon)  # type: ignore[no-untyped-call]  # mitmproxy gives no types here
        self._turns.clear()

    def clear(self) -> None:
        super().clear()  # type: ignore[no-untyped-call]  # mitmproxy gives no types here
        self._turns.clear()

    async def trigger_event(self, event: hooks.Hook) -> None:
        turns = self._turns.get(event.name)
        if turns is None:
            each = (tuple(hook for _, hook in self._iter_hooks(addon, event)) for addon in self.chain)
            turns = self._turns[event.name] = tuple(turn for turn in each if turn)
        for turn in turns:
            try:
                with safecall():
                    for hook in turn:
                        result = hook(*event.args())
                        if result is not None and inspect.isawaitable(result):
                            await result
            except exceptions.AddonHalt:
                return


class LeanMaster(Master):
    """A Master that calls hooks by `Hooks`."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.addons = Hooks(self)
