"""`consentry har`: a recording of the proxy as a HAR file, for other tools.

May go in here: reading and writing the files. May not: the form (`cmp.capture.har_writing`).
"""

import argparse
from pathlib import Path

from cmp import __version__
from cmp.commands.arguments import OK, UsageError


def add_to(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "har",
        help="write a recording of the proxy as a HAR file",
        description="The originals of a flow file, as browsers sent them and servers answered, without the bodies of "
        "answers. The decisions go along as a member of our own, so that an audit of either file decides alike.",
        epilog="example: consentry har visit.flow -o visit.har",
    )
    parser.add_argument("recording", type=Path, metavar="FLOWFILE")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the HAR file to write")
    parser.add_argument(
        "--plain", action="store_true", help="without visitors and decisions: only what HAR itself can say"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from cmp.capture.flows import read_flows
    from cmp.capture.har_writing import write_har

    try:
        data = arguments.recording.read_bytes()
    except OSError as error:
        raise UsageError(f"{arguments.recording}: cannot be read: {error.strerror}") from error
    # Says what is wrong with a file that holds no flows.
    read_flows(data, str(arguments.recording))
    try:
        arguments.output.write_bytes(write_har(data, plain=arguments.plain, version=__version__))
    except OSError as error:
        raise UsageError(f"{arguments.output}: cannot be written: {error.strerror}") from error
    return OK
