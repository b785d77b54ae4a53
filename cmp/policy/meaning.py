"""What JSON Schema cannot say of a policy: references, clashes and contradictions between its parts.

May go in here: checks on a document whose form is right, each a small generator of faults. May not: the form itself
(`schema.py`); advice that leaves a policy usable.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from cmp.core.urls import UrlError, parse_host
from cmp.policy.catalogue import catalogue
from cmp.policy.compile import moment_of
from cmp.policy.complete import adopted
from cmp.policy.faults import Fault, pointer
from cmp.policy.references import (
    catalogue_references,
    destinations,
    faults_of_reference,
    faults_of_vendor_reference,
    known_rules,
    unknown_name,
)
from cmp.sites import is_public_suffix

Document = Mapping[str, Any]
# What a normalised host may consist of where it goes into a header.
_HEADER_SAFE = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")


def faults_of_meaning(document: Document) -> list[Fault]:
    """Every fault of meaning, in the order of the checks below. The document's form must be right."""
    found = [fault for check in _REFERENCES for fault in check(document)]
    # What follows looks at the policy with the catalogue joined in, which needs its references to hold.
    return found or [fault for check in _WHOLE for fault in check(document)]


def _control_characters(document: Document) -> Iterator[Fault]:
    # A value of a policy may end up in a header, where a line feed begins the next one. Nearly no policy holds one, and
    # writing it down shows that sooner than a walk.
    if not _MAY_HOLD_CONTROL.search(json.dumps(document, ensure_ascii=False)):
        return
    stack: list[tuple[tuple[str | int, ...], Any]] = [((), document)]
    while stack:
        where, value = stack.pop()
        if isinstance(value, str) and (found := _CONTROL.search(value)):
            what = f"holds the control character U+{ord(found[0]):04X}"
            yield Fault(pointer(where), what, "write it without; a text is one line")
        elif isinstance(value, Mapping):
            stack.extend(((*where, key), inner) for key, inner in reversed(list(value.items())))
        elif isinstance(value, list):
            stack.extend(((*where, n), value[n]) for n in reversed(range(len(value))))


_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
# The same in a JSON text, where those before the space are escaped; also fits a backslash before one of the letters.
_MAY_HOLD_CONTROL = re.compile(r"\\[bfnrtu]|[\x7f-\x9f]")


def _denied_by_signals(document: Document) -> Iterator[Fault]:
    known = document["categories"]
    for name, signal in document.get("signals", {}).items():
        for n, category in enumerate(signal["denies"] if signal["denies"] != "all" else ()):
            if category in known and known[category]["basis"] == "necessary":
                yield Fault(
                    pointer(("signals", name, "denies", n)),
                    f'"{category}" is necessary, so no signal can deny it',
                    "take it out of the list, or give the category the basis consent",
                )


def _adopted_categories(document: Document) -> Iterator[Fault]:
    for category in sorted({str(vendor["category"]) for vendor in adopted(document).values()}):
        if category not in document["categories"]:
            yield Fault(
                "/catalogue",
                f'adopts vendors of the catalogue category "{category}", which the policy does not have',
                f'write "categories": {{"{category}": "..."}} beside "adopt", with one of the policy\'s own',
            )


def _hosts(document: Document) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for n, host in enumerate(document.get("sites", [])):
        yield ("sites", n), host
    for n, vendor in enumerate(document.get("vendors", [])):
        for m, host in enumerate(vendor.get("hosts", [])):
            yield ("vendors", n, "hosts", m), host
        for m, host in enumerate(vendor.get("aliases", [])):
            yield ("vendors", n, "aliases", m), host
        for m, use in enumerate(vendor.get("uses", [])):
            for k, host in enumerate(use.get("hosts", [])):
                yield ("vendors", n, "uses", m, "hosts", k), host
        for m, signature in enumerate(vendor.get("signatures", [])):
            if "host" in signature:
                yield ("vendors", n, "signatures", m, "host"), signature["host"]
        for m, cookie in enumerate(vendor.get("cookies", [])):
            for k, host in enumerate(cookie.get("hosts", [])):
                yield ("vendors", n, "cookies", m, "hosts", k), host
    for n, cookie in enumerate(document.get("cookies", [])):
        for k, host in enumerate(cookie.get("hosts", [])):
            yield ("cookies", n, "hosts", k), host
    for n, rule in enumerate(document.get("exclude", [])):
        if "host" in rule:
            yield ("exclude", n, "host"), rule["host"]
    for id_, event in document.get("events", {}).items():
        if "host" in event:
            yield ("events", id_, "host"), event["host"]
    for where, rule in destinations(document):
        for k, dest in enumerate(rule["to"]):
            if dest != "own" and not dest.startswith("vendor:"):
                yield (*where, "to", k), dest


