"""The original of a flow kept beside its edited form, so that replay decides on what was asked, not on what was left.

May go in here: keeping and looking up originals. May not: edits.
"""

from typing import Any
from weakref import WeakKeyDictionary

from mitmproxy import http
from mitmproxy.connection import Connection
from mitmproxy.proxy.mode_specs import ReverseMode

from cmp.capture.flow_exchange import HOST

# By connection: what it said of itself, and its state for a flow file then. Reading that anew for each flow would take
# longer than forwarding it.
_states: WeakKeyDictionary[Connection, tuple[dict[str, Any], dict[str, Any]]] = WeakKeyDictionary()


class _Known:
    """Stands in for a connection while the state of its flow is read."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get_state(self) -> dict[str, Any]:
        """A copy: `revert` empties it."""
        connection = self._connection
        known = _states.get(connection)
        if known is None or known[0] != vars(connection):
            known = _states[connection] = (dict(vars(connection)), connection.get_state())
        return dict(known[1])


def keep_request(flow: http.HTTPFlow) -> None:
    """Put the flow as it stands beside what becomes of it, unless that was done: what `Flow.backup` does, faster."""
    if flow._backup is not None:
        return
    client, server = flow.client_conn, flow.server_conn
    reading: Any = flow
    reading.client_conn, reading.server_conn = _Known(client), _Known(server)
    try:
        flow.backup()
    finally:
        flow.client_conn, flow.server_conn = client, server


def keep_answer(flow: http.HTTPFlow, answer: http.Response) -> None:
    """Put the answer as the server gave it beside the request that was kept.

    `keep_request` keeps the first state only, in which there was no answer yet; `revert` must restore both.
    """
    keep_request(flow)
    kept: dict[str, Any] = flow._backup  # type: ignore[assignment]  # annotated as a Flow, holds its state
    if kept["response"] is None:
        kept["response"] = answer.get_state()


def forget_body(flow: http.HTTPFlow) -> None:
    """Keep nothing of the request's body, in the original neither: a recording is no place for a card number."""
    flow.request.raw_content = None
    kept: dict[str, Any] | None = flow._backup  # type: ignore[assignment]  # annotated as a Flow, holds its state
    if kept is not None:
        kept["request"]["content"] = None


def has_original(flow: http.HTTPFlow) -> bool:
    """Whether something of the flow was edited, or was going to be."""
    return flow._backup is not None


def as_asked(flow: http.HTTPFlow) -> http.HTTPFlow:
    """The flow with the request the browser sent and the answer as it stands, for reading.

    Connections and answer are those of the flow itself: to copy it whole takes longer than to forward it.
    """
    kept: dict[str, Any] | None = flow._backup  # type: ignore[assignment]  # annotated as a Flow, holds its state
    if kept is None:
        return flow
    asked = http.HTTPFlow(flow.client_conn, flow.server_conn)
    asked.request = http.Request.from_state(dict(kept["request"]))
    asked.response = flow.response
    # How the flow came to us was noted after its original was kept, maybe, and holds for that as well.
    asked.metadata = {**kept["metadata"], **flow.metadata}
    return asked


def asked_place(flow: http.HTTPFlow) -> tuple[str, str]:
    """Host and target that the browser asked for, without making a copy of the flow.

    The host is the one connected to, or in front of the operator's site the name visitors know it by.
    """
    kept: dict[str, Any] | None = flow._backup  # type: ignore[assignment]  # annotated as a Flow, holds its state
    reverse = isinstance(flow.client_conn.proxy_mode, ReverseMode)
    known: str | None = flow.metadata.get(HOST) if reverse else None
    if kept is None:
        request = flow.request
        return (known or request.host_header or request.host if reverse else request.host), request.path
    asked = kept["request"]
    host, path = asked["host"], asked["path"].decode("utf-8", "surrogateescape")
    if known or not reverse:
        return known or host, path
    stated = [value for name, value in asked["headers"] if name.lower() == b"host"][:1]
    if not asked["http_version"].startswith(b"HTTP/1"):
        stated = [value for value in (asked["authority"], *stated) if value]
    return next((value.decode("utf-8", "surrogateescape") for value in stated), host), path
