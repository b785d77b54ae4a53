"""The enforcing addon: what `decide` says of a flow is done to it, before a byte is forwarded.

May go in here: which hook does what. May not: what is decided (`cmp.core`), how bytes change (`cmp.wire`), how that is
put on a flow and what passes when deciding fails (`cmp.live`).

Every hook is guarded, and each checks that the one before it did its work: a flow that nobody decided on is held to the
policy's fallback, never forwarded as it is.

Also usable as `mitmdump -s addons/enforce.py --set consentry_policy=FILE`.
"""

import logging
from pathlib import Path
from typing import Any

from mitmproxy import ctx, exceptions, http
from mitmproxy.addonmanager import Loader
from mitmproxy.proxy.mode_specs import ReverseMode

from cmp.capture.flow_exchange import HTTPS, flow_url, leave_mark, mark_of, observe_flow, read_mark
from cmp.core.consent import NO_CHOICE, Visitor
from cmp.core.decide import decide
from cmp.core.decision import Decision, EditKind, Reason, Ruling
from cmp.core.exchange import Exchange
from cmp.live import consent_endpoint, pages
from cmp.live.enforcement import Enforcement, Mode
from cmp.live.failing_closed import ANSWERED, ASKED, block, guarded, hold_answer, hold_request, kill, refuse_answer
from cmp.live.originals import as_asked, keep_answer
from cmp.policy.faults import DocumentError, PolicyError
from cmp.policy.load import load_policy
from cmp.seal.cookie import read_cookie
from cmp.wire.cookies import edit_set_cookies, strip_request_cookies

logger = logging.getLogger(__name__)

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
    """Holds one immutable `Enforcement`; a reload builds a new one and swaps the reference."""

    def __init__(self, enforcement: Enforcement | None = None) -> None:
        self.enforcement = enforcement
        self.health: consent_endpoint.ConsentHealth | None = None
        if enforcement is not None and enforcement.consent is not None:
            self.health = consent_endpoint.ConsentHealth(enforcement.consent)

    @property
    def addons(self) -> list[object]:
        """Addons that come and go with this one."""
        return [self.health] if self.health is not None else []

    def load(self, loader: Loader) -> None:
        loader.add_option("consentry_policy", str, "", "The policy file that is enforced.")

    def configure(self, updated: set[str]) -> None:
        if "consentry_policy" in updated and ctx.options.consentry_policy:
            try:
                self.enforcement = Enforcement(load_policy(Path(ctx.options.consentry_policy)))
            except (PolicyError, DocumentError) as error:
                raise exceptions.OptionsError(str(error)) from error
        if self.enforcement is None:
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
        guarded(flow, self._decide_request, self._hold_request)

    def request(self, flow: http.HTTPFlow) -> None:
        if ASKED not in flow.metadata:
            # requestheaders did not do its work, so nothing was streamed: there is still time.
            guarded(flow, self._hold_request, kill)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        guarded(flow, self._decide_answer, self._hold_answer_and_pass)

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        # mitmproxy keeps every message for as long as the socket is open; nothing here reads them.
        if flow.websocket is not None:
            del flow.websocket.messages[:-1]

    def websocket_end(self, flow: http.HTTPFlow) -> None:
        if flow.websocket is not None:
            flow.websocket.messages.clear()

    def response(self, flow: http.HTTPFlow) -> None:
        if ANSWERED not in flow.metadata:
            guarded(flow, self._hold_answer, kill)
        elif pages.is_waiting(flow):
            guarded(flow, self._prepare_page, self._refuse_page)

    # -- what they do

    def _decide_request(self, flow: http.HTTPFlow) -> None:
        now, reverse = self._now(), is_reverse(flow)
        policy, enforced = now.policy, now.mode is Mode.ENFORCE
        if reverse and now.consent is not None and now.consent.site.secure:
            flow.metadata[HTTPS] = True
        url = flow_url(flow, reverse=reverse)
        endpoint = reverse and consent_endpoint.is_endpoint(now.consent, url)
        exchange = observe_flow(flow, reverse=reverse, endpoint=endpoint)
        visitor = _visitor(now, exchange, reverse=reverse)
        decision = decide(policy, visitor, exchange)
        if enforced and decision.blocked:
            block(flow, exchange.kind)
        else:
            if endpoint and now.consent is not None:
                consent_endpoint.forward(flow, now.consent, url)
            elif enforced:
                self._edit_request(flow, decision)
                if reverse:
                    _without_authority(flow)
                    pages.ask_for_page(flow, exchange)
            if not reverse:
                _correct_host(flow)
            # Nothing reads the body, so it is passed on as it comes.
            flow.request.stream = True
            flow.metadata[ASKED] = "pass"
        mark = mark_of(
            decision,
            reverse=reverse,
            policy=policy.fingerprint,
            visitor=visitor,
            endpoint=endpoint,
            enforced=enforced or endpoint,
        )
        leave_mark(flow, mark)

    def _edit_request(self, flow: http.HTTPFlow, decision: Decision) -> None:
        strip = {edit.name for edit in decision.edits if edit.kind is EditKind.STRIP_COOKIE}
        if strip:
            flow.backup()
            flow.request.headers.fields = strip_request_cookies(flow.request.headers.fields, strip.__contains__)

    def _decide_answer(self, flow: http.HTTPFlow) -> None:
        answer, mark = _answer(flow), read_mark(flow)
        if flow.metadata[ASKED] == "block":
            flow.metadata[ANSWERED] = True
            return
        if mark is None:
            raise RuntimeError("the request's mark is gone")
        if answer.status_code < 200 and answer.status_code != 101:
            # mitmproxy takes an interim answer for the answer, and the real one for that to the next request.
            kill(flow)
            return
        if flow.modified():
            keep_answer(flow, answer)
        now, enforced = self._now(), mark.enforced
        exchange = observe_flow(as_asked(flow), reverse=mark.reverse, endpoint=mark.endpoint)
        # The visitor of the request, whatever the clock says by now: one exchange, one decision.
        decision = decide(now.policy, mark.visitor, exchange)
        edits = [edit for edit in decision.edits if edit.index is not None]
        if edits and enforced:
            keep_answer(flow, answer)
            answer.headers.fields = edit_set_cookies(answer.headers.fields, edits)
        # A switch of protocols has no body, and mitmproxy sets up the new protocol only where it is not streamed.
        answer.stream = answer.status_code != 101
        form = mark_of(
            decision,
            reverse=mark.reverse,
            policy=now.policy.fingerprint,
            visitor=mark.visitor,
            endpoint=mark.endpoint,
            enforced=enforced,
        )
        leave_mark(flow, form)
        if mark.reverse and not mark.endpoint:
            pages.await_page(flow, answer, now, form, exchange)
        flow.metadata[ANSWERED] = True

    def _prepare_page(self, flow: http.HTTPFlow) -> None:
        pages.prepare(flow, _answer(flow), self._now(), consent_up=self.health is None or self.health.up)

    def _hold_request(self, flow: http.HTTPFlow) -> None:
        now, reverse = self._now(), is_reverse(flow)
        if enforced := now.mode is Mode.ENFORCE:
            listed = hold_request(flow, now.policy.fallback, own_site=reverse)
            if reverse:
                _without_authority(flow)
        else:
            listed, flow.metadata[ASKED] = True, "pass"
        if listed and not reverse:
            _correct_host(flow)
        ruling = Ruling(listed, Reason.FALLBACK, "fallback")
        mark = mark_of(
            Decision(ruling), reverse=reverse, policy=now.policy.fingerprint, visitor=NO_CHOICE, enforced=enforced
        )
        leave_mark(flow, mark)

    def _hold_answer(self, flow: http.HTTPFlow) -> None:
        if flow.metadata.get(ASKED) == "block":
            flow.metadata[ANSWERED] = True
            return
        if self._now().mode is Mode.OBSERVE:
            flow.metadata[ANSWERED] = True
            return
        answer = _answer(flow)
        keep_answer(flow, answer)
        hold_answer(flow, answer, self._now().policy.fallback)

    def _hold_answer_and_pass(self, flow: http.HTTPFlow) -> None:
        self._hold_answer(flow)
        # Nothing reads the body any more, and it may be endless.
        answer = _answer(flow)
        answer.stream = answer.status_code != 101

    def _refuse_page(self, flow: http.HTTPFlow) -> None:
        if self._now().mode is Mode.ENFORCE:
            # Where we only observe, the page has gone out as it came.
            refuse_answer(flow)

    def _now(self) -> Enforcement:
        if self.enforcement is None:
            raise RuntimeError("a hook ran before the policy was configured")
        return self.enforcement


