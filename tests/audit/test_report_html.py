"""The HTML report: opens from disk without network or script, hides no value, and everybody can read it."""

import re
from pathlib import Path

import pytest

from cmp.audit import report_html
from tests.audit.hars import document
from tests.audit.test_report_forms import nasty
from tests.audit.test_reports import VISIT, audited
from tests.browser.chromium import needs_chromium, running_chromium
from tests.published import AXE, published


def test_what_traffic_holds_stands_in_it_as_text() -> None:
    page = report_html.report(nasty())
    assert "<script" not in page
    assert "_st<b>" not in page
    assert "_st&lt;b&gt;" in page
    assert "\u202e" not in page


def test_it_names_nothing_outside_itself() -> None:
    page = report_html.report(audited(*VISIT))
    assert not re.search(r"(?:src|href|url\()\s*=?\s*[\"']?(?!#)(?:https?:|//)", page)
    assert "default-src 'none'" in page


def test_every_part_has_a_heading_that_the_contents_lead_to() -> None:
    page = report_html.report(audited(*VISIT))
    targets = re.findall(r'<a href="#([a-z-]+)">', page)
    assert targets == re.findall(r'<h2 id="([a-z-]+)">', page)
    assert len(targets) >= 5


def test_without_traffic_to_others_it_says_so() -> None:
    page = report_html.report(audited(document(cookie="session=1")))
    assert "No request went to anybody but the site itself." in page


@pytest.mark.browser
@needs_chromium
def test_axe_finds_nothing_and_nothing_is_fetched(tmp_path: Path) -> None:
    axe = published(AXE).decode()
    file = tmp_path / "report.html"
    file.write_text(report_html.report(audited(*VISIT, captures=2)), encoding="utf-8")
    with running_chromium() as browser:
        context = browser.new_context(bypass_csp=True)
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        page.evaluate(axe)
        found = page.evaluate("async () => (await axe.run()).violations")
        assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found] == []
        assert asked == [file.as_uri()]
