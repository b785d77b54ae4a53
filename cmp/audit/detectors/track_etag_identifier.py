"""track.etag-identifier

What it finds
    A third party's name for a cached copy (`ETag`, sent back in `If-None-Match`) that is an identifier: the same as one
    in a cookie of the capture or in a member of an address that names one; or of its own on a picture too small to be
    seen.
Why it matters
    A browser sends the name back as long as the copy lies in its cache, without any cookie: it is one, and survives
    their removal.
Example
    `ETag: "91c0ffee27aa"` on a pixel of `cnt.test`, where `uid=91c0ffee27aa` is its cookie.
Does not see
    Identifiers in `Last-Modified` or in the content of a cached file; names that match nothing else in the capture on
    files that may well be files: servers make the same names of size, time or content for everybody.
Sources
    Ayenson et al. 2011 (KISSmetrics); Acar et al. 2014; RFC 9110, section 8.8.3.

Level: potential; a note for a pixel whose name matches nothing; a violation where a promise of the policy names this
detector.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from cmp.audit.behaviour import is_pixel, passed_on
from cmp.audit.evidence import Evidence, Message, Sighting
from cmp.audit.finding import Finding, Level, hashed
from cmp.audit.gather import requests_found
from cmp.audit.identifying import identifying_parts
from cmp.capture.capture import Gap
from cmp.core.exchange import Unseen

CODE = "track.etag-identifier"
MEANING = "the name of a cached copy used to recognise people"
NEEDS: frozenset[Unseen | Gap] = frozenset({Unseen.PAGE, Gap.DETAILS})

# What servers make of time, size and inode (Apache, nginx, IIS), and of the content (MD5, SHA-1, CRC).
_OF_A_FILE = re.compile(
    r"[0-9a-f]{1,16}(?:-[0-9a-f]{1,16}){1,2}|[0-9a-f]{10,32}:[0-9a-f.]+|(?:[0-9a-f]{8}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})"
    r"(?:-gzip|-df|-br|:0)?"
)


def find(evidence: Evidence) -> Iterator[Finding]:
    named = [(message, parts) for message in evidence.messages if message.third and (parts := _parts(message))]
    if not named:
        return
    known = _identifiers(evidence)
    shared = [(message, sorted(parts & known)) for message, parts in named if parts & known]
    yield from _found(evidence, shared, Level.POTENTIAL)
    met = {message.seen.exchange.host_site for message, _ in shared}
    pixels = [
        (message, sorted(parts))
        for message, parts in named
        if message.seen.exchange.host_site not in met and is_pixel(message.seen) and not _of_a_file(message)
    ]
    yield from _found(evidence, pixels, Level.NOTE)


def _found(evidence: Evidence, group: list[tuple[Message, list[str]]], level: Level) -> Iterator[Finding]:
    values = {message.seen.step.entry.index: parts[0] for message, parts in group}
    seen: list[Sighting] = [message.seen for message, _ in group]
    for finding in requests_found(evidence, CODE, seen, evidence.promised(CODE, level)):
        yield replace(finding, evidence={**finding.evidence, "value": hashed(values[finding.evidence["first"]])})


def _texts(message: Message) -> tuple[str, ...]:
    entry = message.seen.step.entry
    stated = (entry.answer.etag if entry.answer is not None else "", entry.validator)
    return tuple(text.removeprefix("W/").strip('"') for text in stated if text)


def _parts(message: Message) -> frozenset[str]:
    return frozenset(part for text in _texts(message) for part in identifying_parts(text))


def _of_a_file(message: Message) -> bool:
    return any(_OF_A_FILE.fullmatch(text.lower()) for text in _texts(message))


def _identifiers(evidence: Evidence) -> frozenset[str]:
    """What identifies elsewhere in the capture: parts of cookies, and members that are called so."""
    cookies = (part for seen in evidence.cookies for part in identifying_parts(seen.value))
    members = (part for m in evidence.messages for passed in passed_on(m) for part in identifying_parts(passed.value))
    return frozenset((*cookies, *members))
