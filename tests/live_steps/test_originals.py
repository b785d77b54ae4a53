"""The original of a flow beside its edited form: as mitmproxy keeps it, for each flow its own."""

from mitmproxy import http
from mitmproxy.test import tflow

from cmp.live.originals import keep_request


def two_on_one_connection() -> tuple[http.HTTPFlow, http.HTTPFlow]:
    first, second = tflow.tflow(), tflow.tflow()
    second.client_conn, second.server_conn = first.client_conn, first.server_conn
    return first, second


def test_what_is_kept_is_what_mitmproxy_would_keep() -> None:
    ours, theirs = two_on_one_connection()
    theirs.id, theirs.timestamp_created = ours.id, ours.timestamp_created
    theirs.request = ours.request
    keep_request(ours)
    theirs.backup()
    assert ours._backup == theirs._backup


def test_what_was_kept_first_counts() -> None:
    flow, _ = two_on_one_connection()
    asked = flow.request.path
    for path in ("/first", "/second"):
        keep_request(flow)
        flow.request.path = path
    flow.revert()
    assert flow.request.path == asked


def test_a_connection_is_kept_as_it_was_then() -> None:
    before, after = two_on_one_connection()
    keep_request(before)
    after.client_conn.sni = "renamed.test"
    keep_request(after)
    kept = [flow._backup["client_conn"]["sni"] for flow in (before, after)]  # type: ignore[index]  # its state
    assert kept == ["address", "renamed.test"]


def test_taking_one_flow_back_leaves_the_others_original() -> None:
    first, second = two_on_one_connection()
    keep_request(first)
    keep_request(second)
    first.revert()
    second.revert()
    assert second.client_conn.peername == first.client_conn.peername is not None


def test_the_flow_keeps_its_connections() -> None:
    flow, other = two_on_one_connection()
    keep_request(flow)
    assert (flow.client_conn, flow.server_conn) == (other.client_conn, other.server_conn)
    assert isinstance(flow.client_conn, type(other.client_conn))