def _host_names(document: Document) -> Iterator[Fault]:
    for where, host in _hosts(document):
        try:
            normal = parse_host(host)
        except UrlError as error:
            yield Fault(pointer(where), f'"{host}" is no host: {error.why}', 'write a host such as "example.test"')
            continue
        if not _HEADER_SAFE.fullmatch(normal):
            # Full-width forms become such characters on normalising, and in a CSP a semicolon ends the directive.
            what = f'"{host}" is no host: it means "{normal}", which would break a header'
            yield Fault(pointer(where), what, 'write a host such as "example.test"')
        elif normal.startswith(".") or ".." in normal:
            # Browsers would ask for such a host, but none exists: the rule would never fit anything.
            yield Fault(pointer(where), f'"{host}" is no host: empty label', 'write a host such as "example.test"')
        elif is_public_suffix(normal) and not _one_tenant(document, where):
            yield Fault(
                pointer(where),
                f'"{host}" is a public suffix: the rule would take in every site below it',
                'name the site itself, such as "example.co.uk"; a signature may name one folder ("/bucket/*") there',
            )


# The name of a tenant and what is below: "/bucket/*".
_TENANT = re.compile(r"/[^/*]+/.*")


def _one_tenant(document: Document, where: tuple[str | int, ...]) -> bool:
    """Whether the host is a signature's that keeps to one folder: a storage service gives each tenant one of those."""
    if len(where) != 5 or where[2] != "signatures":
        return False
    signature = document[str(where[0])][where[1]]["signatures"][where[3]]
    return _TENANT.fullmatch(signature.get("path", "")) is not None


def _twins(document: Document) -> Iterator[Fault]:
    for list_ in ("vendors", "promises", "parties", "optOuts", "purposes", "dataSubjects", "notices"):
        seen: set[str] = set()
        for n, item in enumerate(document.get(list_, [])):
            if item["id"] in seen:
                yield Fault(pointer((list_, n, "id")), f'"{item["id"]}" is there twice', "give each its own id")
            seen.add(item["id"])
    data: set[str] = set()
    for n, rule in enumerate(document.get("sensitive", [])):
        if rule["data"] in data:
            yield Fault(pointer(("sensitive", n, "data")), f'"{rule["data"]}" is there twice', "join the two")
        data.add(rule["data"])
    cookies: dict[tuple[Any, ...], int] = {}
    for n, cookie in enumerate(document.get("cookies", [])):
        places = (frozenset(map(_normal, cookie.get("hosts", []))), frozenset(cookie.get("paths", [])))
        key = (cookie["name"], cookie.get("party"), *places)
        if key in cookies:
            what = f'"{cookie["name"]}" is declared already at /cookies/{cookies[key]}'
            yield Fault(pointer(("cookies", n)), what, "join the two, or limit one by party, hosts or paths")
        cookies.setdefault(key, n)


def _normal(host: str) -> str:
    try:
        return parse_host(host)
    except UrlError:
        return host


