"""`consentry diff`: what would change on the wire if one policy replaced another."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmp.commands.arguments import FOUND, OK, UNUSABLE, add_choice, add_format, check_choice
from cmp.commands.captures import read_captures
from cmp.core.policy import Policy
from cmp.policy.load import load_policy
from cmp.terminal import one_line

if TYPE_CHECKING:
    from cmp.audit.comparing import Comparison


def add_to(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "diff",
        help="what changes on the wire if a policy replaces another",
        description="Decides recorded requests under two policies, as the proxy would, and lists what differs: "
        "requests that pass or are stopped, cookies sent and set, headers, by vendor and category, with counts and "
        "examples. Nothing is sent. Exit status 1 when something changes, 2 when a capture cannot be read.",
        epilog="example: consentry diff site.json draft.json visit.har --choice refuse",
    )
    parser.add_argument("old", type=Path, metavar="OLD", help="the policy that holds now")
    parser.add_argument("new", type=Path, metavar="NEW", help="the one that would replace it")
    parser.add_argument(
        "captures", nargs="+", type=Path, metavar="CAPTURE", help="a HAR or flow file, or a folder of them"
    )
    add_choice(parser)
    # Told apart from "--choice none": without the option, a flow of our own proxy has the visitor it recorded.
    parser.set_defaults(choice=None)
    add_format(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from cmp.audit.comparing import compare

    old, new = load_policy(arguments.old), load_policy(arguments.new)
    if arguments.choice is not None:
        for policy in (old, new):
            check_choice(policy, arguments.choice)
    captures, unreadable = read_captures(arguments.captures)
    if not captures:
        return UNUSABLE
    found = compare(old, new, captures, arguments.choice)
    if arguments.format == "json":
        print(json.dumps(_form(old, new, arguments.choice, found), indent=2, ensure_ascii=False))
    else:
        for line in _lines(found):
            print(one_line(line))
    if unreadable:
        return UNUSABLE
    return FOUND if found.changes else OK


def _policy_form(policy: Policy) -> dict[str, str]:
    return {"id": policy.id, "version": policy.version, "fingerprint": policy.fingerprint}


def _form(old: Policy, new: Policy, choice: str | None, found: "Comparison") -> dict[str, Any]:
    return {
        "old": _policy_form(old),
        "new": _policy_form(new),
        "choice": choice,
        "requests": found.requests,
        "changed": found.changed,
        "decisions": {
            name: {action: counted[action] for action in ("allow", "edit", "block")}
            for name, counted in zip(("old", "new"), found.actions, strict=True)
        },
        "changes": [
            {
                "party": change.party,
                "category": change.category or None,
                "subject": change.subject,
                "name": change.name or None,
                "old": change.old,
                "new": change.new,
                "count": seen.count,
                "examples": seen.examples,
            }
            for change, seen in found.changes
        ],
    }


def _lines(found: "Comparison") -> Iterator[str]:
    if not found.changes:
        yield f"nothing changes in {found.requests} requests"
        return
    yield f"{found.changed} of {found.requests} requests change"
    for name, counted in zip(("old", "new"), found.actions, strict=True):
        yield f"  {name}: {counted['allow']} pass, {counted['edit']} pass edited, {counted['block']} stopped"
    for (party, category), changes in found.by_party.items():
        yield ""
        yield f"{party}{f' ({category})' if category else ''}"
        for change, seen in changes:
            what = f"{change.subject} {change.name}".rstrip()
            yield f"  {what}: {change.old} -> {change.new}, {seen.count} times"
            yield f"    {seen.examples[0]}"
