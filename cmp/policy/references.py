"""Names in a policy that stand for another part of it: each must be there.

May go in here: which place of a document names what, and which names there are. May not: contradictions between parts
that are there (`meaning.py`).
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cmp.policy.catalogue import catalogue, catalogue_categories
from cmp.policy.complete import adopted
from cmp.policy.faults import Fault, pointer

Document = Mapping[str, Any]
_Where = tuple[str | int, ...]


def unknown_name(where: Iterable[str | int], name: str, known: Iterable[str], what: str) -> Fault:
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    remedy = f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(names[:12]) or 'none'}"
    return Fault(pointer(where), f'there is no {what} "{name}"', remedy)


def faults_of_reference(document: Document) -> Iterator[Fault]:
    """Every name of a category, an event, a party or a vendor that is not declared."""
    categories, events = document["categories"], document.get("events", {})
    for where, name in _categories(document):
        if name not in categories:
            yield unknown_name(where, name, categories, "category")
    for where, name in _events(document):
        if name not in events:
            yield unknown_name(where, name, events, "event")
    parties = {party["id"] for party in document.get("parties", [])}
    refer_to = document.get("rights", {}).get("referTo")
    if refer_to is not None and refer_to not in parties:
        yield unknown_name(("rights", "referTo"), refer_to, parties, "party")
    promises = {promise["id"] for promise in document.get("promises", [])}
    for n, contradiction in enumerate(document.get("contradictions", [])):
        for m, id_ in enumerate(contradiction["between"]):
            if id_ not in promises:
                yield unknown_name(("contradictions", n, "between", m), id_, promises, "promise")


def faults_of_vendor_reference(document: Document) -> Iterator[Fault]:
    """Every name of a vendor that neither the policy nor what it adopts has."""
    vendors = known_vendors(document)
    for where, name in _vendors(document):
        if name not in vendors:
            yield unknown_name(where, name, vendors, "vendor")


def known_vendors(document: Document) -> frozenset[str]:
    return frozenset({*adopted(document), *(vendor["id"] for vendor in document.get("vendors", []))})


def catalogue_references(document: Document) -> Iterator[Fault]:
    wanted = document.get("catalogue", {"adopt": []})
    names = {"*"} | catalogue_categories() | set(catalogue())
    for n, name in enumerate(wanted["adopt"]):
        if name not in names:
            yield unknown_name(("catalogue", "adopt", n), name, names - {"*"}, "catalogue category or vendor")
    for theirs in wanted.get("categories", {}):
        if theirs not in catalogue_categories():
            where = ("catalogue", "categories", theirs)
            yield unknown_name(where, theirs, catalogue_categories(), "catalogue category")
    for n, vendor in enumerate(document.get("vendors", [])):
        if "catalogue" in vendor and vendor["catalogue"] not in catalogue():
            yield unknown_name(("vendors", n, "catalogue"), vendor["catalogue"], catalogue(), "catalogue vendor")


def _categories(document: Document) -> Iterator[tuple[_Where, str]]:
    for n, vendor in enumerate(document.get("vendors", [])):
        yield ("vendors", n, "category"), vendor["category"]
        for list_ in ("uses", "signatures"):
            for m, item in enumerate(vendor.get(list_, [])):
                if "category" in item:
                    yield ("vendors", n, list_, m, "category"), item["category"]
    for n, cookie in enumerate(document.get("cookies", [])):
        yield ("cookies", n, "category"), cookie["category"]
    for theirs, ours in document.get("catalogue", {}).get("categories", {}).items():
        yield ("catalogue", "categories", theirs), ours
    for name, signal in document.get("signals", {}).items():
        for n, category in enumerate(signal["denies"] if signal["denies"] != "all" else ()):
            yield ("signals", name, "denies", n), category
    for n, region in enumerate(document.get("regions", {}).get("defined", [])):
        for category in region.get("defaults", {}):
            yield ("regions", "defined", n, "defaults", category), category
    for n, change in enumerate(document.get("changes", [])):
        for m, category in enumerate(change.get("categories", [])):
            yield ("changes", n, "categories", m), category
    for n, rule in enumerate(document.get("sensitive", [])):
        if "category" in rule:
            yield ("sensitive", n, "category"), rule["category"]
    if "location" in document:
        yield ("location", "category"), document["location"]["category"]
    for name in ("pings", "clickIds", "adFeatures"):
        if name in document.get("outgoing", {}):
            yield ("outgoing", name), document["outgoing"][name]


def _events(document: Document) -> Iterator[tuple[_Where, str]]:
    for id_, category in document["categories"].items():
        if "after" in category:
            yield ("categories", id_, "after"), category["after"]
    for n, cookie in enumerate(document.get("cookies", [])):
        if "before" in cookie:
            yield ("cookies", n, "before", "event"), cookie["before"]["event"]
    for n, vendor in enumerate(document.get("vendors", [])):
        for m, cookie in enumerate(vendor.get("cookies", [])):
            if "before" in cookie:
                yield ("vendors", n, "cookies", m, "before", "event"), cookie["before"]["event"]


def _vendors(document: Document) -> Iterator[tuple[_Where, str]]:
    for n, vendor in enumerate(document.get("transfers", {}).get("except", [])):
        yield ("transfers", "except", n), vendor
    for where, rule in destinations(document):
        for n, dest in enumerate(rule["to"]):
            if dest.startswith("vendor:"):
                yield (*where, "to", n), dest.removeprefix("vendor:")


def destinations(document: Document) -> Iterator[tuple[_Where, Mapping[str, Any]]]:
    for n, rule in enumerate(document.get("sensitive", [])):
        yield ("sensitive", n), rule
    if "location" in document:
        yield ("location",), document["location"]


_SECTIONS = (
    *("location", "transfers", "authorisation", "parties", "regions", "identifiers", "languages", "rights", "notices"),
    *("changes", "security", "reviewEvery", "dataSubjects", "successor", "exclude", "sites"),
)
_NESTED = ("outgoing", "transport", "consent", "rights", "desk", "source")


def known_rules(document: Document) -> frozenset[str]:
    """What a promise may name as keeping it. Detectors are not known here: `consentry check` looks them up."""
    return frozenset(
        {"unknown.host", "unknown.cookie"}
        | {section for section in _SECTIONS if section in document}
        | {f"{section}.{key}" for section in _NESTED for key in document.get(section, {})}
        | {f"category:{id_}" for id_ in document["categories"]}
        | {f"vendor:{id_}" for id_ in known_vendors(document)}
        | {f"cookie:{cookie['name']}" for cookie in document.get("cookies", [])}
        | {f"event:{id_}" for id_ in document.get("events", {})}
        | {f"sensitive:{rule['data']}" for rule in document.get("sensitive", [])}
        | {f"optOut:{list_['id']}" for list_ in document.get("optOuts", [])}
        | {f"purpose:{purpose['id']}" for purpose in document.get("purposes", [])}
        | {f"signal:{name}" for name in document.get("signals", {})}
    )


def kept_by(promise: Mapping[str, Any]) -> dict[str, list[str]]:
    """What keeps a promise, for each mode of the proxy."""
    said = promise.get("keptBy", [])
    if isinstance(said, Mapping):
        return {mode: list(said[mode]) for mode in ("reverse", "regular")}
    return {"reverse": list(said), "regular": list(said)}
