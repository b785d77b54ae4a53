"""The complete form of a policy: nothing left to defaults, to the catalogue or to spelling.

May go in here: filling in and normalising a document that is known to be right. May not: checking it, compiling it.
The fingerprint is taken of this form, so what it leaves open would not be covered by the fingerprint.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from cmp.core.urls import parse_host
from cmp.policy.catalogue import catalogue


def complete(document: Mapping[str, Any]) -> dict[str, Any]:
    """The complete form. Raises UrlError or KeyError for a document that `meaning.py` would fault."""
    languages = document.get("languages", ["en"])
    return {
        "consentry": 1,
        "id": document["id"],
        "version": document["version"],
        "title": document["title"],
        "languages": languages,
        "controller": document.get("controller"),
        "source": document.get("source"),
        "sites": _hosts(document.get("sites", [])),
        "categories": {id_: _category(category) for id_, category in document["categories"].items()},
        "vendors": sorted(_vendors(document), key=lambda vendor: str(vendor["id"])),
        "cookies": [_cookie(cookie) for cookie in document.get("cookies", [])],
        "unknown": {"host": "deny", "cookie": "deny", **document.get("unknown", {})},
        "presume": sorted(document.get("presume", [])),
        "signals": {
            name: _signal(signal, document["categories"]) for name, signal in document.get("signals", {}).items()
        },
        "promises": document.get("promises", []),
    }


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


def _category(category: Mapping[str, Any]) -> dict[str, Any]:
    return {"never": False, "default": "deny", **category}


def _vendor(vendor: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": vendor["id"],
        "name": vendor["name"],
        "company": vendor.get("company", vendor["name"]),
        "country": vendor.get("country", "ZZ"),
        "category": vendor["category"],
        "techniques": sorted(vendor.get("techniques", [])),
        "hosts": _hosts(vendor.get("hosts", [])),
        "signatures": [_signature(signature) for signature in vendor.get("signatures", [])],
        "cookies": [_cookie(cookie) for cookie in vendor.get("cookies", [])],
    }


def _signature(signature: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "host": parse_host(signature["host"]) if "host" in signature else "",
        "path": signature.get("path", ""),
        "query": sorted(signature.get("query", [])),
    }


def _cookie(cookie: Mapping[str, Any]) -> dict[str, Any]:
    return {**cookie, "hosts": _hosts(cookie.get("hosts", []))}


def _hosts(hosts: Iterable[str]) -> list[str]:
    return sorted({parse_host(host) for host in hosts})


def _signal(signal: Mapping[str, Any], categories: Mapping[str, Any]) -> dict[str, Any]:
    denies = signal["denies"]
    if denies == "all":
        denies = [id_ for id_, category in categories.items() if category["basis"] == "consent"]
    return {"denies": sorted(denies), "grantOverrides": signal.get("grantOverrides", False)}
