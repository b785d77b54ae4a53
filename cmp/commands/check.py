"""`consentry check`: is this a policy, what to write instead where not, and what its author should know."""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cmp.commands.arguments import FOUND, OK, UNUSABLE, add_format
from cmp.commands.checkout import find_tests
from cmp.commands.csp_size import csp_size
from cmp.core.policy import Policy
from cmp.policy.document import read_document
from cmp.policy.faults import DocumentError, Fault, PolicyError
from cmp.policy.lints import LINTS, Level, advice_of, subject_of
from cmp.policy.load import find_faults, policy_of
from cmp.policy.promises import MODES, Answered, State, answered
from cmp.terminal import one_line


def add_to(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "check",
        help="validate policies",
        description="Validate policies: where each fault is (JSON pointer), what is wrong, what to write instead. For "
        "one without faults, what its author should know: an error (it does not do what it says), a warning (most "
        "likely a mistake) or a note.",
        epilog="example: consentry check policies/strict.json. Exit status 1 for a fault, an error, and with "
        "--promises for a promise that nothing keeps.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="policy files")
    parser.add_argument(
        "--promises", action="store_true", help="list the promises and what keeps each; 1 if nothing does"
    )
    parser.add_argument("--strict", action="store_true", help="exit with 1 for a warning as well")
    add_format(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    documents = {path: _read(path) for path in arguments.files}
    successors = {
        (path.parent / str(document["successor"])).resolve()
        for path, document in documents.items()
        if isinstance(document, dict) and "successor" in document
    }
    reports = [
        _report(path, document, promises=arguments.promises, announced=path.resolve() in successors)
        for path, document in documents.items()
    ]
    if arguments.format == "json":
        print(json.dumps({"files": reports}, indent=2))
    else:
        for report in reports:
            _print(report)
    if any("unusable" in report for report in reports):
        return UNUSABLE
    grave = {Level.ERROR, Level.WARNING} if arguments.strict else {Level.ERROR}
    return FOUND if any(_found(report, grave) for report in reports) else OK


def _found(report: dict[str, Any], grave: set[Level]) -> bool:
    advice = any(found["level"] in grave for found in report.get("advice", ()))
    return bool(report["faults"] or report.get("unkept") or advice)


def _read(path: Path) -> dict[str, Any] | DocumentError:
    try:
        return read_document(path)
    except DocumentError as error:
        return error


def _report(path: Path, document: dict[str, Any] | DocumentError, *, promises: bool, announced: bool) -> dict[str, Any]:
    if isinstance(document, DocumentError):
        print(f"consentry: {one_line(str(document))}", file=sys.stderr)
        return {"file": str(path), "unusable": document.what, "faults": []}
    faults = find_faults(document)
    report: dict[str, Any] = {"file": str(path), "faults": []}
    if not faults:
        try:
            policy = policy_of(document, str(path))
        except (PolicyError, DocumentError) as error:
            faults = _faults_of_another(error, path)
        else:
            _describe(report, document, policy, announced=announced)
            if promises:
                _promise(report, document)
    report["faults"] = [asdict(fault) for fault in faults]
    return report


def _faults_of_another(error: PolicyError | DocumentError, path: Path) -> list[Fault]:
    """What is wrong with the files this one names: a policy is no better than its parts."""
    if isinstance(error, PolicyError) and error.file == str(path):
        return list(error.faults)
    return [Fault("", f"names a file that is no policy: {error}", f"consentry check {error.file} tells more")]


def _describe(report: dict[str, Any], document: dict[str, Any], policy: Policy, *, announced: bool) -> None:
    report["policy"] = {"id": policy.id, "version": policy.version, "fingerprint": policy.fingerprint}
    report["vendors"] = len(policy.vendors)
    # Advice is about this document alone; only the size is that of what it is composed to.
    subject = subject_of(document, policy.each[0], time.time(), announced=announced)
    report["advice"] = [asdict(advice) for advice in advice_of(subject, (*LINTS, csp_size(policy)))]


def _promise(report: dict[str, Any], document: dict[str, Any]) -> None:
    # Detectors are most of what this would load, and few policies make promises.
    from cmp.audit.detectors import DETECTORS

    found = answered(document, frozenset(detector.CODE for detector in DETECTORS), find_tests())
    report["promises"] = [_promise_form(promise) for promise in found]
    report["unkept"] = [promise.id for promise in found if promise.state is State.UNKEPT]
    count = Counter(promise.state for promise in found)
    report["summary"] = {state.value: count[state] for state in State}


def _promise_form(promise: Answered) -> dict[str, Any]:
    form = asdict(promise)
    return {**form, "by": {mode: list(promise.by[mode]) for mode in MODES}, "shows": list(promise.shows)}


def _print(report: dict[str, Any]) -> None:
    if "unusable" not in report:
        for line in _lines(report):
            print(one_line(line))


def _lines(report: dict[str, Any]) -> Iterator[str]:
    file, faults = report["file"], report["faults"]
    if faults:
        yield f"{file}: {len(faults)} fault{'s' if len(faults) != 1 else ''}"
        for fault in faults:
            yield f"  {fault['pointer'] or '/'}: {fault['what']}"
            yield f"      {fault['remedy']}"
        return
    policy = report["policy"]
    yield f"{file}: fine: {policy['id']} {policy['version']}, {report['vendors']} vendors"
    yield f"  fingerprint {policy['fingerprint']}"
    for advice in report["advice"]:
        yield f"  {advice['level']} {advice['code']} {advice['pointer'] or '/'}: {advice['what']}"
        source = f" ({advice['source']})" if advice["source"] else ""
        yield f"      {advice['remedy']}{source}"
    if "promises" in report:
        yield from _promise_lines(report)


def _promise_lines(report: dict[str, Any]) -> Iterator[str]:
    for promise in report["promises"]:
        yield f"  {promise['id']:6} {promise['title']} ({', '.join(promise['shows'])})"
        reverse, regular = (", ".join(promise["by"][mode]) for mode in MODES)
        if reverse or regular:
            if reverse == regular:
                yield f"         kept by {reverse}"
            else:
                yield f"         reverse: {'kept by ' + reverse if reverse else 'cannot'}"
                yield f"         regular: {'kept by ' + regular if regular else 'cannot'}"
        if promise["reason"]:
            yield f"         organisational: {promise['reason']}"
        if promise["test"]:
            yield f"         test {promise['test']}"
        if promise["missing"]:
            yield f"         NOT KEPT: {'; '.join(promise['missing'])}"
    summary, unkept = report["summary"], report["unkept"]
    which = f": {', '.join(unkept)}" if unkept else ""
    yield (
        f"  {sum(summary.values())} promises: {summary['kept']} kept, {summary['organisational']} organisational, "
        f"{summary['unkept']} unkept{which}"
    )
