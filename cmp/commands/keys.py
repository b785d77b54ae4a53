"""`consentry keys`: the keys a server signs with, and changing them without losing anybody's choice."""

import argparse
import json
from pathlib import Path

from cmp.commands.arguments import OK, UsageError, add_format
from cmp.seal.keys import KeysError, announce_key, public_file, read_signing_keys, rotate_keys
from cmp.terminal import one_line


def add_to(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "keys",
        help="show and change the keys of a server",
        description="The keys that choices and tree heads are signed with (docs/operator.md).",
        epilog="example: consentry keys rotate consentry-keys.json",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    show = commands.add_parser(
        "show",
        help="which keys there are",
        description="Which keys there are, the one that signs first.",
        epilog="example: consentry keys show consentry-keys.json",
    )
    add_format(show)
    show.set_defaults(run=_show)
    announce = commands.add_parser(
        "announce",
        help="make the next key known",
        description="Add the next key, which signs nothing yet, and make it known in FILE.pub. Start the proxies anew "
        "with that before you rotate, and no choice is unknown to any of them for a moment.",
        epilog="example: consentry keys announce consentry-keys.json",
    )
    announce.set_defaults(run=_announce)
    rotate = commands.add_parser(
        "rotate",
        help="sign with a new key",
        description="Sign with the announced key from now on, or with a new one. The public half of the one before "
        "stays, and with it every choice that it signed; its private half is gone. Start the server anew.",
        epilog="example: consentry keys rotate consentry-keys.json",
    )
    rotate.set_defaults(run=_rotate)
    for one in (show, announce, rotate):
        one.add_argument("keys", type=Path, metavar="FILE", help="the keys file of the server")


def _show(arguments: argparse.Namespace) -> int:
    try:
        keys = read_signing_keys(arguments.keys)
    except KeysError as error:
        raise UsageError(str(error)) from error
    first, *waiting = keys.keys
    use = {first: "signs", **dict.fromkeys(waiting, "announced"), **dict.fromkeys(keys.retired, "retired")}
    if arguments.format == "json":
        print(json.dumps({"keys": [{"id": id_, "use": told} for id_, told in use.items()]}, indent=2))
    else:
        for id_, told in use.items():
            print(one_line(f"{id_}  {told}"))
    return OK


def _announce(arguments: argparse.Namespace) -> int:
    try:
        id_ = announce_key(arguments.keys)
    except KeysError as error:
        raise UsageError(str(error)) from error
    print(one_line(f"{id_} is announced in {public_file(arguments.keys)}: start the proxies anew, then rotate"))
    return OK


def _rotate(arguments: argparse.Namespace) -> int:
    try:
        new, old = rotate_keys(arguments.keys)
    except KeysError as error:
        raise UsageError(str(error)) from error
    print(one_line(f"{new} signs once the server is started anew; {old} is retired, and what it signed holds"))
    return OK
