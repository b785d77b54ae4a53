"""`consentry audit`: captures replayed under a policy, and what was found in them."""

import argparse
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cmp.commands.arguments import (
    FOUND,
    OK,
    UNUSABLE,
    UsageError,
    add_choice,
    add_policy,
    check_choice,
)
from cmp.commands.captures import each_capture, in_file
from cmp.commands.output import print_pieces
from cmp.policy.load import default_policy, load_policy
from cmp.terminal import one_line

if TYPE_CHECKING:
    from cmp.audit.account import Account
    from cmp.audit.audit import Audit, Examination
    from cmp.audit.choices import Event
    from cmp.audit.consent_records import Records
    from cmp.capture.capture import Capture, CaptureError
    from cmp.core.policy import Policy

_FAIL_ON = ("violation", "potential", "note", "never")
_FORMATS = ("text", "json", "html", "csv", "sarif", "junit")


def add_to(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "audit",
        help="hold recorded traffic against a policy",
        description="Replay HAR and mitmproxy flow files under a policy: who would have been stopped, and which "
        "promises the recorded traffic breaks. Exit status 1 when a finding reaches --fail-on, 2 when a capture "
        "cannot be read.",
        epilog="example: consentry audit visit.har --policy policies/strict.json --choice refuse",
    )
    parser.add_argument(
        "captures", nargs="*", type=Path, metavar="CAPTURE", help="a HAR or flow file, or a folder of them"
    )
    parser.add_argument(
        "--decision-log",
        type=Path,
        metavar="DIR",
        help="the proxy's decision log: check it, count it, and hold the captures against it; may stand alone",
    )
    add_policy(parser, required=False)
    add_choice(parser)
    # Told apart from "--choice none": without the option, a flow of our own proxy has the visitor it recorded.
    parser.set_defaults(choice=None)
    parser.add_argument(
        "--event",
        action="append",
        default=[],
        metavar="TIME=CHOICE",
        help="what the visitor did when: seconds after the first request (or ISO 8601), then accept, refuse, withdraw, "
        "gpc (the browser sends it from then on) or categories joined with commas; may be given several times",
    )
    parser.add_argument(
        "--ledger",
        metavar="FILE|URL",
        help="a ledger or an export of one: the visitor's records, named by the consent cookie, say what was chosen",
    )
    parser.add_argument(
        "--person",
        action="append",
        default=[],
        metavar="ID",
        help="with --ledger: whose records, for captures that do not show the consent cookie",
    )
    parser.add_argument("--format", choices=_FORMATS, default="text", help="output form (default: text)")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="write the report there, not to stdout, and beside it FILE.manifest.json: what it was made from",
    )
    parser.add_argument("--sign", type=Path, metavar="KEYS", help="sign the manifest with the first key of this file")
    parser.add_argument(
        "--verify", type=Path, metavar="REPORT", help="audit nothing: hold a report against its manifest"
    )
    parser.add_argument("--keys", type=Path, metavar="FILE", help="with --verify: the public keys of its signature")
    parser.add_argument(
        "--baseline", type=Path, metavar="FILE", help="findings known already: reported, but they fail nothing"
    )
    parser.add_argument(
        "--write-baseline", type=Path, metavar="FILE", help="write what was found as the findings known from now on"
    )
    parser.add_argument(
        "--fail-on",
        choices=_FAIL_ON,
        default="violation",
        help="exit 1 for a finding of this level or graver; note takes in what is not assessable (default: violation)",
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=1,
        metavar="N",
        help="so many processes, for many captures; the report is the same whatever the number (default: 1)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if arguments.verify is not None:
        return _verify(arguments)
    from cmp.audit.accounts import AccountsError

    try:
        return _audit(arguments)
    except AccountsError as error:
        raise UsageError(str(error)) from error


def _audit(arguments: argparse.Namespace) -> int:
    # The detectors, which other commands do not wait for.
    from cmp.audit.audit import Examination, audit_of
    from cmp.audit.baseline import NOTHING_KNOWN, BaselineError, baseline_text, read_baseline
    from cmp.audit.finding import Level
    from cmp.seal.keys import KeysError, read_signing_keys

    _check(arguments)
    try:
        keys = None if arguments.sign is None else read_signing_keys(arguments.sign)
        known = NOTHING_KNOWN if arguments.baseline is None else read_baseline(arguments.baseline)
    except (KeysError, BaselineError) as error:
        raise UsageError(str(error)) from error
    baseline = arguments.policy is None
    policy = default_policy() if baseline else load_policy(arguments.policy)
    if arguments.choice is not None:
        check_choice(policy, arguments.choice)
    events = _events(policy, arguments.event)
    records = None if arguments.ledger is None else _records(arguments.ledger, arguments.person)
    log = arguments.decision_log
    examination = Examination(policy, baseline, arguments.choice, events, records, with_log=log is not None)
    unreadable: list[CaptureError] = []
    work = partial(in_file, partial(_examined, examination))
    accounts = each_capture(arguments.captures, work, unreadable, arguments.workers)
    result = audit_of(examination, accounts, log)
    if unreadable and not result.accounts:
        return UNUSABLE
    result = replace(result, known=known)
    report = _report(result, unreadable, arguments)
    if arguments.output is None:
        print_pieces(report)
    else:
        from cmp.audit.manifest import manifest_file, manifest_text

        asked = {
            "choice": arguments.choice,
            "events": arguments.event,
            "format": arguments.format,
            "fail_on": arguments.fail_on,
        }
        digest = _write(arguments.output, report)
        text = manifest_text(
            result, arguments.output, digest, policy=arguments.policy, asked=asked, keys=keys, ledger=arguments.ledger
        )
        _write(manifest_file(arguments.output), [text.encode()])
    if arguments.write_baseline is not None:
        _write(arguments.write_baseline, [baseline_text(result.findings).encode()])
    if unreadable:
        return UNUSABLE
    if arguments.fail_on != "never" and result.reaches(Level(arguments.fail_on)):
        return FOUND
    return OK


def _records(source: str, persons: Iterable[str]) -> "Records":
    # SQLAlchemy, which an audit without a ledger does not wait for.
    from cmp.audit.consent_records import Records

    return Records(source, frozenset(persons))


def _examined(examination: "Examination", capture: "Capture") -> "Account":
    from cmp.ledger.errors import LedgerError

    try:
        return examination.of(capture)
    except LedgerError as error:
        # As one that another process can hand on.
        raise UsageError(str(error)) from None


def _check(arguments: argparse.Namespace) -> None:
    if arguments.workers < 1:
        raise UsageError("--workers: give 1 or more")
    if not arguments.captures and arguments.decision_log is None:
        raise UsageError("name at least one capture, --decision-log DIR, or a report with --verify")
    if arguments.choice is not None and (arguments.event or arguments.ledger is not None):
        raise UsageError("--choice supposes one choice for all of a capture: give it, or --event and --ledger")
    if arguments.person and arguments.ledger is None:
        raise UsageError("--person goes with --ledger")
    if arguments.sign is not None and arguments.output is None:
        raise UsageError("--sign signs the manifest, which is written beside the report: name one with -o FILE")
    if arguments.keys is not None:
        raise UsageError("--keys goes with --verify; a manifest is signed with --sign KEYS")


def _events(policy: "Policy", texts: Sequence[str]) -> "list[Event]":
    from cmp.audit.choices import check_events, read_event

    try:
        events = [read_event(text) for text in texts]
        check_events(policy, events)
    except ValueError as error:
        raise UsageError(f"--event {error}") from error
    return events


def _report(result: "Audit", unreadable: "Sequence[CaptureError]", arguments: argparse.Namespace) -> Iterator[bytes]:
    """The report in pieces: of many captures it is longer than all else in memory."""
    from cmp.audit import report_csv, report_html, report_json, report_junit, report_sarif, report_text
    from cmp.audit.finding import Level

    if arguments.format == "junit":
        threshold = None if arguments.fail_on == "never" else Level(arguments.fail_on)
        for piece in report_junit.pieces(result, unreadable, threshold):
            yield piece.encode()
        return
    in_pieces: dict[str, Callable[[Audit, Sequence[CaptureError]], Iterator[str]]] = {
        "json": report_json.pieces,
        "csv": report_csv.pieces,
        "sarif": report_sarif.pieces,
    }
    if arguments.format in in_pieces:
        for piece in in_pieces[arguments.format](result, unreadable):
            yield piece.encode("utf-8", "backslashreplace")
        return
    # These two show so much of each thing at most, whatever the number of captures.
    bounded: dict[str, Callable[[Audit, Sequence[CaptureError]], str]] = {
        "text": report_text.report,
        "html": report_html.report,
    }
    yield bounded[arguments.format](result, unreadable).encode("utf-8", "backslashreplace")


def _verify(arguments: argparse.Namespace) -> int:
    from cmp.audit.manifest import ManifestError, verify
    from cmp.seal.keys import KeysError, read_public_keys

    if arguments.captures:
        raise UsageError("--verify looks at the captures that the manifest names: name none")
    try:
        checks = verify(arguments.verify, None if arguments.keys is None else read_public_keys(arguments.keys))
    except (ManifestError, KeysError) as error:
        raise UsageError(str(error)) from error
    for check in checks:
        print(
            one_line(f"{'differs' if check.fault else 'as it was':10} {check.what}{check.fault and f': {check.fault}'}")
        )
    return FOUND if any(check.fault for check in checks) else OK


def _write(output: Path, content: Iterable[bytes]) -> str:
    """Write it piece by piece; the SHA-256 of the whole, in hex. Half a file is taken away again."""
    digest = hashlib.sha256()
    try:
        with output.open("wb") as file:
            try:
                for piece in content:
                    file.write(piece)
                    digest.update(piece)
                file.flush()
            except BaseException:
                if output.is_file():
                    output.unlink()
                raise
    except OSError as error:
        why = error.strerror or error
        raise UsageError(f"{output}: cannot be written: {why}; make room there, or name another file") from error
    return digest.hexdigest()
