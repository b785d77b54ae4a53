"""The JSON report has the form that is published, and everything in it is described there."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from cmp.audit import report_json
from cmp.audit.audit import Audit, Examination, audit, audit_of
from cmp.audit.choices import read_event
from cmp.capture.capture import CaptureError
from cmp.policy.schema import schema_of
from tests.audit.hars import captured, document, policy, request
from tests.decision_log.examples import BLOCKED, unknown, write

VISIT = (
    document(answers=[("Date", "Sun, 15 Jun 2025 15:06:40 GMT")]),
    request("https://stats.test/s.js", cookie="_st=1", set_cookie=["_st=1; Max-Age=99999999"]),
    request("data:,x"),
)


def closed(schema: Any) -> Any:
    """The schema with no room for fields that it does not name."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(one) for name, one in schema.items()}
    return {"additionalProperties": False, **inner} if isinstance(schema.get("properties"), dict) else inner


SCHEMA = schema_of("audit")
CLOSED = Draft202012Validator(closed(SCHEMA), format_checker=FormatChecker())


def with_log(folder: Path) -> Audit:
    write(folder, BLOCKED, unknown("x.test"))
    return audit_of(Examination(policy(), baseline=True, with_log=True), (), folder)


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_a_report_has_the_published_form_and_nothing_else(tmp_path: Path) -> None:
    visit = audit(policy(), [captured(*VISIT)], baseline=False, events=(read_event("1=accept"),))
    supposed = audit(policy(), [captured(*VISIT, times=False), captured()], "refuse", baseline=True)
    for done in (visit, supposed, with_log(tmp_path / "log")):
        form = json.loads(report_json.report(done, [CaptureError("x.har", "why", "what next")]))
        assert [error.message for error in CLOSED.iter_errors(form)] == []


@pytest.mark.parametrize(
    "path", [["policy"], ["summary", "by_level"], ["captures", 0, "clock"], ["findings", 0, "level"]]
)
def test_a_report_that_lacks_a_part_does_not_have_it(path: list[Any]) -> None:
    form = json.loads(report_json.report(audit(policy(), [captured(*VISIT)], baseline=False)))
    holder = form
    for key in path[:-1]:
        holder = holder[key]
    del holder[path[-1]]
    assert not CLOSED.is_valid(form)
