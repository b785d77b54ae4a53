"""leak.sensitive-data

What it finds
    Card numbers and US social-security numbers in a request to a third party; and where the policy says which
    destinations may have a kind of data (those two, coordinates, mail addresses), requests with it to any other host,
    the site's own included.
Why it matters
    "Card data goes straight to the payment provider" and "no social-security numbers are collected" are promises about
    every single request: PCI DSS, requirement 3; GDPR Art. 5(1)(c).
Example
    A payment page reports its form, `card=4111+1111+1111+1111` in it, to an analytics service.
Does not see
    Numbers of other countries' social insurance; encrypted, hashed and divided data; what stands behind the first 64 kB
    of a body, and JSON that is longer than that; requests in a capture without bodies, save for what is in the address;
    a form sent to another site as a page of its own.
Sources
    ISO/IEC 7812-1; Social Security Administration, POMS RM 10201.035.

Level: a violation where the policy says where the data may go, and where a promise names this detector; else potential.
"""

from collections.abc import Iterator
from dataclasses import replace

from cmp.audit.evidence import Evidence, Message, Sighting
from cmp.audit.finding import Finding, Level
from cmp.audit.gather import requests_found
from cmp.capture.capture import Gap
from cmp.core.decide import rule_on_request
from cmp.core.exchange import Unseen
from cmp.core.policy import Policy
from cmp.core.sensitive import CARD_NUMBER, KINDS, SOCIAL_SECURITY_NUMBER

CODE = "leak.sensitive-data"
MEANING = "card numbers and other sensitive data sent where they may not go"
NEEDS: frozenset[Unseen | Gap] = frozenset({Unseen.PAGE, Gap.BODIES, Gap.DETAILS})

# To a third party that the policy says nothing of, these never go by the way.
_NEVER_BY_THE_WAY = (CARD_NUMBER, SOCIAL_SECURITY_NUMBER)


def find(evidence: Evidence) -> Iterator[Finding]:
    ruled = {data for part in evidence.policy.each for data in part.sensitive}
    sent = [message for message in evidence.messages if (message.third or ruled) and message.said.sensitive]
    for data in sorted(KINDS):
        carrying = [message for message in sent if data in message.said.sensitive]
        against = [message.seen for message in carrying if _against_policy(evidence.policy, message, data)]
        yield from _found(evidence, data, against, evidence.breach)
        if data in _NEVER_BY_THE_WAY and data not in ruled:
            to_others = [message.seen for message in carrying if message.third]
            yield from _found(evidence, data, to_others, evidence.promised(CODE))


def _found(evidence: Evidence, data: str, group: list[Sighting], level: Level) -> Iterator[Finding]:
    for finding in requests_found(evidence, CODE, group, level):
        yield replace(finding, evidence={**finding.evidence, "data": data})


def _against_policy(policy: Policy, message: Message, data: str) -> bool:
    """Whether a rule on this kind of data forbids the request: the very rule that the proxy follows."""
    exchange = replace(message.seen.exchange, carries=frozenset({data}))
    for part in policy.each:
        rule = part.sensitive.get(data)
        if rule is not None:
            ruling = rule_on_request(part, message.seen.step.visitor, exchange)
            if not ruling.allowed and ruling.rule == rule.id:
                return True
    return False
