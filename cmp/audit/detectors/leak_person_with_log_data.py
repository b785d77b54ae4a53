"""leak.person-with-log-data

What it finds
    One request to a third party that holds something a person is known by (a mail address, plain or hashed; a user's
    number; a first, last or full name) beside log data: the page's address, the page before, the size of the screen,
    the time zone.
Why it matters
    Log data alone says what some browser did. Beside a name it says what that person did, and was never anonymous.
Example
    `https://stats.test/hit?dl=https%3A%2F%2Fshop.example%2Fcart&user_email=jane%40example.test`
Does not see
    Identifiers and log data in two requests of one session; members with other names; browsers' own headers (address,
    Referer, User-Agent), which are log data in every request; identifiers of devices and cookies
    (`track.cookie-sync`, `track.first-party-id-leak`).
Sources
    Krishnamurthy, Naryshkin and Wills 2011; Starov, Gill and Nikiforakis 2016.

Level: a violation where a promise of the policy names this detector; otherwise potential for a mail address, and a note
for the rest, which may be a number without meaning.
"""

from collections.abc import Iterator
from dataclasses import replace

from cmp.audit.evidence import Evidence, Message, Sighting
from cmp.audit.fields import log_data, plain_name, who
from cmp.audit.finding import Finding, Level
from cmp.audit.gather import requests_found
from cmp.capture.capture import Gap
from cmp.core.exchange import Unseen

CODE = "leak.person-with-log-data"
MEANING = "a person named beside log data, in one request to a third party"
NEEDS: frozenset[Unseen | Gap] = frozenset({Unseen.PAGE, Gap.DETAILS})


def find(evidence: Evidence) -> Iterator[Finding]:
    by_mail: list[tuple[Sighting, set[str], set[str]]] = []
    others: list[tuple[Sighting, set[str], set[str]]] = []
    for message in evidence.messages:
        if message.third and (people := set(_people(message))) and (data := set(_log_data(message))):
            (by_mail if "mail address" in people else others).append((message.seen, people, data))
    yield from _found(evidence, by_mail, evidence.promised(CODE))
    yield from _found(evidence, others, evidence.promised(CODE, Level.NOTE))


def _found(evidence: Evidence, found: list[tuple[Sighting, set[str], set[str]]], level: Level) -> Iterator[Finding]:
    parts = {seen.step.entry.index: (people, data) for seen, people, data in found}
    for finding in requests_found(evidence, CODE, (seen for seen, _, _ in found), level):
        # The finding tells of the first of its group.
        people, data = parts[finding.evidence["first"]]
        named = {"person": sorted(people), "log_data": sorted(data)}
        yield replace(finding, evidence={**finding.evidence, **named})


def _people(message: Message) -> Iterator[str]:
    return (found for name, value in message.said.members if (found := who(plain_name(name), value)))


def _log_data(message: Message) -> Iterator[str]:
    return (found for name, value in message.said.members if (found := log_data(plain_name(name), value)))
