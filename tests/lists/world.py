"""A small policy with lists, and requests under it.

May go in here: what several tests of lists need. May not: tests.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from cmp.capture.observe import observe_request
from cmp.core.consent import Visitor
from cmp.core.exchange import Exchange
from cmp.core.listed import Source
from cmp.core.policy import Policy
from cmp.core.urls import parse_url
from cmp.policy.load import policy_of

DIGEST = "0123456789abcdef" * 4
CATEGORIES = ("advertising", "analytics", "functional", "social")


def document(categories: Iterable[str] = CATEGORIES, **more: Any) -> dict[str, Any]:
    """A policy document that knows nobody and lets what it does not know pass."""
    needing = {id_: {"basis": "consent", "title": {"en": id_}} for id_ in categories}
    return {
        "consentry": 1,
        "id": "lists-test",
        "version": "1",
        "title": {"en": "Lists"},
        "categories": {"necessary": {"basis": "necessary", "title": {"en": "Necessary"}}, **needing},
        "unknown": {"host": "allow", "cookie": "allow"},
        **more,
    }


def policy_with(*sources: Source, categories: Iterable[str] = CATEGORIES, **more: Any) -> Policy:
    return replace(policy_of(document(categories, **more), "policy.json"), lists=sources)


def visitor(policy: Policy, *granted: str) -> Visitor:
    """Somebody who granted these categories and refused all others."""
    return Visitor(
        granted=frozenset(granted),
        refused=frozenset(policy.optional_categories) - set(granted),
        policy=policy.fingerprint,
    )


def request(
    url: str,
    page: str = "https://shop.example/",
    word: str = "script",
    headers: Iterable[tuple[str, str]] = (),
    *,
    top_level: bool = False,
) -> Exchange:
    return observe_request(
        "GET",
        parse_url(url),
        list(headers),
        time=0.0,
        word=word,
        top_level=top_level,
        page=parse_url(page) if page else None,
    )


def usual(content: Any, changes: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    """Where a list's own categories go when a policy says no more than `changes`."""
    return {own: changes.get(own, content.usual.get(own, "")) for own in content.own}
