"""What is left when deciding fails: forward what the policy's fallback lists, or nothing.

May go in here: the guard around hooks, and the steps it falls back to. May not: decisions.

mitmproxy logs an exception in a hook and lets the traffic pass. This module is the one place of the live path that may
catch broadly.
"""

import logging
from collections.abc import Callable

from mitmproxy import http

from cmp.core.classify import host_suffixes
from cmp.core.exchange import Kind
from cmp.core.policy import Fallback, OnError, Policy
from cmp.core.urls import parse_host
from cmp.live.bodies import ends_within
from cmp.live.originals import keep_request
from cmp.live.requests import without_fragment
from cmp.live.rollout import is_page_request
from cmp.live.visitors import MARKERS
from cmp.terminal import place_of
from cmp.wire.answer_fields import without_acting_fields
from cmp.wire.cookies import cookie_name, strip_request_cookies
from cmp.wire.stubs import stub_fields, stub_for

logger = logging.getLogger(__name__)

# Our notes on a flow while it lives; they stay in the flow file, where they do no harm.
ASKED = "consentry.asked"  # the request was decided on: "pass", "block", or "body": once its body has come
ANSWERED = "consentry.answered"  # the answer's headers were decided on

# A blocked request's body is read and thrown away up to this size (bytes), so that the page gets its stub; a larger or
# endless one ends the connection, because what is not forwarded would have to be kept in memory.
BODY_LIMIT = 1024 * 1024

Step = Callable[[http.HTTPFlow], None]


def guarded(flow: http.HTTPFlow, step: Step, otherwise: Step) -> None:
    """Run a hook's step; where it fails, the one that fails closed; where that fails too, end the flow."""
    try:
        step(flow)
    except Exception as error:  # noqa: BLE001 - the one guard of the live path
        # Not the error's own text: it quotes addresses, and anybody can send one that we cannot read.
        logger.error("deciding failed; held to the policy's fallback: %s", place_of(error))  # noqa: TRY400
        try:
            otherwise(flow)
        except Exception as second:  # noqa: BLE001
            logger.error("the fallback failed too; the connection is ended: %s", place_of(second))  # noqa: TRY400
            kill(flow)


def kill(flow: http.HTTPFlow) -> None:
    flow.metadata[ASKED] = "block"
    flow.request.stream = False
    if flow.killable:
        flow.kill()


def block(flow: http.HTTPFlow, kind: Kind, *, known: bool = False) -> None:
    """Answer the request ourselves, and forward nothing of it. `known`: for what is known of it."""
    flow.metadata[ASKED] = "block"
    keep_request(flow)
    flow.request.stream = False
    if not ends_within(flow.request, BODY_LIMIT):
        kill(flow)
        return
    # Set here and not in the request hook: a hook that fails later cannot undo the block.
    flow.response = _stub(flow.request, kind, known=known)


def _stub(request: http.Request, kind: Kind, *, known: bool = False) -> http.Response:
    accept = request.headers.get("accept", "")
    stub = stub_for(kind, known=known, host=request.pretty_host, target=request.path, accept=accept)
    status, fields = stub_fields(kind, stub, request.method, request.headers.fields)
    bodiless = request.method == "HEAD" or status == 204
    answer = http.Response.make(status, b"" if bodiless else stub.body, fields)
    if status == 204:
        # RFC 9110, section 8.6: such an answer states no length.
        answer.headers.pop("content-length", None)
    elif bodiless:
        answer.headers["content-length"] = str(len(stub.body))
    return answer


def hold_request(flow: http.HTTPFlow, policy: Policy, *, own_site: bool) -> bool:
    """Forward the request only to the operator's own site or a listed host, with listed cookies. Whether it was.

    Where the policy says that nothing passes on errors, it is not forwarded at all.
    """
    if policy.on_error is OnError.BLOCK:
        block(flow, Kind.OTHER)
        if flow.response is not None and is_page_request(flow):
            flow.response = _refusal()
        return False
    fallback, hosts = policy.fallback, policy.fallback.hosts
    listed = own_site or any(suffix in hosts for suffix in host_suffixes(parse_host(flow.request.host)))
    if not listed:
        block(flow, Kind.OTHER)
        return False
    keep_request(flow)
    flow.request.headers.fields = strip_request_cookies(
        flow.request.headers.fields, lambda name: name in MARKERS or not fallback.keeps_cookie(name)
    )
    flow.request.path = without_fragment(flow.request.path)
    flow.metadata[ASKED] = "pass"
    return True


def hold_answer(flow: http.HTTPFlow, answer: http.Response, fallback: Fallback) -> None:
    """Drop every Set-Cookie that is not listed, and let the page reach only the listed hosts.

    What a browser does on an answer's word outside of any CSP goes too: who is named there nobody has looked at.
    """
    answer.headers.fields = tuple(
        (name, value)
        for name, value in without_acting_fields(answer.headers.fields)
        if name.lower() != b"set-cookie" or fallback.keeps_cookie(cookie_name(value.partition(b";")[0]))
    )
    answer.headers.add("Content-Security-Policy", fallback.csp)
    flow.metadata[ANSWERED] = True


def refuse_answer(flow: http.HTTPFlow) -> None:
    """Put a 502 in place of an answer that could not be made safe."""
    flow.response = _refusal()
    flow.metadata[ANSWERED] = True


def refuse_unread(flow: http.HTTPFlow, answer: http.Response) -> None:
    """Put a refusal in place of an answer whose body has not come yet: a 502 for a page, else a stub.

    The body is thrown away as it comes, because it may be endless.
    """
    refusal = _refusal() if is_page_request(flow) else _stub(flow.request, Kind.OTHER)
    answer.status_code, answer.reason = refusal.status_code, refusal.reason
    answer.headers.fields = refusal.headers.fields
    left = [refusal.raw_content or b""]
    # The end of the server's body is when ours is sent.
    answer.stream = lambda part: [] if part or not left else [left.pop()]
    flow.metadata[ANSWERED] = True


def _refusal() -> http.Response:
    body = b"The page could not be prepared for your privacy choices. Please try again.\n"
    return http.Response.make(502, body, {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"})
