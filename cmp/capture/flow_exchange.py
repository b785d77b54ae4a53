"""One mitmproxy flow as an exchange: the same reading for live traffic and for recorded flows.

May go in here: taking URL, headers and times from an `HTTPFlow`, and the mark our proxy leaves in it. May not: changing
a flow's messages (`addons`), reading flow files (`flows.py`).
"""

import json
from dataclasses import dataclass
from typing import Any

from mitmproxy import http

from cmp.capture.observe import Headers, observe_request, with_answer
from cmp.core.consent import Visitor
from cmp.core.decision import Decision
from cmp.core.exchange import Exchange
from cmp.core.forms import decision_form, read_visitor_form, visitor_form
from cmp.core.urls import Url, parse_url

# Where in `flow.metadata` our proxy keeps its mark; reverting a flow wipes it, so it is read first.
MARK = "consentry"


def header_list(headers: http.Headers) -> Headers:
    """Field lines as text. Bytes that are no UTF-8 survive as surrogates, so that nothing a server sent is lost."""
    return [
        (name.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
        for name, value in headers.fields
    ]


def observe_flow(flow: http.HTTPFlow, *, reverse: bool) -> Exchange:
    """The exchange of a flow as it stands, with its answer where there is one.

    With `reverse` the flow came to the operator's own site: its public name is in the Host header and its page is the
    site itself. Otherwise the host is the one that is really connected to. Raises UrlError for a target that is no URL.
    """
    request = flow.request
    headers = header_list(request.headers)
    url = _url(flow, reverse=reverse)
    exchange = observe_request(
        request.method, url, headers, time=request.timestamp_start, page=url if reverse else None
    )
    return exchange if flow.response is None else with_answer(exchange, header_list(flow.response.headers))


def _url(flow: http.HTTPFlow, *, reverse: bool) -> Url:
    request = flow.request
    if reverse:
        scheme = "https" if flow.client_conn.tls else "http"
        return parse_url(f"{scheme}://{request.host_header or request.host}{request.path}")
    host = f"[{request.host}]" if ":" in request.host and not request.host.startswith("[") else request.host
    return parse_url(f"{request.scheme}://{host}:{request.port}{request.path}")


@dataclass(frozen=True, slots=True)
class Mark:
    """What our proxy decided on a flow: the visitor it saw, the policy's fingerprint and the decision's JSON form."""

    reverse: bool
    policy: str
    visitor: Visitor
    decision: dict[str, Any]

    @property
    def blocked(self) -> bool:
        return bool(self.decision["action"] == "block")


def leave_mark(flow: http.HTTPFlow, *, reverse: bool, policy: str, visitor: Visitor, decision: Decision) -> None:
    """Write the mark as one JSON text, which every version of the flow format keeps as it is."""
    form = {
        "form": 1,
        "reverse": reverse,
        "policy": policy,
        "visitor": visitor_form(visitor),
        "decision": decision_form(decision),
    }
    flow.metadata[MARK] = json.dumps(form, sort_keys=True, separators=(",", ":"))


def read_mark(flow: http.HTTPFlow) -> Mark | None:
    """The mark of a flow; None where it has none, or one that was not written by `leave_mark`."""
    text = flow.metadata.get(MARK)
    if not isinstance(text, str):
        return None
    try:
        form = json.loads(text)
        if form["form"] != 1:
            return None
        return Mark(bool(form["reverse"]), form["policy"], read_visitor_form(form["visitor"]), form["decision"])
    except (ValueError, KeyError, TypeError):
        return None
