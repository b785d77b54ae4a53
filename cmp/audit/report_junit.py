"""An audit as JUnit XML, for build servers: one suite for each capture and log, one case for each detector.

May go in here: that form. May not: what a finding is.

A case fails where the detector found something that reaches the threshold and is not known; it is skipped where the
capture cannot show what the detector needs, for nothing was tested there. What weighs less is the case's output.
"""

from collections.abc import Iterable, Iterator, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from cmp.audit.audit import Audit
from cmp.audit.detectors import DETECTORS, LOG_DETECTORS, Described
from cmp.audit.finding import Finding, Level
from cmp.audit.wording import in_words
from cmp.capture.capture import CaptureError
from cmp.terminal import one_line

# Characters XML 1.0 (section 2.2) has no place for, beside those `one_line` writes otherwise.
_NOT_XML = {0xFFFE: "\\xfffe", 0xFFFF: "\\xffff"}


def report(audit: Audit, unreadable: Sequence[CaptureError] = (), threshold: Level | None = Level.VIOLATION) -> str:
    """The report as XML that ends with a line feed. `threshold`: what fails a case, None for nothing."""
    return "".join(pieces(audit, unreadable, threshold))


def pieces(
    audit: Audit, unreadable: Sequence[CaptureError] = (), threshold: Level | None = Level.VIOLATION
) -> Iterator[str]:
    """The same suite by suite, so that nothing but the suite is in memory."""
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="consentry audit"'
    lead = ">"
    for suite in _suites(audit, unreadable, threshold):
        indent(suite, level=1)
        yield f"{lead}\n  {tostring(suite, encoding='unicode')}"
        lead = ""
    yield " />\n" if lead else "\n</testsuites>\n"


def _suites(audit: Audit, unreadable: Sequence[CaptureError], threshold: Level | None) -> Iterator[Element]:
    for done in audit.accounts:
        yield _suite_of(audit, (done.file, done.findings), threshold, DETECTORS)
    if audit.log is not None:
        folder = audit.log.checked.folder
        in_log = [finding for finding in audit.findings if finding.capture == folder]
        yield _suite_of(audit, (folder, in_log), threshold, LOG_DETECTORS)
    for error in unreadable:
        suite = Element("testsuite", _counts(error.file, tests=1, errors=1))
        case = SubElement(suite, "testcase", classname=_text(error.file), name="read the capture", time="0")
        SubElement(case, "error", message=_text(error.why), type="unreadable").text = _text(str(error))
        yield suite


def _suite_of(
    audit: Audit, of: tuple[str, Sequence[Finding]], threshold: Level | None, detectors: Sequence[Described]
) -> Element:
    """The suite of a capture or log: its file, and what was found in it."""
    file, found = of
    blind = {code for finding in found for code in finding.evidence.get("not_assessed", ())}
    cases = [_case(audit, file, detector, found, threshold, blind=detector.CODE in blind) for detector in detectors]
    counts = {name: sum(case.find(tag) is not None for case in cases) for name, tag in _PARTS}
    suite = Element("testsuite", _counts(file, tests=len(cases), **counts))
    suite.extend(cases)
    return suite


_PARTS = (("failures", "failure"), ("skipped", "skipped"))


def _case(
    audit: Audit, file: str, detector: Described, found: Iterable[Finding], threshold: Level | None, *, blind: bool
) -> Element:
    case = Element("testcase", classname=_text(file), name=f"{detector.CODE}: {detector.MEANING}", time="0")
    own = [finding for finding in found if finding.code == detector.CODE]
    failing = [
        finding
        for finding in own
        if threshold is not None and finding.level.reaches(threshold) and not audit.is_known(finding)
    ]
    if failing:
        gravest = min(failing, key=lambda finding: finding.level.rank)
        message = f"{len(failing)} found, {gravest.level.value}"
        SubElement(case, "failure", message=message, type=gravest.level.value).text = _lines(failing)
    elif blind:
        SubElement(case, "skipped", message="not assessable: the capture does not show what this needs")
    rest = [finding for finding in own if finding not in failing]
    if rest:
        SubElement(case, "system-out").text = _lines(rest)
    return case


def _counts(file: str, *, tests: int, failures: int = 0, errors: int = 0, skipped: int = 0) -> dict[str, str]:
    numbers = {"tests": tests, "failures": failures, "errors": errors, "skipped": skipped}
    # No clock: the same input gives the same bytes.
    return {"name": _text(file), **{name: str(number) for name, number in numbers.items()}, "time": "0"}


def _lines(findings: Iterable[Finding]) -> str:
    return "\n".join(f"{finding.level.value}: {_text(in_words(finding))}" for finding in findings)


def _text(text: str) -> str:
    return one_line(text).translate(_NOT_XML)
