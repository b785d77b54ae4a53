"""track.link-decoration

What it finds
    The number of a click (`gclid`, `fbclid`, `msclkid` and the like) in the address of a page, kept in a cookie of the
    site or handed to a third party, for a visitor who agreed to nothing.
Why it matters
    The number was given to one person's one click. Kept, it is an identifier that joins the site's visitor with the
    account at whoever sold the click.
Example
    `https://shop.example/?gclid=Cj0KCQjw91c0ffee`, and `Set-Cookie: _gcl_aw=GCL.1750000000.Cj0KCQjw91c0ffee`.
Does not see
    Numbers kept in local storage; those under names that are not in the table; hashed or divided ones in cookies. A
    third party that is told the page's address with everything in it is one that was handed the number.
Sources
    DuckDuckGo, "url-parameters"; W3C Privacy CG, navigational-tracking; WebKit on link decoration.

Level: potential; a note for a visitor who agreed to something, as nobody knows what the number was kept for; a
violation where a promise of the policy names this detector.
"""

from collections.abc import Iterator

from cmp.audit.evidence import Evidence, Message, Sighting
from cmp.audit.finding import Finding, Level
from cmp.audit.gather import cookies_found, values_found
from cmp.audit.search import Hit, Known, Search
from cmp.capture.capture import Gap
from cmp.core.exchange import Kind, Unseen
from cmp.core.identifiers import names_click
from cmp.core.urls import query_pairs

CODE = "track.link-decoration"
MEANING = "the number of a click kept, or handed on"
NEEDS: frozenset[Unseen | Gap] = frozenset({Unseen.COOKIES, Unseen.SET_COOKIES, Unseen.PAGE, Gap.DETAILS})

_SHORTEST = 8


def find(evidence: Evidence) -> Iterator[Finding]:
    known = [one for message in evidence.messages for one in _clicks(message)]
    if not known:
        return
    search = Search(known, _SHORTEST)
    values = {one.value for one in known}
    kept = [seen for seen in evidence.cookies if seen.set_cookie is not None and _holds(seen, values)]
    told = [(m, hit) for m in evidence.messages if m.third for hit in search.hits(m.said)]
    for agreed, level in ((False, Level.POTENTIAL), (True, Level.NOTE)):
        mine = [seen for seen in kept if bool(seen.step.visitor.granted) is agreed]
        yield from cookies_found(evidence, CODE, mine, evidence.promised(CODE, level))
        theirs: list[tuple[Message, Hit]] = [pair for pair in told if bool(pair[0].seen.step.visitor.granted) is agreed]
        yield from values_found(evidence, CODE, theirs, evidence.promised(CODE, level), name="member")


def _clicks(message: Message) -> Iterator[Known]:
    exchange = message.seen.exchange
    if exchange.kind is not Kind.DOCUMENT:
        return
    for name, value in query_pairs(exchange.url.query):
        if names_click(name) and len(value) >= _SHORTEST and value[0].isalnum() and len(set(value)) >= 5:
            entry = message.seen.step.entry.index
            yield Known(value, name, exchange.host_site, message.party, entry, own=not message.third)


def _holds(seen: Sighting, values: set[str]) -> bool:
    return any(value in seen.value for value in values)
