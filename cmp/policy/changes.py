"""What is different between two policies, as far as it matters to who agreed to the earlier one.

May go in here: comparing two compiled policies. May not: wording (`cmp.wire.policy_words`), whom a change is shown to.

It covers what the terms of a category cover (`terms.py`), so that nobody is asked again without being told of what.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cmp.core.lifetimes import read_lifetime
from cmp.core.policy import Category, Policy
from cmp.policy.terms import categories_of


class ChangeKind(StrEnum):
    """What happened to a category, a vendor or a cookie."""

    CATEGORY_ADDED = "category-added"
    CATEGORY_REMOVED = "category-removed"
    CATEGORY_NEVER = "category-never"
    CATEGORY_BASIS = "category-basis"
    VENDOR_ADDED = "vendor-added"
    VENDOR_REMOVED = "vendor-removed"
    VENDOR_COMPANY = "vendor-company"
    VENDOR_COUNTRY = "vendor-country"
    VENDOR_CATEGORY = "vendor-category"
    COOKIE_ADDED = "cookie-added"
    COOKIE_REMOVED = "cookie-removed"
    COOKIE_LONGER = "cookie-longer"
    COOKIE_SHORTER = "cookie-shorter"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    `name` is the vendor's or the cookie's; `category` the one it is about, as it is now (or was, where it is gone).
    `before` and `after` are companies, country codes, bases, or declared lifetimes ("" where none is declared); for
    `VENDOR_CATEGORY` ids of categories.
    """

    kind: ChangeKind
    category: Category | None = None
    name: str = ""
    before: str = ""
    after: str = ""


def changes(old: Policy, new: Policy) -> tuple[Change, ...]:
    """Every difference that matters, categories first, then vendors, then cookies, each by name.

    Of composed policies the union is compared. Two policies with one fingerprint do not differ.
    """
    if old.fingerprint == new.fingerprint:
        return ()
    return (*_categories(old, new), *_vendors(old, new), *_cookies(old, new))


def _categories(old: Policy, new: Policy) -> Iterator[Change]:
    for id_ in sorted({*old.categories, *new.categories}):
        before, after = old.categories.get(id_), new.categories.get(id_)
        if before is None or after is None:
            kind = ChangeKind.CATEGORY_ADDED if before is None else ChangeKind.CATEGORY_REMOVED
            yield Change(kind, after or before)
        elif after.never and not before.never:
            yield Change(ChangeKind.CATEGORY_NEVER, after)
        elif (before.basis, before.never) != (after.basis, after.never):
            yield Change(ChangeKind.CATEGORY_BASIS, after, before=before.basis.value, after=after.basis.value)


def _vendors(old: Policy, new: Policy) -> Iterator[Change]:
    old_categories, new_categories = _categories_by_vendor(old), _categories_by_vendor(new)
    for id_ in sorted({*old.vendors, *new.vendors}):
        before, after = old.vendors.get(id_), new.vendors.get(id_)
        if before is None or after is None:
            kind = ChangeKind.VENDOR_ADDED if before is None else ChangeKind.VENDOR_REMOVED
            policy, vendor = (new, after) if after is not None else (old, before)
            if vendor is not None:
                yield Change(kind, policy.categories.get(vendor.category), vendor.name, after=vendor.country)
            continue
        category = new.categories.get(after.category)
        if before.company != after.company:
            yield Change(ChangeKind.VENDOR_COMPANY, category, after.name, before.company, after.company)
        if before.country != after.country:
            yield Change(ChangeKind.VENDOR_COUNTRY, category, after.name, before.country, after.country)
        if before.category != after.category:
            yield Change(ChangeKind.VENDOR_CATEGORY, category, after.name, before.category, after.category)
        taken = new_categories.get(id_, frozenset()) - old_categories.get(id_, frozenset()) - {after.category}
        for further in sorted(taken):
            found = new.categories.get(further)
            yield Change(ChangeKind.VENDOR_CATEGORY, found, after.name, before.category, further)


def _cookies(old: Policy, new: Policy) -> Iterator[Change]:
    before, after = _declared(old), _declared(new)
    for name in sorted({*before, *after}):
        if name not in before or name not in after:
            kind = ChangeKind.COOKIE_ADDED if name not in before else ChangeKind.COOKIE_REMOVED
            policy, (category, lifetime) = (new, after[name]) if name in after else (old, before[name])
            yield Change(kind, policy.categories.get(category), name, after=lifetime)
            continue
        (_, earlier), (category, now) = before[name], after[name]
        if (longer := _seconds(now) - _seconds(earlier)) and not math.isnan(longer):
            kind = ChangeKind.COOKIE_LONGER if longer > 0 else ChangeKind.COOKIE_SHORTER
            yield Change(kind, new.categories.get(category), name, earlier, now)


def _documents(policy: Policy) -> Iterator[Mapping[str, Any]]:
    return (part.document for part in policy.each)


def _categories_by_vendor(policy: Policy) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for document in _documents(policy):
        for vendor in document.get("vendors", ()):
            found[vendor["id"]] = found.get(vendor["id"], frozenset()) | frozenset(categories_of(vendor))
    return found


def _declared(policy: Policy) -> dict[str, tuple[str, str]]:
    """Category and longest declared lifetime of each cookie of the site, by name."""
    found: dict[str, tuple[str, str]] = {}
    for document in _documents(policy):
        for cookie in document.get("cookies", ()):
            declared = (cookie["category"], cookie.get("lifetime", ""))
            known = found.setdefault(cookie["name"], declared)
            if _seconds(declared[1]) > _seconds(known[1]):
                found[cookie["name"]] = declared
    return found


def _seconds(lifetime: str) -> float:
    """To compare by: the browser session counts as nothing, what is not declared as for ever."""
    return (read_lifetime(lifetime).seconds or 0) if lifetime else math.inf