def _owners(document: Document) -> Iterator[Fault]:
    """A host has one vendor. Facts taken from the catalogue count as if the policy had written them."""
    owners: dict[str, str] = {}
    for n, vendor in enumerate(document.get("vendors", [])):
        facts = catalogue()[vendor["catalogue"]] if "catalogue" in vendor else {}
        where = ("vendors", n, "hosts") if "hosts" in vendor else ("vendors", n, "catalogue")
        for m, host in enumerate(vendor.get("hosts", facts.get("hosts", []))):
            owner = owners.setdefault(_normal(host), vendor["id"])
            if owner != vendor["id"]:
                what = f'"{host}" belongs to the vendor "{owner}" already'
                remedy = "leave it with one, or use a signature with a path"
                yield Fault(pointer((*where, m) if "hosts" in vendor else where), what, remedy)


def _endpoints(document: Document) -> Iterator[Fault]:
    for n, vendor in enumerate(document.get("vendors", [])):
        for m, signature in enumerate(vendor.get("signatures", [])):
            if "host" not in signature and "query" not in signature and not signature["path"].strip("/*"):
                where = pointer(("vendors", n, "signatures", m))
                what = f'without a host, the path "{signature["path"]}" fits every page of the site itself'
                yield Fault(where, what, 'add a host, or a longer path such as "/g/collect"')


def _bases(document: Document) -> Iterator[Fault]:
    categories = document["categories"]
    if not any(c["basis"] == "necessary" and not c.get("never") for c in categories.values()):
        yield Fault("/categories", "no category is necessary", 'add one with "basis": "necessary" for the site itself')
    for id_, category in categories.items():
        if category["basis"] == "necessary" and category.get("never"):
            what = f'"{id_}" is necessary and never passes at once'
            yield Fault(pointer(("categories", id_)), what, 'drop "never", or give it the basis consent')
        if category.get("never") and category.get("default") == "allow":
            what = f'"{id_}" never passes and is allowed by default at once'
            yield Fault(pointer(("categories", id_)), what, 'drop "default"')
        if category["basis"] == "necessary" and "default" in category:
            what = f'"{id_}" is necessary, so a default says nothing'
            yield Fault(pointer(("categories", id_, "default")), what, 'drop "default"')


def _presumption(document: Document) -> Iterator[Fault]:
    if document.get("presume") and document.get("unknown", {}).get("cookie", "deny") == "deny":
        yield Fault(
            "/presume",
            "lets unknown session cookies be set, but unknown cookies are denied: no request would send them back",
            'drop "presume" and declare the cookie, or write "unknown": {"cookie": "report"}',
        )


def _languages(document: Document) -> Iterator[Fault]:
    languages = document.get("languages", ["en"])
    shown = {key: value for key, value in document.items() if key not in _WITHOUT_TEXTS}
    for where, text in _texts(shown, ()):
        for language in languages:
            if language not in text:
                yield Fault(pointer(where), f'has no text in "{language}"', f'add "{language}": "..."')


# Keys that hold a text in one or more languages; some may be a plain text.
# The longest lists, in which no such key can stand.
_WITHOUT_TEXTS = frozenset({"vendors", "cookies"})
_TEXT_KEYS = frozenset({"title", "reason", "retention", "claim", "statement", "text", "authority"})


def _texts(value: Any, where: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, str]]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            # Ids of categories and events may be called like a key that holds a text.
            if key in _TEXT_KEYS and isinstance(inner, Mapping) and where not in (("categories",), ("events",)):
                yield (*where, key), inner
            else:
                yield from _texts(inner, (*where, key))
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _texts(inner, (*where, n))


def _kept_by(document: Document) -> Iterator[Fault]:
    known = known_rules(document)
    for n, promise in enumerate(document.get("promises", [])):
        said = promise.get("keptBy", [])
        lists = [((), said)] if not isinstance(said, Mapping) else [((mode,), said[mode]) for mode in said]
        for way, rules in lists:
            for m, rule in enumerate(rules):
                if rule not in known and not rule.startswith("detector:"):
                    yield unknown_name(("promises", n, "keptBy", *way, m), rule, known, "rule")
        if promise["shows"] == ["declared"] and "reason" not in promise:
            what = f"{promise['id']} is declared only, without a reason"
            yield Fault(pointer(("promises", n)), what, 'add "reason": what on the wire could not prove it')


