"""The enforcing addon: what `decide` says of a flow is done to it, before a byte is forwarded.

May go in here: which hook does what. May not: what is decided (`cmp.core`), how bytes change (`cmp.wire`), how that is
put on a flow and what passes when deciding fails (`cmp.live`).

Every hook is guarded, and each checks that the one before it did its work: a flow that nobody decided on is held to the
policy's fallback, never forwarded as it is.

Also usable as `mitmdump -s addons/enforce.py --set consentry_policy=FILE`.
"""

import logging
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mitmproxy import ctx, exceptions, http
from mitmproxy.addonmanager import Loader
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.proxy.mode_specs import ReverseMode, TransparentMode, WireGuardMode

from cmp.capture.carrying import Carrying, is_data
from cmp.capture.flow_exchange import (
    HTTPS,
    RELAY,
    Mark,
    flow_url,
    header_list,
    leave_mark,
    mark_of,
    observe_flow,
    read_mark,
    relayed,
)
from cmp.capture.observe import with_answer
from cmp.core.consent import NO_CHOICE, Visitor
from cmp.core.decide import decide
from cmp.core.decision import Decision, Reason, Ruling
from cmp.core.exchange import Exchange, Kind
from cmp.core.outgoing import reducing_edits
from cmp.core.policy import OnError, Policy
from cmp.live import answers, bodies, consent_endpoint, pages, relay, requests
from cmp.live.arrival import client_address, is_misdirected, name_destination, receive
from cmp.live.bodies import Look
from cmp.live.enforcement import Enforcement
from cmp.live.failing_closed import (
    ANSWERED,
    ASKED,
    block,
    guarded,
    hold_answer,
    hold_request,
    kill,
    refuse_answer,
    refuse_unread,
)
from cmp.live.listening import Listening, listen
from cmp.live.originals import as_asked, forget_body, has_original, keep_answer, keep_request
from cmp.live.page_limits import limit_page
from cmp.live.rollout import Buckets
from cmp.live.sockets import EndSocket, Socket, Sockets, is_handshake
from cmp.live.under import Course, Under
from cmp.live.visitors import Visitors
from cmp.policy.faults import DocumentError, PolicyError
from cmp.policy.load import load_policy
from cmp.wire.caching import private_answer

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


# Modes in which traffic comes to us that was meant for an address.
DIVERTED = (TransparentMode, WireGuardMode)


