"""An audit as SARIF 2.1.0 (OASIS Standard, 27 March 2020), for code-scanning views.

May go in here: that form. May not: what a finding is, a clock, a path of this machine that the caller did not give.

Levels: a violation is an "error", potential a "warning", a note a "note". What cannot be assessed is no failed check
but an open one: `kind` "open", whose level must then be "none" (sections 3.27.9 and 3.27.10).
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from cmp import __version__
from cmp.audit.audit import Audit
from cmp.audit.explained import Explained, all_explained
from cmp.audit.finding import Finding, Level
from cmp.audit.report_json import iso_time, written
from cmp.audit.wording import in_words
from cmp.capture.capture import CaptureError
from cmp.terminal import one_line

_LEVELS = {
    Level.VIOLATION: "error",
    Level.POTENTIAL: "warning",
    Level.NOTE: "note",
    Level.NOT_ASSESSABLE: "none",
}


def report(audit: Audit, unreadable: Sequence[CaptureError] = ()) -> str:
    """The report as one JSON text that ends with a line feed."""
    return "".join(pieces(audit, unreadable))


def pieces(audit: Audit, unreadable: Sequence[CaptureError] = ()) -> Iterator[str]:
    """The same text piece by piece, so that nothing but the piece is in memory."""
    yield from written(_members(audit, unreadable))
    yield "\n"


def _members(audit: Audit, unreadable: Sequence[CaptureError]) -> dict[str, Any]:
    """Its members, what there may be many of as iterators."""
    detectors = all_explained()
    order = {code: number for number, code in enumerate(detectors)}
    logs = [] if audit.log is None else [audit.log.checked.folder]
    files = {file: number for number, file in enumerate([*(done.file for done in audit.accounts), *logs])}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "Consentry",
                        "semanticVersion": __version__,
                        "rules": [_rule(one) for one in detectors.values()],
                    }
                },
                "invocations": [
                    {
                        "executionSuccessful": not unreadable,
                        "toolExecutionNotifications": [_unread(error) for error in unreadable],
                    }
                ],
                "artifacts": chain(
                    (
                        {
                            "location": {"uri": _uri(done.file)},
                            "hashes": {"sha-256": done.sha256},
                            "roles": ["analysisTarget"],
                        }
                        for done in audit.accounts
                    ),
                    ({"location": {"uri": _uri(folder)}, "roles": ["analysisTarget", "directory"]} for folder in logs),
                ),
                "columnKind": "unicodeCodePoints",
                "properties": {
                    "policy": {
                        "id": audit.policy.id,
                        "version": audit.policy.version,
                        "fingerprint": audit.policy.fingerprint,
                        "baseline": audit.baseline,
                    },
                    "choice": audit.choice,
                },
                "results": (
                    _result(audit, finding, order[finding.code], files[finding.capture]) for finding in audit.findings
                ),
            }
        ],
    }


def _rule(one: Explained) -> dict[str, Any]:
    text = "\n\n".join(f"{heading}: {said}" for heading, said in one.parts.items())
    return {
        "id": one.code,
        "name": "".join(word.capitalize() for word in one.code.replace(".", "-").split("-")),
        "shortDescription": {"text": f"{one.meaning[0].upper()}{one.meaning[1:]}."},
        "fullDescription": {"text": one.parts["What it finds"]},
        "help": {"text": f"{text}\n\nLevel: {one.level}"},
        "defaultConfiguration": {"level": "warning"},
    }


def _result(audit: Audit, finding: Finding, rule: int, file: int) -> dict[str, Any]:
    assessed = finding.level is not Level.NOT_ASSESSABLE
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "kind": "fail" if assessed else "open",
        "level": _LEVELS[finding.level],
        "message": {"text": f"{one_line(in_words(finding))}."},
        "locations": [_location(finding, file)],
        "partialFingerprints": {"consentryFinding/v1": finding.identity},
        **({"baselineState": "unchanged" if audit.is_known(finding) else "new"} if audit.known.levels else {}),
        "properties": {
            "level": finding.level.value,
            "entry": finding.entry,
            "time": None if finding.time is None else iso_time(finding.time),
            "host": finding.host,
            "category": finding.category,
            "vendor": finding.vendor,
            "rule": finding.rule,
            "evidence": finding.evidence,
        },
    }


def _location(finding: Finding, file: int) -> dict[str, Any]:
    place: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(finding.capture), "index": file},
            # A capture has no lines that a person wrote, and viewers show no result without one.
            "region": {"startLine": 1},
        }
    }
    if finding.entry is not None:
        place["logicalLocations"] = [{"fullyQualifiedName": f"log.entries[{finding.entry}]", "kind": "element"}]
    return place


def _unread(error: CaptureError) -> dict[str, Any]:
    return {
        "level": "error",
        "message": {"text": one_line(str(error))},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(error.file)}}}],
    }


def _uri(file: str) -> str:
    """The file as a URI reference (RFC 3986): relative as it was given, or a file URI."""
    path = quote(PurePath(file).as_posix().encode("utf-8", "surrogateescape"))
    if path.startswith("/"):
        return f"file://{path}"
    # A first segment with a colon would be read as a scheme (section 4.2); quote() writes colons as %3A.
    return path
