"""consent.cookie-wall

What it finds
    A page of the site that a visitor without consent does not get: refused (status 401, 403, 451) though one who agreed
    got it in the same capture, or sent on to a page about consent; and a page that our own proxy stopped.
Why it matters
    Consent that has to be given to get in is not freely given: EDPB Guidelines 05/2020, paragraphs 39 to 41. "Taking
    part is optional" means that refusal blocks no page.
Example
    After "refuse all" every article answers `302` with `Location: /cookie-wall`.
Does not see
    Walls that a script draws over a page that was delivered, and pages delivered with other content. Without a visit of
    somebody who agreed in the same capture (a recording of our own proxy), a refusal by status may have any reason,
    such as a sign-in, and is no finding.
Sources
    EDPB Guidelines 05/2020 on consent; EDPB Opinion 08/2024.

Level: a violation where the capture shows that consent opens the page, and for a page our own proxy stopped. Potential
for being sent on to a page about consent: twice at least before a choice, once after refusal. A promise that names
this detector makes that a violation too.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

from cmp.audit.evidence import Evidence, Sighting
from cmp.audit.finding import Finding
from cmp.audit.gather import of_our_own, requests_found
from cmp.capture.capture import Gap
from cmp.core.classify import Party
from cmp.core.decide import party_of
from cmp.core.exchange import Kind, Unseen
from cmp.core.urls import UrlError, parse_url

CODE = "consent.cookie-wall"
MEANING = "pages kept from visitors who did not agree"
NEEDS: frozenset[Unseen | Gap] = frozenset({Gap.DETAILS})

_REFUSED = (401, 403, 451)
_WALL = re.compile(r"(?i)(?:^|[/_.-])(?:cookies?|consent|gdpr|(?:cookie|consent|privacy|tracking)-?wall)(?:[/_.-]|$)")


def find(evidence: Evidence) -> Iterator[Finding]:
    opened = {_place(seen) for seen in evidence.pages if seen.step.visitor.granted and _served(seen)}
    without = [seen for seen in evidence.pages if not seen.step.visitor.granted]
    shut = [seen for seen in without if _place(seen) in opened and (_status(seen) in _REFUSED or _sent_on(seen))]
    yield from _told("served after consent only", evidence, shut, proven=True)
    sent_on = [seen for seen in without if _place(seen) not in opened and _sent_on(seen)]
    again = [seen for seen in sent_on if seen.step.visitor.refused] or (sent_on if len(sent_on) > 1 else [])
    yield from _told("sent on to a page about consent", evidence, again, proven=False)
    yield from _stopped_by_us(evidence)


def _told(how: str, evidence: Evidence, group: list[Sighting], *, proven: bool) -> Iterator[Finding]:
    level = evidence.breach if proven else evidence.promised(CODE)
    for finding in requests_found(evidence, CODE, group, level):
        yield replace(finding, evidence={**finding.evidence, "how": how})


def _stopped_by_us(evidence: Evidence) -> Iterator[Finding]:
    """Pages that the decision log of the capture shows as blocked. Nothing of them was delivered."""
    for step in evidence.replay.steps:
        asked, recorded = step.entry.asked, step.entry.recorded
        if recorded is None or step.entry.delivered is not None or asked.kind is not Kind.DOCUMENT:
            continue
        if recorded.decision["action"] != "block" or party_of(evidence.policy, asked) is not Party.FIRST:
            continue
        decided = recorded.decision
        told = {"what": "request", "count": 1, "reason": decided["reason"], "how": "stopped by our own proxy"}
        yield of_our_own(evidence, CODE, step.entry, asked, decided=decided, told=told)


def _place(seen: Sighting) -> tuple[str, str]:
    return seen.exchange.url.host, seen.exchange.url.path


def _status(seen: Sighting) -> int:
    answer = seen.step.entry.answer
    return answer.status if answer else 0


def _served(seen: Sighting) -> bool:
    return 200 <= _status(seen) <= 299


def _sent_on(seen: Sighting) -> bool:
    """Whether the answer leads to a page about consent; such a page itself may lead where it likes."""
    answer, url = seen.step.entry.answer, seen.exchange.url
    if answer is None or not 300 <= answer.status <= 399 or not answer.location or _WALL.search(url.path):
        return False
    try:
        return _WALL.search(parse_url(answer.location, url).path) is not None
    except UrlError:
        return False
