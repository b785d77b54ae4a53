"""One path: live, from the recording, and from the recording's HAR, the same is decided.

1,000 mixed requests, half of them to a browser's proxy and half in front of the site; `make test` runs a seeded sample,
`make soak` the whole. Decisions are compared byte for byte in their canonical form.
"""

import base64
import contextlib
import hashlib
import os
import random
import socket
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import pytest
from mitmproxy.master import Master

from cmp.audit.replay import Step, replay
from cmp.capture.capture import Entry, Gap
from cmp.core.decision import Action
from cmp.core.exchange import Kind, Unseen
from cmp.core.forms import decision_form
from cmp.core.policy import Policy
from cmp.decision_log.writer import LogSettings
from cmp.live.enforcement import ConsentServer, Enforcement
from cmp.proxy import ProxySettings
from cmp.seal.keys import make_keys, read_marker_secret
from cmp.seal.marker import marker_name, write_marker
from cmp.seal.site import ConsentSite
from tests.addons.test_enforce import CDN, SITE, STRANGER, TRACKER, shop_policy
from tests.decision_log.examples import lines_of
from tests.live import Arrived, Upstream, answer, regular, reverse, running_proxy, running_upstream, send
from tests.one_path import Captures, Witness, canonical, recorded, replayed
from tests.seal.choices import sealed_choice

CARD, CHAT = "4539578763621486", "c7f3a9d2e8b64c51"
OUR_SITE = ConsentSite(f"http://{SITE}")
HOSTS = (SITE, SITE, TRACKER, f"a.b.{TRACKER}", CDN, STRANGER)
PATHS = (
    "/",
    "/page",
    "/app.js",
    "/p.gif?id=1",
    "/g/collect?tid=1&v=2",
    "/old",
    "/cached",
    "/api?q=a%20b",
    "/caf\u00e9",
)
KINDS = ("document", "script", "image", "style", "iframe", "empty", "font", "")
COOKIES = (
    "session=1",
    "_track=2",
    "_track_more=3",
    "basket=4",
    "unheard=5",
    f"chat={CHAT}",
    'odd="a b"',
    "=nameless",
    "x",
)
SIGNALS = (("Sec-GPC", "1"), ("DNT", "1"), ("DNT", "0"))
BODIES = (
    ("application/x-www-form-urlencoded", b"a=1&b=2"),
    ("application/x-www-form-urlencoded", f"number={CARD}&name=j".encode()),
    ("application/json", f'{{"payment": {{"card": "{CARD}"}}}}'.encode()),
    ("application/json", f'{{"sid": "{CHAT}"}}'.encode()),
    ("text/plain", b"x" * 70_000),
    ("application/octet-stream", bytes(range(256))),
    ("", b""),
)


def policy() -> Policy:
    return shop_policy(
        categories={
            "necessary": {"basis": "necessary", "title": {"en": "Necessary"}},
            "analytics": {"basis": "consent", "title": {"en": "Analytics"}},
            "comfort": {"basis": "consent", "title": {"en": "Comfort"}, "after": "asked"},
        },
        cookies=[
            {"name": "session", "category": "necessary", "lifetime": "session"},
            {"name": "basket", "category": "necessary", "lifetime": "30 days"},
            {"name": "odd", "category": "comfort"},
            {"name": "chat", "category": "necessary", "hosts": ["shop.test"], "confined": True},
        ],
        sites=["shop.test"],
        signals={"gpc": {"denies": ["analytics"]}, "dnt": {"denies": ["analytics"]}},
        sensitive=[{"data": "card-number", "to": ["own"]}],
        events={"asked": {"path": "/api", "method": "POST"}},
        outgoing={"referrer": "origin"},
    )


