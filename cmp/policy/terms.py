"""What a visitor agrees to in each category, as a digest: when it changes, the agreement was to something else.

May go in here: which facts are material. May not: what follows from a change (`cmp.seal`, `cmp.server`).

Material is for what, by whom, where and for how long. Wording, versions and how a vendor is recognised are not: a
corrected title asks nobody again.
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
    return {id_: digest(_terms(category, vendors[id_], cookies[id_])) for id_, category in whole["categories"].items()}


def digest(terms: Any) -> str:
    text = json.dumps(terms, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def category_terms(whole: Mapping[str, Any], id_: str) -> dict[str, Any]:
    """What is material of one category: its basis, who takes part in it from which country, its cookies' lifetimes."""
    vendors = [vendor for vendor in whole["vendors"] if id_ in categories_of(vendor)]
    cookies = [cookie for cookie in whole["cookies"] if cookie["category"] == id_]
    return _terms(whole["categories"][id_], vendors, cookies)


def _terms(
    category: Mapping[str, Any], vendors: Iterable[Mapping[str, Any]], cookies: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    return {
        "basis": category["basis"],
        "never": category["never"],
        "vendors": sorted([vendor["id"], vendor["company"], vendor["country"]] for vendor in vendors),
        "cookies": sorted([cookie["name"], cookie.get("lifetime", "")] for cookie in cookies),
    }


def categories_of(vendor: Mapping[str, Any]) -> Iterable[str]:
    """Every category a vendor of a complete document takes part in."""
    yield vendor["category"]
    yield from (use["category"] for use in vendor["uses"])
    yield from (signature["category"] for signature in vendor["signatures"] if signature["category"])
