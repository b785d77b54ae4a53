"""GET state: what holds for this visitor now, as JSON. `state` is what stands in the page as `data-state`.

May go in here: the state's form, also what a choice is answered with. May not: making it (`choices.py`).
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from operator import attrgetter
from typing import Any

from aiohttp import web

from cmp.core.consent import Visitor, permit
from cmp.core.policy import Policy
from cmp.core.signals import Signals
from cmp.server.answers import kept_ready, success_body
from cmp.server.caller import Caller, caller_of
from cmp.server.endpoints import ENDPOINTS
from cmp.server.per_policy import PerPolicy
from cmp.wire import banner
from cmp.wire.words import text_of

_Asked = tuple[tuple[object, ...], Signals, str]
# When it was chosen says nothing of what holds: what does not hold any more is not in it.
_what_holds = attrgetter(*(field.name for field in fields(Visitor) if field.name not in ("decided_at", "policy")))
# A few kilobytes each, for each policy.
_MOST_KEPT = 512

ANSWERS: web.AppKey[PerPolicy[dict[_Asked, bytes]]] = web.AppKey("ANSWERS")


def setup(app: web.Application) -> None:
    app[ANSWERS] = PerPolicy(_none_kept)
    app[ENDPOINTS].add("GET", "state", _show)


def _none_kept(_policy: Policy) -> dict[_Asked, bytes]:
    return {}


async def _show(request: web.Request) -> web.Response:
    caller = caller_of(request)
    return state_answer(request.app, caller, caller.visitor)


def state_answer(app: web.Application, caller: Caller, visitor: Visitor) -> web.Response:
    """What holds for a visitor, who the caller is or has become by choosing.

    The same for everybody with the same choice, signals and language, so it is kept.
    """
    kept, asked = app[ANSWERS].of(caller.policy), (_what_holds(visitor), caller.signals, caller.language)
    body = kept.get(asked)
    if body is None:
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        visitor = replace(visitor, decided_at=None, policy="")
        body = kept[asked] = success_body(state_of(caller.policy, visitor, caller.signals, caller.language))
    return kept_ready(body)


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
