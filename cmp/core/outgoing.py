"""What a request that passes is relieved of before it leaves: headers about the page and the person, identifiers.

May go in here: which parts of a request go, as edits. May not: changing bytes (`cmp.wire`), whether the request passes
at all (`decide.py`).
"""

from collections.abc import Iterator

from cmp.core.classify import Party
from cmp.core.decision import Edit, EditKind, Reason, Ruling
from cmp.core.exchange import Exchange
from cmp.core.identifiers import identifies
from cmp.core.policy import ForwardedFor, Policy, Referrer
from cmp.core.urls import UrlError, parse_url, query_names

# Fields that tell an upstream server the client's address (RFC 7239, and what was in use before it).
ADDRESS_FIELDS = ("forwarded", "x-forwarded-for", "x-real-ip", "true-client-ip", "cf-connecting-ip")
# Fields that say who asks, or what this browser was given before (an ETag can hold a number as well as a cookie can).
OF_A_PERSON = frozenset(
    {
        *("authorization", "proxy-authorization", "from"),
        *("if-none-match", "if-match", "if-modified-since", "if-unmodified-since", "if-range"),
    }
)
_STRICTER_FIRST = (Referrer.NONE, Referrer.ORIGIN, Referrer.KEEP)


def outgoing_edits(policy: Policy, exchange: Exchange, party: Party) -> Iterator[Edit]:
    """The edits a policy asks for on every request: those about others on requests to others only."""
    each = [part.outgoing for part in policy.each]
    if party is Party.THIRD:
        wanted = min((out.referrer for out in each), key=_STRICTER_FIRST.index)
        yield from _referrer(exchange, wanted, _ruling("outgoing.referrer"))
        for name in sorted(exchange.header_names & frozenset().union(*(out.drop for out in each))):
            yield Edit(EditKind.STRIP_HEADER, name, _ruling("outgoing.drop"))
    told = {out.forwarded_for for out in each}
    yield from _addresses(exchange, told, _ruling("outgoing.forwardedFor"))


def reducing_edits(policy: Policy, exchange: Exchange, ruling: Ruling) -> Iterator[Edit]:
    """The edits that leave a request without identifiers. Its cookies are gone already (`decide.py`)."""
    extra = tuple(glob for part in policy.each for glob in part.identifiers)
    for name in sorted(query_names(exchange.url.query)):
        if identifies(name, extra):
            yield Edit(EditKind.STRIP_QUERY, name, ruling)
    for name in sorted(exchange.header_names & OF_A_PERSON):
        yield Edit(EditKind.STRIP_HEADER, name, ruling)
    if exchange.content_type:
        yield Edit(EditKind.REDUCE_BODY, exchange.content_type, ruling)
    yield from _referrer(exchange, Referrer.ORIGIN, ruling)
    yield from _addresses(exchange, {ForwardedFor.DROP}, ruling)


def _referrer(exchange: Exchange, wanted: Referrer, ruling: Ruling) -> Iterator[Edit]:
    if exchange.referrer and (wanted is Referrer.NONE or (wanted is Referrer.ORIGIN and not _is_origin(exchange))):
        yield Edit(EditKind.TRIM_REFERRER, wanted.value, ruling)


def _is_origin(exchange: Exchange) -> bool:
    try:
        url = parse_url(exchange.referrer)
    except UrlError:
        return False
    return exchange.referrer.rstrip("/") == url.origin


def _addresses(exchange: Exchange, wanted: set[ForwardedFor], ruling: Ruling) -> Iterator[Edit]:
    for name in ADDRESS_FIELDS:
        if name not in exchange.header_names:
            continue
        if ForwardedFor.DROP in wanted:
            yield Edit(EditKind.STRIP_HEADER, name, ruling)
        elif ForwardedFor.SHORTEN in wanted:
            yield Edit(EditKind.SHORTEN_ADDRESS, name, ruling)


def _ruling(rule: str) -> Ruling:
    return Ruling(True, Reason.OUTGOING, rule)
