"""consent.state-mismatch

What it finds
    A consent platform's cookie on the visited site that says the visitor agreed to what the visitor refused: where our
    own proxy recorded the visitor's choice, or a ledger or the auditor says what it was and when (`--ledger`,
    `--event`).
Why it matters
    Every tag on the page asks the platform's cookie. One that registers consent where there was a refusal breaks the
    choice for all of them, and is the record that would be shown as proof: GDPR Art. 7(1).
Example
    Recorded after "refuse all"; the next page is asked for with `Cookie: CookieConsent={...statistics:true...}`.
Does not see
    Choices a platform keeps in local storage; a choice that nobody recorded: then the cookie itself counts as what the
    visitor chose. A cookie that claims too little is no finding, nor is one against a supposed choice (`--choice`).
    Requests that were under way when the choice was made are left out.
Sources
    Matte, Bielova, Santos 2020 (27 of 560 sites stored consent after an opt-out, 141 of 1,426 before any choice).
"""

from collections.abc import Iterator
from dataclasses import replace

from cmp.audit.choices import EVENT, LEDGER
from cmp.audit.evidence import Evidence, Sighting
from cmp.audit.finding import Finding
from cmp.audit.gather import requests_found
from cmp.audit.platforms import Stored, stored_choice
from cmp.core.exchange import Unseen

CODE = "consent.state-mismatch"
MEANING = "a consent platform's cookie says consent where there was a refusal"
NEEDS = frozenset({Unseen.COOKIES})


def find(evidence: Evidence) -> Iterator[Finding]:
    groups: dict[str, list[tuple[Sighting, frozenset[str]]]] = {}
    for seen in evidence.delivered:
        stored = _other_word(evidence, seen)
        if stored is not None:
            claimed = stored.visitor(evidence.policy).granted & seen.step.visitor.refused
            if claimed:
                groups.setdefault(stored.platform, []).append((seen, claimed))
    for platform, group in groups.items():
        for finding in requests_found(evidence, CODE, (seen for seen, _ in group), evidence.breach):
            words = sorted({word for _, claimed in group for word in claimed})
            yield replace(finding, evidence={**finding.evidence, "signal": platform, "claims": words})


def _other_word(evidence: Evidence, seen: Sighting) -> Stored | None:
    """What the platform says, where the visitor's choice is known from elsewhere."""
    exchange, step = seen.exchange, seen.step
    recorded = step.entry.visitor is not None and evidence.replay.choice is None
    if not (recorded or step.source in (EVENT, LEDGER)) or step.rival is not None or not step.visitor.refused:
        return None
    if not exchange.cookies or exchange.host_site != exchange.page_site:
        return None
    return stored_choice(exchange.cookies)
