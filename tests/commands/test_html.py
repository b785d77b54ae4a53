"""`consentry html`: the page as a visitor with a certain choice gets it, bytes in, bytes out."""

import io
import json
import sys
from pathlib import Path

import pytest

from cmp.cli import main
from tests.core.examples import shop

PAGE = "https://www.shop.test/a"
IN = b'<!doctype html>\r\n<title>\xe9</title><img src="//stats.test/p.gif"><img src=/own.gif>\r\n'


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "shop.json"
    path.write_text(json.dumps(shop()), "utf-8")
    return str(path)


def html(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], *arguments: str, page: bytes = IN
) -> tuple[int, bytes, str]:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(page)))
    status = main(["html", *arguments])
    out, err = capfdbinary.readouterr()
    return status, out, err.decode()


def test_what_is_denied_is_inert_and_every_other_byte_is_there(
    policy: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    status, out, err = html(monkeypatch, capfdbinary, "--policy", policy, "--page", PAGE, "--choice", "refuse")
    assert (status, err) == (0, "")
    assert b'<img data-consent-src="//stats.test/p.gif"><img src=/own.gif>\r\n' in out
    assert out.startswith(b'<!doctype html>\r\n<script src="/.consent/guard.js">')
    assert b"<title>\xe9</title>" in out
    assert b"consentry-reopen" in out


def test_what_was_agreed_to_is_not(
    policy: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    _, out, _ = html(monkeypatch, capfdbinary, "--policy", policy, "--page", PAGE, "--choice", "accept")
    assert b'<img src="//stats.test/p.gif">' in out


def test_what_is_added_to_the_header_goes_to_stderr(
    policy: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    _, _, err = html(monkeypatch, capfdbinary, "--policy", policy, "--page", PAGE, "--headers")
    assert "Content-Security-Policy: default-src 'self'" in err
    assert "Cache-Control: private, no-cache" in err


def test_a_page_in_utf_16_is_read_and_written_in_it(
    policy: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    page = "\ufeff<img src=//stats.test/>".encode("utf-16-le")
    status, out, err = html(monkeypatch, capfdbinary, "--policy", policy, "--page", PAGE, page=page)
    assert (status, err) == (0, "")
    assert "<img data-consent-src=//stats.test/>" in out.decode("utf-16")


def test_a_page_that_could_be_read_in_two_ways_is_told_its_coding(
    policy: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    page = "<meta charset=iso-2022-jp><p>\u65e5</p><img src=//stats.test/>".encode("iso2022_jp")
    status, out, err = html(monkeypatch, capfdbinary, "--policy", policy, "--page", PAGE, "--headers", page=page)
    assert (status, "<p>\u65e5</p><img data-consent-src=//stats.test/>" in out.decode("iso2022_jp")) == (0, True)
    assert "Content-Type: text/html; charset=iso-2022-jp\n" in err


@pytest.mark.parametrize(
    "arguments", [["--page", "shop"], ["--page", "data:,x"], ["--page", PAGE, "--choice", "nothing"]]
)
def test_arguments_that_make_no_sense(
    policy: str, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], arguments: list[str]
) -> None:
    status, out, err = html(monkeypatch, capfdbinary, "--policy", policy, *arguments)
    assert (status, out) == (2, b"")
    assert err.count("\n") == 1
