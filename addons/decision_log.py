"""The addons that feed the decision log: who agreed to be linked, and what was decided when an exchange is over.

May go in here: which hook does what. May not: what is written (`cmp.decision_log`), what is decided.

`AuditVisits` stands before the enforcing addon, which must not see the token; `LogDecisions` behind it.
"""

import time
from dataclasses import dataclass

from mitmproxy import http

from cmp.capture.flow_exchange import ALIASES, MARK, RELAY, VISIT, mark_of_text, relayed
from cmp.core.urls import UrlError, parse_url
from cmp.decision_log.rows import Taken, choice_of
from cmp.decision_log.writer import DecisionLog
from cmp.live.audit_visit import take_token
from cmp.live.originals import asked_place
from cmp.seal.audit_token import visit_of

# Our note on a flow that was handed to the log.
LOGGED = "consentry.logged"


@dataclass(frozen=True, slots=True)
class Noted:
    """What is handed over of a flow: its mark as it stands, and where it went. The log's thread reads it.

    `aliased`: the host is a name of the site's own that leads to somebody else.
    """

    mark: str
    host: str
    path: str
    visit: str
    at: float
    aliased: bool = False

    @property
    def size(self) -> int:
        return len(self.mark) + len(self.path) + len(self.host) + 200


def taken_of(noted: Noted) -> Taken | None:
    """What the log is told of a flow; None for a mark that cannot be read."""
    mark = mark_of_text(noted.mark)
    if mark is None:
        return None
    try:
        url = parse_url(f"http://{noted.host}{noted.path}")
        host, path = url.host, url.path
    except UrlError:
        host, path = noted.host, noted.path
    return Taken(
        decision=mark.decision,
        choice=choice_of(mark.visitor),
        policy=mark.policy,
        enforced=mark.enforced,
        kind=mark.kind,
        host=host,
        path=path,
        stopped=mark.stopped,
        tags=mark.tags,
        visit=noted.visit,
        at=noted.at,
        aliased=noted.aliased,
    )


class AuditVisits:
    """Takes the token of an audit visit off a request and notes the visit's id, where the token is one of ours."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        if (token := take_token(flow)) and (visit := visit_of(self._secret, token, time.time())):
            flow.metadata[VISIT] = visit


class LogDecisions:
    """Hands each exchange to the log once, when it is over: the same flows that a recording gets."""

    def __init__(self, log: DecisionLog[Noted]) -> None:
        self.log = log

    def response(self, flow: http.HTTPFlow) -> None:
        self._note(flow)

    def error(self, flow: http.HTTPFlow) -> None:
        self._note(flow)

    def done(self) -> None:
        self.log.close()

    def _note(self, flow: http.HTTPFlow) -> None:
        mark = flow.metadata.get(MARK)
        if not isinstance(mark, str) or LOGGED in flow.metadata:
            # A tunnel, or a request that nobody could read: nothing was decided.
            return
        flow.metadata[LOGGED] = True
        noted: Noted | None = None
        try:
            host, path = _place(flow)
            visit = flow.metadata.get(VISIT, "")
            at = flow.request.timestamp_start if visit else 0.0
            noted = Noted(mark, host, path, visit, at, ALIASES in flow.metadata)
        finally:
            # mitmproxy tells of the error and goes on; that a decision is missing must show in the log too.
            if noted is None:
                self.log.miss()
        self.log.note(noted)


def _place(flow: http.HTTPFlow) -> tuple[str, str]:
    if RELAY in flow.metadata:
        try:
            found = relayed(flow)
        except UrlError:
            found = None
        if found is not None:
            return found.url.host, found.url.path
    return asked_place(flow)
