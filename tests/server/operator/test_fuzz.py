"""Whatever is sent, somebody foreseeing it has written the answer."""

import json
import random
from pathlib import Path
from typing import Any

from tests.server.desk_site import DeskRunning, desk_running
from tests.server.operator.test_access import CALLS

SEED = 20261122
EACH = 40
STRANGE: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 2**63, 10**400, "", " ", "acme", "a@shop.test", "x" * 5_000, "\0", "\ud800"),
    *([], {}, ["a@shop.test"], [None], [["a"]], {"a": 1}, "2026-10-01", "2026-13-01", "access", "open", "declined"),
    *("%s", "' OR 1=1 --", "\u202e", "🎃", "answered", "panel", "client", "surveys", "99999-01-01", "0001-01-01"),
)
NAMES = (
    *("client", "addresses", "address", "change", "source", "upto", "list", "state", "reason", "identified", "referTo"),
    *("contact", "given", "authority", "ground", "what", "on", "person"),
)


def strange_body(chance: random.Random, known: Any) -> bytes:
    names = list(known or ()) if chance.random() < 0.8 else chance.sample(NAMES, chance.randrange(4))
    body = {
        name: known[name] if known and name in known and chance.random() < 0.4 else chance.choice(STRANGE)
        for name in names
    }
    return json.dumps(body).encode()


def test_no_call_fails_in_a_way_nobody_foresaw(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    seen: set[int] = set()

    def ask(server: DeskRunning, method: str, path: str, body: bytes | None) -> None:
        answer = server.call("olga", method, path, body)
        assert answer.status in (200, 400, 403, 404, 405, 409, 413), (path, body, answer.text)
        seen.add(answer.status)

    with desk_running(tmp_path) as server:
        for method, path, known, _ in CALLS:
            for _ in range(EACH):
                if method == "POST":
                    ask(server, method, path, strange_body(chance, known))
                else:
                    name = chance.choice(("client", "format", "state", "before", "at", "kind", "x"))
                    value = chance.choice(("", "x", "-1", "acme", "9" * 15, "%00", "%FF", "2026-02-30", "99999-01-01"))
                    ask(server, method, f"{path}?{name}={value}", None)
    assert {200, 400, 404} <= seen


def test_no_visitor_gets_a_fault_of_ours(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    names = ("kind", "client", "subject", "purpose", "contact", "text", "lang", "token", "list", "for", "address")
    with desk_running(tmp_path) as server:
        for number in range(300):
            path = chance.choice(("rights", "opt-out", server.link(), server.link().replace("opt-out/", "opt-in/")))
            body = {name: chance.choice(STRANGE) for name in chance.sample(names, chance.randrange(5))}
            if chance.random() < 0.5:
                body |= {"kind": "access", "contact": "a@shop.test", "list": "surveys", "address": "a@shop.test"}
            fields = {"X_Forwarded_For": f"198.51.100.{number % 250}"}
            if chance.random() < 0.5:
                answer = server.post_json(path, body, **fields)
            else:
                texts = {name: ascii(value) for name, value in body.items()}
                answer = server.post_form(path, texts, **fields)
            assert answer.status < 500, (path, body, answer.text)
