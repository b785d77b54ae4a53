"""The lists a policy names, as sources that decisions ask.

May go in here: from entries of a policy and a store to sources, and which lists are looked up as one. May not: reading
policies.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cmp.core.listed import Source
from cmp.lists.content import Content, Filing, ListError
from cmp.lists.store import Entry, Store


@dataclass(frozen=True, slots=True)
class Named:
    """One entry under "lists" of a policy, once it is known to be right.

    `category` is that of every rule; else `categories` overrides where the list's own categories go ("": left out).
    """

    name: str
    category: str
    categories: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a policy gets: the sources in order, the digest of each list by name, and the files it all came from."""

    sources: tuple[Source, ...]
    digests: Mapping[str, str]
    files: tuple[Path, ...]


class EntryError(ListError):
    """An entry of a policy that cannot be used. `entry` is its number, `key` where in it ("" for the whole)."""

    def __init__(self, entry: int, key: str, what: str, remedy: str) -> None:
        super().__init__(f"/lists/{entry}{'/' if key else ''}{key}: {what}; {remedy}")
        self.entry, self.key, self.what, self.remedy = entry, key, what, remedy


def resolve(entries: Sequence[Mapping[str, Any]], categories: Iterable[str], folder: Path) -> Resolved:
    """The lists that a policy with these `categories` names in its document under "lists".

    An entry is {"name": .., "category": ..} or {"name": .., "categories": {OWN: CATEGORY or ""}}, both optional but for
    the name. Raises EntryError for an entry that does not fit its list or the policy, ListError for a broken store.
    """
    store, known = Store(folder), frozenset(categories)
    stored = store.entries() if entries else {}
    found: list[tuple[Content, Filing]] = []
    digests: dict[str, str] = {}
    files = [store.index] if entries else []
    for n, entry in enumerate(entries):
        name = entry["name"]
        if name not in stored:
            raise EntryError(n, "name", f'{folder} has no list called "{name}"', "consentry lists add")
        if name in digests:
            raise EntryError(n, "name", f'the list "{name}" is named twice', "take one of the two out")
        content = store.content(stored[name])
        found.append((content, _filing(n, entry, stored[name], content, known)))
        digests[name] = stored[name].sha256
        files += [folder / file for file in (stored[name].file, stored[name].companion_file) if file]
    return Resolved(_sources(found), digests, tuple(files))


def _filing(n: int, entry: Mapping[str, Any], stored: Entry, content: Content, known: frozenset[str]) -> Filing:
    said = entry.get("category") or ("" if "categories" in entry else stored.category)
    own_of_policy = ", ".join(sorted(known))
    if said:
        if said not in known:
            what = f'the category "{said}" is none of the policy\'s'
            raise EntryError(n, "category", what, f'write "category": one of {own_of_policy}')
        return Filing(stored.name, stored.sha256, said)
    if not content.own:
        raise EntryError(n, "", "the list has no categories of its own", f'add "category": one of {own_of_policy}')
    mapped = {**dict.fromkeys(content.own, ""), **{own: content.usual.get(own, "") for own in content.own}}
    for own, category in entry.get("categories", {}).items():
        if own not in content.own:
            what = f'the list has no category "{own}"'
            raise EntryError(n, "categories", what, f"it has {', '.join(content.own)}")
        mapped[own] = category
    for own, category in mapped.items():
        if category and category not in known:
            what = f'what the list calls "{own}" would fall under "{category}", which is none of the policy\'s'
            remedy = f'say in "categories" which of {own_of_policy} it is, or "" to leave it out'
            raise EntryError(n, "categories", what, remedy)
    # In the order of the usual table: the first that is filed counts, so the strictest stands first.
    ordered = {own: mapped[own] for own in (*content.usual, *mapped) if own in mapped}
    return Filing(stored.name, stored.sha256, "", ordered)


def _sources(found: Sequence[tuple[Content, Filing]]) -> tuple[Source, ...]:
    """Adblock-Plus lists are looked up as one, at the place of the first: two engines would take twice the time."""
    joined = [(content, filing) for content, filing in found if content.format == "abp"]
    sources: list[Source] = []
    for content, filing in found:
        if content.format != "abp":
            sources.append(content.source(filing))
        elif content is joined[0][0]:
            sources.append(_join(joined))
    return tuple(sources)


def _join(lists: Sequence[tuple[Content, Filing]]) -> Source:
    from cmp.lists.abp import AbpContent, AbpSource  # noqa: PLC0415 - the engine is large, and only these need it

    return AbpSource([(content, filing) for content, filing in lists if isinstance(content, AbpContent)])
