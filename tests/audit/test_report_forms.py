"""Reports for other programs: CSV, SARIF, JUnit, each as its standard wants it."""

import csv
import io
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import xmlschema
from jsonschema import Draft7Validator

from cmp.audit import report_csv, report_html, report_junit, report_sarif
from cmp.audit.audit import Audit, audit
from cmp.audit.baseline import Baseline
from cmp.audit.detectors import DETECTORS, LOG_DETECTORS
from cmp.audit.explained import HEADINGS, all_explained
from cmp.audit.finding import Level
from cmp.capture.capture import CaptureError
from tests.audit.hars import captured, document, policy, request
from tests.audit.test_reports import VISIT, audited
from tests.published import JUNIT_SCHEMA, SARIF_SCHEMA, published

UNREAD = [CaptureError("x y.har", "not JSON", "export it again")]
# What traffic can hold that a careless report would pass on.
NASTY = (
    document(cookie='@cmd|"/c calc"!A1=2; a\u202eb=3; c\x00d=5'),
    request("https://stats.test/s.js?<script>alert(1)</script>=&x=\ufffe", set_cookie=["_st<b>=9; Max-Age=600"]),
    request("https://xn--e1afmkfd.test/p"),
)
FORMS = {"csv": report_csv, "sarif": report_sarif, "junit": report_junit, "html": report_html}


def nasty() -> Audit:
    return audit(policy(), [captured(*NASTY, file='=a "b" <c>&.har')], "refuse", baseline=False)


@pytest.mark.parametrize("form", FORMS)
def test_the_same_input_gives_the_same_bytes(form: str) -> None:
    texts = {FORMS[form].report(audited(*VISIT, captures=2)) for _ in range(2)}
    assert len(texts) == 1


@pytest.mark.parametrize("form", FORMS)
def test_no_value_of_a_cookie_or_a_query_is_in_it(form: str) -> None:
    visit = (
        document(cookie="session=SECRETS; _st=SECRETC"),
        request("https://stats.test/s.js?id=SECRETQ", set_cookie=["_st=SECRETV; Max-Age=600"]),
    )
    assert "SECRET" not in FORMS[form].report(audited(*visit))


# ------------------------------------------------------------------------------------------- CSV


def rows(audit: Audit) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(report_csv.report(audit, UNREAD), newline="")))


def test_csv_has_a_line_for_each_finding_and_each_unread_capture() -> None:
    done = audited(*VISIT)
    found = rows(done)
    assert [row["code"] for row in found] == [*(finding.code for finding in done.findings), "unreadable"]
    assert json.loads(found[0]["evidence"]) == done.findings[0].evidence
    assert found[0]["fingerprint"] == done.findings[0].identity


def test_csv_lines_end_as_the_standard_says() -> None:
    text = report_csv.report(audited(*VISIT))
    assert text.endswith("\r\n")
    assert text.count("\n") == text.count("\r\n")


