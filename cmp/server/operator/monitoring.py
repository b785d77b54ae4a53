"""Whether all is well, for machines: readiness, and numbers in the text form of Prometheus.

    GET health · GET ready · GET metrics

May go in here: these calls. May not: numbers that tell of one person (`cmp.ledger.statistics` has sums alone).

`health` and `ready` need no token and tell nothing else. Numbers of choices are read once an hour: were they read at
each scrape, the moment of every refusal could be told from two scrapes, and the ledger keeps no more than its hour.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from aiohttp import web

from cmp import __version__
from cmp.ledger.errors import LedgerError
from cmp.ledger.heads import Head
from cmp.ledger.record import hour_of
from cmp.ledger.statistics import Statistics
from cmp.server.context import CLOCK, LEDGER, POLICIES
from cmp.server.operator.calls import CALLS, EVERYBODY, Call
from cmp.server.recording import RECORDER
from cmp.server.unexpected import LINES, unread

_TEXT = "text/plain; version=0.0.4; charset=utf-8"
# Seconds within which a ledger that works has answered.
_PATIENCE = 5.0


@runtime_checkable
class Tells(Protocol):
    """The part of `cmp.ledger.ledger.Ledger` that monitoring needs."""

    async def head(self) -> Head: ...

    async def statistics(self) -> Statistics: ...


@dataclass(slots=True)
class Hourly:
    """The numbers of choices and events as they stood when somebody first asked in this hour."""

    hour: int = -1
    choices: Mapping[str, int] | None = None
    events: Mapping[str, int] | None = None


HOURLY = web.AppKey("HOURLY", Hourly)


def setup(app: web.Application, main: web.Application) -> None:
    main[HOURLY] = Hourly()
    app[CALLS].add("GET", "metrics", _metrics, EVERYBODY, entered=False)


async def ready(main: web.Application) -> bool:
    """Whether choices can be taken: the ledger answers, and the last choice was stored."""
    ledger = main[LEDGER]
    if main[RECORDER].failing or not isinstance(ledger, Tells):
        return False
    try:
        async with asyncio.timeout(_PATIENCE):
            await ledger.head()
    except (LedgerError, TimeoutError):
        return False
    return True


async def _metrics(call: Call) -> web.Response:
    main, policy = call.main, call.main[POLICIES].now
    up = await ready(main)
    hourly = await _hourly(main) if up else main[HOURLY]
    lines = [
        *_metric("consentry_info", "gauge", [({"version": __version__, "policy": policy.fingerprint}, 1)]),
        *_metric("consentry_ready", "gauge", [({}, int(up))]),
        *_metric("consentry_choices_total", "counter", [({"kind": k}, n) for k, n in _sorted(hourly.choices)]),
        *_metric("consentry_events_total", "counter", [({"event": k}, n) for k, n in _sorted(hourly.events)]),
        *_metric("consentry_unread_requests_total", "counter", [({}, unread())]),
        *_metric("consentry_log_lines_left_out_total", "counter", [({}, LINES.left_out)]),
    ]
    return web.Response(body="".join(f"{line}\n" for line in lines).encode(), headers={"Content-Type": _TEXT})


async def _hourly(main: web.Application) -> Hourly:
    kept, ledger, hour = main[HOURLY], main[LEDGER], hour_of(main[CLOCK]())
    if kept.hour != hour and isinstance(ledger, Tells):
        try:
            found = await ledger.statistics()
        except LedgerError:
            return kept
        kept.choices, kept.events, kept.hour = _summed(found.choices), _events(found.counted), hour
    return kept


def _summed(days: Mapping[str, Mapping[str, int]]) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for day in days.values():
        found.update(day)
    return found


def _events(days: Mapping[str, Mapping[str, int]]) -> Mapping[str, int]:
    """Without the hosts in reports: anybody can make those up, and a time series for each is a burden."""
    found: Counter[str] = Counter()
    for name, count in _summed(days).items():
        found[".".join(name.split(".")[:2]) if name.startswith("csp.") else name] += count
    return found


def _sorted(numbers: Mapping[str, int] | None) -> Iterable[tuple[str, int]]:
    return sorted((numbers or {}).items())


def _metric(name: str, kind: str, values: Iterable[tuple[Mapping[str, str], int]]) -> Iterable[str]:
    yield f"# TYPE {name} {kind}"
    for labels, value in values:
        told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{name}{{{told}}} {value}" if told else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
