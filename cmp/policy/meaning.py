"""What JSON Schema cannot say of a policy: references, clashes and contradictions between its parts.

May go in here: checks on a document whose form is right, each a small generator of faults. May not: the form itself
(`schema.py`); advice that leaves a policy usable.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from cmp.core.urls import UrlError, parse_host
from cmp.policy.catalogue import catalogue, catalogue_categories
from cmp.policy.complete import adopted
from cmp.policy.faults import Fault, pointer
from cmp.sites import is_public_suffix

Document = Mapping[str, Any]
# What a normalised host may consist of where it goes into a header.
_HEADER_SAFE = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")


def faults_of_meaning(document: Document) -> list[Fault]:
    """Every fault of meaning, in the order of the checks below. The document's form must be right."""
    found = [fault for check in _REFERENCES for fault in check(document)]
    # What follows looks at the policy with the catalogue joined in, which needs its references to hold.
    return found or [fault for check in _WHOLE for fault in check(document)]


def _unknown_name(where: Iterable[str | int], name: str, known: Iterable[str], what: str) -> Fault:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    remedy = f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(names[:12]) or 'none'}"
    return Fault(pointer(where), f'there is no {what} "{name}"', remedy)


def _control_characters(document: Document) -> Iterator[Fault]:
    # A value of a policy may end up in a header, where a line feed begins the next one.
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


def _category_references(document: Document) -> Iterator[Fault]:
    known = document["categories"]
    for list_ in ("vendors", "cookies"):
        for n, item in enumerate(document.get(list_, [])):
            if item["category"] not in known:
                yield _unknown_name((list_, n, "category"), item["category"], known, "category")
    for name, signal in document.get("signals", {}).items():
        for n, category in enumerate(signal["denies"] if signal["denies"] != "all" else ()):
            where = ("signals", name, "denies", n)
            if category not in known:
                yield _unknown_name(where, category, known, "category")
            elif known[category]["basis"] == "necessary":
                yield Fault(
                    pointer(where),
                    f'"{category}" is necessary, so no signal can deny it',
                    "take it out of the list, or give the category the basis consent",
                )


def _catalogue_references(document: Document) -> Iterator[Fault]:
    wanted = document.get("catalogue", {"adopt": []})
    names = {"*"} | catalogue_categories() | set(catalogue())
    for n, name in enumerate(wanted["adopt"]):
        if name not in names:
            yield _unknown_name(("catalogue", "adopt", n), name, names - {"*"}, "catalogue category or vendor")
    for theirs, ours in wanted.get("categories", {}).items():
        if theirs not in catalogue_categories():
            where = ("catalogue", "categories", theirs)
            yield _unknown_name(where, theirs, catalogue_categories(), "catalogue category")
        if ours not in document["categories"]:
            yield _unknown_name(("catalogue", "categories", theirs), ours, document["categories"], "category")
    for n, vendor in enumerate(document.get("vendors", [])):
        if "catalogue" in vendor and vendor["catalogue"] not in catalogue():
            yield _unknown_name(("vendors", n, "catalogue"), vendor["catalogue"], catalogue(), "catalogue vendor")


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
        for m, signature in enumerate(vendor.get("signatures", [])):
            if "host" in signature:
                yield ("vendors", n, "signatures", m, "host"), signature["host"]
        for m, cookie in enumerate(vendor.get("cookies", [])):
            for k, host in enumerate(cookie.get("hosts", [])):
                yield ("vendors", n, "cookies", m, "hosts", k), host
    for n, cookie in enumerate(document.get("cookies", [])):
        for k, host in enumerate(cookie.get("hosts", [])):
            yield ("cookies", n, "hosts", k), host


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
        elif is_public_suffix(normal):
            yield Fault(
                pointer(where),
                f'"{host}" is a public suffix: the rule would take in every site below it',
                'name the site itself, such as "example.co.uk"',
            )


def _twins(document: Document) -> Iterator[Fault]:
    for list_ in ("vendors", "promises"):
        seen: set[str] = set()
        for n, item in enumerate(document.get(list_, [])):
            if item["id"] in seen:
                yield Fault(pointer((list_, n, "id")), f'"{item["id"]}" is there twice', "give each its own id")
            seen.add(item["id"])
    cookies: dict[tuple[Any, ...], int] = {}
    for n, cookie in enumerate(document.get("cookies", [])):
        key = (cookie["name"], cookie.get("party"), frozenset(map(_normal, cookie.get("hosts", []))))
        if key in cookies:
            what = f'"{cookie["name"]}" is declared already at /cookies/{cookies[key]}'
            yield Fault(pointer(("cookies", n)), what, "join the two, or limit one by party or hosts")
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
    texts: list[tuple[tuple[str, ...], Mapping[str, str]]] = [(("title",), document["title"])]
    for id_, category in document["categories"].items():
        shown = (key for key in ("title", "reason", "retention") if key in category)
        texts.extend((("categories", id_, key), category[key]) for key in shown)
    for where, text in texts:
        for language in languages:
            if language not in text:
                yield Fault(pointer(where), f'has no text in "{language}"', f'add "{language}": "..."')


def _kept_by(document: Document) -> Iterator[Fault]:
    known = known_rules(document)
    for n, promise in enumerate(document.get("promises", [])):
        for m, rule in enumerate(promise.get("keptBy", [])):
            if rule not in known:
                yield _unknown_name(("promises", n, "keptBy", m), rule, known, "rule")
        if promise["shows"] == ["declared"] and "reason" not in promise:
            what = f"{promise['id']} is declared only, without a reason"
            yield Fault(pointer(("promises", n)), what, 'add "reason": what on the wire could not prove it')


def known_rules(document: Document) -> frozenset[str]:
    """What a promise may name as keeping it."""
    vendors = {*adopted(document), *(vendor["id"] for vendor in document.get("vendors", []))}
    return frozenset(
        {"unknown.host", "unknown.cookie"}
        | ({"sites"} if document.get("sites") else set())
        | {f"category:{id_}" for id_ in document["categories"]}
        | {f"vendor:{id_}" for id_ in vendors}
        | {f"cookie:{cookie['name']}" for cookie in document.get("cookies", [])}
        | {f"signal:{name}" for name in document.get("signals", {})}
    )


_REFERENCES: tuple[Callable[[Document], Iterator[Fault]], ...] = (
    _control_characters,
    _category_references,
    _catalogue_references,
    _host_names,
    _twins,
    _endpoints,
    _bases,
    _presumption,
    _languages,
)
_WHOLE: tuple[Callable[[Document], Iterator[Fault]], ...] = (_adopted_categories, _owners, _kept_by)
