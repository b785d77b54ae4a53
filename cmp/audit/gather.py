"""From many sightings of the same thing to one finding.

May go in here: what counts as the same thing, and the evidence every finding of a kind carries. May not: which
sightings are a breach (`detectors/`).

A tracker contacted fifty times is one finding with a count, so that a report lists what has to be mended.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cmp.audit.behaviour import Passed
from cmp.audit.evidence import Evidence, Message, Sighting
from cmp.audit.finding import Finding, Level, hashed, without_values
from cmp.audit.search import Hit
from cmp.capture.capture import Entry
from cmp.core.exchange import Exchange, Unseen

# So many hosts of a vendor stand in a finding; the count tells how many more there are.
_HOSTS = 5


def requests_found(evidence: Evidence, code: str, sightings: Iterable[Sighting], level: Level) -> Iterator[Finding]:
    """One finding for each vendor, or each site that belongs to none.

    Evidence: what, count, first, url (an example), hosts, host_count, kinds, techniques (of the vendor, as the policy
    names them), reason, answered.
    """
    groups: dict[tuple[str, str], list[Sighting]] = {}
    for seen in sightings:
        vendor = seen.ruling.vendor
        key = ("vendor", vendor) if vendor is not None else ("site", seen.exchange.host_site)
        groups.setdefault(key, []).append(seen)
    for group in groups.values():
        first = group[0]
        company = evidence.policy.vendors.get(first.ruling.vendor or "")
        found = {
            "what": "request",
            **_requests_form(group),
            "techniques": list(company.techniques) if company else [],
            "reason": first.ruling.reason.value,
        }
        yield _finding(evidence, code, group, level, found)


def of_our_own(
    evidence: Evidence,
    code: str,
    entry: Entry,
    exchange: Exchange,
    *,
    decided: Mapping[str, Any],
    told: Mapping[str, Any],
) -> Finding:
    """What our own proxy did wrongly, in a recording of it: a breach.

    `decided` is the ruling or edit that tells category, vendor and rule; `told` the evidence beside first and url.
    """
    return Finding(
        code=code,
        level=evidence.breach,
        capture=evidence.replay.capture.file,
        entry=entry.index,
        time=None if Unseen.TIME in exchange.unseen else exchange.time,
        host=exchange.url.host,
        category=decided["category"],
        vendor=decided["vendor"],
        rule=decided["rule"],
        evidence={**told, "first": entry.index, "url": without_values(exchange.url)},
    )


def without_grant(evidence: Evidence, code: str, technique: str) -> Iterator[Finding]:
    """Requests to vendors of a technique though the visitor granted neither the vendor nor its category.

    A breach where the policy asks for consent; a note where it lets the vendor load without, and does not call it
    necessary. On the vendor's own pages its parts are none of the technique's.
    """
    early = [seen for seen in evidence.requests if _uses(evidence, seen, technique) and not _granted(seen)]
    refused = [seen for seen in early if not seen.ruling.allowed]
    allowed = [seen for seen in early if seen.ruling.allowed and not _necessary(evidence, seen)]
    yield from requests_found(evidence, code, refused, evidence.breach)
    yield from requests_found(evidence, code, allowed, evidence.promised(code, Level.NOTE))


def _uses(evidence: Evidence, seen: Sighting, technique: str) -> bool:
    if seen.ruling.vendor is None:
        return False
    vendor = evidence.policy.vendors[seen.ruling.vendor]
    return technique in vendor.techniques and vendor.company not in evidence.once(_visited)


def _visited(evidence: Evidence) -> frozenset[str]:
    return frozenset(evidence.party(page.exchange) for page in evidence.pages)


def _granted(seen: Sighting) -> bool:
    granted = seen.step.visitor.granted
    return f"vendor:{seen.ruling.vendor}" in granted or seen.ruling.category in granted


def _necessary(evidence: Evidence, seen: Sighting) -> bool:
    return seen.ruling.category is not None and evidence.policy.categories[seen.ruling.category].necessary


def cookies_found(evidence: Evidence, code: str, sightings: Iterable[Sighting], level: Level) -> Iterator[Finding]:
    """One finding for each name of a cookie and site of its host.

    Evidence: what ("set", "read", or "set and read"), cookie, site, count, first, value (hash and length of the
    first), reason, answered; lifetime in seconds ("session", or null where nobody can tell) if it was set.
    """
    groups: dict[tuple[str, str], list[Sighting]] = {}
    for seen in sightings:
        groups.setdefault((seen.name or "", seen.exchange.host_site), []).append(seen)
    for (name, site), group in groups.items():
        first = group[0]
        found = {
            "what": _direction(group),
            "cookie": name,
            "site": site,
            "count": len(group),
            "first": first.step.entry.index,
            "value": hashed(first.value),
            "reason": first.ruling.reason.value,
            "answered": sum(seen.answered for seen in group),
        }
        setting = next((seen for seen in group if seen.set_cookie is not None), None)
        if setting is not None:
            found["lifetime"] = lifetime_form(setting)
        yield _finding(evidence, code, group, level, found)


def looks_like(
    evidence: Evidence, code: str, messages: Iterable[Message], identifies: Callable[[Message], bool]
) -> Iterator[Finding]:
    """One finding for each site that behaves in a way: potential where one of its requests identifies, else a note.

    Evidence: as `requests_found`, and identifying (how many of the requests carry what may identify).
    """
    groups: dict[str, list[Message]] = {}
    for message in messages:
        groups.setdefault(message.seen.exchange.host_site, []).append(message)
    for group in groups.values():
        count = sum(identifies(message) for message in group)
        level = evidence.promised(code, Level.POTENTIAL if count else Level.NOTE)
        for finding in requests_found(evidence, code, (message.seen for message in group), level):
            yield replace(finding, evidence={**finding.evidence, "identifying": count})


def members_found(
    evidence: Evidence, code: str, members: Iterable[tuple[Message, Passed]], level: Level
) -> Iterator[Finding]:
    """One finding for each name of a member and party that received it.

    Evidence: what ("member"), member, recipient, where ("url", "referrer"), value (hash and length of the first), and
    of the requests count, first, url, hosts, host_count, kinds, answered.
    """
    groups: dict[tuple[str, str], list[tuple[Message, Passed]]] = {}
    for message, passed in members:
        groups.setdefault((passed.name, message.party), []).append((message, passed))
    for (name, party), group in groups.items():
        requests = list({message.at: message.seen for message, _ in group}.values())
        found = {
            "what": "member",
            "member": name,
            "recipient": party,
            "where": sorted({passed.where for _, passed in group}),
            "value": hashed(group[0][1].value),
            **_requests_form(requests),
        }
        yield _finding(evidence, code, requests, level, found)


def values_found(
    evidence: Evidence, code: str, hits: Iterable[tuple[Message, Hit]], level: Level, *, name: str = "cookie"
) -> Iterator[Finding]:
    """One finding for each value's name and site, and each party that received it.

    Evidence: what ("value"), the value's name (under the key `name`: "cookie" or "field"), site, recipient, where
    ("url", "referrer", "body"), forms ("plain", "md5", "sha1", "sha256"), value (hash and length of the first), and of
    the requests count, first, url, hosts, host_count, kinds, answered.
    """
    groups: dict[tuple[str, str, str], list[tuple[Message, Hit]]] = {}
    for message, hit in hits:
        groups.setdefault((hit.known.name, hit.known.site, message.party), []).append((message, hit))
    for (named, site, party), group in groups.items():
        requests = list({message.at: message.seen for message, _ in group}.values())
        found: dict[str, Any] = {
            "what": "value",
            name: named,
            "site": site,
            "recipient": party,
            "where": sorted({hit.where for _, hit in group}),
            "forms": sorted({hit.form for _, hit in group}),
            "value": hashed(group[0][1].known.value),
            **_requests_form(requests),
        }
        # Where the value is in the path, it may not stand in the report for that.
        found["url"] = found["url"].replace(group[0][1].known.value, "…")
        yield _finding(evidence, code, requests, level, found)


def _requests_form(group: Sequence[Sighting]) -> dict[str, Any]:
    hosts = list(dict.fromkeys(seen.exchange.url.host for seen in group))
    return {
        "count": len(group),
        "first": group[0].step.entry.index,
        "url": without_values(group[0].exchange.url),
        "hosts": hosts[:_HOSTS],
        "host_count": len(hosts),
        "kinds": sorted({seen.exchange.kind.value for seen in group}),
        "answered": sum(seen.answered for seen in group),
    }


def lifetime_form(seen: Sighting) -> int | str | None:
    """The lifetime of a cookie that was set: seconds, "session", or None where the capture does not tell."""
    cookie = seen.set_cookie
    if cookie is None or (cookie.max_age is None and cookie.expires is None):
        return "session"
    lifetime = seen.lifetime
    return None if lifetime is None else round(lifetime)


def _direction(group: Sequence[Sighting]) -> str:
    ways = {"read" if seen.set_cookie is None else "set" for seen in group}
    return ways.pop() if len(ways) == 1 else "set and read"


def _finding(evidence: Evidence, code: str, group: Sequence[Sighting], level: Level, found: dict[str, Any]) -> Finding:
    first = group[0]
    level = Level.POTENTIAL if level is Level.VIOLATION and _uncertain(evidence, group) else level
    races = sum(seen.race for seen in group)
    return Finding(
        code=code,
        level=level.lower if races == len(group) else level,
        capture=evidence.replay.capture.file,
        entry=first.step.entry.index,
        time=None if Unseen.TIME in first.exchange.unseen else first.exchange.time,
        host=first.exchange.url.host,
        category=first.ruling.category,
        vendor=first.ruling.vendor,
        rule=first.ruling.rule,
        evidence={**found, "races": races} if races else found,
    )


def _uncertain(evidence: Evidence, group: Sequence[Sighting]) -> bool:
    """Whether a person has to look first."""
    # Requests without any answer may not have left the browser.
    if not any(seen.answered for seen in group):
        return True
    # With no page known in the whole capture, the host may be the very site that was visited.
    return Unseen.PAGE in evidence.replay.capture.unseen and not evidence.policy.sites