class Enforce:
    """Holds one immutable `Enforcement`; a reload builds a new one and swaps the reference.

    A flow is dealt with to its end under the one that its request was decided under.
    """

    def __init__(self, enforcement: Enforcement | None = None) -> None:
        self.enforcement = enforcement
        self.health: consent_endpoint.ConsentHealth | None = None
        if enforcement is not None and enforcement.consent is not None:
            self.health = consent_endpoint.ConsentHealth(enforcement.consent)
        self._under = Under()
        self._buckets = Buckets()
        self._visitors = Visitors(secrets.token_bytes(32))
        self.sockets = Sockets()
        self._carrying: Carrying | None = None
        self._carrying_under: Policy | None = None

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
        modes = ctx.options.mode
        reverse = bool(modes) and all(mode.startswith("reverse:") for mode in modes)
        if reverse and "block_global" in ctx.options and ctx.options.block_global:
            # The site in front of which the proxy stands is for everybody.
            ctx.options.update(block_global=False)

    # -- hooks, in the order mitmproxy calls them

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        guarded(flow, self._receive, kill)
        if ASKED not in flow.metadata:
            guarded(flow, self._decide_request, self._hold_request)

    def request(self, flow: http.HTTPFlow) -> None:
        if ASKED not in flow.metadata:
            # requestheaders did not do its work, so nothing was streamed: there is still time.
            guarded(flow, self._hold_request, kill)
        elif flow.metadata[ASKED] == "body":
            guarded(flow, self._decide_body, kill)
        else:
            guarded(flow, self._note_heard, _leave)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        guarded(flow, self._decide_answer, self._hold_answer_and_pass)

    def page_too_long(self, flow: http.HTTPFlow) -> None:
        guarded(flow, self._let_page_pass, kill)

    def socket_open(self, socket: Socket) -> None:
        guarded(socket.flow, lambda _flow: self._open(socket), lambda _flow: socket.end())

    def socket_done(self, socket: Socket) -> None:
        self.sockets.remove(socket)

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        # Under mitmdump alone, whose layer keeps every message for as long as the socket is open.
        if flow.websocket is not None:
            del flow.websocket.messages[:-1]

    def websocket_end(self, flow: http.HTTPFlow) -> None:
        if flow.websocket is not None:
            flow.websocket.messages.clear()

    def response(self, flow: http.HTTPFlow) -> None:
        guarded(flow, self._forget, _leave)
        if ANSWERED not in flow.metadata:
            guarded(flow, self._hold_answer, kill)
        elif pages.is_waiting(flow):
            guarded(flow, self._prepare_page, self._refuse_page)

    def error(self, flow: http.HTTPFlow) -> None:
        guarded(flow, self._forget, _leave)

    # -- what they do

    def _receive(self, flow: http.HTTPFlow) -> None:
        now = self._now()
        if is_reverse(flow):
            receive(flow, now.front, now.policy)
        elif isinstance(flow.client_conn.proxy_mode, DIVERTED):
            name_destination(flow)

    def _decide_request(self, flow: http.HTTPFlow) -> None:
        now, reverse = self._now(), is_reverse(flow)
        policy = now.policy
        if reverse and now.consent is not None and now.consent.site.secure:
            flow.metadata[HTTPS] = True
        course = self._begin(flow, now, reverse=reverse)
        if not reverse and is_misdirected(flow):
            self._misdirect(flow, course)
            return
        url = flow_url(flow, reverse=reverse)
        relaying = reverse and relay.is_relay(now.reserved, url)
        if relaying and relay.opened(flow, policy, now.reserved) is None:
            self._refuse_relay(flow, course)
            return
        path = consent_endpoint.endpoint_path(now, url) if reverse and not relaying else None
        exchange = observe_flow(flow, reverse=reverse, endpoint=path is not None)
        if relaying and not relay.carries(flow, exchange):
            self._refuse_relay(flow, course)
            return
        course.excluded = reverse and not relaying and path is None and now.front.excludes(url.path)
        # Our own paths are no part of what a policy is rolled out on.
        course.enforced = (course.enforced or relaying or path is not None) and not course.excluded
        visitor = self._visitors.visitor(now, flow, url, reverse=reverse)
        unreadable = path is None and bodies.unreadable(flow.request)
        if path is None:
            exchange = replace(exchange, carries=course.carrying.of(exchange))
        look = _look(course, visitor, exchange, flow.request, waits=path is None)
        if look is Look.SCAN and unreadable:
            exchange = replace(exchange, carries=exchange.carries | course.carrying.of(exchange, None))
            look = Look.NO
        decision = decide(policy, visitor, exchange)
        reduce = course.enforced and not decision.blocked and (decision.ruling.reduced or relaying)
        form = _Form(reverse, policy.fingerprint, visitor, path is not None, course.enforced)
        if course.enforced and decision.blocked:
            block(flow, exchange.kind, known=_is_known(flow, decision.ruling))
        elif path is not None and self._stands_in(now, path):
            block(flow, exchange.kind)
            if flow.response is not None:
                flow.response = pages.guard_answer(now, visitor, exchange)
        elif path is not None and now.consent is not None:
            consent_endpoint.forward(flow, now, now.consent, url, path)
            _let_pass(flow)
        elif reduce and not (requests.reducible(flow.request) and (not relaying or relay.shows(exchange, decision))):
            block(flow, exchange.kind, known=not relaying)
            leave_mark(flow, form.mark(decision, exchange, stopped=True))
            return
        elif reduce or (look is Look.BUFFER and course.enforced):
            course.reduce = reduce
            flow.request.stream = False
            flow.metadata[ASKED] = "body"
        else:
            self._edit_request(flow, course, decision, exchange, reverse=reverse)
            _let_pass(flow)
            if look is not Look.NO and not course.enforced:
                flow.request.stream = _listen(flow, course, exchange, small=look is Look.BUFFER)
            elif look is Look.SCAN:
                flow.request.stream = self._scan(flow, course, form, exchange)
        course.asked = exchange
        leave_mark(flow, form.mark(decision, exchange))

    def _stands_in(self, now: Enforcement, path: str) -> bool:
        """Whether the guard is ours to send: a page must not go without it because no choice can be stored just now."""
        return self.health is not None and not self.health.up and path == f"{now.reserved}guard.js"

    def _begin(self, flow: http.HTTPFlow, now: Enforcement, *, reverse: bool) -> Course:
        if self._carrying is None:
            self._carrying, self._carrying_under = Carrying(now.policy), now.policy
        elif self._carrying_under is not now.policy:
            self._carrying, self._carrying_under = self._carrying.heir(now.policy), now.policy
        enforced = now.enforces and self._buckets.within(now.policy.rollout, flow, now.front, reverse=reverse)
        course = Course(now, self._carrying, enforced)
        self._under.keep(flow, course)
        return course

    def _edit_request(
        self, flow: http.HTTPFlow, course: Course, decision: Decision, exchange: Exchange, *, reverse: bool
    ) -> None:
        """Make of the request what goes to the server."""
        found = relayed(flow)
        if found is not None:
            # Whatever the visitor chose: what goes by way of the site never identifies.
            relay.send(flow, found)
            more = reducing_edits(course.now.policy, exchange, decision.ruling)
            requests.edit_request(flow, (*decision.edits, *more), reduced=True)
            return
        if course.excluded:
            return
        untouched = decision.ruling.reason is Reason.OUT_OF_SCOPE
        if reverse or not untouched:
            requests.take_marker(flow)
        if course.enforced:
            requests.edit_request(flow, decision.edits, reduced=decision.ruling.reduced)
            if reverse:
                _without_authority(flow)
                if not untouched:
                    pages.ask_for_page(flow, course.now, exchange)
        if not reverse:
            _correct_host(flow)

    def _misdirect(self, flow: http.HTTPFlow, course: Course) -> None:
        """Answer an HTTP/2 request on a connection for another host: its browser asks again, on one of its own."""
        course.enforced = True
        exchange = observe_flow(flow, reverse=False)
        block(flow, Kind.OTHER)
        if flow.response is not None:
            # RFC 9110, section 15.5.20.
            flow.response = http.Response.make(421, b"", {"Cache-Control": "no-store"})
        form = _Form(False, course.now.policy.fingerprint, NO_CHOICE, False, True)
        leave_mark(flow, form.mark(decide(course.now.policy, NO_CHOICE, exchange), exchange, stopped=True))

    def _refuse_relay(self, flow: http.HTTPFlow, course: Course) -> None:
        """Answer a request that the relay does not carry: it is for nobody else either."""
        course.enforced = True
        flow.metadata.pop(RELAY, None)
        exchange = observe_flow(flow, reverse=True, endpoint=True)
        decision = decide(course.now.policy, NO_CHOICE, exchange)
        block(flow, Kind.OTHER)
        form = _Form(True, course.now.policy.fingerprint, NO_CHOICE, True, True)
        leave_mark(flow, form.mark(decision, exchange, stopped=True))

    def _scan(self, flow: http.HTTPFlow, course: Course, form: "_Form", exchange: Exchange) -> bodies.Scan:
        """Look at a body as it passes."""
        policy, carrying = course.now.policy, course.carrying

        def stop(carried: frozenset[str]) -> None:
            flow.metadata[ASKED] = "block"
            try:
                bodies.end_exchange(flow)
            finally:
                stopped = replace(exchange, carries=carried)
                decision = decide(policy, form.visitor, stopped)
                leave_mark(flow, form.mark(decision, stopped, stopped=not decision.blocked))

        return bodies.scan(policy, form.visitor, exchange, carrying, flow.request, stop=stop)

    def _decide_body(self, flow: http.HTTPFlow) -> None:
        """Decide once more with the body that was waited for."""
        course, mark = self._course(flow), _mark(flow)
        policy, request = course.now.policy, flow.request
        exchange = observe_flow(flow, reverse=mark.reverse)
        body = bodies.readable(request.raw_content or b"", request)
        found = course.carrying.of(exchange, body, request.headers.get("content-type", ""))
        exchange = replace(exchange, carries=exchange.carries | found)
        course.holds = any(map(is_data, found))
        decision = decide(policy, mark.visitor, exchange)
        form = _Form(mark.reverse, policy.fingerprint, mark.visitor, False, course.enforced)
        if course.enforced and decision.blocked:
            block(flow, exchange.kind, known=_is_known(flow, decision.ruling))
        elif (course.reduce or decision.ruling.reduced) and not requests.reduce_body(flow, policy):
            block(flow, exchange.kind, known=RELAY not in flow.metadata)
            leave_mark(flow, form.mark(decision, exchange, stopped=True))
            return
        else:
            self._edit_request(flow, course, decision, exchange, reverse=mark.reverse)
            flow.metadata[ASKED] = "pass"
        course.asked = exchange
        leave_mark(flow, form.mark(decision, exchange))

    def _note_heard(self, flow: http.HTTPFlow) -> None:
        """Put down what was heard in a body that passed."""
        course = self._under.of(flow)
        if course is None:
            return
        if isinstance(flow.request.stream, Listening) and flow.request.stream.kept:
            self._hear_whole(flow, course, bytes(flow.request.stream.kept))
        if not course.heard:
            return
        mark = _mark(flow)
        exchange = observe_flow(as_asked(flow), reverse=mark.reverse, endpoint=mark.endpoint)
        exchange = replace(exchange, carries=exchange.carries | course.heard)
        decision = decide(course.now.policy, mark.visitor, exchange)
        form = _Form(mark.reverse, mark.policy, mark.visitor, mark.endpoint, mark.enforced)
        course.asked = exchange
        leave_mark(flow, form.mark(decision, exchange))

    def _hear_whole(self, flow: http.HTTPFlow, course: Course, data: bytes) -> None:
        """Look at a small body that has passed, and keep it for the recording unless it holds what is not for one."""
        request = flow.request
        exchange = observe_flow(as_asked(flow), reverse=_mark(flow).reverse)
        found = course.carrying.of(exchange, bodies.readable(data, request), request.headers.get("content-type", ""))
        course.heard |= found
        course.holds = any(map(is_data, found))
        if not course.holds:
            request.raw_content = data

    def _decide_answer(self, flow: http.HTTPFlow) -> None:
        answer = _answer(flow)
        if flow.metadata[ASKED] == "block":
            flow.metadata[ANSWERED] = True
            return
        course, mark = self._course(flow), _mark(flow)
        answers.keep_on_this_way(flow, answer)
        if answer.status_code < 200 and not is_handshake(flow):
            # mitmproxy takes an interim answer for the answer, and the real one for that to the next request. What
            # follows on a switch to another protocol than WebSocket nobody looks at.
            kill(flow)
            return
        if has_original(flow):
            keep_answer(flow, answer)
        policy, enforced = course.now.policy, mark.enforced
        exchange = _answered(flow, course, mark, answer)
        # The visitor of the request, whatever the clock says by now: one exchange, one decision.
        decision = decide(policy, mark.visitor, exchange)
        if mark.endpoint:
            self._hear_choice(flow, answer, course.now)
        else:
            course.carrying.learn(exchange)
        if enforced:
            answers.edit_answer(flow, answer, decision.edits)
        found = relayed(as_asked(flow)) if RELAY in flow.metadata else None
        if found is not None:
            keep_answer(flow, answer)
            relay.clean_answer(answer, policy, found, course.now.reserved, reduced=decision.ruling.reduced)
        # A switch of protocols has no body, and mitmproxy sets up the new protocol only where it is not streamed.
        answer.stream = answer.status_code != 101
        form = _Form(mark.reverse, mark.policy, mark.visitor, mark.endpoint, enforced).mark(decision, exchange)
        if form != mark:
            leave_mark(flow, form)
        touched = not mark.endpoint and not course.excluded and decision.ruling.reason is not Reason.OUT_OF_SCOPE
        if touched and enforced:
            self._mark_events(flow, course, form, exchange, decision)
            if found is None and pages.is_page(answer, exchange):
                limit_page(flow, answer, policy, form, exchange)
        if touched and mark.reverse and found is None:
            pages.await_page(flow, answer, course.now, form, exchange)
        flow.metadata[ANSWERED] = True

    def _mark_events(
        self, flow: http.HTTPFlow, course: Course, mark: Mark, exchange: Exchange, decision: Decision
    ) -> None:
        if not course.now.policy.events:
            return
        # The site's own address, for what went through the relay too: it is the site that remembers.
        url = flow_url(as_asked(flow), reverse=mark.reverse)
        answer = _answer(flow)
        line = self._visitors.marker(course.now, mark.visitor, exchange, decision, url, reverse=mark.reverse)
        if line is not None:
            keep_answer(flow, answer)
            # Out of a shared cache it would tell others that they had done it.
            answer.headers.fields = private_answer(answer.headers.fields)
            answer.headers.add("Set-Cookie", line)

    def _forget(self, flow: http.HTTPFlow) -> None:
        """What was held in a body is not for a recording; the kinds that were found are."""
        course = self._under.of(flow)
        if course is not None and course.holds:
            forget_body(flow)

    def _prepare_page(self, flow: http.HTTPFlow) -> None:
        now = self._course(flow).now
        pages.prepare(flow, _answer(flow), now, consent_up=self.health is None or self.health.up)

    def _let_page_pass(self, flow: http.HTTPFlow) -> None:
        pages.let_pass_unread(flow, _answer(flow), self._course(flow).now)

    def _open(self, socket: Socket) -> None:
        """Keep what is needed to decide on a socket once more."""
        now = self._course(socket.flow).now
        socket.under, socket.allowed = lambda: self.enforcement, self._still_allowed
        socket.begin(now)
        socket.record = self._visitors.record(now, as_asked(socket.flow))
        socket.address = client_address(as_asked(socket.flow), now.front)
        self.sockets.add(socket)

    def _still_allowed(self, socket: Socket) -> bool:
        """Whether the socket's handshake would be let through now."""
        allowed = False

        def decide_again(flow: http.HTTPFlow) -> None:
            nonlocal allowed
            now, mark, asked = self._now(), _mark(flow), as_asked(flow)
            url = flow_url(asked, reverse=mark.reverse)
            visitor = self._visitors.visitor(now, asked, url, reverse=mark.reverse, chosen=socket.cookie)
            exchange = observe_flow(asked, reverse=mark.reverse, endpoint=mark.endpoint)
            allowed = not (mark.enforced and now.enforces and decide(now.policy, visitor, exchange).blocked)

        guarded(socket.flow, decide_again, _leave)
        return allowed

    def _hear_choice(self, flow: http.HTTPFlow, answer: http.Response, now: Enforcement) -> None:
        """Hold the open sockets of whoever chose anew to the new choice."""
        chosen = self._visitors.chosen(now, answer)
        if chosen is None:
            return
        server = ctx.master.addons.get("proxyserver")
        asked = as_asked(flow)
        record = self._visitors.record(now, asked)
        self.sockets.note(record, chosen)
        for socket in self.sockets.of(record, client_address(asked, now.front)):
            socket.take(chosen, self._visitors.record_of(now, chosen))
            if socket.ended and isinstance(server, Proxyserver):
                server.inject_event(EndSocket(socket.flow, None))

    def _hold_request(self, flow: http.HTTPFlow) -> None:
        now, reverse = self._now(), is_reverse(flow)
        # What was on its way through the relay has the vendor's address already.
        relaying = flow.metadata.pop(RELAY, None) is not None
        enforced = relaying or (
            now.enforces and self._buckets.within(now.policy.rollout, flow, now.front, reverse=reverse)
        )
        if enforced:
            listed = hold_request(flow, now.policy, own_site=reverse and not relaying)
            if reverse:
                _without_authority(flow)
        else:
            requests.take_marker(flow)
            listed, flow.metadata[ASKED] = True, "pass"
        if listed and not reverse:
            _correct_host(flow)
        decision = Decision(Ruling(listed, Reason.FALLBACK, "fallback"))
        leave_mark(flow, _Form(reverse, now.policy.fingerprint, NO_CHOICE, False, enforced).mark(decision))

    def _hold_answer(self, flow: http.HTTPFlow) -> None:
        if self._answers_itself(flow):
            return
        if self._passes_nothing(flow):
            refuse_answer(flow)
            return
        answer = _answer(flow)
        keep_answer(flow, answer)
        hold_answer(flow, answer, self._policy(flow).fallback)

    def _hold_answer_and_pass(self, flow: http.HTTPFlow) -> None:
        answer = _answer(flow)
        if not self._answers_itself(flow):
            keep_answer(flow, answer)
            if self._passes_nothing(flow):
                refuse_unread(flow, answer)
                return
            hold_answer(flow, answer, self._policy(flow).fallback)
        # Nothing reads the body any more, and it may be endless.
        answer.stream = answer.status_code != 101

    def _passes_nothing(self, flow: http.HTTPFlow) -> bool:
        """Whether there is nothing that could pass all the same: so says the policy, or it is no answer of the site."""
        return RELAY in flow.metadata or self._policy(flow).on_error is OnError.BLOCK

    def _answers_itself(self, flow: http.HTTPFlow) -> bool:
        """Whether nothing of the answer is held back: it is ours, or the flow is only observed."""
        mark = read_mark(flow)
        observed = not self._now().enforces if mark is None else not mark.enforced
        if flow.metadata.get(ASKED) == "block" or observed:
            flow.metadata[ANSWERED] = True
            return True
        return False

    def _refuse_page(self, flow: http.HTTPFlow) -> None:
        mark = read_mark(flow)
        if mark is None or mark.enforced:
            # Where we only observe, the page has gone out as it came.
            refuse_answer(flow)

    def _policy(self, flow: http.HTTPFlow) -> Policy:
        course = self._under.of(flow)
        return (course.now if course is not None else self._now()).policy

    def _course(self, flow: http.HTTPFlow) -> Course:
        course = self._under.of(flow)
        if course is None:
            raise RuntimeError("nothing is known of how the flow began")
        return course

    def _now(self) -> Enforcement:
        if self.enforcement is None:
            raise RuntimeError("a hook ran before the policy was configured")
        return self.enforcement


