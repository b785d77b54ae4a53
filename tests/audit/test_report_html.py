"""The HTML report: opens from disk without network or script, hides no value, and everybody can read it."""

import re
from pathlib import Path

import pytest

from cmp.audit import report_html
from cmp.audit.audit import Audit, audit
from cmp.capture.capture import CaptureError
from tests.audit.hars import captured, document, policy, request
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


# ------------------------------------------------------------------------------------------- of many captures


def visits(*hosts: str) -> Audit:
    """A capture for each host: its page asks that host, which the policy does not name, for something."""
    files = [captured(document(), request(f"https://{host}/a.js"), file=f"{n}.har") for n, host in enumerate(hosts)]
    return audit(policy(), files, "refuse", baseline=False)


def of_kind(page: str, code: str) -> tuple[list[str], str]:
    """The captures and the hosts in the table of one detector, and what is said under it."""
    (part,) = re.findall(
        rf"<code>{re.escape(code)}</code>.*?<tbody>(.*?)</tbody></table></div>\n(.*?)\n", page, re.DOTALL
    )
    table, under = part
    return re.findall(r"<td>(\d+)\.har</td>", table), under


@pytest.mark.parametrize(
    "hosts,shown",
    [
        pytest.param(["a.test"] * 3, "0 1 2", id="as-many-as-fit"),
        pytest.param(["a.test"] * 5, "0 1 2", id="all-the-same"),
        pytest.param(["a.test", "a.test", "a.test", "b.test", "c.test"], "0 3 4", id="others-come-late"),
        pytest.param(["a.test", "b.test", "b.test", "a.test", "c.test"], "0 1 4", id="others-among-them"),
        pytest.param(["a.test", "b.test", "c.test", "d.test", "a.test"], "0 1 2", id="all-different"),
    ],
)
def test_what_does_not_fit_is_counted_and_what_differs_is_shown_first(
    hosts: list[str], shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_html, "_ROWS", 3)
    page = report_html.report(visits(*hosts))
    captures, under = of_kind(page, "decl.undeclared-host")
    assert captures == shown.split()
    assert (f"{len(hosts) - 3} more stand in the JSON report" in under) is (len(hosts) > 3)
    assert f"({len(hosts)})</h3>" in page


def test_what_is_missing_is_listed_so_often_and_then_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    blind = [captured(document(cookie=""), creator="WebInspector", file=f"{n}.har") for n in range(4)]
    done = audit(policy(), blind, None, baseline=False)
    unread = [CaptureError(f"{n}.bad", "not JSON", "export it again") for n in range(5)]
    monkeypatch.setattr(report_html, "_ROWS", 4)
    page = report_html.report(done, unread)
    assert re.findall(r"<li>(\d)\.har: no cookies recorded", page) == ["0", "1", "2", "3"]
    assert page.count("<li>Could not be read") == 4
    assert "<p>More such lines stand in the JSON report: unread (1).</p>" in page
    monkeypatch.setattr(report_html, "_ROWS", 3)
    assert "no cookies recorded (1)" in report_html.report(done, unread)


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
