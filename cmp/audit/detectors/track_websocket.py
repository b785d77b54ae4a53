"""track.websocket

What it finds
    A WebSocket to a third party that nothing knows, over which the page tells what it likes without any further
    request.
Why it matters
    What goes over an open connection shows in no list of requests, and filters that look at requests do not see it.
Example
    `new WebSocket("wss://live.test/e")`, and through it `{"visitorId":"91c0ffee27aa","event":"scroll"}`.
Does not see
    What was sent, where a capture keeps no messages (Chrome, Playwright and mitmproxy keep them), and messages that are
    no text. Chats, games and shared documents need such a connection: a person has to look.
Sources
    RFC 6455; Bashir et al. 2018 ("How Tracking Companies Circumvented Ad Blockers Using WebSockets").

Level: potential where handshake or messages carry what may identify somebody, else a note; a violation where a promise
of the policy names this detector.
"""

from collections.abc import Iterator

from cmp.audit.behaviour import may_identify, unknown_third_parties
from cmp.audit.evidence import Evidence, Message
from cmp.audit.finding import Finding
from cmp.audit.gather import looks_like
from cmp.audit.identifying import identifying_parts
from cmp.core.exchange import Kind, Unseen
from cmp.core.identifiers import identifies

CODE = "track.websocket"
MEANING = "a lasting connection to somebody nobody knows"
NEEDS = frozenset({Unseen.PAGE})


def find(evidence: Evidence) -> Iterator[Finding]:
    found = [m for m in unknown_third_parties(evidence) if m.seen.exchange.kind is Kind.WEBSOCKET]
    return looks_like(evidence, CODE, found, _identifies)


def _identifies(message: Message) -> bool:
    sent = message.said.posted
    return may_identify(message) or any(identifies(name) and identifying_parts(value) for name, value in sent)
