"""What a visitor agrees to in each category, as a digest: when it changes, the agreement was to something else.

May go in here: which facts are material. May not: what follows from a change (`cmp.seal`, `cmp.server`).

Material is for what, by whom, by which techniques, where, for how long, and what the operator says is ("changes" with
"material"). Titles, reasons, versions and how a vendor is recognised are not: a corrected title asks nobody again.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any


def terms_of(whole: Mapping[str, Any]) -> dict[str, str]:
    """For each category of a complete document the first 16 hex digits of the SHA-256 of its terms."""
    vendors: dict[str, list[Mapping[str, Any]]] = {id_: [] for id_ in whole["categories"]}
    cookies: dict[str, list[Mapping[str, Any]]] = {id_: [] for id_ in whole["categories"]}
    for vendor in whole["vendors"]:
        for id_ in set(categories_of(vendor)):
            vendors[id_].append(vendor)
    for cookie in whole["cookies"]:
        cookies[cookie["category"]].append(cookie)
    said = _said_to_be_material(whole)
    return {
        id_: digest({**_terms(category, vendors[id_], cookies[id_]), "changes": said.get(id_, [])})
        for id_, category in whole["categories"].items()
    }


def _said_to_be_material(whole: Mapping[str, Any]) -> dict[str, list[str]]:
    """For each category the versions that the operator says change what visitors agree to in it."""
    found: dict[str, list[str]] = {}
    for change in whole.get("changes", []):
        if change.get("material"):
            for id_ in change.get("categories", whole["categories"]):
                found.setdefault(id_, []).append(change["version"])
    return {id_: sorted(versions) for id_, versions in found.items()}


def digest(terms: Any) -> str:
    text = json.dumps(terms, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def category_terms(whole: Mapping[str, Any], id_: str) -> dict[str, Any]:
    """What is material of one category: its basis, who takes part in it from where and how, how long."""
    vendors = [vendor for vendor in whole["vendors"] if id_ in categories_of(vendor)]
    cookies = [cookie for cookie in whole["cookies"] if cookie["category"] == id_]
    return _terms(whole["categories"][id_], vendors, cookies)


def _terms(
    category: Mapping[str, Any], vendors: Iterable[Mapping[str, Any]], cookies: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    return {
        "basis": category["basis"],
        "never": category["never"],
        "retention": category.get("retention", {}),
        "vendors": sorted(
            [vendor["id"], vendor["company"], vendor["country"], vendor["techniques"], _cookies(vendor["cookies"])]
            for vendor in vendors
        ),
        "cookies": _cookies(cookies),
    }


def _cookies(cookies: Iterable[Mapping[str, Any]]) -> list[list[Any]]:
    return sorted(
        [cookie["name"], cookie.get("lifetime", ""), *(cookie["before"].values() if "before" in cookie else ())]
        for cookie in cookies
    )


def categories_of(vendor: Mapping[str, Any]) -> Iterable[str]:
    """Every category a vendor of a complete document takes part in."""
    yield vendor["category"]
    yield from (use["category"] for use in vendor["uses"])
    yield from (signature["category"] for signature in vendor["signatures"] if signature["category"])
