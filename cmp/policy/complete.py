"""The complete form of a policy: nothing left to defaults, to the catalogue or to spelling.

May go in here: filling in and normalising a document that is known to be right. May not: checking it, compiling it.
The fingerprint is taken of this form, so what it leaves open would not be covered by the fingerprint.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from cmp.core.regions import expand
from cmp.core.urls import parse_host
from cmp.policy.catalogue import catalogue
from cmp.policy.presets import preset_of


def complete(document: Mapping[str, Any], digests: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
    """The complete form; `digests` are those of the lists it names (SHA-256, hex), by name.

    Raises UrlError or KeyError for a document that `meaning.py` would fault.
    """
    preset, lists = preset_of(document), document.get("lists", [])
    return {
        **{key: document[key] for key in _AS_WRITTEN if key in document},
        "consentry": 1,
        "id": document["id"],
        "version": document["version"],
        "title": document["title"],
        "languages": document.get("languages", ["en"]),
        "controller": document.get("controller"),
        "source": document.get("source"),
        "sites": _hosts(document.get("sites", [])),
        "exclude": [_path_rule(rule) for rule in document.get("exclude", [])],
        "onError": document.get("onError", "necessary"),
        "rollout": {"share": 1, "paths": [], **document.get("rollout", {})},
        "categories": {id_: _category(category, preset) for id_, category in document["categories"].items()},
        "vendors": sorted(_vendors(document), key=lambda vendor: str(vendor["id"])),
        "authorisation": document.get("authorisation", "any"),
        "cookies": [_cookie(cookie) for cookie in document.get("cookies", [])],
        "events": {id_: _event(event) for id_, event in document.get("events", {}).items()},
        "unknown": {"host": "deny", "cookie": "deny", **document.get("unknown", {})},
        "presume": sorted(document.get("presume", [])),
        "signals": {
            name: _signal(signal, document["categories"])
            for name, signal in {**preset["signals"], **document.get("signals", {})}.items()
        },
        "regions": _regions(document.get("regions")),
        "transfers": _transfers(document.get("transfers")),
        "sensitive": [_sensitive(rule) for rule in document.get("sensitive", [])],
        "location": _sensitive(document["location"]) if "location" in document else None,
        "outgoing": _outgoing(document.get("outgoing", {})),
        "identifiers": sorted(document.get("identifiers", [])),
        "transport": {"secureCookies": False, "https": "any", **document.get("transport", {})},
        "consent": {"tellMe": False, **preset["consent"], **document.get("consent", {})},
        "promises": document.get("promises", []),
        **({"lists": [{**entry, "digest": digests.get(entry["name"], "")} for entry in lists]} if lists else {}),
    }


# What is shown to people, or names other files: nothing is filled in.
_AS_WRITTEN = (
    *("preset", "parties", "effective", "reviewed", "reviewEvery", "changes", "contradictions", "mode", "rights"),
    *("optOuts", "purposes", "dataSubjects", "notices", "desk", "security"),
)


def fingerprint(completed: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the canonical form: UTF-8 JSON, sorted keys, no space (RFC 8785; there are no fractions)."""
    text = json.dumps(completed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def adopted(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The catalogue vendors the policy takes, by id, each under the category the policy gives it."""
    wanted = document.get("catalogue", {"adopt": []})
    names = set(wanted["adopt"])
    renamed = wanted.get("categories", {})
    return {
        id_: {**vendor, "category": renamed.get(vendor["category"], vendor["category"])}
        for id_, vendor in catalogue().items()
        if "*" in names or id_ in names or vendor["category"] in names
    }


def _vendors(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    own: dict[str, dict[str, Any]] = {}
    for vendor in document.get("vendors", []):
        facts = catalogue()[vendor["catalogue"]] if "catalogue" in vendor else {}
        own[vendor["id"]] = _vendor({**facts, **vendor})
    taken = {host for vendor in own.values() for host in vendor["hosts"]}
    replaced = set(own) | {vendor["catalogue"] for vendor in document.get("vendors", []) if "catalogue" in vendor}
    found = list(own.values())
    for id_, facts in adopted(document).items():
        if id_ not in replaced:
            vendor = _vendor(facts)
            # A host the policy itself gives to a vendor is that vendor's alone.
            vendor["hosts"] = [host for host in vendor["hosts"] if host not in taken]
            found.append(vendor)
    return found


def _category(category: Mapping[str, Any], preset: Mapping[str, Any]) -> dict[str, Any]:
    # An exemption is what lets it be done until the visitor objects.
    default = {"necessary": "deny", "exempt": "allow"}.get(category["basis"], preset["default"])
    return {"never": False, "default": "deny" if category.get("never") else default, "treatment": "block", **category}


def _vendor(vendor: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": vendor["id"],
        "name": vendor["name"],
        "company": vendor.get("company", vendor["name"]),
        "country": vendor.get("country", "ZZ"),
        "category": vendor["category"],
        "techniques": sorted(vendor.get("techniques", [])),
        "transferBasis": vendor.get("transferBasis", ""),
        "authorised": vendor.get("authorised"),
        "hosts": _hosts(vendor.get("hosts", [])),
        "aliases": _hosts(vendor.get("aliases", [])),
        "uses": [_use(use) for use in vendor.get("uses", [])],
        "signatures": [_signature(signature) for signature in vendor.get("signatures", [])],
        "cookies": [_cookie(cookie) for cookie in vendor.get("cookies", [])],
    }


def _signature(signature: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "host": parse_host(signature["host"]) if "host" in signature else "",
        "path": signature.get("path", ""),
        "query": sorted(signature.get("query", [])),
        "pages": sorted(signature.get("pages", [])),
        "category": signature.get("category", ""),
        **({"body": sorted(signature["body"])} if "body" in signature else {}),
    }


def _use(use: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "category": use["category"],
        "pages": sorted(use.get("pages", [])),
        "hosts": _hosts(use.get("hosts", [])),
        "paths": sorted(use.get("paths", [])),
    }


def _cookie(cookie: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "renewal": "sliding",
        "confined": False,
        # What a decision can rest on is none: the mark stays in the document.
        **{key: value for key, value in cookie.items() if key != "undecided"},
        "hosts": _hosts(cookie.get("hosts", [])),
        "paths": sorted(cookie.get("paths", [])),
    }


def _path_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {"host": parse_host(rule["host"]) if "host" in rule else "", "paths": sorted(rule["paths"])}


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "host": parse_host(event["host"]) if "host" in event else "",
        "path": event.get("path", ""),
        "method": event.get("method", ""),
        "query": sorted(event.get("query", [])),
    }


def _regions(regions: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if regions is None:
        return None
    source = regions["source"]
    return {
        "header": source.get("header", "").lower(),
        "fixed": source.get("fixed", ""),
        "defined": [
            {"defaults": {}, **region, "places": sorted(expand(region["places"]))} for region in regions["defined"]
        ],
    }


def _transfers(transfers: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if transfers is None:
        return None
    return {
        "otherwise": "deny",
        "basis": "",
        **transfers,
        "within": sorted(expand(transfers["within"])),
        "except": sorted(transfers.get("except", [])),
    }


def _sensitive(rule: Mapping[str, Any]) -> dict[str, Any]:
    to = sorted(dest if dest == "own" or dest.startswith("vendor:") else parse_host(dest) for dest in rule["to"])
    return {**rule, "to": to}


def _outgoing(outgoing: Mapping[str, Any]) -> dict[str, Any]:
    drop = sorted({name.lower() for name in outgoing.get("drop", [])})
    return {"referrer": "keep", "forwardedFor": "keep", **outgoing, "drop": drop}


def _hosts(hosts: Iterable[str]) -> list[str]:
    return sorted({parse_host(host) for host in hosts})


def _signal(signal: Mapping[str, Any], categories: Mapping[str, Any]) -> dict[str, Any]:
    denies = signal["denies"]
    if denies == "all":
        denies = [id_ for id_, category in categories.items() if category["basis"] != "necessary"]
    return {**signal, "denies": sorted(denies), "grantOverrides": signal.get("grantOverrides", False)}
