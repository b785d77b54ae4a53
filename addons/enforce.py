"""The enforcing addon: what `decide` says of a flow is done to it, before a byte is forwarded.

May go in here: which hook does what. May not: what is decided (`cmp.core`), how bytes change (`cmp.wire`), what passes
when deciding fails (`fail_closed.py`... see `cmp.wire.fallback`).

mitmproxy logs an exception in a hook and lets the traffic pass. So every hook is guarded, and each hook checks that the
one before it did its work: a flow that nobody decided on is held to the policy's fallback, never forwarded as it is.

Also usable as `mitmdump -s addons/enforce.py --set consentry_policy=FILE`.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mitmproxy import ctx, exceptions, http
from mitmproxy.addonmanager import Loader
from mitmproxy.proxy.mode_specs import ReverseMode

from cmp.capture.flow_exchange import leave_mark, observe_flow
from cmp.core.classify import host_suffixes
from cmp.core.consent import NO_CHOICE, Visitor
from cmp.core.decide import decide
from cmp.core.decision import Decision, EditKind, Reason, Ruling
from cmp.core.exchange import Exchange, Kind
from cmp.core.policy import Policy
from cmp.core.urls import parse_host
from cmp.policy.faults import DocumentError, PolicyError
from cmp.policy.load import load_policy
from cmp.wire.cookies import cookie_name, edit_set_cookies, strip_request_cookies
from cmp.wire.stubs import stub_for

logger = logging.getLogger(__name__)

# Our notes on a flow while it lives; they stay in the flow file, where they do no harm.
ASKED = "consentry.asked"  # the request was decided on: "pass" or "block"
ANSWERED = "consentry.answered"  # the answer's headers were decided on

# A blocked request's body is read and thrown away up to this size (bytes), so that the page gets its stub; a larger or
# endless one ends the connection, because what is not forwarded would have to be kept in memory.
BODY_LIMIT = 1024 * 1024

# Settings without which decisions come too late: an eager connection shows the tracker an address before any hook, raw
# TCP has no hooks of ours, streaming of large bodies forwards a request that is blocked later, and the onboarding app
# answers for a host of its own on the operator's site.
REQUIRED_OPTIONS: dict[str, Any] = {
    "connection_strategy": "lazy",
    "rawtcp": False,
    "stream_large_bodies": None,
    "onboarding": False,
    "validate_inbound_headers": True,
}


class Enforce:
    """Holds one immutable policy; a reload builds a new one and swaps the reference."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy

    def load(self, loader: Loader) -> None:
        loader.add_option("consentry_policy", str, "", "The policy file that is enforced.")

    def configure(self, updated: set[str]) -> None:
        if "consentry_policy" in updated and ctx.options.consentry_policy:
            try:
                self.policy = load_policy(Path(ctx.options.consentry_policy))
            except (PolicyError, DocumentError) as error:
                raise exceptions.OptionsError(str(error)) from error
        if self.policy is None:
            raise exceptions.OptionsError("there is no policy to enforce: --set consentry_policy=FILE")
        wrong = {
            name: value
            for name, value in REQUIRED_OPTIONS.items()
            if name in ctx.options and getattr(ctx.options, name) != value
        }
        if wrong:
            logger.info("set for enforcement: %s", ", ".join(f"{name}={value}" for name, value in wrong.items()))
            ctx.options.update(**wrong)

    # -- hooks, in the order mitmproxy calls them

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        _guarded(flow, self._decide_request, self._hold_request)

    def request(self, flow: http.HTTPFlow) -> None:
        if ASKED not in flow.metadata:
            # requestheaders did not do its work, so nothing was streamed: there is still time.
            _guarded(flow, self._hold_request, _kill)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        _guarded(flow, self._decide_answer, self._hold_answer)

    def response(self, flow: http.HTTPFlow) -> None:
        if ANSWERED not in flow.metadata:
            _guarded(flow, self._hold_answer, _kill)

    # -- what they do

    def _decide_request(self, flow: http.HTTPFlow) -> None:
        policy, reverse = self._policy(), is_reverse(flow)
        exchange = observe_flow(flow, reverse=reverse)
        visitor = self._visitor(flow, exchange)
        decision = decide(policy, visitor, exchange)
        if decision.blocked:
            _block(flow, exchange.kind)
        else:
            strip = {edit.name for edit in decision.edits if edit.kind is EditKind.STRIP_COOKIE}
            if strip:
                flow.backup()
                flow.request.headers.fields = strip_request_cookies(flow.request.headers.fields, strip.__contains__)
            if not reverse:
                _correct_host(flow)
            # Nothing reads the body, so it is passed on as it comes.
            flow.request.stream = True
            flow.metadata[ASKED] = "pass"
        leave_mark(flow, reverse=reverse, policy=policy.fingerprint, visitor=visitor, decision=decision)

    def _decide_answer(self, flow: http.HTTPFlow) -> None:
        if flow.metadata[ASKED] == "block":
            flow.metadata[ANSWERED] = True
            return
        policy, reverse, answer = self._policy(), is_reverse(flow), _answer(flow)
        exchange = observe_flow(_as_asked(flow), reverse=reverse)
        visitor = self._visitor(flow, exchange)
        decision = decide(policy, visitor, exchange)
        edits = [edit for edit in decision.edits if edit.index is not None]
        if edits or flow.modified():
            _keep_answer(flow)
        if edits:
            answer.headers.fields = edit_set_cookies(answer.headers.fields, edits)
        _stream(answer)
        leave_mark(flow, reverse=reverse, policy=policy.fingerprint, visitor=visitor, decision=decision)
        flow.metadata[ANSWERED] = True

    def _hold_request(self, flow: http.HTTPFlow) -> None:
        """Forward only what the fallback lists: the last word where deciding failed."""
        policy, reverse = self._policy(), is_reverse(flow)
        fallback = policy.fallback
        listed = reverse or any(suffix in fallback.hosts for suffix in host_suffixes(parse_host(flow.request.host)))
        if listed:
            flow.backup()
            flow.request.headers.fields = strip_request_cookies(
                flow.request.headers.fields, lambda name: not fallback.keeps_cookie(name)
            )
            if not reverse:
                _correct_host(flow)
            flow.metadata[ASKED] = "pass"
        else:
            _block(flow, Kind.OTHER)
        leave_mark(
            flow,
            reverse=reverse,
            policy=policy.fingerprint,
            visitor=NO_CHOICE,
            decision=Decision(Ruling(listed, Reason.FALLBACK, "fallback")),
        )

    def _hold_answer(self, flow: http.HTTPFlow) -> None:
        """Drop every Set-Cookie the fallback does not list, and let the page reach only what it lists."""
        if flow.metadata.get(ASKED) == "block":
            flow.metadata[ANSWERED] = True
            return
        fallback, answer = self._policy().fallback, _answer(flow)
        _keep_answer(flow)
        answer.headers.fields = tuple(
            (name, value)
            for name, value in answer.headers.fields
            if name.lower() != b"set-cookie" or fallback.keeps_cookie(cookie_name(value.partition(b";")[0]))
        )
        answer.headers.add("Content-Security-Policy", fallback.csp)
        flow.metadata[ANSWERED] = True

    def _policy(self) -> Policy:
        if self.policy is None:
            raise RuntimeError("a hook ran before the policy was configured")
        return self.policy

    def _visitor(self, flow: http.HTTPFlow, exchange: Exchange) -> Visitor:
        """Nobody has made a choice as long as there is no consent server to make it with."""
        return NO_CHOICE


