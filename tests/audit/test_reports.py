"""The two reports: what scripts rely on, and what people see."""

import json
from typing import Any

import pytest

from cmp.audit import report_json, report_text
from cmp.audit.audit import Audit, audit
from cmp.audit.contacts import contacts
from cmp.capture.capture import CaptureError
from tests.audit.hars import Json, captured, document, policy, request

VISIT = (
    document(cookie="session=1; _st=2; theme=3"),
    request("https://stats.test/s.js?id=secret", set_cookie=["_st=9; Max-Age=600"]),
    request("https://ads.test/p", cookie="uid=4"),
    request("https://consent.test/banner.js"),
    request("https://cdn.test/a.js"),
)


def audited(*entries: Json, choice: str | None = "refuse", captures: int = 1, **more: Any) -> Audit:
    files = [captured(*entries, file=f"folder/visit{n}.har") for n in range(captures)]
    return audit(policy(), files, choice, baseline=more.get("baseline", False))


# ------------------------------------------------------------------------------------------- json


def test_the_fields_of_the_contract() -> None:
    form = json.loads(report_json.report(audited(*VISIT)))
    assert {"policy", "captures", "decisions", "findings", "summary"} <= set(form)
    assert {"id", "version", "fingerprint"} <= set(form["policy"])
    capture = form["captures"][0]
    assert {"file", "sha256", "entries", "skipped", "assessable", "notes"} <= set(capture)
    assert (capture["file"], capture["entries"], capture["skipped"]) == ("folder/visit0.har", 5, 0)
    assert (capture["assessable"], capture["notes"]) == (True, [])
    assert capture["live"] == {"compared": 0, "differ": 0, "first": None}
    assert form["decisions"] == {"allow": 1, "edit": 1, "block": 3}
    keys = ["code", "level", "capture", "entry", "time", "host", "category", "vendor", "rule", "evidence"]
    assert all(list(finding) == keys for finding in form["findings"])
    first = form["findings"][0]
    assert (first["code"], first["level"], first["entry"]) == ("consent.request-after-reject", "violation", 1)
    assert (first["time"], first["host"], first["vendor"]) == ("2025-06-15T15:06:41.000Z", "stats.test", "stats")
    assert form["summary"]["by_code"] == {
        "consent.read-after-reject": 2,
        "consent.request-after-reject": 2,
        "consent.set-after-reject": 1,
        "decl.undeclared-cookie": 1,
        "decl.undeclared-host": 1,
    }
    assert form["summary"]["by_level"] == {"violation": 5, "potential": 2, "note": 0, "not-assessable": 0}


def test_the_same_input_gives_the_same_bytes() -> None:
    first, second = (report_json.report(audited(*VISIT, captures=2)) for _ in range(2))
    assert first == second
    assert first.isascii()
    assert report_text.report(audited(*VISIT)) == report_text.report(audited(*VISIT))


@pytest.mark.parametrize(
    "entries,expected",
    [
        pytest.param(VISIT, True, id="with-cookies"),
        pytest.param((), False, id="nothing-recorded"),
        pytest.param((document(cookie=""),), False, id="cookies-left-out"),
    ],
)
def test_assessable(entries: tuple[Json, ...], expected: bool) -> None:
    capture = captured(*entries, creator="WebInspector")
    form = report_json.report_form(audit(policy(), [capture], None, baseline=False))
    assert form["captures"][0]["assessable"] is expected
    assert bool(form["summary"]["by_level"]["not-assessable"]) is not expected


def test_unreadable_captures_are_told() -> None:
    error = CaptureError("x.har", "not JSON", "export it again")
    assert report_json.report_form(audited(*VISIT), [error])["unreadable"] == [{"file": "x.har", "why": "not JSON"}]
    assert "1 capture could not be read: x.har" in report_text.report(audited(*VISIT), [error])


@pytest.mark.parametrize(
    "seconds,text",
    [
        pytest.param(0.0014, "1970-01-01T00:00:00.001Z", id="rounded"),
        pytest.param(1e300, None, id="no-calendar-has-it"),
        pytest.param(float("nan"), None, id="no-number"),
    ],
)
def test_times(seconds: float, text: str | None) -> None:
    assert report_json.iso_time(seconds) == text


