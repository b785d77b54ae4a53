"""The shipped vendor catalogue, as data a policy may adopt.

May go in here: finding and reading `policies/catalogue/*.json`. May not: which vendors a policy takes (`complete.py`).
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from cmp import resources
from cmp.policy.document import read_document


@cache
def catalogue() -> Mapping[str, Mapping[str, Any]]:
    """Every vendor by id, each with the "category" of its file. The tests hold the files against their schema."""
    vendors: dict[str, Mapping[str, Any]] = {}
    for path in sorted((resources.policies() / "catalogue").glob("*.json")):
        document = read_document(path)
        for vendor in document["vendors"]:
            vendors[vendor["id"]] = MappingProxyType({**vendor, "category": document["category"]})
    return MappingProxyType(vendors)


@cache
def catalogue_categories() -> frozenset[str]:
    return frozenset(vendor["category"] for vendor in catalogue().values())