Step = Callable[[http.HTTPFlow], None]


def _guarded(flow: http.HTTPFlow, step: Step, otherwise: Step) -> None:
    """Run a hook's step; where it fails, the one that fails closed; where that fails too, end the flow."""
    try:
        step(flow)
    except Exception:
        logger.exception("deciding failed; held to the policy's fallback")
        try:
            otherwise(flow)
        except Exception:
            logger.exception("the fallback failed too; the connection is ended")
            _kill(flow)


def _kill(flow: http.HTTPFlow) -> None:
    flow.metadata[ASKED] = "block"
    flow.request.stream = False
    if flow.killable:
        flow.kill()


def is_reverse(flow: http.HTTPFlow) -> bool:
    """Whether the flow came in through a reverse proxy: on the operator's own site."""
    return isinstance(flow.client_conn.proxy_mode, ReverseMode)


def _block(flow: http.HTTPFlow, kind: Kind) -> None:
    flow.metadata[ASKED] = "block"
    flow.backup()
    flow.request.stream = False
    if not _bounded_body(flow.request):
        _kill(flow)
        return
    # Set here and not in the request hook: a hook that fails later cannot undo the block.
    stub = stub_for(kind)
    headers = {"Content-Type": stub.media_type, "Cache-Control": "no-store", "X-Consentry": "blocked"}
    flow.response = http.Response.make(stub.status, stub.body, headers)


def _bounded_body(request: http.Request) -> bool:
    """Whether the body's end is in sight: no body, or one that says it is small (RFC 9112, section 6)."""
    if "transfer-encoding" in request.headers:
        return False
    length = request.headers.get("content-length")
    if length is None:
        # HTTP/2 bodies need no length; a request that has none by its method is the common case.
        return not request.is_http2 or request.method in ("GET", "HEAD", "OPTIONS")
    return length.isdigit() and int(length) <= BODY_LIMIT


def _correct_host(flow: http.HTTPFlow) -> None:
    """The Host header names the host that is connected to (RFC 9112, section 3.2.2: a proxy must replace it)."""
    request = flow.request
    stated = request.host_header
    if stated is not None and not request.is_http2 and stated.rpartition(":")[0] != request.host != stated:
        request.host_header = request.host if request.port in (80, 443) else f"{request.host}:{request.port}"


def _as_asked(flow: http.HTTPFlow) -> http.HTTPFlow:
    """The flow with the cookies the browser sent, which the decision on the answer must see again."""
    if not flow.modified():
        return flow
    asked: http.HTTPFlow = flow.copy()
    answer = flow.response
    asked.revert()
    asked.response = answer
    return asked


def _keep_answer(flow: http.HTTPFlow) -> None:
    """Put the answer as the server gave it beside the request that `backup` kept.

    `Flow.backup` keeps the first state only, in which there was no answer yet; `revert` must restore both.
    """
    flow.backup()
    kept: dict[str, Any] = flow._backup  # type: ignore[assignment]  # annotated as a Flow, holds its state
    if kept["response"] is None:
        kept["response"] = _answer(flow).get_state()


def _answer(flow: http.HTTPFlow) -> http.Response:
    if flow.response is None:
        raise RuntimeError("an answer hook ran on a flow without an answer")
    return flow.response


def _stream(answer: http.Response) -> None:
    # A switch of protocols has no body, and mitmproxy sets up the new protocol only where it is not streamed.
    answer.stream = answer.status_code != 101


addons = [Enforce()]
