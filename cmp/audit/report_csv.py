"""The findings of an audit as CSV (RFC 4180), for spreadsheets.

May go in here: the columns, which stay, more may be added. May not: what a finding is.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cmp.audit.audit import Audit
from cmp.audit.finding import Finding
from cmp.audit.report_json import iso_time
from cmp.audit.wording import in_words
from cmp.capture.capture import CaptureError
from cmp.terminal import one_line

COLUMNS = (
    *("code", "level", "known", "capture", "entry", "time", "host", "category", "vendor", "rule", "count"),
    *("says", "evidence", "fingerprint"),
)
# What a spreadsheet takes for the beginning of a formula (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def report(audit: Audit, unreadable: Sequence[CaptureError] = ()) -> str:
    """A line of names and one for each finding, in UTF-8, lines ending with CR LF. Unread captures have a line too."""
    return "".join(pieces(audit, unreadable))


def pieces(audit: Audit, unreadable: Sequence[CaptureError] = ()) -> Iterator[str]:
    """The same line by line, so that nothing but the line is in memory."""
    yield _line(COLUMNS)
    for finding in audit.findings:
        yield _line([_cell(value) for value in _row(audit, finding)])
    for error in unreadable:
        unread = {"code": "unreadable", "level": "not-assessable", "capture": error.file, "says": error.why}
        yield _line([_cell(unread.get(name)) for name in COLUMNS])


def _line(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def _row(audit: Audit, finding: Finding) -> Sequence[Any]:
    return (
        *(finding.code, finding.level.value, "yes" if audit.is_known(finding) else "no", finding.capture),
        *(finding.entry, None if finding.time is None else iso_time(finding.time), finding.host, finding.category),
        *(finding.vendor, finding.rule, finding.evidence.get("count"), in_words(finding)),
        *(json.dumps(finding.evidence), finding.identity),
    )


def _cell(value: Any) -> str:
    text = one_line("" if value is None else str(value))
    return f"'{text}" if text.startswith(_FORMULA) else text
