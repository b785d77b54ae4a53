"""Who refuses leaves nothing behind: the whole product, markers in everything they send, and every place it writes to.

Parts are held to the same on their own: `tests/server/test_privacy.py`, `tests/ledger/test_privacy.py` and
`tests/addons/test_decision_log.py`.
"""

import itertools
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from cmp.cli import main
from tests.decision_log.examples import lines_of, text_of
from tests.live import running_upstream, send
from tests.server.operator.test_command import ask, made_token, operators, running, write_policy

SITE = "www.shop.test"
# As a program would look, as a name, and as what tells a visitor on the wire.
MARK, ADDRESS, PERSON = "m4rk3rq7-musterfrau", "203.0.113.77", "m4rya@marked.test"
MARKS = (*MARK.split("-"), ADDRESS, "2001:db8:77::7", *PERSON.split("@"))
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
ENDPOINTS = (
    *("", "state", "choice", "withdraw", "do-not-sell", "tell-me", "record", "receipt", "export", "erase", "report"),
    *("rights", "opt-out", "notices", "guard.js", "banner.js", "embed/maps", "health", "keys.json", "no-such-thing"),
)


def everything() -> list[tuple[str, str]]:
    """Every field a browser, a proxy before us or a curious person sends."""
    return [
        *(("Host", SITE), ("User-Agent", MARK), ("Referer", f"http://{SITE}/{MARK}?{MARK}={PERSON}"), ("From", PERSON)),
        *(
            ("Accept-Language", f"{MARK}, en;q=0.5"),
            ("Authorization", f"Bearer {MARK}"),
            ("If-None-Match", f'"{MARK}"'),
        ),
        *(("X-Forwarded-For", ADDRESS), ("Forwarded", 'for="[2001:db8:77::7]"'), ("X-Real-IP", ADDRESS)),
        *(("Via", f"1.1 {MARK}"), ("X-Mark", MARK), ("Cookie", f"sid={MARK}; _st={MARK}; consent={MARK}")),
    ]


def requests() -> Iterator[tuple[str, str, list[tuple[str, str]], bytes]]:
    """Method, target, fields and body: the site's pages, and every endpoint in the ways somebody may ask it."""
    ours, theirs = ("Sec-Fetch-Site", "same-origin"), ("Origin", f"http://{MARK}.marked.test")
    form = f"choice=refuse&lang={MARK}&token={MARK}&record={MARK}&back=/{MARK}&contact={PERSON}&text={MARK}".encode()
    texts = f'{{"choice":"refuse","language":"{MARK}","token":"{MARK}"}}'.encode()
    for method, target in itertools.product(("GET", "POST", "MARK"), (f"/{MARK}/page?{MARK}={PERSON}#{MARK}", "/")):
        yield method, target, everything(), form if method == "POST" else b""
    for name in ENDPOINTS:
        yield "GET", f"/.consent/{name}?lang={MARK}&back=/{MARK}&form={MARK}", everything(), b""
        for sender, kind, body in ((ours, FORM, form), (ours, JSON, texts), (theirs, FORM, form), (ours, MARK, form)):
            yield "POST", f"/.consent/{name}", [*everything(), sender, ("Content-Type", kind)], body
    # Of what a browser stopped the registrable domain is counted, which is a third party's, and nothing else.
    for blocked in (f"http://{MARK}.tracker.test/{MARK}?{MARK}", f"http://{MARK}/", f"chrome-extension://{MARK}/x.js"):
        body = json.dumps({"csp-report": {"document-uri": f"http://{SITE}/{MARK}", "blocked-uri": blocked}}).encode()
        yield "POST", "/.consent/report", [*everything(), ("Content-Type", "application/csp-report")], body
    yield "GET", f"/.consent/{MARK}/{MARK}?{MARK}", everything(), b""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where everything that the product writes lies, and nothing else."""
    (tmp_path / "kept").mkdir()
    return tmp_path / "kept"


def test_of_everything_a_refusing_visitor_sends_nothing_is_kept_anywhere(folder: Path) -> None:
    policy = write_policy(folder.parent)
    token = made_token(folder, "otto:auditor")
    with running_upstream() as upstream:
        command = (
            *("up", "--upstream", f"http://127.0.0.1:{upstream.port}", "--policy", str(policy), "--port", "0"),
            *("--ledger", str(folder / "ledger.db"), "--keys", str(folder / "keys.json")),
            *("--decision-log", str(folder / "log"), "--confdir", str(folder / "conf")),
            *("--public-origin", f"http://{SITE}", *operators(folder)),
        )
        with running(folder, *command) as (process, visitors, port):
            answers = [
                send(visitors, target, *fields, method=method, body=body).status
                for method, target, fields, body in requests()
            ]
            plain = [("Host", SITE), ("Sec-Fetch-Site", "same-origin"), ("Content-Type", JSON)]
            stored = send(visitors, "/.consent/choice", *plain, method="POST", body=b'{"choice":"refuse"}')
            told = [
                str(ask(port, "GET", path, {"Authorization": f"Bearer {token}"})[1])
                for path in ("/metrics", "/statistics", "/access-log", "/openapi.json")
            ]
            assert main(["ledger", "backup", str(folder / "ledger.db"), str(folder / "backup.db")]) == 0
            process.send_signal(signal.SIGTERM)
            said = "".join(process.communicate(timeout=60))
    assert main(["ledger", "export", str(folder / "ledger.db"), "-o", str(folder / "e.jsonl"), "--with-keys"]) == 0
    # What was sent was taken: otherwise nothing would follow from finding none of it.
    assert stored.status == 200
    assert {200, 404} <= set(answers)
    assert max(answers) < 500
    assert b'"kind":"refused"' in (folder / "e.jsonl").read_bytes().replace(b"\\", b"")
    assert sum(row["n"] for row in lines_of(folder / "log", "decided")) > 0
    assert "refused" in told[0]
    files = {str(file.relative_to(folder)): text_of(file) for file in folder.rglob("*") if file.is_file()}
    assert {"ledger.db", "backup.db", "e.jsonl"} <= files.keys()
    places = {**files, "names of files": "\n".join(files).encode(), "its output": said.encode()}
    places |= {"what operators are told": "".join(told).encode()}
    for mark in MARKS:
        assert [name for name, data in places.items() if mark.encode() in data.lower()] == []