# ------------------------------------------------------------------------------------------- companies


def test_who_was_contacted() -> None:
    found = {contact.name: contact for contact in contacts(one.contacts for one in audited(*VISIT).accounts)}
    assert list(found) == ["Acme Statistics", "Big Ads", "cdn.test", "Consent platform", "shop.example"]
    acme, unknown, site = found["Acme Statistics"], found["cdn.test"], found["shop.example"]
    assert (acme.known, acme.country, acme.requests, acme.stopped, list(acme.set)) == (True, "IE", 1, 1, ["_st"])
    assert (unknown.known, unknown.own, unknown.stopped) == (False, False, 1)
    assert (site.own, list(site.sent), list(site.stripped)) == (True, ["session", "_st", "theme"], ["_st", "theme"])


def test_why_is_told_of_those_stopped() -> None:
    under = policy(vendors=[{"id": "v", "name": "V", "category": "analytics", "hosts": ["v.test"]}])
    agreed = audit(under, [captured(document(), request("https://v.test/"))], "analytics", baseline=False)
    refused = audit(under, [captured(document(), request("https://v.test/"))], "refuse", baseline=False)
    both = contacts(one.contacts for one in (*agreed.accounts, *agreed.accounts, *refused.accounts))
    company = next(contact for contact in both if contact.known)
    assert (company.requests, company.stopped, company.reason) == (3, 1, "refused")


# ------------------------------------------------------------------------------------------- text


def test_the_text_names_companies_cookies_and_why() -> None:
    text = report_text.report(audited(*VISIT))
    assert "3 of 5 requests would have been stopped, 1 more passed with cookies changed, 1 passed as they are." in text
    rows = {line[:28].rstrip(): line for line in text.splitlines()}
    assert rows["Acme Statistics (IE)"].endswith("stopped: refused")
    assert "_st" in rows["Acme Statistics (IE)"]
    assert rows["cdn.test"].endswith("stopped: unknown to policy")
    assert rows["Consent platform"].endswith("passes: necessary")
    assert "consent.request-after-reject" in text


def _crowd(size: int) -> tuple[Json, ...]:
    cookies = "; ".join(f"c{n}=1" for n in range(30))
    return (
        document(cookie=cookies),
        *(request(f"https://host{n}.test/", cookie=cookies, set_cookie=["a=1; Max-Age=90"]) for n in range(size)),
    )


ODD_NAME = "x\x1b[31m\u202e" + "y" * 300
SIZES = [
    pytest.param((), 1, id="nothing"),
    pytest.param(VISIT, 1, id="one-visit"),
    pytest.param(_crowd(200), 1, id="two-hundred-hosts"),
    pytest.param(_crowd(12), 40, id="forty-captures"),
    pytest.param((*VISIT, document(cookie=f"{ODD_NAME}=1")), 3, id="hostile-names"),
]


@pytest.mark.parametrize("entries,captures", SIZES)
@pytest.mark.parametrize("choice", [None, "refuse", "accept"])
def test_the_text_fits_one_screen(entries: tuple[Json, ...], captures: int, choice: str | None) -> None:
    text = report_text.report(audited(*entries, captures=captures, choice=choice))
    lines = text.splitlines()
    assert len(lines) <= report_text.LINES
    assert max(map(len, lines)) <= report_text.COLUMNS
    assert all(line.isprintable() for line in lines)


def test_what_does_not_fit_is_summed() -> None:
    text = report_text.report(audited(*_crowd(200)))
    assert "more, 1" in text
    assert "consentry audit --format json" in text
    rows = [line for line in text.splitlines() if line.startswith("host")]
    rest = next(line for line in text.splitlines() if line.startswith("and "))
    assert len(rows) + int(rest.split()[1]) == 200


def test_nothing_found_is_clean_only_where_all_could_be_seen() -> None:
    assert "Findings: none.\n" in report_text.report(audited(document()))
    assert "Findings: none, but not everything could be assessed." in report_text.report(audited())
