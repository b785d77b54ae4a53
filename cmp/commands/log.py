"""`consentry log`: a decision log checked by itself, and tokens for audit visits.

May go in here: what the two print. May not: the checks (`cmp.decision_log.verify`), a log beside a capture
(`audit.py`).
"""

import argparse
import json
import re
import time
from dataclasses import asdict
from pathlib import Path

from cmp.commands.arguments import FOUND, OK, UsageError, add_format
from cmp.decision_log.chain import End
from cmp.decision_log.verify import Checked, check
from cmp.seal.audit_token import SECRET, make_token
from cmp.seal.keys import KeysError, secret_of
from cmp.terminal import one_line

_END = re.compile(r"([0-9]{1,15}):([0-9a-f]{64})")


def add_to(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "log",
        help="check a decision log, or let an auditor be linked in it",
        description="A decision log says what the proxy did, and for nobody in particular.",
        epilog="example: consentry log verify decisions/",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_verify(actions)
    _add_token(actions)


def _add_verify(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "verify",
        help="check that every line is as it was written",
        description="Follow the chain of a decision log. Exit status 1 when lines were changed, dropped, moved or cut "
        "off. What the log itself says it lost is listed and is no fault.",
        epilog="example: consentry log verify decisions/ --end 120:3f9a...",
    )
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--end", metavar="LINE:HASH", help="an end that this command printed before, kept elsewhere")
    add_format(parser)
    parser.set_defaults(run=_verify)


def _add_token(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "token",
        help="make a token for one audit visit",
        description="The browser that sends the token agrees to be linked in the log: as the request field "
        "X-Consentry-Audit, or as the cookie consentry-audit of the site. The proxy takes it out again.",
        epilog="example: consentry log token --audit-secret audit.secret --hours 8",
    )
    parser.add_argument(
        "--audit-secret", type=Path, required=True, metavar="FILE", help="made where it does not exist (mode 0600)"
    )
    parser.add_argument("--hours", type=float, default=24.0, help="how long the token holds (default: 24)")
    parser.set_defaults(run=_token)


def _verify(arguments: argparse.Namespace) -> int:
    checked = check(arguments.folder, kept=_kept(arguments.end))
    print(json.dumps(_form(checked), indent=2) if arguments.format == "json" else _text(checked))
    return FOUND if checked.broken else OK


def _kept(text: str | None) -> End | None:
    if text is None:
        return None
    found = _END.fullmatch(text)
    if found is None:
        raise UsageError(f"--end {text}: write it as this command prints it, the line's number and 64 digits")
    return End(int(found[1]), found[2])


def _form(checked: Checked) -> dict[str, object]:
    return {
        "folder": checked.folder,
        "segments": checked.segments,
        "lines": checked.lines,
        "end": {"line": checked.end.seq, "hash": checked.end.hash},
        "running": checked.running,
        "broken": checked.broken,
        "faults": [asdict(fault) for fault in checked.faults],
    }


def _text(checked: Checked) -> str:
    state = "broken" if checked.broken else "whole"
    writing = ", being written" if checked.running else ""
    lines = [
        f"{one_line(checked.folder)}: {state}{writing}, {checked.lines} lines in {checked.segments} segments",
        f"end {checked.end.seq}:{checked.end.hash}",
        *(f"{'broken' if fault.broken else 'note'}: {one_line(str(fault))}" for fault in checked.faults),
    ]
    return "\n".join(lines)


def _token(arguments: argparse.Namespace) -> int:
    if not 0 < arguments.hours <= 24 * 366:
        raise UsageError(f"--hours {arguments.hours:g}: more than 0, at most a year")
    ends = int(time.time() + 3_600 * arguments.hours)
    try:
        secret = secret_of(arguments.audit_secret, SECRET)
    except KeysError as error:
        raise UsageError(f"--audit-secret: {error}") from error
    token, visit = make_token(secret, ends)
    until = time.strftime("%Y-%m-%d %H:%M", time.gmtime(ends))
    print(f"visit {visit}, until {until} UTC\nX-Consentry-Audit: {token}")
    return OK
