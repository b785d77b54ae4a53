"""Rules that can never be reached, and parts of a policy that nothing falls under.

May go in here: lints on which rule is asked before which. May not: what a rule is for.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cmp.core.classify import CookieRule, RequestRule, host_suffixes
from cmp.core.globs import Glob
from cmp.policy.lints.advice import Found, Level, Lint, Subject, Where


def _shadowed_requests(subject: Subject) -> Iterator[Found]:
    index = subject.policy.requests
    for rules in (*index.by_host.values(), index.endpoints):
        for rule, before in _covered(rules):
            place = subject.vendor_place(rule.vendor)
            if place == ("catalogue",):
                # Between vendors of the catalogue alone there is nothing for the author to mend.
                place = subject.vendor_place(before.vendor)
            if place != ("catalogue",) and (rule.vendor, rule.category) != (before.vendor, before.category):
                what = f'the rule "{rule.id}" is never reached on {rule.host or "the site"}: "{before.id}" covers it'
                yield place, what, "take one of the two out, or give one a closer path, query or page"


def _covered(rules: Iterable[RequestRule]) -> Iterator[tuple[RequestRule, RequestRule]]:
    """Rules of one host that an earlier one covers, each with that one."""
    # An exact path is covered by the same path or by a pattern only, so only those are tried.
    patterns: list[RequestRule] = []
    by_path: dict[str, list[RequestRule]] = {}
    for rule in rules:
        text = rule.path.text if rule.path else ""
        earlier = (*by_path.get(text, ()), *(other for other in patterns if other.path != rule.path))
        if (before := next((other for other in earlier if _covers(other, rule)), None)) is not None:
            yield rule, before
            continue
        by_path.setdefault(text, []).append(rule)
        if rule.path is None or not rule.path.exact:
            patterns.append(rule)


def _covers(first: RequestRule, second: RequestRule) -> bool:
    """Whether every request the second rule is for falls under the first. May be missed, never wrong."""
    pages = not first.pages or bool(second.pages and all(_any_covers(first.pages, page) for page in second.pages))
    path = first.path is None or (second.path is not None and covers(first.path, second.path))
    names = {*second.query.names, *(name for name, _ in second.query.values)}
    query = first.query.names <= names and all(
        any(name == key and covers(glob, other) for key, other in second.query.values)
        for name, glob in first.query.values
    )
    return pages and path and query and (not first.body or first.body == second.body)


def _any_covers(globs: Iterable[Glob], glob: Glob) -> bool:
    return any(covers(one, glob) for one in globs)


def covers(first: Glob, second: Glob) -> bool:
    """Whether the first pattern fits everything the second fits."""
    # No pattern holds the null character, so what stands for the second's stars is taken by a star of the first alone.
    return first.matches(second.text.replace("*", "\0"))


def _shadowed_cookies(subject: Subject) -> Iterator[Found]:
    places = {_cookie_key(rule): where for where, rule in _written_cookies(subject)}
    for rules in (*subject.policy.cookies.exact.values(), *subject.policy.cookies.patterns.values()):
        by_name: dict[str, list[CookieRule]] = {}
        for rule in rules:
            earlier = by_name.setdefault(rule.name.text, [])
            before = next((other for other in earlier if _covers_cookie(other, rule)), None)
            earlier.append(rule)
            if before is not None and _cookie_key(rule) in places:
                what = f'the rule "{rule.id}" is never reached: an earlier "{before.id}" covers it'
                remedy = "take one of the two out, or limit one by party, hosts or paths"
                yield places[_cookie_key(rule)], what, remedy


def _written_cookies(subject: Subject) -> Iterator[tuple[Where, CookieRule]]:
    """Every cookie rule the document itself declares, and where."""
    places: dict[str, list[Where]] = {}
    for n, cookie in enumerate(subject.document.get("cookies", [])):
        places.setdefault(f"cookie:{cookie['name']}", []).append(("cookies", n))
    for n, vendor in enumerate(subject.document.get("vendors", [])):
        for m, cookie in enumerate(vendor.get("cookies", [])):
            places.setdefault(f"cookie:{vendor['id']}/{cookie['name']}", []).append(("vendors", n, "cookies", m))
    index = subject.policy.cookies
    for rules in (*index.exact.values(), *index.patterns.values()):
        for rule in rules:
            # Rules of one id stand in the order they were written in.
            if left := places.get(rule.id):
                yield left.pop(0), rule


def _cookie_key(rule: CookieRule) -> tuple[object, ...]:
    return (rule.id, rule.hosts, rule.paths, rule.party)


def _covers_cookie(first: CookieRule, second: CookieRule) -> bool:
    """Whether the first, given before the second and with the same name, always counts instead of it."""
    hosts = first.hosts >= second.hosts if second.hosts else not first.hosts
    paths = set(first.paths) >= set(second.paths) if second.paths else not first.paths
    return hosts and paths and first.party in (None, second.party)


def _overlapping(subject: Subject) -> Iterator[Found]:
    owners = {host: vendor for vendor in subject.whole["vendors"] for host in vendor["hosts"]}
    for host, vendor in owners.items():
        above = next((owners[suffix] for suffix in list(host_suffixes(host))[1:] if suffix in owners), None)
        if above is None or above["id"] == vendor["id"] or above["category"] == vendor["category"]:
            continue
        places = (subject.vendor_place(vendor["id"]), subject.vendor_place(above["id"]))
        if place := next((place for place in places if place != ("catalogue",)), None):
            what = (
                f'{host} of "{vendor["id"]}" ({vendor["category"]}) lies below a host of '
                f'"{above["id"]}" ({above["category"]}): the longer host counts there'
            )
            yield place, what, "nothing, if that is meant; else give the host to one of them"


def _own_site(subject: Subject) -> Iterator[Found]:
    sites = subject.whole["sites"]
    for vendor in subject.whole["vendors"]:
        whole = [*vendor["hosts"], *(s["host"] for s in vendor["signatures"] if _plain(s))]
        for site in sites:
            if given := next((host for host in whole if host in host_suffixes(site)), None):
                what = f'{given} is the site itself, so all of its own requests count as those of "{vendor["id"]}"'
                remedy = "name the vendor's own host below it, or a signature with a path"
                yield subject.vendor_place(vendor["id"]), what, remedy


def _plain(signature: Mapping[str, Any]) -> bool:
    return not (signature["path"] or signature["query"] or signature["pages"] or "body" in signature)


def _unrecognisable(subject: Subject) -> Iterator[Found]:
    found = {vendor["id"]: vendor for vendor in subject.whole["vendors"]}
    for n, vendor in enumerate(subject.document.get("vendors", [])):
        whole = found[vendor["id"]]
        if not any(whole[key] for key in ("hosts", "aliases", "signatures", "cookies")):
            what = f'"{vendor["id"]}" has no host, alias, signature or cookie, so nothing is ever recognised as its'
            yield ("vendors", n), what, 'add "hosts"'


def _never_seen(subject: Subject) -> Iterator[Found]:
    used = {rule.category for rules in subject.policy.requests.by_host.values() for rule in rules}
    used |= {rule.category for rule in subject.policy.requests.endpoints}
    cookies = subject.policy.cookies
    used |= {rule.category for rules in (*cookies.exact.values(), *cookies.patterns.values()) for rule in rules}
    used |= {
        rule["category"]
        for rule in (*subject.whole["sensitive"], subject.whole["location"] or {})
        if "category" in rule
    }
    used |= {subject.whole["outgoing"].get(name, "") for name in ("pings", "clickIds", "adFeatures")}
    used.add(subject.policy.own_category)
    for id_, category in subject.categories.items():
        # A category that never passes is a promise about others, and needs nobody in it.
        if id_ not in used and not category["never"]:
            what = f'"{id_}" has no vendor, cookie or rule: nothing ever falls under it'
            yield ("categories", id_), what, "declare what belongs to it, or take it out"


def _unused_event(subject: Subject) -> Iterator[Found]:
    cookies = [*subject.whole["cookies"], *(c for vendor in subject.whole["vendors"] for c in vendor["cookies"])]
    used = {cookie["before"]["event"] for cookie in cookies if "before" in cookie}
    used |= {category["after"] for category in subject.categories.values() if "after" in category}
    for id_ in subject.whole["events"]:
        if id_ not in used:
            what = f'no category waits for "{id_}" ("after") and no cookie lives by it ("before")'
            yield ("events", id_), what, "name it there, or take it out"


LINTS: tuple[Lint, ...] = (
    Lint("own-site-given-away", Level.ERROR, _own_site),
    Lint("shadowed-rule", Level.WARNING, _shadowed_requests),
    Lint("shadowed-cookie", Level.WARNING, _shadowed_cookies),
    Lint("overlapping-vendors", Level.NOTE, _overlapping),
    Lint("unrecognisable-vendor", Level.WARNING, _unrecognisable),
    Lint("never-seen", Level.WARNING, _never_seen),
    Lint("unused-event", Level.WARNING, _unused_event),
)
