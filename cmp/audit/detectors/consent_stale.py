"""consent.stale

What it finds
    A stored consent that was older than it may be when it was used: a consent platform's cookie, or a TC string in a
    request, that says when it was given. Older than the policy's `consent.askAgain`, and where no policy was declared
    older than 13 months.
Why it matters
    Consent is no answer for ever: the framework wants people reminded after 13 months at the latest, CNIL takes 6
    months for good practice.
Example
    `OptanonAlertBoxClosed=2023-02-01T10:00:00.000Z` in a request of June 2025.
Does not see
    Platforms whose cookie has no date; consent in the browser's local storage; a refusal, which harms nobody by
    lasting. The date is the platform's own word.
Sources
    IAB Europe TCF Policies, chapter II (13 months); CNIL, deliberation 2020-092 (6 months).

Level: potential; a violation where a promise of the policy names this detector.
"""

from collections.abc import Iterator
from dataclasses import replace

from cmp.audit.evidence import Evidence, Sighting
from cmp.audit.finding import Finding
from cmp.audit.gather import requests_found
from cmp.audit.platforms import PURPOSES, stored_choice
from cmp.audit.strings.tcf import read_tc_string
from cmp.core.exchange import Unseen
from cmp.core.lifetimes import UNIT_SECONDS, in_words

CODE = "consent.stale"
MEANING = "a consent that is too old was still used"
NEEDS = frozenset({Unseen.COOKIES, Unseen.TIME})

_THIRTEEN_MONTHS = 13 * UNIT_SECONDS["month"]


def find(evidence: Evidence) -> Iterator[Finding]:
    longest = _THIRTEEN_MONTHS if evidence.baseline else evidence.policy.ask_again
    groups: dict[str, list[tuple[Sighting, float]]] = {}
    for seen in evidence.delivered:
        for source, given in _given(seen):
            if seen.time is not None and seen.time - given > longest:
                groups.setdefault(source, []).append((seen, seen.time - given))
    for source, group in groups.items():
        for finding in requests_found(evidence, CODE, (seen for seen, _ in group), evidence.promised(CODE)):
            told = {"signal": source, "age": in_words(group[0][1]), "allowed": in_words(longest)}
            yield replace(finding, evidence={**finding.evidence, **told})


def _given(seen: Sighting) -> Iterator[tuple[str, float]]:
    """Where a consent stands in a request, and when it says it was given (Unix seconds)."""
    cookies = seen.exchange.cookies
    stored = stored_choice(cookies) if cookies else None
    if stored is not None and stored.granted and stored.at is not None:
        yield stored.platform, stored.at
    for pair in cookies:
        if pair.name == "euconsent-v2" and (given := _of_string(pair.value)) is not None:
            yield pair.name, given
    if "gdpr_consent=" in seen.exchange.url.query:
        for part in seen.exchange.url.query.split("&"):
            name, _, value = part.partition("=")
            if name == "gdpr_consent" and (given := _of_string(value)) is not None:
                yield name, given


def _of_string(text: str) -> float | None:
    """When a TC string that grants anything was last updated."""
    string = read_tc_string(text)
    return string.updated if string is not None and string.purposes & PURPOSES.keys() and string.updated > 0 else None
