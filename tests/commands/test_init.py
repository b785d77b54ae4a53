"""From a site to a running observe mode."""

import http.client
import io
import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cmp.cli import main
from tests.commands.small_site import HTML, Reply, SmallSite, nobody, small_site
from tests.live import ROOT, running_command

PAGE = b"""<!doctype html><html lang="de"><head>
<script async src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>
<script>fbq('init', '1')</script></head><body><a href="/about">About us</a>
<img src="https://px.unheard.test/p.gif"><script src="https://js.stripe.com/v3/"></script></body></html>"""
COOKIES = (
    ("Set-Cookie", "sid=1; HttpOnly; Path=/"),
    ("Set-Cookie", "_ga=1; Max-Age=63072000"),
    ("Set-Cookie", "theme=dark; Max-Age=2592000"),
)
ABOUT = Reply(b'<html lang="en"><a href="/">back</a>', (HTML, ("Set-Cookie", "seen=1")))


@pytest.fixture(scope="module")
def site() -> Iterator[SmallSite]:
    with small_site({"/": Reply(PAGE, (HTML, *COOKIES)), "/about": ABOUT}) as found:
        yield found


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def init(monkeypatch: pytest.MonkeyPatch, site: SmallSite | str, *answers: str, more: tuple[str, ...] = ()) -> int:
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{answer}\n" for answer in answers)))
    return main(["init", "--upstream", site if isinstance(site, str) else site.url, *more])


def written(name: str = "policy.json") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path(name).read_text("utf-8"))
    return document


ALL_DEFAULTS = ("",) * 9


def test_every_default_makes_a_policy_that_passes_check(
    monkeypatch: pytest.MonkeyPatch, site: SmallSite, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init(monkeypatch, site, more=("--yes", "-o", "policy.json")) == 0
    told = capsys.readouterr().out
    assert "2 pages read: 4 third parties, 4 cookies set by the site itself" in told
    assert "Undeclared, so stopped once it is enforced: theme, seen, unheard.test" in told
    assert main(["check", "policy.json"]) == 0
    document = written()
    assert document["catalogue"]["adopt"] == ["google-tag-manager", "meta-pixel", "stripe"]
    assert [(cookie["name"], cookie["category"]) for cookie in document["cookies"]] == [
        ("sid", "necessary"),
        ("_ga", "analytics"),
    ]
    assert (document["languages"], document["mode"]) == (["de", "en"], "observe")


def test_ten_questions_at_most_and_each_answer_counts(
    monkeypatch: pytest.MonkeyPatch, site: SmallSite, capsys: pytest.CaptureFixture[str]
) -> None:
    status = init(
        monkeypatch,
        site,
        "Example, Inc., privacy@shop.example",
        "us",
        "shop.example, shop.test",
        "en",
        "theme=functional, seen=?",
        "unheard.test=advertising, stripe=functional, hotjar=analytics",
        "gpc, dnt",
        "24 months",
        "16",
        "mine.json",
        more=("--public-origin", "https://www.shop.example"),
    )
    told = capsys.readouterr().out
    assert status == 0
    assert [int(n) for n in re.findall(r"^(\d+) of 10\. ", told, re.MULTILINE)] == list(range(1, 11))
    document = written("mine.json")
    assert document["controller"] == {"name": "Example, Inc.", "contact": "privacy@shop.example"}
    assert (document["preset"], document["sites"], document["languages"]) == (
        "us",
        ["shop.example", "shop.test"],
        ["en"],
    )
    assert [cookie["name"] for cookie in document["cookies"]] == ["sid", "_ga", "theme"]
    assert document["catalogue"]["adopt"] == ["google-tag-manager", "hotjar", "meta-pixel"]
    assert [(vendor["id"], vendor["category"]) for vendor in document["vendors"]] == [
        ("unheard-test", "advertising"),
        ("stripe", "functional"),
    ]
    assert document["signals"] == {"dnt": {"denies": "all", "grantOverrides": True}}
    assert document["consent"] == {"keepRecords": "24 months", "minimumAge": 16}
    assert "--public-origin https://www.shop.example --mode observe" in told


@pytest.mark.parametrize(
    "question, wrong, reason",
    [
        pytest.param(1, "Example, nobody", '"nobody" is no address', id="contact"),
        pytest.param(1, "privacy@shop.example", "a name is needed", id="no name"),
        pytest.param(2, "mars", '"mars" is none of: eu, uk, us', id="preset"),
        pytest.param(3, "co.uk", "public suffix", id="hosts"),
        pytest.param(4, "fr", '"fr" is none of: en, de', id="languages"),
        pytest.param(5, "theme", "write NAME=CATEGORY", id="cookies without category"),
        pytest.param(5, "theme=fun", '"fun" is none of: necessary', id="no such category"),
        pytest.param(6, "nosuch=analytics", '"nosuch" is no vendor of the catalogue', id="vendors"),
        pytest.param(7, "tcf", '"tcf" is none of: gpc, dnt', id="signals"),
        pytest.param(8, "1 day", "a choice holds 182 days", id="retention"),
        pytest.param(8, "long", "is no lifetime", id="no duration"),
        pytest.param(9, "12", "from 13 to 21", id="age"),
        pytest.param(10, "no/such/folder.json", "there is no folder no/such", id="folder"),
    ],
)
def test_a_bad_answer_is_asked_again_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
    site: SmallSite,
    capsys: pytest.CaptureFixture[str],
    question: int,
    wrong: str,
    reason: str,
) -> None:
    answers = [*ALL_DEFAULTS, "policy.json"]
    answers.insert(question - 1, wrong)
    assert init(monkeypatch, site, *answers) == 0
    assert reason in capsys.readouterr().out
    assert written()["consentry"] == 1


