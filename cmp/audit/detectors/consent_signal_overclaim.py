"""consent.signal-overclaim

What it finds
    A request whose consent string claims more than the visitor chose: Google's `gcs` or `gcd` granting what was not
    granted, a TC string with consent to purposes that were refused, `us_privacy` or a GPP string saying that nobody
    opted out where the visitor refused or the browser sends Global Privacy Control.
Why it matters
    Whoever receives it relies on it, and passes it on: one wrong string makes every receiver break the choice.
    Matte et al. 2020 found positive consent stored after an opt-out on 27 of 560 sites.
Example
    After "refuse", `https://www.google-analytics.com/g/collect?...&gcs=G111`.
Does not see
    Strings in bodies that are not text, strings nobody filled in (`${GDPR_CONSENT_755}`), legitimate interest, the US
    sections of states that are not decoded. A string that claims too little is no finding.
Sources
    IAB Tech Lab (TC string, GPP, US Privacy); Matte, Bielova, Santos 2020; for the letters of `gcd`, independent
    readings of Google's debug output.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from cmp.audit.claims import Claim, claims_of
from cmp.audit.evidence import Evidence, Message
from cmp.audit.finding import Finding
from cmp.audit.gather import requests_found
from cmp.capture.capture import Gap
from cmp.core.consent import permit
from cmp.core.exchange import Unseen
from cmp.core.policy import Policy

CODE = "consent.signal-overclaim"
MEANING = "a receiver was told of more consent than was given"
# The strings are in addresses, which every capture has.
NEEDS: frozenset[Unseen | Gap] = frozenset({Gap.DETAILS})

# Strings of the US say whether somebody opted out: no lie where nobody refused and no signal was sent.
_OPT_OUT_STRINGS = frozenset({"us_privacy", "usprivacy", "ccpa"})


def find(evidence: Evidence) -> Iterator[Finding]:
    groups: dict[tuple[str, str], list[tuple[Message, Claim]]] = {}
    for message in evidence.messages:
        if message.third:
            for claim in claims_of(message.said):
                if _too_much(evidence.policy, message, claim):
                    groups.setdefault((message.party, claim.signal), []).append((message, claim))
    for (_, signal), group in groups.items():
        seen = (message.seen for message, _ in group)
        for finding in requests_found(evidence, CODE, seen, evidence.breach):
            told = {"signal": signal, "claims": _claims(claim for _, claim in group)}
            yield replace(finding, evidence={**finding.evidence, **told})


def _too_much(policy: Policy, message: Message, claim: Claim) -> bool:
    visitor, signals = message.seen.step.visitor, message.seen.exchange.signals
    opted_out = bool(visitor.refused) or signals.gpc
    if _opt_out_only(claim) and not opted_out:
        return False
    return any(not _permitted(policy, message, word) for word in claim.granted)


def _permitted(policy: Policy, message: Message, word: str) -> bool:
    """Whether the visitor permits what falls under the word; of categories called otherwise, whether any of them."""
    visitor, signals = message.seen.step.visitor, message.seen.exchange.signals
    for part in policy.each:
        optional = part.optional_categories
        named = [word] if word in optional else optional
        if named and not any(permit(part, visitor, signals, category, None).allowed for category in named):
            return False
    return True


def _opt_out_only(claim: Claim) -> bool:
    return claim.signal in _OPT_OUT_STRINGS or all(said.endswith("not opted out") for said in claim.says)


def _claims(claims: Iterable[Claim]) -> list[str]:
    return sorted({said for claim in claims for said in claim.says})
