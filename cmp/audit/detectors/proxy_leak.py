"""proxy.leak

What it finds
    A recording of our own proxy in which something went out, or came back, that the recorded decision says was taken
    away: a cookie sent, a cookie set, a member of the query, a header.
Why it matters
    The decision is what the visitor was promised. Where the message does not follow it, the promise was broken by us.
Example
    The decision says `strip-cookie _ga`; the request as forwarded has `Cookie: _ga=...`.
Does not see
    What another addon changed after ours; bodies; recordings that were only observing, and HAR exports of our log, in
    which edited messages are not shown.
Sources
    docs/architecture.md.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from cmp.audit.evidence import Evidence, deletes
from cmp.audit.finding import Finding
from cmp.audit.gather import of_our_own
from cmp.audit.replay import Step
from cmp.core.decision import EditKind
from cmp.core.exchange import Exchange, Unseen
from cmp.core.urls import query_names

CODE = "proxy.leak"
MEANING = "passed although our own proxy decided to take it away"
NEEDS: frozenset[Unseen] = frozenset()


def find(evidence: Evidence) -> Iterator[Finding]:
    groups: dict[tuple[str, str, str], list[tuple[Step, Exchange, Mapping[str, Any]]]] = {}
    for step in evidence.replay.steps:
        recorded, exchange = step.entry.recorded, step.entry.delivered
        if recorded is None or not recorded.enforced or exchange is None or recorded.decision["action"] != "edit":
            continue
        for edit in recorded.decision["edits"]:
            if _still_there(exchange, edit):
                groups.setdefault((edit["edit"], edit["name"], exchange.host_site), []).append((step, exchange, edit))
    for (kind, name, site), group in groups.items():
        step, exchange, edit = group[0]
        told = {"what": kind, "member": name, "site": site, "count": len(group)}
        yield of_our_own(evidence, CODE, step.entry, exchange, decided=edit, told=told)


def _still_there(exchange: Exchange, edit: Mapping[str, Any]) -> bool:
    name = edit["name"]
    match edit["edit"]:
        case EditKind.STRIP_COOKIE.value:
            return any(pair.name == name for pair in exchange.cookies)
        case EditKind.STRIP_SET_COOKIE.value:
            return any(c.name == name and not deletes(c, exchange) for c in exchange.set_cookies)
        case EditKind.STRIP_QUERY.value:
            return name in query_names(exchange.url.query)
        case EditKind.STRIP_HEADER.value:
            return name.lower() in exchange.header_names
    return False
