"""`consentry check`: is this a policy, and if not, what to write instead."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cmp.commands.arguments import FOUND, OK, UNUSABLE, add_format
from cmp.policy.compile import compile_policy
from cmp.policy.document import read_document
from cmp.policy.faults import DocumentError
from cmp.policy.load import find_faults
from cmp.terminal import one_line


def add_to(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "check",
        help="validate policies",
        description="Validate policies: where each fault is (JSON pointer), what is wrong, what to write instead.",
        epilog="example: consentry check policies/strict.json",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="policy files")
    parser.add_argument(
        "--promises", action="store_true", help="list the promises and what keeps each; 1 if nothing does"
    )
    add_format(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    reports = [_report(path, promises=arguments.promises) for path in arguments.files]
    if arguments.format == "json":
        print(json.dumps({"files": reports}, indent=2))
    else:
        for report in reports:
            _print(report)
    if any("unusable" in report for report in reports):
        return UNUSABLE
    return FOUND if any(report["faults"] or report.get("unkept") for report in reports) else OK


def _report(path: Path, *, promises: bool) -> dict[str, Any]:
    try:
        document = read_document(path)
    except DocumentError as error:
        print(f"consentry: {one_line(str(error))}", file=sys.stderr)
        return {"file": str(path), "unusable": error.what, "faults": []}
    faults = find_faults(document)
    report: dict[str, Any] = {
        "file": str(path),
        "faults": [{"pointer": f.pointer, "what": f.what, "remedy": f.remedy} for f in faults],
    }
    if not faults:
        policy = compile_policy(document)
        report["policy"] = {"id": policy.id, "version": policy.version, "fingerprint": policy.fingerprint}
        report["vendors"] = len(policy.vendors)
        if promises:
            report["promises"] = document.get("promises", [])
            report["unkept"] = [promise["id"] for promise in report["promises"] if not _answered(promise)]
    return report


def _answered(promise: dict[str, Any]) -> bool:
    return bool(promise.get("keptBy")) or promise["shows"] == ["declared"]


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
    for promise in report.get("promises", ()):
        kept = ", ".join(promise.get("keptBy", ())) or promise.get("reason")
        mark = "kept by" if promise.get("keptBy") else "organisational:" if _answered(promise) else "NOTHING KEEPS IT"
        yield f"  {promise['id']:6} {promise['title']}"
        yield f"         {mark} {kept or ''}".rstrip()
    if report.get("unkept"):
        yield f"  {len(report['unkept'])} promises that nothing keeps: {', '.join(report['unkept'])}"
