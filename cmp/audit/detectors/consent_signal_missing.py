"""consent.signal-missing

What it finds
    A vendor of a category that needs consent that is told nothing of the visitor's choice, though others on the same
    page are handed TC or GPP strings: its requests hold no consent string at all.
Why it matters
    Where a framework is in use every receiver relies on being told. One that is left out cannot respect a refusal.
Example
    The page's bidders get `gdpr=1&gdpr_consent=CQ...`; the pixel of another advertiser on the page gets nothing.
Does not see
    Strings in bodies that are no text, and those a vendor's own frame asks for by script; one string to a vendor's
    host is enough for all its requests. Scripts, styles and pages in frames are fetched before they can ask, and do
    not count.
Sources
    IAB Tech Lab, "Transparency and Consent String", section "URL-based services"; GPP, the same.

Level: a note: a vendor may ask the page's own interface instead, which no capture shows. A violation where a promise of
the policy names this detector.
"""

from collections.abc import Iterator

from cmp.audit.claims import has_string
from cmp.audit.evidence import Evidence, Message, Sighting
from cmp.audit.finding import Finding, Level
from cmp.audit.gather import requests_found
from cmp.capture.capture import Gap
from cmp.core.exchange import Kind, Unseen

CODE = "consent.signal-missing"
MEANING = "told nothing of the choice, while others on the page are"
NEEDS: frozenset[Unseen | Gap] = frozenset({Unseen.PAGE, Gap.DETAILS})

_TELLING = frozenset({Kind.IMAGE, Kind.FETCH, Kind.BEACON, Kind.PING})


def find(evidence: Evidence) -> Iterator[Finding]:
    asked = [message for message in evidence.messages if message.third and message.seen.ruling.vendor is not None]
    told = {message.party for message in asked if has_string(message.said)}
    pages = {message.seen.exchange.page_site for message in asked if has_string(message.said)}
    untold = [m.seen for m in asked if m.party not in told and _should_be_told(evidence, m, pages)]
    yield from requests_found(evidence, CODE, untold, evidence.promised(CODE, Level.NOTE))


def _should_be_told(evidence: Evidence, message: Message, pages: set[str]) -> bool:
    seen: Sighting = message.seen
    category = seen.ruling.category
    return (
        seen.exchange.kind in _TELLING
        and seen.exchange.page_site in pages
        and category is not None
        and not evidence.policy.categories[category].necessary
    )