def shop_answers(request: Arrived) -> bytes:
    if request.values("upgrade"):
        key = (request.values("sec-websocket-key") or [""])[0]
        proof = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest())  # noqa: S324
        fields = (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", proof.decode()))
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
        return f"HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n".encode()
    cookies = [
        ("Set-Cookie", "session=s; Path=/; HttpOnly"),
        ("Set-Cookie", "_track=t; Max-Age=99999; Path=/"),
        ("Set-Cookie", "basket=b; Expires=Wed, 01 Jan 2098 00:00:00 GMT; Path=/; Secure"),
        ("Set-Cookie", f"chat={CHAT}; Path=/; Domain=shop.test"),
        ("Set-Cookie", "unheard=of; Path=/"),
        ("Set-Cookie", "_track_more=; Max-Age=0"),
    ]
    path = request.target.partition("?")[0]
    if path == "/old":
        return answer(b"", ("Location", "/page"), *cookies[:2], status="302 Found")
    if path == "/cached":
        return answer(b"", ("ETag", '"1"'), cookies[1], status="304 Not Modified")
    if path in ("/", "/page"):
        body = f'<p><script src="http://{TRACKER}/t.js"></script><img src="/p.gif">'.encode()
        return answer(body, ("Content-Type", "text/html; charset=utf-8"), *cookies)
    return answer(b"from upstream", ("Content-Type", "text/plain"), *cookies)


@dataclass
class Traffic:
    """Seeded requests. In front of the site some visitors carry a choice, an event, or both."""

    port: int
    dice: random.Random
    in_front: bool
    carried: tuple[str, ...] = ()

    def send(self) -> None:
        dice = self.dice
        host = SITE if self.in_front else dice.choice(HOSTS)
        path = dice.choice(PATHS)
        if self.in_front and dice.random() < 0.05:
            path = "/.consent/state"
        # mitmproxy answers 400 to a target with a host and bytes beyond ASCII: nobody decides on that.
        target = path if self.in_front else f"http://{host}{quote(path, safe='/?&=%')}"
        fields = [("Host", host), *self.cookies()]
        if kind := dice.choice(KINDS):
            fields.append(("Sec-Fetch-Dest", kind if host == SITE else kind.replace("document", "iframe")))
        if dice.random() < 0.6:
            fields.append(("Referer", f"http://{SITE}/page?from=1"))
        elif dice.random() < 0.3:
            fields.append(("Origin", "null" if dice.random() < 0.3 else f"http://{SITE}"))
        if dice.random() < 0.3:
            fields.append(dice.choice(SIGNALS))
        if dice.random() < 0.2:
            fields.append(("Accept", dice.choice(("text/html,*/*;q=0.8", "image/webp,*/*", "*/*"))))
        if dice.random() < 0.05:
            self.open_socket(target, fields)
            return
        method = dice.choice(("GET", "GET", "GET", "POST", "POST", "PUT", "HEAD", "OPTIONS", "DELETE"))
        type_, body = dice.choice(BODIES) if method in ("POST", "PUT") else ("", b"")
        if type_:
            fields.append(("Content-Type", type_))
        send(self.port, target, *fields, method=method, body=body)

    def cookies(self) -> list[tuple[str, str]]:
        dice = self.dice
        pairs = dice.sample(COOKIES, dice.randint(0, len(COOKIES)))
        if self.carried and dice.random() < 0.8:
            pairs += dice.sample(self.carried, dice.randint(1, 2))
        if not pairs:
            return []
        cut = dice.randint(0, len(pairs)) if dice.random() < 0.2 else 0
        return [("Cookie", "; ".join(part)) for part in (pairs[:cut], pairs[cut:]) if part]

    def open_socket(self, target: str, fields: list[tuple[str, str]]) -> None:
        head = [
            f"GET {target} HTTP/1.1",
            *(f"{name}: {value}" for name, value in fields),
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(self.dice.randbytes(16)).decode()}",
        ]
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
            with contextlib.suppress(ConnectionError):
                connection.recv(65_536)


@dataclass
class Run:
    """What is left of a run: what was decided live, the recording, and the decision log."""

    policy: Policy
    live: Witness
    captures: Captures
    log: Path
    count: int


@contextlib.contextmanager
def watched(settings: ProxySettings, under: Policy | Enforcement, live: Witness, log: Path) -> Iterator[int]:
    def add(master: Master) -> None:
        master.addons.add(live)

    logged = replace(settings, decision_log=LogSettings(log))
    with running_proxy(under, logged, change=add) as proxy:
        yield proxy.port


COUNTS = [
    pytest.param(120, id="sample"),
    pytest.param(1_000, id="full", marks=[pytest.mark.soak, pytest.mark.timeout(1_200)]),
]


@pytest.fixture(scope="module", params=COUNTS)
def count(request: pytest.FixtureRequest) -> int:
    found: int = request.param
    return found


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream(shop_answers) as found:
        yield found


def seed() -> random.Random:
    return random.Random(int(os.environ.get("CONSENTRY_SEED", "5")))


