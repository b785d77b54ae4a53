"""`consentry edps`: a capture in the layout of the EDPS website evidence collector, for the tools around it.

May go in here: reading and writing the files. May not: the layout (`cmp.audit.inspection`).
"""

import argparse
from pathlib import Path

from cmp.commands.arguments import OK, UsageError, add_policy
from cmp.policy.load import default_policy, load_policy


def add_to(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "edps",
        help="write a capture as the EDPS evidence collector's inspection.json",
        description="One capture in the layout of the EDPS website evidence collector. Its beacons are the requests "
        "that need consent under the policy. Values of cookies stand in it as they are in the capture. The reverse way "
        "needs no command: consentry audit reads inspection.json.",
        epilog="example: consentry edps visit.har -o inspection.json",
    )
    parser.add_argument("capture", type=Path, metavar="CAPTURE", help="a HAR or flow file")
    add_policy(parser, required=False)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the file to write")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from cmp.audit.inspection import NoPageError, inspection_text
    from cmp.audit.replay import replay
    from cmp.capture.reading import read_capture

    policy = default_policy() if arguments.policy is None else load_policy(arguments.policy)
    try:
        text = inspection_text(replay(policy, read_capture(arguments.capture)))
    except NoPageError as error:
        raise UsageError(str(error)) from error
    try:
        arguments.output.write_text(text, encoding="ascii")
    except OSError as error:
        raise UsageError(f"{arguments.output}: cannot be written: {error.strerror}") from error
    return OK
