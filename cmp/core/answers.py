"""What an answer has a browser do on its own, and which of it may be done for this visitor.

May go in here: which fields of an answer go, and which addresses in them, as edits. May not: reading the fields
(`references.py`), Set-Cookies (`set_cookies.py`), fields that a page gets on top (`cmp.live.page_limits`).

An address in a field is judged like the request it leads to: a preconnect to a tracker is a request to it, a report
tells it what the visitor does here. What only holds state for next time, as a cookie would, goes where the request went
without identifiers.
"""

from collections.abc import Iterator
from typing import Final

from cmp.core.consent import Visitor
from cmp.core.decision import Edit, EditKind, Ruling
from cmp.core.exchange import Exchange, Kind, Named, Phase
from cmp.core.on_requests import rule_on_request
from cmp.core.on_vendors import rule_on_vendor
from cmp.core.outgoing import advertising_refused
from cmp.core.policy import Policy
from cmp.core.references import NAMING

# Functions of the browser that serve advertising, as fields of an answer start them: Attribution Reporting, Topics,
# Protected Audience, Shared Storage.
OF_ADVERTISING: Final = frozenset(
    {
        *("attribution-reporting-register-source", "attribution-reporting-register-trigger"),
        *("attribution-reporting-register-os-source", "attribution-reporting-register-os-trigger"),
        *("attribution-reporting-info", "observe-browsing-topics", "shared-storage-write"),
        *("ad-auction-signals", "ad-auction-result", "ad-auction-additional-bid", "ad-auction-allowed"),
    }
)
# What a browser keeps and gives back or acts on later: validators, dictionaries, hints it is asked for, whom it reports
# to, rights to cookies, a log-in it is told of.
_KEPT: Final = OF_ADVERTISING | frozenset(
    {
        *("etag", "last-modified", "use-as-dictionary", "accept-ch", "critical-ch", "activate-storage-access"),
        *("nel", "report-to", "reporting-endpoints", "set-login"),
    }
)
# What it does at once.
_DONE: Final = frozenset({"link", "refresh", "sourcemap", "x-sourcemap", "speculation-rules", "supports-loading-mode"})
# Names of fields, lower case, that `Exchange.told` is about.
ACTED_ON: Final = _KEPT | _DONE | NAMING.keys()
# Of a page these lead on to the next one, and the visitor has asked for that.
_LEADING: Final = frozenset({"location"})
_PAGES: Final = frozenset({Kind.DOCUMENT, Kind.FRAME})


def needs_a_look(exchange: Exchange) -> bool:
    """Whether an answer to a request that passes with all that identifies may need an edit: most need none."""
    return bool(exchange.told) and (bool(exchange.named) or not exchange.told.isdisjoint(OF_ADVERTISING))


def answer_edits(
    policy: Policy, visitor: Visitor, exchange: Exchange, ruling: Ruling, bounce: Ruling | None
) -> Iterator[Edit]:
    """The edits on the fields of an answer to a request on which `ruling` was made; `bounce` is what `bounced` says."""
    if not exchange.told:
        return
    gone: frozenset[str] = frozenset()
    because: Ruling | None = None
    if ruling.reduced:
        gone, because = exchange.told & (_KEPT | _DONE), ruling
    elif bounce is not None:
        gone, because = exchange.told & _KEPT, bounce
    elif exchange.told & OF_ADVERTISING:
        gone, because = exchange.told & OF_ADVERTISING, advertising_refused(policy, visitor, exchange.signals)
    if because is None:
        gone = frozenset()
    else:
        for name in sorted(gone):
            yield Edit(EditKind.STRIP_ANSWER_HEADER, name, because)
    yield from _named_edits(policy, visitor, exchange, gone)


def _named_edits(policy: Policy, visitor: Visitor, exchange: Exchange, gone: frozenset[str]) -> Iterator[Edit]:
    """The edits on addresses that may not be asked. What reports to a group that is gone goes with it."""
    groups: dict[str, Ruling] = {}
    left: set[str] = set()
    naming: list[Named] = []
    for named in exchange.named:
        if named.field in gone or (named.field in _LEADING and exchange.may_be_on_its_own):
            continue
        if named.url is None:
            naming.append(named)
            continue
        ruling = rule_on_request(policy, visitor, _asked(exchange, named))
        if ruling.allowed:
            left.add(named.group)
            continue
        groups[named.group] = ruling
        yield Edit(EditKind.STRIP_FROM_ANSWER_HEADER, named.field, ruling, named.index, target=named.url.origin)
    for named in naming:
        if named.group in groups and named.group not in left:
            yield Edit(EditKind.STRIP_FROM_ANSWER_HEADER, named.field, groups[named.group], named.index)


def _asked(exchange: Exchange, named: Named) -> Exchange:
    """The request that a browser would make."""
    if named.url is None:
        raise ValueError(f"{named.field} names no address")
    own = exchange.kind in _PAGES or exchange.page is None
    return Exchange(
        method="POST" if named.kind is Kind.BEACON else "GET",
        url=named.url,
        host_site=named.site,
        page=exchange.url if own else exchange.page,
        page_site=exchange.host_site if own else exchange.page_site,
        kind=exchange.kind if named.field in _LEADING else named.kind,
        time=exchange.time,
        signals=exchange.signals,
    )


def bounced(policy: Policy, visitor: Visitor, exchange: Exchange) -> Ruling | None:
    """Why an answer that only leads the visitor on, by way of a vendor's host, may keep nothing; None where it may.

    The page itself passes, because the visitor asked for where it leads. On the way a vendor that was not permitted
    would be first party and could set what it likes.
    """
    if exchange.kind is not Kind.DOCUMENT or exchange.phase is not Phase.RESPONSE:
        return None
    leads = [named.url for named in exchange.named if named.field in ("location", "refresh") and named.url is not None]
    if not leads:
        return None
    for part in policy.each:
        rule = part.requests.find(exchange.url, exchange.page)
        if rule is None:
            continue
        onward = part.requests.find(leads[0], exchange.page)
        if onward is not None and onward.vendor == rule.vendor:
            continue
        ruling = rule_on_vendor(part, visitor, exchange.signals, rule)
        if not ruling.allowed:
            return ruling
    return None
