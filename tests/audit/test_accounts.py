"""The accounts of many captures, kept one after the other in a file."""

import gc
import json
import resource
import tempfile
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from cmp.audit import accounts as module
from cmp.audit import report_csv, report_html, report_json, report_junit, report_sarif, report_text
from cmp.audit.account import Account
from cmp.audit.accounts import Accounts, AccountsError, Findings
from cmp.audit.audit import Audit, Examination, audit_of
from cmp.audit.finding import Finding, Level
from tests.audit.hars import captured, document, policy, request

VISIT = (document(cookie="session=1; theme=3"), request("https://ads.test/p", cookie="uid=4"))
EXAMINATION = Examination(policy(), baseline=False, choice="refuse")
IN_LOG = Finding("log.broken", Level.VIOLATION, "decisions")


@pytest.fixture(scope="module")
def made() -> list[Account]:
    """Of some captures the second shows nothing to find."""
    visits = [VISIT, (document(),), VISIT, VISIT]
    return [EXAMINATION.of(captured(*visit, file=f"{number}.har")) for number, visit in enumerate(visits)]


@pytest.fixture(params=[1, 10**6], ids=["on-disk", "in-memory"])
def kept(request: pytest.FixtureRequest, made: list[Account], monkeypatch: pytest.MonkeyPatch) -> Accounts:
    monkeypatch.setattr(module, "_IN_MEMORY", request.param)
    return Accounts(made)


def test_they_come_out_as_they_were_put_in_and_as_often_as_asked(kept: Accounts, made: list[Account]) -> None:
    assert len(kept) == len(made)
    assert [list(kept), list(kept)] == [made, made]


@pytest.mark.parametrize("place", [0, 3, -1, slice(1, 3), slice(None, None, -1)], ids=str)
def test_each_has_its_place(kept: Accounts, made: list[Account], place: int | slice) -> None:
    assert kept[place] == made[place]


def test_going_through_them_is_not_disturbed_by_others(kept: Accounts, made: list[Account]) -> None:
    met = []
    for account in kept:
        assert kept[3] == made[3]
        kept.add(made[0])
        met.append(account)
        if len(met) == len(made):
            break
    assert met == made


@pytest.mark.parametrize("more", [[], [IN_LOG]], ids=["captures-alone", "with-a-log"])
def test_findings_are_those_of_the_captures_in_order_then_others(
    kept: Accounts, made: list[Account], more: Sequence[Finding]
) -> None:
    plain = [finding for account in made for finding in account.findings] + list(more)
    found = Findings(kept, more)
    assert (len(found), list(found)) == (len(plain), plain)
    assert (found[0], found[-1], found[1:3]) == (plain[0], plain[-1], plain[1:3])
    with pytest.raises(IndexError):
        found[len(plain)]


@pytest.mark.parametrize("captures", [0, 1, 4], ids=["nothing", "one", "several"])
def test_a_report_piece_by_piece_is_the_report_as_a_whole(made: list[Account], captures: int) -> None:
    done: Audit = audit_of(EXAMINATION, made[:captures])
    whole = json.dumps(report_json.report_form(done), indent=2) + "\n"
    assert "".join(report_json.pieces(done)) == report_json.report(done) == whole


FORMS: dict[str, Callable[[Audit], Iterable[str]]] = {
    "text": lambda done: [report_text.report(done)],
    "html": lambda done: [report_html.report(done)],
    "json": report_json.pieces,
    "csv": report_csv.pieces,
    "sarif": report_sarif.pieces,
    "junit": report_junit.pieces,
}


def several(account: Account, number: int) -> Audit:
    """An audit of so many captures, each with findings of its own."""

    def copy(place: int) -> Account:
        file = f"folder/{place:04}.har"
        found = tuple(replace(finding, capture=file) for finding in account.findings)
        return replace(account, file=file, findings=found)

    return audit_of(EXAMINATION, map(copy, range(number)))


def most_held(work: Callable[[], Iterable[str]]) -> int:
    """The most bytes that Python had in use while something was written."""
    tracemalloc.start()
    for number, _ in enumerate(work()):
        if number % 200 == 0:
            gc.collect()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


@pytest.mark.parametrize("form", FORMS)
def test_eight_times_the_captures_take_no_more_memory_to_write(
    form: str, made: list[Account], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_IN_MEMORY", 1)
    monkeypatch.setattr(report_html, "_ROWS", 5)
    # The first is for what is kept from then on, whatever is written.
    _, few, many = (most_held(partial(FORMS[form], several(made[0], number))) for number in (1, 20, 160))
    # What waits to be collected is some 70,000 bytes at most; 140 accounts alone would be six times as much as this.
    assert many < few + 150_000, (few, many)


def test_a_disk_that_is_full_is_said_with_its_place(made: list[Account], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_IN_MEMORY", 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        with pytest.raises(
            AccountsError, match=r"cannot be kept there .*; make room, or name another folder"
        ) as raised:
            list(Accounts(made))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(raised.value).startswith(f"{tempfile.gettempdir()}: ")


def test_without_any_folder_for_it_that_is_said(
    made: list[Account], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "_IN_MEMORY", 1)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(AccountsError, match=r"No such file or directory.*TMPDIR"):
        Accounts(made)
