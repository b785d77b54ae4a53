"""Which addon has which hook, looked up once and not for every event, and called at once where none of them waits.

May go in here: calling hooks as mitmproxy's own `AddonManager` does, what a Master of ours leaves out. May not: hooks.

A request is about ten events, and each event is offered to every addon. Most have no hook for it. For each event
mitmproxy makes a task, and with it another round of the event loop.
"""

import inspect
import logging
from collections.abc import Callable
from typing import Any

from mitmproxy import exceptions, hooks
from mitmproxy.addonmanager import AddonManager, safecall
from mitmproxy.master import Master

Turns = tuple[tuple[Callable[..., Any], ...], ...]


class Hooks(AddonManager):
    """Calls the same hooks in the same order, and ends an addon's turn where one of its hooks fails.

    What addons there are is looked up anew when one comes or goes; an addon may not change its hooks, or the addons it
    brings along, while it is there.
    """

    def __init__(self, master: Master) -> None:
        super().__init__(master)  # type: ignore[no-untyped-call]  # mitmproxy gives no types here
        self._turns: dict[str, Turns] = {}
        self._waiting: dict[str, bool] = {}

    def register(self, addon: Any) -> Any:
        self._forget()
        return super().register(addon)  # type: ignore[no-untyped-call]  # mitmproxy gives no types here

    def add(self, *addons: Any) -> None:
        super().add(*addons)  # type: ignore[no-untyped-call]  # mitmproxy gives no types here
        self._forget()

    def remove(self, addon: Any) -> None:
        super().remove(addon)  # type: ignore[no-untyped-call]  # mitmproxy gives no types here
        self._forget()

    def clear(self) -> None:
        super().clear()  # type: ignore[no-untyped-call]  # mitmproxy gives no types here
        self._forget()

    async def trigger_event(self, event: hooks.Hook) -> None:
        for turn in self._turns_of(event):
            try:
                with safecall():
                    for hook in turn:
                        result = hook(*event.args())
                        if result is not None and inspect.isawaitable(result):
                            await result
            except exceptions.AddonHalt:
                return

    def called_at_once(self, event: hooks.Hook) -> bool:
        """Call the hooks of an event on a flow now. False where one of them is `async`: then none was called.

        Nothing here holds a flow back to be resumed later, so nothing is waited for.
        """
        if self._waits(event):
            return False
        self._call(event)
        update = hooks.UpdateHook([event.args()[0]])
        if self._turns_of(update):
            self._call(update)
        return True

    def _call(self, event: hooks.Hook) -> None:
        arguments = event.args()
        for turn in self._turns_of(event):
            try:
                with safecall():
                    for hook in turn:
                        hook(*arguments)
            except exceptions.AddonHalt:
                return

    def _turns_of(self, event: hooks.Hook) -> Turns:
        turns = self._turns.get(event.name)
        if turns is None:
            each = (tuple(hook for _, hook in self._iter_hooks(addon, event)) for addon in self.chain)
            turns = self._turns[event.name] = tuple(turn for turn in each if turn)
        return turns

    def _waits(self, event: hooks.Hook) -> bool:
        waits = self._waiting.get(event.name)
        if waits is None:
            both = (*self._turns_of(event), *self._turns_of(hooks.UpdateHook([])))
            waits = any(inspect.iscoroutinefunction(hook) for turn in both for hook in turn)
            self._waiting[event.name] = waits
        return waits

    def _forget(self) -> None:
        self._turns.clear()
        self._waiting.clear()


class LeanMaster(Master):
    """A Master that calls hooks by `Hooks` and tells nobody of each connection.

    mitmproxy offers each line of its log to every addon, by way of another thread's door to the event loop; ours
    listen to none. What it says of each request is told nobody either.
    """

    addons: Hooks

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.addons = Hooks(self)
        self._legacy_log_events.uninstall()
        logging.getLogger("mitmproxy.proxy.server").setLevel(logging.WARNING)
