"""Reports of a Content-Security-Policy, read down to directive and what was blocked."""

import json
from typing import Any

import pytest

from cmp.wire.csp_reports import SEVERAL, SINGLE, Violation, read_violations

IMAGE = Violation("img-src", "https://ads.test/p.gif?id=1")
BODY = {"effectiveDirective": IMAGE.directive, "blockedURL": IMAGE.blocked}
OLDER = {"violated-directive": "img-src 'self' https:", "blocked-uri": IMAGE.blocked}

READ = [
    pytest.param(SINGLE, {"csp-report": OLDER}, [IMAGE], id="report-uri"),
    pytest.param(SEVERAL, [{"type": "csp-violation", "body": BODY}], [IMAGE], id="reporting-api"),
    pytest.param(SEVERAL, [{"type": "deprecation", "body": {}}], [], id="of-something-else"),
    pytest.param(SEVERAL, [{"type": "csp-violation", "body": BODY}] * 60, [IMAGE] * 50, id="more-than-are-read"),
    pytest.param(SINGLE, {"csp-report": {"blocked-uri": 7}}, [Violation("", "")], id="not-a-text"),
    pytest.param(SINGLE, {"csp-report": []}, None, id="no-report"),
    pytest.param(SINGLE, [], None, id="a-list-for-one"),
    pytest.param(SEVERAL, {}, None, id="one-for-a-list"),
    pytest.param(SEVERAL, [7], None, id="no-object"),
    pytest.param("text/plain", {"csp-report": OLDER}, None, id="another-type"),
]


@pytest.mark.parametrize("media_type, document, expected", READ)
def test_both_forms_are_read(media_type: str, document: Any, expected: list[Violation] | None) -> None:
    assert read_violations(media_type, json.dumps(document).encode()) == expected


@pytest.mark.parametrize("body", [b"", b"{", b"[" * 100_000], ids=["empty", "broken", "deep"])
def test_what_is_no_json_holds_no_reports(body: bytes) -> None:
    assert read_violations(SINGLE, body) is None
