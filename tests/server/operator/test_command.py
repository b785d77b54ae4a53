"""`consentry serve` and `consentry up` with a desk and an operator listener, from outside."""

import http.client
import json
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cmp.desk.keying import link_secret
from cmp.desk.link import Link, make_token
from cmp.seal.keys import read_signing_keys
from demo.site import running_site
from tests.called import called
from tests.core.examples import shop
from tests.desk.offer import DESK
from tests.server.command import ROOT

ONE_CLICK = b"List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def write_policy(folder: Path, **changes: Any) -> Path:
    file = folder / "shop.json"
    file.write_text(json.dumps(shop(**{**_english(DESK), **changes})))
    return file


def _english(value: Any) -> Any:
    """The same without the texts in other languages."""
    if isinstance(value, dict):
        return {key: _english(inner) for key, inner in value.items() if key != "de"}
    return [_english(inner) for inner in value] if isinstance(value, list) else value


def consentry(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "cmp", *arguments]


def made_token(folder: Path, told: str) -> str:
    said = called("serve", "--make-token", told, "--operator-tokens", str(folder / "operators.json"))
    assert said.status == 0, said
    return said.out.removesuffix("\n")


@contextmanager
def running(folder: Path, *command: str) -> Iterator[tuple[subprocess.Popen[str], int, int]]:
    """The process, the visitors' port and the operators'."""
    with subprocess.Popen(
        consentry(*command), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline(), process.stdout.readline()]
            ports = [re.search(r":(\d+)[/)]", line) for line in lines]
            if not all(ports):
                process.kill()
                raise RuntimeError(f"it does not say where it listens: {lines} {process.communicate()}")
            visitors, operators = (int(found[1]) for found in ports if found)
            yield process, visitors, operators
        finally:
            process.kill()


def serve(folder: Path, *more: str) -> tuple[str, ...]:
    return (
        *("serve", "--policy", str(folder / "shop.json"), "--keys", str(folder / "keys.json")),
        *("--ledger", str(folder / "ledger.db"), "--port", "0", "--public-origin", "https://www.shop.test", *more),
    )


def operators(folder: Path) -> tuple[str, ...]:
    return "--operator-port", "0", "--operator-tokens", str(folder / "operators.json")


def ask(port: int, method: str, path: str, fields: Mapping[str, str], body: bytes | None = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, dict(fields))
    reply = connection.getresponse()
    text = reply.read()
    connection.close()
    return reply.status, json.loads(text) if reply.headers.get_content_type() == "application/json" else text


def opted_out(folder: Path) -> str:
    keys = read_signing_keys(folder / "keys.json")
    return make_token(link_secret(keys.form_secret), Link("surveys", "acme", "ann@shop.test"))


def test_a_token_is_printed_once_and_its_hash_kept(tmp_path: Path) -> None:
    token = made_token(tmp_path, "anna:operator:acme")
    file = tmp_path / "operators.json"
    assert re.fullmatch(r"[\w-]{43}", token)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert token not in file.read_text()
    assert json.loads(file.read_text())["tokens"][0]["client"] == "acme"


def test_an_opt_out_at_the_visitors_port_is_seen_at_the_operators(tmp_path: Path) -> None:
    write_policy(tmp_path)
    token = made_token(tmp_path, "anna:operator:acme")
    with running(tmp_path, *serve(tmp_path, *operators(tmp_path))) as (process, visitors, port):
        link = f"/.consent/opt-out/{opted_out(tmp_path)}"
        assert ask(visitors, "POST", link, FORM, ONE_CLICK) == (200, {"ok": True})
        status, told = ask(port, "GET", "/opt-outs/surveys", {"Authorization": f"Bearer {token}"})
        assert (status, [row["address"] for row in told["optOuts"]]) == (200, ["ann@shop.test"])
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0
    assert (tmp_path / "ledger-desk.db").exists()
    # Nothing of anybody is in what it said.
    assert "ann" not in errors.replace("anna", "")
    assert token not in errors


def test_behind_the_proxy_links_work_and_the_operators_calls_are_not_there(tmp_path: Path) -> None:
    policy = write_policy(tmp_path, unknown={"host": "deny", "cookie": "deny"})
    token = made_token(tmp_path, "olga:operator")
    with running_site() as site:
        command = (
            *("up", "--upstream", f"http://127.0.0.1:{site.port}", "--policy", str(policy), "--port", "0"),
            *("--ledger", str(tmp_path / "ledger.db"), "--keys", str(tmp_path / "keys.json")),
            *("--confdir", str(tmp_path / "conf"), "--public-origin", "http://www.shop.test", *operators(tmp_path)),
        )
        with running(tmp_path, *command) as (_, visitors, port):
            sent = {"Host": "www.shop.test", "Authorization": f"Bearer {token}"}
            link = f"/.consent/opt-out/{opted_out(tmp_path)}"
            assert ask(visitors, "POST", link, {**FORM, "Host": "www.shop.test"}, ONE_CLICK) == (200, {"ok": True})
            for path in ("/.consent/opt-outs", "/.consent/access-log", "/.consent/purge"):
                assert ask(visitors, "GET", path, sent)[0] == 404
            # By the listener's own address through the proxy: that is the site again, not the listener.
            through = {**sent, "Host": f"127.0.0.1:{port}"}
            status, told = ask(visitors, "GET", "/whoami", through)
            assert not (isinstance(told, dict) and told.get("role")), status
            assert ask(port, "GET", "/whoami", {"Authorization": f"Bearer {token}"})[1]["role"] == "operator"


def test_without_the_option_there_is_no_listener_and_without_an_offer_no_desk(tmp_path: Path) -> None:
    (tmp_path / "shop.json").write_text(json.dumps(shop()))
    with subprocess.Popen(
        consentry(*serve(tmp_path)), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert "operators" not in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=60)
    assert rest == ""
    assert [path.name for path in tmp_path.glob("*desk*")] == []


@pytest.mark.parametrize(
    "more, told",
    [
        (("--operator-port", "0"), "go together"),
        (("--operator-tokens", "operators.json"), "go together"),
        (("--operator-port", "0", "--operator-tokens", "missing.json"), "--make-token"),
        (("--operator-port", "70000", "--operator-tokens", "{folder}/operators.json"), "for operators"),
        (("--desk", "postgresql://u:hidden@h/d"), "no desk of this kind"),
        (("--desk", "/nonexistent/d.db"), "/nonexistent/d.db"),
        (("--make-token", "anna"), "needs --operator-tokens"),
        (("--make-token", "anna:boss", "--operator-tokens", "{folder}/t.json"), "a role is one of"),
        (("--make-token", "olga:viewer", "--operator-tokens", "{folder}/operators.json"), "already"),
    ],
)
def test_what_cannot_be_used_is_one_line(tmp_path: Path, more: tuple[str, ...], told: str) -> None:
    write_policy(tmp_path)
    made_token(tmp_path, "olga:operator")
    said = called(*serve(tmp_path, *(one.format(folder=tmp_path) for one in more)))
    assert (said.status, said.out) == (2, "")
    assert told in said.err.splitlines()[-1]
    assert "hidden" not in said.err


def test_policy_and_keys_are_needed_for_everything_else() -> None:
    said = called("serve")
    assert said.status == 2
    assert "--policy, --keys" in said.err
