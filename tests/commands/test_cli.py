"""The command line as a whole: help, errors and exit statuses."""

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cmp import __version__, resources
from cmp.cli import COMMANDS, build_parser, main
from cmp.commands import check
from cmp.terminal import one_line, printable

Capture = pytest.CaptureFixture[str]
ROOT = Path(__file__).parent.parent.parent
STRICT = str(resources.policies() / "strict.json")


def names() -> list[str]:
    actions = build_parser()._actions
    return [name for action in actions if isinstance(action, argparse._SubParsersAction) for name in action.choices]


def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cmp", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )


@pytest.mark.parametrize("name", ["", *names()])
def test_every_help_has_an_example(capsys: Capture, name: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"] if name else ["--help"])
    assert ended.value.code == 0
    assert f"example: consentry {name}" in " ".join(capsys.readouterr().out.split())


def test_every_command_is_listed_with_a_line_of_help(capsys: Capture) -> None:
    assert len(names()) >= len(COMMANDS)
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    for name in names():
        assert f"    {name} " in out


def test_the_version(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"consentry {__version__}\n"


@pytest.mark.parametrize(
    "arguments, said",
    [
        pytest.param([], "consentry: the following arguments are required: COMMAND", id="no command"),
        pytest.param(["chekc"], "consentry: argument COMMAND: invalid choice: 'chekc'", id="unknown command"),
        pytest.param(["check"], "consentry check: the following arguments are required: FILE", id="no file"),
        pytest.param(["check", "--colour", "x"], "consentry: unrecognized arguments: --colour", id="unknown option"),
        pytest.param(
            ["check", "--format", "xml", "x"], "consentry check: argument --format: invalid choice", id="a format"
        ),
        pytest.param(
            ["explain", "--url", "x"], "consentry explain: the following arguments are required: --policy", id="policy"
        ),
        pytest.param(["\x1b[2J\nfake"], "consentry: argument COMMAND: invalid choice: '\\x1b[2J\\nfake'", id="escapes"),
    ],
)
def test_wrong_arguments_are_one_line_and_status_2(capsys: Capture, arguments: list[str], said: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(said)
    assert err.endswith(" --help shows how)\n")
    assert err.count("\n") == 1


def test_an_internal_error_is_one_line_without_a_traceback(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_arguments: argparse.Namespace) -> int:
        raise RuntimeError("went\nwrong \x1b[2J")

    monkeypatch.delenv("CONSENTRY_DEBUG", raising=False)
    monkeypatch.setattr(check, "run", fail)
    assert main(["check", STRICT]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("consentry: internal error: RuntimeError: went\\x0awrong \\x1b[2J (CONSENTRY_DEBUG=1 ")
    assert err.count("\n") == 1
    monkeypatch.setenv("CONSENTRY_DEBUG", "1")
    with pytest.raises(RuntimeError):
        main(["check", STRICT])


def test_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_arguments: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "run", interrupt)
    assert main(["check", STRICT]) == 128 + signal.SIGINT


def test_a_command_leaves_the_signals_of_the_process_alone(capsys: Capture) -> None:
    # With SIGPIPE's default a browser that hangs up would kill the proxy.
    before = signal.getsignal(signal.SIGPIPE)
    assert main(["check", STRICT]) == 0
    assert signal.getsignal(signal.SIGPIPE) is before is signal.SIG_IGN


def test_it_runs_as_a_module() -> None:
    done = run("check", STRICT)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{STRICT}: fine: strict 1, ")


def test_a_reader_that_stops_reading_ends_it_quietly(tmp_path: Path) -> None:
    questions = tmp_path / "in.jsonl"
    questions.write_text((json.dumps({"url": "https://a.test/", "page": "https://b.test/"}) + "\n") * 5000, "utf-8")
    shell = f"'{sys.executable}' -m cmp explain --policy '{STRICT}' --batch '{questions}' | head -n 1"
    done = subprocess.run(
        ["/bin/sh", "-c", shell],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert json.loads(done.stdout)["action"] == "block"
    assert done.stderr == ""


def test_what_an_old_terminal_cannot_show_is_escaped() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cmp", *("explain", "--policy", STRICT, "--url", "https://fonts.gstatic.com/")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
        timeout=500,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\\xb7 category" in done.stdout


@pytest.mark.parametrize(
    "text, shown",
    [
        ("plain ä · ✓", "plain ä · ✓"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\rb", "a\\x0db"),
        ("a\x7fb\x9bc", "a\\x7fb\\x9bc"),
        ("\u202eevil\u2069", "\\x202eevil\\x2069"),
        ("\u2028", "\\x2028"),
        ("\ud800", "\\xd800"),
    ],
)
def test_control_characters_are_shown_not_sent(text: str, shown: str) -> None:
    assert printable(text) == one_line(text) == shown


def test_one_line_is_one_line() -> None:
    assert one_line("a\nb\tc") == "a\\x0ab\\x09c"