def _dates(document: Document) -> Iterator[Fault]:
    dated: list[tuple[tuple[str | int, ...], str]] = [
        ((key,), document[key]) for key in ("effective", "reviewed") if key in document
    ]
    dated += [(("changes", n, "date"), change["date"]) for n, change in enumerate(document.get("changes", []))]
    for n, notice in enumerate(document.get("notices", [])):
        dated += [(("notices", n, key), notice[key]) for key in ("from", "until") if key in notice]
    for where, date in dated:
        try:
            moment_of(date)
        except ValueError:
            yield Fault(pointer(where), f'"{date}" is no day of the calendar', 'write a day such as "2026-12-01"')
    expires = document.get("security", {}).get("expires", "2027-01-01T00:00:00Z")
    try:
        datetime.fromisoformat(expires)
    except ValueError:
        yield Fault("/security/expires", f'"{expires}" is no time', 'write a time such as "2027-06-01T00:00:00Z"')


def _exemptions(document: Document) -> Iterator[Fault]:
    for id_, category in document["categories"].items():
        where = pointer(("categories", id_))
        if category["basis"] == "legitimate-interest":
            what = f'"{id_}" rests on legitimate interest, which is no basis for storing or reading on a device'
            remedy = 'write "consent", or "necessary" where the visitor asked for it (ePrivacy Directive Art. 5(3))'
            yield Fault(f"{where}/basis", what, remedy)
        if (category["basis"] == "exempt") != ("exemption" in category):
            what = f'"{id_}" has basis exempt and exemption one without the other'
            yield Fault(where, what, 'write both "basis": "exempt" and "exemption", or neither')
        if "after" in category and (category.get("never") or category["basis"] == "necessary"):
            what = f'"{id_}" has "after", which says nothing of what always or never passes'
            yield Fault(f"{where}/after", what, 'drop "after"')


def _signals(document: Document) -> Iterator[Fault]:
    for name, key in (("gpc", "status"), ("gpc", "statement"), ("dnt", "declare")):
        if key in document.get("signals", {}).get(name, {}):
            yield Fault(pointer(("signals", name, key)), f'"{key}" says nothing of {name}', f'drop "{key}"')


def _own_hosts(document: Document) -> Iterator[Fault]:
    """What is about the site's own hosts needs to know which they are."""
    needs: list[tuple[tuple[str | int, ...], str]] = [
        (("vendors", n, "aliases"), "an alias") for n, v in enumerate(document.get("vendors", [])) if v.get("aliases")
    ]
    if document.get("sites"):
        return
    needs += [(("exclude",), "an exclusion")] if document.get("exclude") else []
    for where, what in needs:
        yield Fault(pointer(where), f"{what} is about the site's own hosts", 'add "sites": ["example.test"]')


def _used_hosts(document: Document) -> Iterator[Fault]:
    for n, vendor in enumerate(document.get("vendors", [])):
        facts = catalogue().get(vendor.get("catalogue", ""), {})
        own = {_normal(h) for h in [*vendor.get("hosts", facts.get("hosts", [])), *vendor.get("aliases", [])]}
        for m, use in enumerate(vendor.get("uses", [])):
            for k, host in enumerate(use.get("hosts", [])):
                if not any(_normal(host) == known or _normal(host).endswith(f".{known}") for known in own):
                    what = f'"{host}" is no host of this vendor'
                    yield Fault(pointer(("vendors", n, "uses", m, "hosts", k)), what, 'add it to "hosts"')


_REFERENCES: tuple[Callable[[Document], Iterator[Fault]], ...] = (
    _control_characters,
    faults_of_reference,
    catalogue_references,
    _denied_by_signals,
    _host_names,
    _twins,
    _endpoints,
    _bases,
    _presumption,
    _languages,
    _dates,
    _exemptions,
    _signals,
    _own_hosts,
    _used_hosts,
)
_WHOLE: tuple[Callable[[Document], Iterator[Fault]], ...] = (
    _adopted_categories,
    faults_of_vendor_reference,
    _owners,
    _kept_by,
)
