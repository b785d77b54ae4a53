"""track.bounce

What it finds
    A page of another site that the visitor is sent through on the way from one site to the next: it answers with a
    redirect to a third site or back, and sets a cookie that may identify, or is sent one.
Why it matters
    On such a page the tracker is the site that is visited: browsers that keep third parties from using cookies let it
    read and write its own.
Example
    A click on shop.example leads to `https://click.test/out?to=...`, which sets `uid=91c0ffee27aa` and answers `302`
    with `Location: https://partner.example/`.
Does not see
    Pages that lead on by script or `<meta>`; the first hop of a visit, whose way nobody knows. Signing in elsewhere
    works the same way and is left out where the address that follows carries the usual members of a sign-in or of a
    payment.
Sources
    W3C Privacy CG, "Bounce Tracking Mitigations"; Koop et al. 2020.

Level: potential for a vendor of a category that needs consent; a note for a site that nothing knows; a violation where
a promise of the policy names this detector.
"""

from collections.abc import Iterator
from dataclasses import replace

from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding, Level, without_values
from cmp.audit.identifying import identifying_parts
from cmp.audit.replay import Step
from cmp.capture.capture import Gap
from cmp.core.exchange import Exchange, Kind, Unseen
from cmp.core.urls import UrlError, parse_url, query_names
from cmp.sites import registrable_domain

CODE = "track.bounce"
MEANING = "visitors sent through a page of somebody who may recognise them"
NEEDS: frozenset[Unseen | Gap] = frozenset({Unseen.COOKIES, Unseen.SET_COOKIES, Gap.DETAILS})

_SIGN_IN = frozenset(
    {
        *(
            "code",
            "state",
            "id_token",
            "access_token",
            "samlresponse",
            "samlrequest",
            "relaystate",
            "wresult",
            "ticket",
        ),
        *("oauth_token", "openid.mode", "redirect_uri", "payerid", "paymentid", "token", "nonce", "client_id"),
    }
)


def find(evidence: Evidence) -> Iterator[Finding]:
    groups: dict[str, list[tuple[Step, Exchange]]] = {}
    before = ""
    for step in evidence.replay.steps:
        exchange = step.entry.delivered
        if exchange is None or exchange.kind is not Kind.DOCUMENT:
            continue
        target = _leads_to(step, exchange)
        site = exchange.host_site
        if target not in ("", site) and before not in ("", site) and _recognises(exchange):
            groups.setdefault(site, []).append((step, exchange))
        before = site
    for site, group in groups.items():
        if site not in evidence.policy.sites:
            yield _finding(evidence, group)


def _finding(evidence: Evidence, group: list[tuple[Step, Exchange]]) -> Finding:
    step, exchange = group[0]
    rule = evidence.policy.requests.find(exchange.url)
    category = rule.category if rule is not None and rule.host else None
    needs = category is not None and not evidence.policy.categories[category].necessary
    target = _leads_to(step, exchange)
    finding = Finding(
        code=CODE,
        level=evidence.promised(CODE, Level.POTENTIAL if needs else Level.NOTE),
        capture=evidence.replay.capture.file,
        entry=step.entry.index,
        time=None if Unseen.TIME in exchange.unseen else exchange.time,
        host=exchange.url.host,
        category=category,
        evidence={
            "what": "request",
            "count": len(group),
            "first": step.entry.index,
            "url": without_values(exchange.url),
            "leads_to": target,
        },
    )
    return finding if rule is None or not rule.host else replace(finding, vendor=rule.vendor, rule=rule.id)


def _leads_to(step: Step, exchange: Exchange) -> str:
    """The site of the page that the answer sends the visitor to; "" for none, and where it looks like a sign-in."""
    answer = step.entry.answer
    if answer is None or not 300 <= answer.status <= 399 or not answer.location:
        return ""
    try:
        url = parse_url(answer.location, exchange.url)
    except UrlError:
        return ""
    names = {name.lower() for name in (*query_names(url.query), *query_names(exchange.url.query))}
    return "" if names & _SIGN_IN or not url.is_network else registrable_domain(url.host)


def _recognises(exchange: Exchange) -> bool:
    values = [pair.value for pair in exchange.cookies] + [cookie.value for cookie in exchange.set_cookies]
    return any(identifying_parts(value) for value in values)
