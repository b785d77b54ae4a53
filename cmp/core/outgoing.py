"""What a request that passes is relieved of before it leaves: headers about the page and the person, identifiers.

May go in here: which parts of a request go, as edits. May not: changing bytes (`cmp.wire`), whether the request passes
at all (`decide.py`).
"""

from collections.abc import Callable, Iterator

from cmp.core.classify import Party
from cmp.core.consent import Visitor, permit
from cmp.core.decision import Edit, EditKind, Reason, Ruling
from cmp.core.exchange import Exchange, Kind
from cmp.core.identifiers import identifies, names_click, names_in_header
from cmp.core.policy import ForwardedFor, Insert, Outgoing, Policy, Referrer
from cmp.core.signals import Signals
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
# Fields of requests by which the browser's own advertising functions work: Topics, Attribution Reporting, Shared
# Storage, Protected Audience.
OF_ADVERTISING = frozenset(
    {
        *("sec-browsing-topics", "attribution-reporting-eligible", "attribution-reporting-support"),
        *("sec-shared-storage-writable", "sec-ad-auction-fetch"),
    }
)
# What no pattern takes out: a signal, which no intermediary may remove, and what a message is delimited and routed by.
_NOT_DROPPED = frozenset({"sec-gpc", "dnt", "host", "connection", "content-length", "transfer-encoding", "upgrade"})
_STRICTER_FIRST = (Referrer.NONE, Referrer.ORIGIN, Referrer.KEEP)


def outgoing_edits(policy: Policy, visitor: Visitor, exchange: Exchange, party: Party) -> Iterator[Edit]:
    """The edits a policy asks for on every request: those about others on requests to others only."""
    each = [part.outgoing for part in policy.each]
    if party is Party.THIRD:
        wanted = min((out.referrer for out in each), key=_STRICTER_FIRST.index)
        yield from _referrer(exchange, wanted, _ruling("outgoing.referrer"))
        if any(out.drop for out in each):
            dropped = (name for name in exchange.header_names if any(out.drops(name) for out in each))
            for name in sorted(frozenset(dropped) - _NOT_DROPPED):
                yield Edit(EditKind.STRIP_HEADER, name, _ruling("outgoing.drop"))
    told = {out.forwarded_for for out in each}
    yield from _addresses(exchange, told, _ruling("outgoing.forwardedFor"))
    if advertising := exchange.header_names & OF_ADVERTISING:
        refused = advertising_refused(policy, visitor, exchange.signals)
        if refused is not None:
            for name in sorted(advertising):
                yield Edit(EditKind.STRIP_HEADER, name, refused)
    if exchange.kind is Kind.DOCUMENT and exchange.url.query:
        yield from _click_ids(policy, visitor, exchange)
    yield from _signals(policy, visitor, exchange)


def advertising_refused(policy: Policy, visitor: Visitor, signals: Signals) -> Ruling | None:
    """Why the browser's own advertising functions may not be used; None where they may, or nothing is said of them."""
    return _refused(policy, visitor, signals, "outgoing.adFeatures", lambda out: out.ad_features)


def _refused(
    policy: Policy, visitor: Visitor, signals: Signals, rule: str, category_of: Callable[[Outgoing], str | None]
) -> Ruling | None:
    """Why what a policy counts to a category may not be; None where it may, or nobody says anything of it."""
    for part in policy.each:
        category = category_of(part.outgoing)
        if category is not None:
            permission = permit(part, visitor, signals, category, None)
            if not permission.allowed:
                return Ruling(False, permission.reason, rule, category)
    return None


def _click_ids(policy: Policy, visitor: Visitor, exchange: Exchange) -> Iterator[Edit]:
    """A click's own number in the address of the page it leads to: who put it there knows who clicked."""
    names = sorted(name for name in query_names(exchange.url.query) if names_click(name))
    if not names:
        return
    refused = _refused(policy, visitor, exchange.signals, "outgoing.clickIds", lambda out: out.click_ids)
    if refused is not None:
        for name in names:
            yield Edit(EditKind.STRIP_QUERY, name, refused)


def _signals(policy: Policy, visitor: Visitor, exchange: Exchange) -> Iterator[Edit]:
    if exchange.signals.gpc:
        return
    for part in policy.each:
        signal = part.signals.get("gpc")
        if signal is None or signal.insert is Insert.NEVER:
            continue
        if signal.insert is Insert.ALWAYS or not signal.denies.isdisjoint(visitor.refused):
            yield Edit(EditKind.ADD_SIGNAL, "sec-gpc", Ruling(True, Reason.SIGNAL, "signal:gpc"))
            return


def reducing_edits(policy: Policy, exchange: Exchange, ruling: Ruling) -> Iterator[Edit]:
    """The edits that leave a request without identifiers. Its cookies are gone already (`decide.py`)."""
    extra = tuple(glob for part in policy.each for glob in part.identifiers)
    for name in sorted(query_names(exchange.url.query)):
        if identifies(name, extra):
            yield Edit(EditKind.STRIP_QUERY, name, ruling)
    for name in sorted(name for name in exchange.header_names if name in OF_A_PERSON or names_in_header(name)):
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
