"""consent.intensified

What it finds
    A page that contacts more companies after the visitor refused than it did before any choice: those that appear on
    the same page only after the refusal, two at least.
Why it matters
    A refusal that brings more tracking than silence punishes whoever refuses. GDPR Art. 7(4); Papadogiannakis 2021 saw
    it on many sites.
Example
    `/news` contacts 4 companies while the banner stands, and 9 after "reject all".
Does not see
    Pages that were not loaded both before and after the refusal in one capture; companies that the policy calls
    necessary. A page changes from one load to the next for other reasons too: a person has to look.
Sources
    Papadogiannakis et al. 2021.

Level: potential; a violation where a promise of the policy names this detector.
"""

from collections.abc import Iterator
from dataclasses import replace

from cmp.audit.evidence import Evidence, Message
from cmp.audit.finding import Finding
from cmp.audit.gather import requests_found
from cmp.core.consent import Visitor
from cmp.core.exchange import Unseen

CODE = "consent.intensified"
MEANING = "more companies contacted after the refusal than before it"
NEEDS = frozenset({Unseen.PAGE})

_FEWEST = 2

_Place = tuple[str, str]


def find(evidence: Evidence) -> Iterator[Finding]:
    if not any(_only_refused(step.visitor) for step in evidence.replay.steps):
        return
    before: dict[_Place, set[str]] = {}
    after: dict[_Place, list[Message]] = {}
    loaded: set[_Place] = set()
    for message in evidence.messages:
        visitor, exchange = message.seen.step.visitor, message.seen.exchange
        if exchange.page is None:
            continue
        place = (exchange.page.host, exchange.page.path)
        if not visitor.decided:
            loaded.add(place)
        if message.third and not _necessary(evidence, message):
            if not visitor.decided:
                before.setdefault(place, set()).add(message.party)
            elif _only_refused(visitor):
                after.setdefault(place, []).append(message)
    for place, messages in after.items():
        new = [message for message in messages if message.party not in before.get(place, set())]
        parties = sorted({message.party for message in new})
        if (
            place in loaded
            and len(parties) >= _FEWEST
            and len(parties) > len(_gone(before.get(place, set()), messages))
        ):
            first = next(requests_found(evidence, CODE, [new[0].seen], evidence.promised(CODE)))
            told = {"count": len(new), "page": place[0] + place[1], "companies": parties[:10], "more": len(parties)}
            yield replace(first, vendor=None, category=None, evidence={**first.evidence, **told})


def _only_refused(visitor: Visitor) -> bool:
    return bool(visitor.refused) and not visitor.granted


def _gone(before: set[str], after: list[Message]) -> set[str]:
    """Who was contacted before the refusal only."""
    return before - {message.party for message in after}


def _necessary(evidence: Evidence, message: Message) -> bool:
    category = message.seen.ruling.category
    return category is not None and evidence.policy.categories[category].necessary
