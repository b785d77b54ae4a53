"""`consentry lists`: filter lists and tracker data of others, as further sources of rules."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cmp.commands.arguments import FOUND, OK, UsageError, add_format
from cmp.lists.content import Content, ListError
from cmp.lists.formats import READERS, TITLES
from cmp.lists.store import FOLDER, Entry, Refreshed, Store
from cmp.terminal import one_line


def add_to(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "lists",
        help="filter lists and tracker data as further sources of rules",
        description='Keep lists of others in a folder beside a policy. A policy that names one under "lists" asks it '
        "about every request and cookie that the policy itself does not know. None is shipped.",
        epilog="example: consentry lists add https://lists.example/easyprivacy.txt --category analytics",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_add(commands)
    _add_show(commands)
    _add_refresh(commands)
    _add_remove(commands)


def _add_add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "add",
        help="fetch a list and keep it",
        description="Fetch a list from a file or an http(s) address and keep its bytes with their SHA-256 and date.",
        epilog="example: consentry lists add easyprivacy.txt --category analytics --policy site.json",
    )
    parser.add_argument("source", metavar="FILE|URL", help="where the list is, now and for refreshing")
    help_ = "category of the policy that all of it falls under (needed unless the list has categories of its own)"
    parser.add_argument("--category", default="", metavar="CATEGORY", help=help_)
    parser.add_argument("--name", default="", metavar="NAME", help="what policies call it (default: from its address)")
    formats = ", ".join(f"{name}: {title}" for name, title in TITLES.items())
    help_ = f"its format (default: by the look of it); {formats}"
    parser.add_argument("--format", dest="list_format", default="", choices=tuple(READERS), help=help_)
    help_ = "Disconnect's entities.json, which says what belongs together"
    parser.add_argument("--entities", default="", metavar="FILE|URL", help=help_)
    _add_store(parser)
    parser.set_defaults(run=_wrapped(_add))


def _add_show(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "show",
        help="what lists there are",
        description="The lists that are kept, or one of them with what could not be read in it.",
        epilog="example: consentry lists show easyprivacy",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="one list, with its malformed lines")
    _add_store(parser)
    add_format(parser)
    parser.set_defaults(run=_wrapped(_show))


def _add_refresh(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "refresh",
        help="fetch lists anew",
        description="Fetch lists anew from where they came. What cannot be read, or has lost a fifth of its rules, "
        "leaves the old list in place.",
        epilog="example: consentry lists refresh. Exit status 1 where an old list was kept.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="which (default: all)")
    parser.add_argument("--force", action="store_true", help="take a list that has shrunk as well")
    _add_store(parser)
    add_format(parser)
    parser.set_defaults(run=_wrapped(_refresh))


def _add_remove(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "remove",
        help="forget a list",
        description="Forget a list. A policy that names it is no policy until it is added again.",
        epilog="example: consentry lists remove easyprivacy",
    )
    parser.add_argument("name", metavar="NAME", help="which")
    _add_store(parser)
    parser.set_defaults(run=_wrapped(_remove))


def _add_store(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--policy", type=Path, metavar="FILE", help=f"keep them beside this policy, in {FOLDER}")
    group.add_argument("--store", type=Path, metavar="DIR", help=f"keep them in this folder (default: ./{FOLDER})")


class _wrapped:  # noqa: N801 - used as a function
    """Runs a command and turns what is wrong with a list into one line for people."""

    def __init__(self, command: Any) -> None:
        self._command = command

    def __call__(self, arguments: argparse.Namespace) -> int:
        try:
            return int(self._command(arguments, _store(arguments)))
        except ListError as error:
            raise UsageError(str(error)) from error


def _store(arguments: argparse.Namespace) -> Store:
    if arguments.store is not None:
        return Store(arguments.store)
    return Store((arguments.policy.parent if arguments.policy is not None else Path()) / FOLDER)


def _add(arguments: argparse.Namespace, store: Store) -> int:
    entry, content = store.add(
        arguments.source,
        category=arguments.category,
        name=arguments.name,
        format_=arguments.list_format,
        companion_source=arguments.entities,
    )
    _print(_of_entry(entry))
    _print(_of_malformed(content))
    category = f', "category": "{entry.category}"' if entry.category else ""
    _print([f'  name it in the policy: "lists": [{{"name": "{entry.name}"{category}}}]'])
    return OK


def _show(arguments: argparse.Namespace, store: Store) -> int:
    if arguments.name is None:
        entries = store.entries()
        if arguments.format == "json":
            print(
                json.dumps({"store": str(store.folder), "lists": [asdict(one) for one in entries.values()]}, indent=2)
            )
        else:
            _print([line for entry in entries.values() for line in _of_entry(entry)] or [f"{store.folder}: no lists"])
        return OK
    entry = store.entry(arguments.name)
    content = store.content(entry, counted=True)
    if arguments.format == "json":
        print(json.dumps({**asdict(entry), "shown": [asdict(one) for one in content.shown]}, indent=2))
    else:
        _print(_of_entry(entry))
        _print([f"  of its own category {own}: {count}" for own, count in content.own.items()])
        _print(_of_malformed(content))
    return OK


def _refresh(arguments: argparse.Namespace, store: Store) -> int:
    names = arguments.names or list(store.entries())
    found = [store.refresh(name, force=arguments.force) for name in dict.fromkeys(names)]
    if arguments.format == "json":
        print(json.dumps({"lists": [asdict(one) for one in found]}, indent=2))
    else:
        _print([_of_refreshed(one) for one in found])
    return FOUND if any(one.outcome == "kept" for one in found) else OK


def _remove(arguments: argparse.Namespace, store: Store) -> int:
    _print([f"{store.remove(arguments.name).name}: removed"])
    return OK


def _of_entry(entry: Entry) -> Iterator[str]:
    under = f"under {entry.category}" if entry.category else "under its own categories"
    malformed = f", {entry.malformed} malformed" if entry.malformed else ""
    yield f"{entry.name}: {TITLES[entry.format]}, {entry.rules} rules{malformed}, {under}"
    yield f"  {entry.source}, fetched {entry.fetched}"
    if entry.companion_source:
        yield f"  with {entry.companion_source}"
    yield f"  SHA-256 {entry.sha256}"


def _of_malformed(content: Content) -> Iterator[str]:
    for one in content.shown:
        yield f"  {one.place}: {one.why}: {one.text}"
    if content.malformed > len(content.shown):
        yield f"  and {content.malformed - len(content.shown)} more"


def _of_refreshed(one: Refreshed) -> str:
    if one.outcome == "kept":
        return f"{one.name}: kept as it was ({one.before.rules} rules of {one.before.fetched}): {one.why}"
    if one.outcome == "unchanged":
        return f"{one.name}: unchanged, {one.before.rules} rules"
    digests = f"{one.before.sha256[:8]} is now {one.after.sha256[:8]}"
    return f"{one.name}: updated, {one.after.rules} rules (were {one.before.rules}), {digests}"


def _print(lines: Any) -> None:
    for line in lines:
        print(one_line(line))