def test_no_cell_of_csv_begins_like_a_formula() -> None:
    cells = [cell for row in rows(nasty()) for cell in row.values()]
    assert any(cell.startswith("'=a") for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


# ------------------------------------------------------------------------------------------- SARIF


def sarif(done: Audit) -> Any:
    return json.loads(report_sarif.report(done, UNREAD))


@pytest.mark.parametrize("made", [lambda: audited(*VISIT, captures=2), nasty], ids=["plain", "nasty"])
def test_sarif_fits_the_official_schema(made: Any) -> None:
    schema = json.loads(published(SARIF_SCHEMA))
    # The schema speaks of draft 7's ancestors; what it uses means the same there.
    assert [error.message for error in Draft7Validator(schema).iter_errors(sarif(made()))] == []
    assert list(Draft7Validator(schema).iter_errors({"version": "2.1.0", "runs": [{"results": [{}]}]}))


def test_sarif_levels_and_kinds() -> None:
    done = audited(*VISIT, document(cookie=""))
    told = {(one["properties"]["level"], one["kind"], one["level"]) for one in sarif(done)["runs"][0]["results"]}
    assert told >= {("violation", "fail", "error"), ("potential", "fail", "warning")}
    blind = audit(policy(), [captured(document(cookie=""), creator="WebInspector")], None, baseline=False)
    assert {(one["kind"], one["level"]) for one in sarif(blind)["runs"][0]["results"]} == {("open", "none")}


def test_sarif_rules_are_the_detectors_and_results_point_at_theirs() -> None:
    run = sarif(audited(*VISIT))["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [detector.CODE for detector in (*DETECTORS, *LOG_DETECTORS)]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])


def test_sarif_says_which_findings_are_new() -> None:
    done = audited(*VISIT)
    assert all("baselineState" not in one for one in sarif(done)["runs"][0]["results"])
    known = Baseline({done.findings[0].identity: done.findings[0].level})
    partly = Audit(done.policy, done.baseline, done.choice, done.accounts, done.findings, known)
    states = [one["baselineState"] for one in sarif(partly)["runs"][0]["results"]]
    assert states == ["unchanged", *["new"] * (len(states) - 1)]


# ------------------------------------------------------------------------------------------- JUnit


def junit(done: Audit, threshold: Level | None = Level.VIOLATION) -> ElementTree.Element:
    return ElementTree.fromstring(report_junit.report(done, UNREAD, threshold))  # noqa: S314 - our own


@pytest.mark.parametrize("made", [lambda: audited(*VISIT, captures=2), nasty], ids=["plain", "nasty"])
def test_junit_fits_a_published_schema(made: Any, tmp_path: Path) -> None:
    file = tmp_path / "junit.xsd"
    file.write_bytes(published(JUNIT_SCHEMA))
    schema = xmlschema.XMLSchema(str(file))
    schema.validate(report_junit.report(made(), UNREAD))
    assert not schema.is_valid("<testsuites><testcase/></testsuites>")


def test_junit_has_a_case_for_each_detector_and_counts_what_failed() -> None:
    suite, unread = junit(audited(*VISIT))
    cases = suite.findall("testcase")
    assert len(cases) == len(DETECTORS) == int(suite.get("tests", ""))
    failed = [case.get("name", "").partition(":")[0] for case in cases if case.find("failure") is not None]
    assert failed == ["consent.request-after-reject", "consent.set-after-reject", "consent.read-after-reject"]
    assert suite.get("failures") == "3"
    assert unread.get("errors") == "1"


@pytest.mark.parametrize(
    "threshold, failures",
    [
        pytest.param(Level.VIOLATION, 3, id="violations"),
        pytest.param(Level.POTENTIAL, 5, id="potential as well"),
        pytest.param(None, 0, id="nothing fails"),
    ],
)
def test_junit_fails_from_a_level_on(threshold: Level | None, failures: int) -> None:
    assert len(junit(audited(*VISIT), threshold).findall(".//failure")) == failures


def test_what_is_known_fails_no_case() -> None:
    done = audited(*VISIT)
    known = Baseline({finding.identity: finding.level for finding in done.findings})
    all_known = Audit(done.policy, done.baseline, done.choice, done.accounts, done.findings, known)
    assert junit(all_known).findall(".//failure") == []
    assert len(junit(all_known).findall(".//system-out")) == 5


def test_what_cannot_be_assessed_is_skipped_in_junit() -> None:
    blind = audit(policy(), [captured(document(cookie=""), creator="WebInspector")], None, baseline=False)
    skipped = [case.get("name", "") for case in junit(blind).iter("testcase") if case.find("skipped") is not None]
    assert any(name.startswith("consent.set-before") for name in skipped)


# ------------------------------------------------------------------------------------------- words


def test_every_detector_is_explained_under_each_heading() -> None:
    for one in all_explained().values():
        assert tuple(one.parts) == HEADINGS
        assert all(one.parts.values()), one.code
        assert one.level


@pytest.mark.parametrize("visit", [VISIT, (document(),)], ids=["findings", "none"])
def test_sarif_and_csv_are_written_finding_by_finding(visit: tuple[dict[str, Any], ...]) -> None:
    done = audited(*visit)
    sarif, lines = list(report_sarif.pieces(done, UNREAD)), list(report_csv.pieces(done, UNREAD))
    assert "".join(sarif) == json.dumps(json.loads("".join(sarif)), indent=2) + "\n"
    assert max(piece.count('"ruleIndex"') for piece in sarif) <= 1
    assert len(lines) == 1 + len(done.findings) + len(UNREAD)
