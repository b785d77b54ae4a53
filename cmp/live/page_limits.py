"""What a page may not do, said in header fields: locate the visitor, advertise, tell others of where they come or go.

May go in here: which of them a page gets. May not: how the fields are written (`cmp.wire.page_headers`), the CSP and
the page's markup (`pages.py`).
"""

from mitmproxy import http

from cmp.capture.flow_exchange import Mark
from cmp.core.classify import Party
from cmp.core.consent import permit
from cmp.core.exchange import Exchange
from cmp.core.outgoing import advertising_refused
from cmp.core.parties import party_of
from cmp.core.policy import Policy, Referrer, Unknown
from cmp.live.originals import keep_answer
from cmp.wire.page_headers import (
    ADVERTISING,
    with_referrer_policy,
    with_tracking_status,
    without_features,
    without_prefetched_names,
    without_refresh_to_text,
)

_AS_POLICY = {Referrer.NONE: "same-origin", Referrer.ORIGIN: "strict-origin-when-cross-origin"}


def limit_page(flow: http.HTTPFlow, answer: http.Response, policy: Policy, mark: Mark, exchange: Exchange) -> None:
    """Add what the policy and the visitor's choice ask for to the header of a page."""
    fields = answer.headers.fields
    features = ["geolocation"] if _location_denied(policy, mark, exchange) else []
    if advertising_refused(policy, mark.visitor, exchange.signals) is not None:
        features += ADVERTISING
    if features:
        fields = without_features(fields, features)
    own = mark.reverse or party_of(policy, exchange) is Party.FIRST
    if own and (wanted := _referrer(policy)) is not None:
        fields = with_referrer_policy(fields, wanted)
    if own and policy.unknown_host is Unknown.DENY:
        fields = without_prefetched_names(fields)
    fields = without_refresh_to_text(fields)
    if mark.reverse and (status := policy.document.get("signals", {}).get("dnt", {}).get("status")):
        fields = with_tracking_status(fields, status)
    if fields != answer.headers.fields:
        keep_answer(flow, answer)
        answer.headers.fields = fields


def _location_denied(policy: Policy, mark: Mark, exchange: Exchange) -> bool:
    return any(
        not permit(part, mark.visitor, exchange.signals, part.location_category, None).allowed
        for part in policy.each
        if part.location_category is not None
    )


def _referrer(policy: Policy) -> str | None:
    """The strictest that a part asks for."""
    asked = {part.outgoing.referrer for part in policy.each}
    return next((value for wanted, value in _AS_POLICY.items() if wanted in asked), None)