@dataclass(frozen=True, slots=True)
class _Form:
    """What the marks of one flow have in common."""

    reverse: bool
    policy: str
    visitor: Visitor
    endpoint: bool
    enforced: bool

    def mark(self, decision: Decision, exchange: Exchange | None = None, *, stopped: bool = False) -> Mark:
        return mark_of(
            decision,
            reverse=self.reverse,
            policy=self.policy,
            visitor=self.visitor,
            endpoint=self.endpoint,
            enforced=self.enforced,
            carries=exchange.carries if exchange is not None else frozenset(),
            stopped=stopped,
            kind=exchange.kind.value if exchange is not None else "",
        )


def _is_known(flow: http.HTTPFlow, ruling: Ruling) -> bool:
    """Whether what is stopped is stopped for what is known of whom it goes to. Who asks for our relay hears of it."""
    return ruling.category is not None and ruling.reason is not Reason.SENSITIVE and RELAY not in flow.metadata


def _look(course: Course, visitor: Visitor, exchange: Exchange, request: http.Request, *, waits: bool) -> Look:
    """Whether the body has to be looked at. One for our own endpoint is for us."""
    if not waits:
        return Look.NO
    return bodies.wants_body(course.now.policy, visitor, exchange, course.carrying, request)


def _listen(flow: http.HTTPFlow, course: Course, exchange: Exchange, *, small: bool) -> Listening:
    """Look at a body that passes whatever is found in it."""

    def hear(piece: bytes) -> None:
        course.heard |= course.carrying.of_piece(exchange, piece)

    return listen(flow, hear, small=small)


def _let_pass(flow: http.HTTPFlow) -> None:
    """Nothing reads the body, so it is passed on as it comes."""
    flow.request.stream = True
    flow.metadata[ASKED] = "pass"


def _leave(_flow: http.HTTPFlow) -> None:
    """Everything has gone out already, and as it was decided: there is nothing to hold back."""


def _mark(flow: http.HTTPFlow) -> Mark:
    mark = read_mark(flow)
    if mark is None:
        raise RuntimeError("the request's mark is gone")
    return mark


def _answered(flow: http.HTTPFlow, course: Course, mark: Mark, answer: http.Response) -> Exchange:
    """The request as it was decided on, with its answer."""
    if course.asked is None:
        return observe_flow(as_asked(flow), reverse=mark.reverse, endpoint=mark.endpoint)
    return with_answer(course.asked, header_list(answer.headers), answer.status_code)


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
        keep_request(flow)
        flow.request.authority = ""


def _answer(flow: http.HTTPFlow) -> http.Response:
    if flow.response is None:
        raise RuntimeError("an answer hook ran on a flow without an answer")
    return flow.response


addons = [Enforce()]