def test_a_file_that_is_there_is_not_overwritten_unless_told_to(
    monkeypatch: pytest.MonkeyPatch, site: SmallSite, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("policy.json").write_text("mine")
    assert init(monkeypatch, site, more=("--yes", "-o", "policy.json")) == 2
    assert capsys.readouterr().err == "consentry: policy.json is there already: --force overwrites it\n"
    assert init(monkeypatch, site, *ALL_DEFAULTS, "policy.json", "other.json") == 0
    assert (Path("policy.json").read_text(), written("other.json")["consentry"]) == ("mine", 1)
    assert init(monkeypatch, site, more=("--yes", "--force", "-o", "policy.json")) == 0
    assert written()["consentry"] == 1


@pytest.mark.parametrize("answered", range(10))
def test_the_end_of_input_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, site: SmallSite, capsys: pytest.CaptureFixture[str], answered: int
) -> None:
    assert init(monkeypatch, site, *ALL_DEFAULTS[:answered]) == 2
    told = capsys.readouterr()
    assert f"\n{answered + 1} of 10. " in told.out
    assert told.err.startswith("consentry: the answers ended at: ")
    assert told.err.endswith("Nothing was written.\n")
    assert list(Path().iterdir()) == []


def test_ctrl_c_leaves_nothing_behind(site: SmallSite, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cmp", "init", "--upstream", site.url]
    environment = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("1 of 10."):
                break
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT
    assert errors == "\nconsentry init: stopped, nothing was written\n"
    assert list(tmp_path.iterdir()) == []


def test_where_the_site_cannot_be_reached_the_questions_remain(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = ("Example Ltd", "", "shop.test", "en", "sid=necessary", "hotjar=analytics", "", "", "", "policy.json")
    with nobody() as url:
        assert init(monkeypatch, url, *answers) == 0
    told = capsys.readouterr().out
    assert f"{url} could not be looked at: " in told
    assert 'how long these live ("lifetime"): sid' in told
    assert written()["cookies"] == [{"name": "sid", "category": "necessary"}]
    assert main(["check", "policy.json"]) == 0


@pytest.mark.parametrize(
    "arguments, told",
    [
        pytest.param(["--upstream", "shop"], "--upstream", id="upstream"),
        pytest.param(["--upstream", "http://[::1]:1", "--public-origin", "x"], "--public-origin", id="origin"),
        pytest.param(["--upstream", "http://127.0.0.1:1", "--upstream-ca", "none.pem"], "none.pem", id="authorities"),
        pytest.param(["--upstream", "http://127.0.0.1:1", "-o", "a/b.json"], "no folder a", id="folder"),
    ],
)
def test_what_cannot_be_used_is_one_line(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", *arguments]) == 2
    errors = capsys.readouterr().err
    assert told in errors
    assert errors.count("\n") == 1


def test_what_a_site_says_cannot_write_on_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = Reply(b"", (HTML, ("Location", "https://x\x1b[31m.test/")), status=302)
    with small_site({"/": hostile}) as site:
        assert init(monkeypatch, site, *ALL_DEFAULTS, "policy.json") == 0
    assert "\x1b" not in capsys.readouterr().out


def test_the_commands_it_prints_run_the_draft_without_a_visitor_noticing(
    monkeypatch: pytest.MonkeyPatch, site: SmallSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init(monkeypatch, site, more=("--yes", "-o", str(tmp_path / "policy.json"))) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("    consentry up "))
    places = ["--keys", str(tmp_path / "k.json"), "--ledger", f"sqlite:{tmp_path / 'l.db'}", "--port", "0"]
    places += ["--confdir", str(tmp_path / "conf")]
    with running_command(["-m", "cmp", *shlex.split(line)[1:], *places], ready="up: observes ") as (_, told):
        port = int(re.findall(r"127\.0\.0\.1:(\d+)", told)[-1])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/")
        reply = connection.getresponse()
        assert (reply.status, reply.read()) == (200, PAGE)
        assert reply.headers.get_all("Set-Cookie") == [value for _, value in COOKIES]
        assert reply.headers["Content-Security-Policy"] is None
        connection.close()
    assert main(["audit", str(tmp_path / "policy.flow"), "--policy", str(tmp_path / "policy.json")]) == 1
    assert "theme" in capsys.readouterr().out