@pytest.fixture(scope="module")
def browsers_run(count: int, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder, live, decided = tmp_path_factory.mktemp("regular"), Witness(), policy()
    with watched(regular(upstream, folder / "run.flow"), decided, live, folder / "log") as port:
        traffic = Traffic(port, seed(), in_front=False)
        for _ in range(count // 2):
            traffic.send()
    return Run(decided, live, Captures.of(folder / "run.flow"), folder / "log", count // 2)


@pytest.fixture(scope="module")
def sites_run(count: int, upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder, live, decided = tmp_path_factory.mktemp("reverse"), Witness(), policy()
    keys, now = make_keys(folder / "keys.json"), time.time()
    marker = read_marker_secret(folder / "keys.json")
    assert marker is not None
    choices = [sealed_choice(keys, OUR_SITE, decided, choice, now) for choice in ("refuse", "accept", "analytics")]
    event = f"{marker_name(OUR_SITE)}={write_marker(marker, OUR_SITE.audience, ['asked'])}"
    # Nothing listens on this port: what is for the consent server ends in an error, and is an exchange all the same.
    enforcement = Enforcement(decided, consent=ConsentServer(OUR_SITE, keys.public, "127.0.0.1", 9, marker))
    with watched(reverse(upstream, folder / "run.flow"), enforcement, live, folder / "log") as port:
        traffic = Traffic(port, seed(), in_front=True, carried=(*choices, event))
        for _ in range(count // 2):
            traffic.send()
    return Run(decided, live, Captures.of(folder / "run.flow"), folder / "log", count // 2)


@pytest.fixture(params=["regular", "reverse"])
def run(request: pytest.FixtureRequest, browsers_run: Run, sites_run: Run) -> Run:
    return browsers_run if request.param == "regular" else sites_run


def test_live_recording_and_har_decide_the_same(run: Run) -> None:
    live = canonical(run.live.decided.values())
    assert live.count(b"\n") + 1 == run.count
    assert canonical(recorded(run.captures.flows)) == live
    assert canonical(replayed(run.policy, run.captures.flows)) == live
    assert canonical(recorded(run.captures.har)) == live
    assert canonical(replayed(run.policy, run.captures.har)) == live


def test_the_two_files_show_the_same_visitors_and_requests(run: Run) -> None:
    for one, other in zip(run.captures.flows.entries, run.captures.har.entries, strict=True):
        assert (one.visitor, one.recorded) == (other.visitor, other.recorded)
        assert replace(one.asked, unseen=frozenset()) == replace(other.asked, unseen=frozenset())


def test_the_run_is_as_mixed_as_it_is_meant_to_be(browsers_run: Run, sites_run: Run) -> None:
    asked = [entry.asked for run in (browsers_run, sites_run) for entry in run.captures.flows.entries]
    entries = [entry for run in (browsers_run, sites_run) for entry in run.captures.flows.entries]
    assert {exchange.method for exchange in asked} >= {"GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE"}
    assert {Kind.DOCUMENT, Kind.FRAME, Kind.SCRIPT, Kind.IMAGE, Kind.FETCH} <= {exchange.kind for exchange in asked}
    assert {Kind.WEBSOCKET, Kind.CONSENT} <= {exchange.kind for exchange in asked}
    assert {200, 302, 304} <= {exchange.status for exchange in asked}
    assert any(exchange.signals.gpc for exchange in asked)
    assert {exchange.signals.dnt for exchange in asked} == {True, False, None}
    carried = {found for exchange in asked for found in exchange.carries}
    assert {"card-number", "cookie:chat"} <= carried
    visitors = [entry.visitor for entry in entries if entry.visitor is not None]
    assert len({(visitor.granted, visitor.refused) for visitor in visitors}) == 4
    assert {visitor.events for visitor in visitors} == {frozenset(), frozenset({"asked"})}
    actions = Counter(entry.recorded.decision["action"] for entry in entries if entry.recorded is not None)
    assert set(actions) == {action.value for action in Action}
    rules = {entry.recorded.decision["rule"] for entry in entries if entry.recorded is not None}
    assert "vendor:tracker#/g/collect?tid" in rules


def test_the_decision_log_counts_the_same_decisions(run: Run) -> None:
    logged: Counter[tuple[str, str, str]] = Counter()
    for line in lines_of(run.log, "decided"):
        if line["where"] == "wire":
            logged[line["action"], line["reason"], line["rule"]] += line["n"]
    decided = Counter((form["action"], form["reason"], form["rule"]) for _, form in run.live.decided.values())
    assert logged == decided


def test_a_har_without_our_member_says_what_it_cannot_show(run: Run) -> None:
    """Every decision that differs there rests on a part that is named as not seen, and this is the whole list."""
    live = dict(run.live.decided.values())
    known = {round(entry.asked.time, 6): entry for entry in run.captures.flows.entries}
    differing: Counter[str] = Counter()
    for step in replay(run.policy, run.captures.plain).steps:
        original = known[round(step.entry.asked.time, 6)]
        if decision_form(step.decision) != live[original.asked.time]:
            differing[_why(original, step)] += 1
    assert set(differing) <= {"visitor", "own endpoint", "page", "kind", "body"}
    assert all(entry.visitor is None and entry.recorded is None for entry in run.captures.plain.entries)


def _why(known: Entry, step: Step) -> str:
    """Which part that the HAR says it cannot show makes the difference."""
    shown = step.entry.asked
    if step.entry.visitor is None and known.visitor != step.visitor:
        # Who it was: choice and events. A HAR is taken for the visit of one person who has not chosen.
        return "visitor"
    if known.asked.kind is Kind.CONSENT:
        return "own endpoint"
    if known.asked.page != shown.page and (Unseen.PAGE in shown.unseen or known.asked.page == known.asked.url):
        return "page"
    if known.asked.kind is not shown.kind and Unseen.KIND in shown.unseen:
        return "kind"
    if known.asked.carries and step.entry.body_missing:
        return "body"
    return f"nothing explains {known.asked.method} {known.asked.url}"


def test_what_was_forwarded_after_an_edit_is_said_to_be_missing_in_the_har(run: Run) -> None:
    captures = run.captures
    assert Gap.DELIVERED in captures.har.unseen
    for one, other in zip(captures.flows.entries, captures.har.entries, strict=True):
        assert other.delivered in (None, other.asked)
        if one.delivered != one.asked:
            assert other.delivered is None
    edited = [note for note in captures.har.notes if note.code == "originals"]
    assert len(edited) == 1
