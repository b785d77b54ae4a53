"""A policy document with one of its rules taken out, so that what the rule keeps can be seen to break.

May go in here: for each name that `keptBy` may hold, the smallest change that undoes the rule and leaves a policy. May
not: asking what then happens (`test_mutations.py`).
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from tests.promises.world import Document, World

# What stands for nothing being asked where a default would ask the same again: the weakest that a policy can say.
_WEAKEST: Mapping[str, Any] = {
    "rights.deadlineDays": 90,
    "rights.free": False,
    "consent.keepRecords": "99 years",
}
_ANOTHER_SITE = "another-site.test"


def without(world: World, rule: str) -> World:
    """The world with one rule taken out, named as in `keptBy`. Raises KeyError for a name that takes out nothing."""
    kind, _, name = rule.partition(":")
    if kind == "detector":
        return replace(world, silenced=world.silenced | {name})
    document = copy.deepcopy(world.document)
    if name:
        _NAMED[kind](document, name)
    elif "." in rule:
        _part(document, rule)
    elif rule == "sites":
        document["sites"] = [_ANOTHER_SITE]
    else:
        del document[rule]
        _FOLLOWING.get(rule, _nothing)(document)
    return replace(world, document=_without_the_promise_of(document))


def _without_the_promise_of(document: Document) -> Document:
    """A promise may name what is gone; what it says is not part of any decision."""
    for promise in document["promises"]:
        promise.pop("keptBy", None)
    return document


def _nothing(_document: Document) -> None:
    return


def _category(document: Document, id_: str) -> None:
    """It stops asking for anything: allowed until refused, whatever it is."""
    category = document["categories"][id_]
    texts = {key: category[key] for key in ("title", "reason", "retention", "claim") if key in category}
    necessary = category["basis"] == "necessary"
    document["categories"][id_] = {**texts, "basis": "consent", "default": "deny" if necessary else "allow"}
    # The site's own pages need some necessary category.
    document["categories"]["some-necessary"] = {"basis": "necessary", "title": texts["title"]}


def _vendor(document: Document, id_: str) -> None:
    _take(document["vendors"], lambda vendor: vendor["id"] == id_)
    known = {vendor["id"] for vendor in document["vendors"]}
    if id_ not in known and "except" in document.get("transfers", {}):
        # One of the catalogue is still known to the policy, but nobody looks for it there.
        document["transfers"]["except"] = [one for one in document["transfers"]["except"] if one != id_]
    for destination in _destinations(document):
        destination["to"] = [to for to in destination["to"] if to != f"vendor:{id_}"]


def _cookie(document: Document, name: str) -> None:
    _take(document["cookies"], lambda cookie: cookie["name"] == name)


def _event(document: Document, id_: str) -> None:
    del document["events"][id_]
    for category in document["categories"].values():
        if category.get("after") == id_:
            del category["after"]
    for cookie in [*document["cookies"], *(c for v in document["vendors"] for c in v.get("cookies", []))]:
        if cookie.get("before", {}).get("event") == id_:
            del cookie["before"]


def _sensitive(document: Document, data: str) -> None:
    _take(document["sensitive"], lambda rule: rule["data"] == data)


def _opt_out(document: Document, id_: str) -> None:
    _take(document["optOuts"], lambda list_: list_["id"] == id_)


def _purpose(document: Document, id_: str) -> None:
    _take(document["purposes"], lambda purpose: purpose["id"] == id_)


def _signal(document: Document, name: str) -> None:
    del document["signals"][name]
    document.pop("preset", None)


_NAMED: Mapping[str, Callable[[Document, str], None]] = {
    "category": _category,
    "vendor": _vendor,
    "cookie": _cookie,
    "event": _event,
    "sensitive": _sensitive,
    "optOut": _opt_out,
    "purpose": _purpose,
    "signal": _signal,
}


def _part(document: Document, rule: str) -> None:
    section, _, key = rule.partition(".")
    if section == "unknown":
        document["unknown"][key] = "allow"
    elif rule in _WEAKEST:
        document[section][key] = _WEAKEST[rule]
    else:
        del document[section][key]


def _parties(document: Document) -> None:
    document.get("rights", {}).pop("referTo", None)


_FOLLOWING: Mapping[str, Callable[[Document], None]] = {"parties": _parties}


def _take(items: list[Any], wanted: Callable[[Any], bool]) -> None:
    found = [item for item in items if wanted(item)]
    if not found:
        raise KeyError("there is no such rule to take out")
    items[:] = [item for item in items if item not in found]


def _destinations(document: Document) -> Iterator[Any]:
    yield from document.get("sensitive", [])
    if "location" in document:
        yield document["location"]
