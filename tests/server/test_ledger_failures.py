"""A ledger that cannot store: everything stays as it was, and the visitor is told."""

import asyncio
import logging
from pathlib import Path

import pytest

from cmp.core.consent import NO_CHOICE
from cmp.ledger.record import Record
from cmp.ledger.store import Acknowledgement
from cmp.server import recording
from cmp.wire.words import word
from tests.server.site import OPTIONAL, Running, running


def break_ledger(server: Running) -> None:
    """As an operator does who moves the file away under a running server."""
    server.ledger.rename(server.ledger.with_name("moved.db"))


def mend_ledger(server: Running) -> None:
    server.ledger.with_name("moved.db").rename(server.ledger)


@pytest.mark.parametrize("name", ["choice", "withdraw"])
@pytest.mark.parametrize("language", ["en", "de"])
def test_no_record_no_cookie(server: Running, name: str, language: str) -> None:
    break_ledger(server)
    document = {"choice": "accept"} if name == "choice" else {}
    answer = server.post_json(name, document, Cookie="_st=1", Accept_Language=language)
    assert (answer.status, answer.code) == (503, "not-saved")
    assert answer.json["error"]["message"] == word(language, "failed")
    assert answer.set_cookies == []
    assert server.get("state").status == 200


def test_a_refusal_that_is_not_stored_is_not_acknowledged_either(server: Running) -> None:
    break_ledger(server)
    answer = server.post_json("choice", {"choice": "refuse"})
    assert (answer.status, answer.set_cookies) == (503, [])


@pytest.mark.parametrize("values", [{"answer": "frame"}, {"back": "/cart"}])
def test_a_form_is_told_in_a_page(server: Running, values: dict[str, str]) -> None:
    break_ledger(server)
    answer = server.post_form("choice", {"choice": "accept", "lang": "de", **values})
    assert answer.status == 503
    assert answer.set_cookies == []
    assert "Ihre Auswahl konnte nicht gespeichert werden" in answer.text
    assert ("consentry-form" in answer.text) == ("back" in values)


def test_who_could_not_withdraw_is_not_told_that_it_is_off(server: Running) -> None:
    consent = server.post_json("choice", {"choice": "accept"}).consent
    break_ledger(server)
    answer = server.post_json("withdraw", {}, Cookie=consent)
    assert (answer.status, answer.code) == (503, "not-saved")
    assert "still holds" in answer.json["error"]["message"]
    assert server.get("state", Cookie=consent).json["granted"] == sorted(OPTIONAL)


def test_when_it_works_again_choices_are_stored_again(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    break_ledger(server)
    for _ in range(3):
        assert server.post_json("choice", {"choice": "accept"}).status == 503
    mend_ledger(server)
    assert server.post_json("choice", {"choice": "accept"}).status == 200
    ours = [record for record in caplog.records if record.name == "consentry.server"]
    # What the server does by itself fails meanwhile too, and says so.
    told = [(record.levelno, record.getMessage()) for record in ours if record.getMessage().startswith("choices")]
    assert [level for level, _ in told] == [logging.ERROR, logging.WARNING]
    assert str(server.ledger) in told[0][1]


class Stuck:
    """A ledger on a disk that does not answer."""

    async def append(self, record: Record) -> Acknowledgement:
        await asyncio.sleep(3600)
        raise AssertionError

    def count(self, event: str, at: float) -> None:
        return None


def test_a_ledger_that_does_not_answer_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "PATIENCE", 0.2)
    with running(tmp_path, ledger=Stuck()) as server:
        answer = server.post_json("choice", {"choice": "refuse"})
        assert (answer.status, answer.set_cookies) == (503, [])
        assert server.get("state").json["decided"] is NO_CHOICE.decided
