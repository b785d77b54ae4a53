"""decl.confined-cookie

What it finds
    The value of a cookie that the policy declares `"confined"`, in a request to a host it does not belong to: in the
    address, the referrer, the body or the Cookie header; as it is, percent-encoded, in base64, or hashed.
Why it matters
    "This cookie is not used for tracking" holds as long as nobody else learns its value.
Example
    `chat_session` of chat.example is confined; the page loads `https://stats.test/hit?visitor=` with its value.
Does not see
    Values of fewer than 8 characters; encrypted, salted or divided ones; what servers tell each other.
Sources
    The policy itself.

A cookie belongs to the hosts it is seen on, those its rule and its Domain attribute name, and those of its vendor: as
for the proxy (`cmp.capture.carrying`), which knows no hashes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from cmp.audit.evidence import Evidence, Message, Sighting
from cmp.audit.finding import Finding
from cmp.audit.gather import values_found
from cmp.audit.identifying import SHORTEST, identifying_parts
from cmp.audit.search import Hit, Known, Search
from cmp.capture.capture import Gap
from cmp.core.classify import host_suffixes
from cmp.core.exchange import Unseen
from cmp.core.on_cookies import declared_cookies

CODE = "decl.confined-cookie"
MEANING = "values of confined cookies found in requests to other hosts"
NEEDS: frozenset[Unseen | Gap] = frozenset({Unseen.COOKIES, Unseen.SET_COOKIES, Gap.DETAILS})


def find(evidence: Evidence) -> Iterator[Finding]:
    if not any(part.cookies.confined for part in evidence.policy.each):
        return
    homes: dict[tuple[str, str], _Home] = {}
    known = [one for seen in evidence.cookies for one in _confined(evidence, seen, homes)]
    yield from values_found(evidence, CODE, _hits(evidence, known, homes), evidence.breach)


@dataclass(slots=True)
class _Home:
    """Where a cookie belongs: hosts, host suffixes, and ids of vendors."""

    hosts: set[str] = field(default_factory=set)
    suffixes: set[str] = field(default_factory=set)
    vendors: set[str] = field(default_factory=set)

    def takes_in(self, message: Message) -> bool:
        host = message.seen.exchange.url.host
        if host in self.hosts or any(suffix in self.suffixes for suffix in host_suffixes(host)):
            return True
        return message.seen.ruling.vendor in self.vendors


def _confined(evidence: Evidence, seen: Sighting, homes: dict[tuple[str, str], _Home]) -> Iterator[Known]:
    name, exchange = seen.name or "", seen.exchange
    rules = [rule for rule in declared_cookies(evidence.policy, exchange, name) if rule.confined]
    if not rules:
        return
    home = homes.setdefault((name, exchange.host_site), _Home())
    home.hosts.add(exchange.url.host)
    home.suffixes.update(*(rule.hosts for rule in rules))
    home.vendors.update(rule.vendor for rule in rules if rule.vendor is not None)
    if seen.set_cookie is not None and seen.set_cookie.domain in host_suffixes(exchange.url.host):
        home.suffixes.add(seen.set_cookie.domain)
    whole = unquote(seen.value).lstrip(_NO_BEGINNING)
    for value in dict.fromkeys((whole, *identifying_parts(seen.value))):
        if len(value) >= SHORTEST:
            entry, party = seen.step.entry.index, evidence.party(exchange)
            yield Known(value, name, exchange.host_site, party, entry, rule=rules[0])


# The search begins at letters and digits.
_NO_BEGINNING = "".join(chr(code) for code in range(128) if not chr(code).isalnum())


def _hits(evidence: Evidence, known: list[Known], homes: dict[tuple[str, str], _Home]) -> Iterator[tuple[Message, Hit]]:
    if not known:
        return
    search = Search(known, SHORTEST)
    values = {one.value: one for one in reversed(known)}
    names = {f"cookie:{one.name}": one for one in reversed(known)}
    for message in evidence.messages:
        exchange = message.seen.exchange
        met = {(hit.known.name, hit.known.site): hit for hit in search.hits(message.said)}
        for pair in exchange.cookies:
            if (one := values.get(unquote(pair.value))) is not None and pair.name != one.name:
                met.setdefault((one.name, one.site), Hit(one, "cookie", "plain"))
        # What our proxy found in a body that it did not keep.
        for one in (names[carried] for carried in sorted(exchange.carries & names.keys())):
            met.setdefault((one.name, one.site), Hit(one, "body", "plain"))
        yield from ((message, hit) for key, hit in met.items() if not homes[key].takes_in(message))