def _visitor(now: Enforcement, exchange: Exchange, *, reverse: bool) -> Visitor:
    """Who asks. Only the operator's own site has our cookie; elsewhere nobody has made a choice."""
    if not reverse or now.consent is None:
        return NO_CHOICE
    consent = now.consent
    found = read_cookie(consent.keys, consent.site, exchange.cookies, now.clock(), now.policy.fingerprint)
    return found.visitor


def is_reverse(flow: http.HTTPFlow) -> bool:
    """Whether the flow came in through a reverse proxy: on the operator's own site."""
    return isinstance(flow.client_conn.proxy_mode, ReverseMode)


def _correct_host(flow: http.HTTPFlow) -> None:
    """The Host header names the host that is connected to (RFC 9112, section 3.2.2: a proxy must replace it)."""
    request = flow.request
    stated = request.host_header
    if stated is None or request.is_http2:
        return
    if request.host not in (stated, stated.rpartition(":")[0], stated.rpartition(":")[0].strip("[]")):
        host = f"[{request.host}]" if ":" in request.host else request.host
        request.host_header = host if request.port in (80, 443) else f"{host}:{request.port}"


def _without_authority(flow: http.HTTPFlow) -> None:
    """What was decided on is the Host header; a target with a host of its own would outrank it (RFC 9112, 3.2.2)."""
    if flow.request.first_line_format == "absolute" and not flow.request.is_http2:
        flow.backup()
        flow.request.authority = ""


def _answer(flow: http.HTTPFlow) -> http.Response:
    if flow.response is None:
        raise RuntimeError("an answer hook ran on a flow without an answer")
    return flow.response


addons = [Enforce()]
