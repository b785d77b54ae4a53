"""GET state: what holds for this visitor now, as JSON. `state` is what stands in the page as `data-state`.

May go in here: the state's form, also what a choice is answered with. May not: making it (`choices.py`).
"""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from cmp.core.consent import Visitor, permit
from cmp.core.policy import Policy
from cmp.core.signals import Signals
from cmp.server.answers import success
from cmp.server.caller import caller_of
from cmp.server.endpoints import ENDPOINTS
from cmp.wire import banner
from cmp.wire.words import text_of


def setup(app: web.Application) -> None:
    app[ENDPOINTS].add("GET", "state", _show)


async def _show(request: web.Request) -> web.Response:
    caller = caller_of(request)
    return success(state_of(caller.policy, caller.visitor, caller.signals, caller.language))


def state_of(policy: Policy, visitor: Visitor, signals: Signals, language: str) -> Mapping[str, Any]:
    categories = []
    for category in policy.categories.values():
        permission = permit(policy, visitor, signals, category.id, None)
        categories.append(
            {
                "id": category.id,
                "title": text_of(category.titles, language),
                "necessary": category.necessary,
                "allowed": permission.allowed,
                "reason": permission.reason.value,
            }
        )
    return {
        "decided": banner.is_decided(policy, visitor),
        "state": banner.state_of(policy, visitor),
        "granted": sorted(visitor.granted),
        "refused": sorted(visitor.refused),
        "categories": categories,
        "tellMe": visitor.tell_me,
        "signals": {"gpc": signals.gpc, "dnt": signals.dnt},
        "policy": {"id": policy.id, "version": policy.version, "fingerprint": policy.fingerprint},
        "language": language,
    }
