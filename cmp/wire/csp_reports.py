"""What browsers report of a Content-Security-Policy: which directive, and what it stopped or would have stopped.

May go in here: both forms of a report, read down to these two. May not: counting them (`cmp.server.report`), learning
from them (`cmp.audit.learning`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

# The form of `report-uri` (CSP Level 3, section 5.3), and that of the Reporting API.
SINGLE = "application/csp-report"
SEVERAL = "application/reports+json"
_MOST = 50


class Violation(NamedTuple):
    """The directive as the browser names it, and what was blocked: an address, or a keyword such as "inline"."""

    directive: str
    blocked: str


def read_violations(media_type: str, body: bytes) -> Sequence[Violation] | None:
    """The violations of one message, at most 50; None for a body that holds no reports."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    found = [document.get("csp-report")] if media_type == SINGLE and isinstance(document, dict) else None
    if media_type == SEVERAL and isinstance(document, list):
        found = list(_violations(document[:_MOST]))
    if found is None or not all(isinstance(report, dict) for report in found):
        return None
    return [_violation(report) for report in found if report is not None]


def _violations(reports: Sequence[Any]) -> Iterator[Any]:
    for report in reports:
        if not isinstance(report, dict):
            yield None
        elif report.get("type") == "csp-violation":
            yield report.get("body")


def _violation(report: Mapping[str, Any]) -> Violation:
    directive = _text(report, "effectiveDirective", "effective-directive", "violated-directive").partition(" ")[0]
    return Violation(directive, _text(report, "blockedURL", "blocked-uri"))


def _text(report: Mapping[str, Any], *names: str) -> str:
    return next((report[name] for name in names if isinstance(report.get(name), str)), "")
