"""decl.conditional-lifetime

What it finds
    A cookie that the policy lets live shortly until something happens (`"before"`), set to live longer although that
    event was not observed: neither earlier in the capture nor, where our proxy recorded the visitor, before it.
Why it matters
    "Whoever leaves without writing a message is forgotten after 30 minutes" is a promise to everybody who only looked.
Example
    `"before": {"event": "chat-message", "lifetime": "30 minutes"}`, and `Set-Cookie: chat=...; Max-Age=31536000` on the
    first page.
Does not see
    Cookies that scripts set; a lifetime given as a date in a capture without times; an event of an earlier visit that
    the capture does not hold: record with a fresh profile.
Sources
    The policy itself.
"""

from collections.abc import Iterator
from dataclasses import replace

from cmp.audit.evidence import Evidence, Sighting
from cmp.audit.finding import Finding
from cmp.audit.gather import cookies_found
from cmp.core.classify import Before
from cmp.core.decide import observed_events
from cmp.core.exchange import Unseen
from cmp.core.lifetimes import in_words
from cmp.core.on_cookies import declared_cookies

CODE = "decl.conditional-lifetime"
MEANING = "cookies that live longer than they may before a declared event"
NEEDS = frozenset({Unseen.SET_COOKIES, Unseen.TIME})

# A date is reckoned from the moment the server answers, and we count from the moment it was asked.
_LATENESS = 60


def find(evidence: Evidence) -> Iterator[Finding]:
    observed = _first_observed(evidence)
    places = {message.seen.step.entry.index: message.at for message in evidence.messages}
    longer: list[tuple[Sighting, Before]] = []
    for seen in evidence.cookies:
        at = places[seen.step.entry.index]
        for before in _conditions(evidence, seen):
            known = before.event in seen.step.visitor.events or observed.get(before.event, at + 1) <= at
            if not known and (seen.lifetime or 0) > (before.lifetime.seconds or 0) + _LATENESS:
                longer.append((seen, before))
    firsts = {(seen.name or "", seen.exchange.host_site): (seen, before) for seen, before in reversed(longer)}
    for finding in cookies_found(evidence, CODE, (seen for seen, _ in longer), evidence.breach):
        first, before = firsts[finding.evidence["cookie"], finding.evidence["site"]]
        words = {"event": before.event, "declared": before.lifetime.text, "actual": in_words(first.lifetime or 0)}
        yield replace(finding, evidence={**finding.evidence, **words})


def _conditions(evidence: Evidence, seen: Sighting) -> Iterator[Before]:
    if seen.set_cookie is None:
        return
    for rule in declared_cookies(evidence.policy, seen.exchange, seen.name or ""):
        if rule.before is not None:
            yield rule.before


def _first_observed(evidence: Evidence) -> dict[str, int]:
    """For each event the place in the capture of the first request that is it."""
    found: dict[str, int] = {}
    for message in evidence.messages:
        for event in observed_events(evidence.policy, message.seen.exchange):
            found.setdefault(event, message.at)
    return found
