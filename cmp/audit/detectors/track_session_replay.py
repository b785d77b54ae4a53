"""track.session-replay

What it finds
    A service that records what visitors do on a page (a vendor with the technique "session-replay") contacted without a
    grant; and messages to somebody nobody knows that have the form of such a recording.
Why it matters
    A recording holds every movement, key and page, often what was typed and never sent. Few visitors expect it.
Example
    `https://rec.test/api/v1/r` is posted `[{"type":3,"data":{"source":1,"positions":[...]},"timestamp":...}]`.
Does not see
    Whether a service that can record does: some are used to count or to test variants. Recordings that are packed or
    encrypted, or served through the site's own host.
Sources
    Englehardt, Acar, Narayanan 2017 ("No boundaries"); The Markup, Blacklight; rrweb's event format.

Level: a violation where the policy asks for consent; a note where it lets the service load without; potential for what
only looks like a recording.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from cmp.audit.behaviour import unknown_third_parties
from cmp.audit.evidence import Evidence, Message
from cmp.audit.finding import Finding
from cmp.audit.gather import requests_found, without_grant
from cmp.core.exchange import Unseen

CODE = "track.session-replay"
MEANING = "services that record what visitors do on the page"
# A known vendor is known by its host alone, whatever else is missing.
NEEDS: frozenset[Unseen] = frozenset()

TECHNIQUE = "session-replay"

# rrweb, which many services are built on: a whole page, or an increment of moves, clicks, scrolls or input.
_RECORDING = re.compile(
    rb'"type"\s*:\s*2\s*,\s*"data"\s*:\s*\{\s*"node"|"source"\s*:\s*[1-6]\s*,\s*"(?:positions|x|id|text|type)"\s*:'
)


def find(evidence: Evidence) -> Iterator[Finding]:
    yield from without_grant(evidence, CODE, TECHNIQUE)
    recordings = [message.seen for message in unknown_third_parties(evidence) if _is_recording(message)]
    for finding in requests_found(evidence, CODE, recordings, evidence.promised(CODE)):
        yield replace(finding, evidence={**finding.evidence, "how": "has the form of a recording"})


def _is_recording(message: Message) -> bool:
    body = message.seen.step.entry.body
    return b'"timestamp"' in body and _RECORDING.search(body) is not None
