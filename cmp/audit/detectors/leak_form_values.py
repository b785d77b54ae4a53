"""leak.form-values

What it finds
    What a person typed into a form of the site (mail address, name, telephone, company, postal address, birthday,
    name of an account), found in a request to a third party: as it is, percent-encoded, in base64, or hashed (MD5,
    SHA-1, SHA-256) in the spellings that advertising platforms ask for.
Why it matters
    Contact data given to one company to be answered is not given to others. A hash of a mail address is as good as the
    address for everybody who has a list of addresses.
Example
    A demo request posts `email=jane@example.test` to the site; the page then loads
    `https://ads.test/p?em=` with the SHA-256 of that address.
Does not see
    Fields with other names than those listed here; values of fewer than 5 characters; single words that do not stand
    alone as a whole value; names and companies in posts that are no form and have no mail address or telephone beside
    them; forms in a capture without bodies; what the site's server passes on.
Sources
    Senol et al., USENIX Security 2022 ("Leaky Forms"); Papadogiannakis et al. 2021; Krishnamurthy and Wills 2009.

Level: potential; a violation where a promise of the policy names this detector.
"""

import re
from collections.abc import Iterator

from cmp.audit.evidence import Evidence, Message
from cmp.audit.fields import is_typed, may_be_typed, plain_name
from cmp.audit.finding import Finding
from cmp.audit.gather import values_found
from cmp.audit.search import Hit, Known, Search
from cmp.capture.capture import Gap
from cmp.core.exchange import Unseen
from cmp.core.urls import query_pairs

CODE = "leak.form-values"
MEANING = "what a person typed into a form, handed to a third party"
NEEDS: frozenset[Unseen | Gap] = frozenset({Unseen.PAGE, Gap.BODIES, Gap.DETAILS})

_SHORTEST = 5


def find(evidence: Evidence) -> Iterator[Finding]:
    known = [one for message in evidence.messages if not message.third for one in _typed(message)]
    return values_found(evidence, CODE, _hits(evidence, known), evidence.promised(CODE), name="field")


def _typed(message: Message) -> Iterator[Known]:
    """The values a person typed, in the spellings they may be hashed in."""
    posted = [(plain_name(name), value.strip()) for name, value in message.said.posted]
    fields = [(name, value) for name, value in posted if is_typed(name)]
    if fields:
        fields += [(name, value) for name, value in posted if may_be_typed(name)]
    asked = query_pairs(message.seen.exchange.url.query)
    fields += [(plain_name(name), value.strip()) for name, value in asked if is_typed(plain_name(name))]
    exchange, entry = message.seen.exchange, message.seen.step.entry.index
    for name, value in fields:
        for spelling in _spellings(value):
            yield Known(spelling, name, exchange.host_site, message.party, entry, own=True)


def _spellings(value: str) -> Iterator[str]:
    text = value.lower().lstrip("+")
    digits = re.sub(r"[^0-9]", "", text)
    # Telephone numbers are hashed without anything but digits.
    for spelling in dict.fromkeys((text, digits if len(digits) >= 7 else text)):
        if len(spelling) >= _SHORTEST and spelling[0].isalnum():
            yield spelling


def _hits(evidence: Evidence, known: list[Known]) -> Iterator[tuple[Message, Hit]]:
    search = Search(known, _SHORTEST, fold=True)
    by_value = {one.value: one for one in reversed(known)}
    if not known:
        return
    for message in evidence.messages:
        if not message.third:
            continue
        whole = {value.strip().lower().lstrip("+") for _, value in message.said.members}
        found = {hit.known.value: hit for hit in search.hits(message.said) if _sure(hit, whole)}
        for value in whole & by_value.keys() - found.keys():
            where = "body" if any(value == v.strip().lower() for _, v in message.said.posted) else "url"
            found[value] = Hit(by_value[value], where, "plain")
        yield from ((message, hit) for hit in found.values())


def _sure(hit: Hit, whole: set[str]) -> bool:
    """Whether it cannot be the same word by chance."""
    value = hit.known.value
    return hit.form != "plain" or "@" in value or sum(c.isdigit() for c in value) >= 7 or value in whole
