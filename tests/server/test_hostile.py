"""What people send who mean harm: cookies that are not theirs, forms of other sites, odd paths, lines that end."""

import json
import random
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from cmp.core.consent import Visitor
from cmp.ledger.verify import verify
from cmp.seal.cookie import write_cookie
from cmp.seal.keys import make_keys
from cmp.seal.site import ConsentSite, Scope
from cmp.server import bodies, choice_limit
from cmp.server.few_lines import MOST
from cmp.server.unexpected import LINES, unread
from tests.server.site import NOW, OPTIONAL, Running, running

DAY = 86_400
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server for everybody; it takes as many choices as there come."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice_limit, "EACH", 10**9)
        patch.setattr(choice_limit, "TOGETHER", 10**9)
        with running(tmp_path_factory.mktemp("shop")) as found:
            yield found


def consented(server: Running) -> str:
    return server.post_json("choice", {"choice": "accept"}).consent


def granted(server: Running, *cookies: str) -> list[str]:
    answer = server.ask("GET", "/.consent/state", [("Cookie", cookie) for cookie in cookies])
    assert answer.status == 200
    found: list[str] = answer.json["granted"]
    return found


# ------------------------------------------------------------------------------------------------------ cookies


def written(server: Running, site: ConsentSite, other_keys: Path | None = None, *, decided_at: float = NOW) -> str:
    """A consent to everything, made out by our own code: with other keys where a folder for them is given."""
    keys = server.keys if other_keys is None else make_keys(other_keys / "other.json")
    visitor = Visitor(granted=frozenset(OPTIONAL), decided_at=decided_at, policy=server.policy.fingerprint)
    return f"{server.site.cookie_name}={write_cookie(keys, site, visitor, '0' * 32)}"


def test_a_cookie_of_our_own_making_counts(shop: Running) -> None:
    assert granted(shop, written(shop, shop.site)) == sorted(OPTIONAL)


def test_a_cookie_signed_with_another_key_is_no_consent(shop: Running, tmp_path: Path) -> None:
    assert granted(shop, written(shop, shop.site, tmp_path)) == []


@pytest.mark.parametrize(
    "site",
    [
        ConsentSite("https://evil.shop.test"),
        ConsentSite("https://other.test"),
        ConsentSite("https://www.shop.test:8443"),
        ConsentSite("https://www.shop.test", Scope.SITE, "shop.test"),
    ],
    ids=["sub-domain", "other-site", "other-port", "other-scope"],
)
def test_a_consent_given_to_another_site_is_none_here(shop: Running, site: ConsentSite) -> None:
    assert granted(shop, written(shop, site)) == []


@pytest.mark.parametrize("days", [-184, -365, 2, 3_650], ids=["run-out", "old", "tomorrow", "far-off"])
def test_an_expired_or_future_consent_is_none(shop: Running, days: int) -> None:
    assert granted(shop, written(shop, shop.site, decided_at=NOW + days * DAY)) == []


def test_a_consent_sent_again_after_its_end_stays_ended(server: Running) -> None:
    cookie = consented(server)
    server.now[0] += 184 * DAY
    assert granted(server, cookie) == []


@pytest.mark.parametrize("at", [0, 60, -40, -5], ids=["version", "payload", "signature", "signature-end"])
def test_a_consent_of_which_a_character_was_changed_is_none(shop: Running, at: int) -> None:
    name, _, value = consented(shop).partition("=")
    letters = list(value)
    letters[at] = "A" if letters[at] != "A" else "B"
    changed = "".join(letters)
    assert granted(shop, f"{name}={changed}") == []


@pytest.mark.parametrize("more", ["=", "==", "====", "."], ids=["pad", "two", "four", "dot"])
def test_a_consent_is_written_in_one_way(shop: Running, more: str) -> None:
    """Otherwise one consent would be any number of different cookies."""
    assert granted(shop, consented(shop) + more) == []


def test_the_bits_that_a_signature_has_no_use_for_are_none_to_play_with(shop: Running) -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    consent = consented(shop)
    last = letters.index(consent[-1])
    others = [letter for n, letter in enumerate(letters) if n // 16 == last // 16 and n != last]
    assert [granted(shop, consent[:-1] + letter) for letter in others] == [[]] * 15


@pytest.mark.parametrize("other", ["x", "same", "refusal"])
@pytest.mark.parametrize("form", ["one-field", "two-fields"])
@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_two_consent_cookies_are_no_consent(shop: Running, other: str, form: str, first: bool) -> None:
    """A sub-domain can plant a cookie beside ours: nobody can tell which is whose (RFC 6265, section 8.6)."""
    own = consented(shop)
    planted = {
        "x": f"{shop.site.cookie_name}=x",
        "same": own,
        "refusal": shop.post_json("choice", {"choice": "refuse"}).consent,
    }[other]
    both = [planted, own] if first else [own, planted]
    assert granted(shop, *(["; ".join(both)] if form == "one-field" else both)) == []


@pytest.mark.parametrize("name", ["consent", "__Secure-consent", "__host-consent", "__Host-Consent", "__Host-consent2"])
def test_a_cookie_under_a_name_that_others_can_set_is_none(shop: Running, name: str) -> None:
    assert granted(shop, f"{name}={consented(shop).partition('=')[2]}") == []


def test_a_planted_cookie_takes_nothing_from_a_withdrawal(shop: Running) -> None:
    own = consented(shop)
    answer = shop.post_json("withdraw", {}, Cookie=f"{own}; {shop.site.cookie_name}=planted")
    assert answer.status == 200
    assert granted(shop, answer.consent) == []


@pytest.mark.parametrize("size", [3_981, 100_000], ids=["just-over", "far-over"])
def test_a_cookie_larger_than_browsers_keep_is_none(shop: Running, size: int) -> None:
    answer = shop.get("state", Cookie=f"{shop.site.cookie_name}={'a' * size}")
    assert answer.status in (200, 400)
    assert answer.status == 400 or answer.json["granted"] == []


# ------------------------------------------------------------------------------------------------- other sites

WRITES = ("choice", "withdraw", "do-not-sell", "tell-me", "record", "receipt", "export", "erase", "rights", "opt-out")
FOREIGN: Sequence[tuple[str, list[tuple[str, str]]]] = (
    ("cross-site", [("Sec-Fetch-Site", "cross-site")]),
    ("same-site", [("Sec-Fetch-Site", "same-site")]),
    ("twice", [("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")]),
    ("joined", [("Sec-Fetch-Site", "same-origin, same-origin")]),
    ("origin", [("Origin", "https://evil.test")]),
    ("sub-domain", [("Origin", "https://evil.www.shop.test")]),
    ("other-port", [("Origin", "https://www.shop.test:444")]),
    ("plain", [("Origin", "http://www.shop.test")]),
    ("prefix", [("Origin", "https://www.shop.test.evil.test")]),
    ("referrer", [("Referer", "https://evil.test/https://www.shop.test/")]),
    ("user", [("Referer", "https://www.shop.test@evil.test/")]),
    ("two-origins", [("Origin", "https://www.shop.test"), ("Origin", "https://evil.test")]),
)


@pytest.mark.parametrize("sent", [pytest.param(sent, id=name) for name, sent in FOREIGN])
@pytest.mark.parametrize("name", WRITES)
def test_what_another_site_posts_changes_nothing(shop: Running, name: str, sent: list[tuple[str, str]]) -> None:
    fields = [*sent, ("Content-Type", FORM), ("Cookie", consented(shop))]
    answer = shop.ask("POST", f"/.consent/{name}", fields, b"choice=accept&kind=access&contact=a%40b.test")
    # What this site does not offer says so before it looks who asks.
    assert answer.status == 403 or (name in ("tell-me", "rights", "opt-out") and answer.status in (403, 404))
    assert answer.set_cookies == []
    assert not answer.values("Access-Control-Allow-Origin")


def test_a_preflight_permits_nothing(shop: Running) -> None:
    asked = {"Origin": "https://evil.test", "Access-Control-Request-Method": "POST"}
    answer = shop.ask("OPTIONS", "/.consent/choice", asked)
    assert answer.status == 405
    assert not [name for name, _ in answer.fields if name.lower().startswith("access-control")]


# ------------------------------------------------------------------------------------------------------- lines

INJECTIONS = ("\r\nSet-Cookie: evil=1", "%0d%0aSet-Cookie:%20evil=1", "\nevil: 1", "\u010d\u010aevil: 1", "\x00evil")


@pytest.mark.parametrize("text", INJECTIONS, ids=["crlf", "percent", "lf", "wide", "nul"])
@pytest.mark.parametrize("field", ["back", "lang", "surface", "token"])
def test_no_form_field_writes_a_header(shop: Running, field: str, text: str) -> None:
    answer = shop.post_form("choice", {"choice": "refuse", field: f"/{text}"})
    assert not answer.values("evil")
    assert all("\r" not in value and "\n" not in value for _, value in answer.fields)
    assert not any(line.startswith("evil") for line in answer.set_cookies)


@pytest.mark.parametrize("query", ["back=/%0d%0aevil:%201", "lang=%0d%0aevil:%201", "form=%0d%0aevil:%201"])
@pytest.mark.parametrize("name", ["", "record", "receipt", "do-not-sell", "state", "openapi.json"])
def test_no_query_writes_a_header(shop: Running, name: str, query: str) -> None:
    answer = shop.ask("GET", f"/.consent/{name}?{query}", {"Cookie": consented(shop)})
    assert not answer.values("evil")
    assert answer.status < 500


# -------------------------------------------------------------------------------------------------- no requests

_POST = b"POST /.consent/choice HTTP/1.1\r\nHost: www.shop.test\r\n"
UNREADABLE = (
    ("junk", b"\x00marker\r\n\r\n"),
    ("method", b"GE(T /.consent/marker HTTP/1.1\r\nHost: www.shop.test\r\n\r\n"),
    ("version", b"GET /.consent/marker HTTP/3.0\r\nHost: www.shop.test\r\n\r\n"),
    ("no host", b"GET /.consent/marker HTTP/1.1\r\n\r\n"),
    ("target", b"GET http://[marker HTTP/1.1\r\nHost: www.shop.test\r\n\r\n"),
    ("long target", b"GET /.consent/" + b"marker" * 2_000 + b" HTTP/1.1\r\nHost: www.shop.test\r\n\r\n"),
    ("long field", _POST + b"Cookie: " + b"marker" * 2_000 + b"\r\n\r\n"),
    ("field name", _POST + b"mar ker: marker\r\n\r\n"),
    ("two lengths", _POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    ("length and chunks", _POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("huge length", _POST + b"Content-Length: 99999999999999999999999\r\n\r\n"),
    ("chunk", _POST + b"Transfer-Encoding: chunked\r\n\r\nmarker\r\n"),
)


@pytest.mark.parametrize("sent", [pytest.param(sent, id=name) for name, sent in UNREADABLE])
def test_what_is_no_request_is_answered_in_the_one_shape_and_not_repeated(shop: Running, sent: bytes) -> None:
    answer = shop.send(sent)
    assert (answer.status, answer.code) == (400, "bad-request")
    assert answer.value("Server") == "consentry"
    assert answer.value("X-Content-Type-Options") == "nosniff"
    assert b"marker" not in answer.body


def test_what_is_no_request_fills_no_log(shop: Running, caplog: pytest.LogCaptureFixture, one_minute: None) -> None:
    before = unread(), LINES.left_out
    for _ in range(2):
        for name, sent in UNREADABLE:
            # No methods are what encrypted traffic is taken for: these are not worth a line.
            if name not in ("junk", "method"):
                shop.send(sent)
    lines = [record.getMessage() for record in caplog.records if record.name == "consentry.server.http"]
    assert len(lines) == MOST
    assert not any("marker" in line for line in lines)
    assert (unread() - before[0], LINES.left_out - before[1]) == (20, 10)


@pytest.mark.parametrize(
    "sent, status",
    [
        pytest.param(_POST + b"Cookie: __Host-consent=forged; __Host-consent=v1.x\r\n\r\n", 415, id="cookies"),
        pytest.param(
            b"GET /.consent/state HTTP/1.1\r\nHost: x\r\nCookie: __Host-consent=v1.\xff\r\n\r\n", 200, id="cookie"
        ),
        pytest.param(_POST + b"Sec-Fetch-Site: cross-site\r\nContent-Length: 2\r\n\r\n{}", 403, id="cross-site"),
        pytest.param(_POST + b"Content-Type: a/b\r\nContent-Length: 2\r\n\r\n{}", 415, id="media type"),
        pytest.param(_POST + b"Content-Type: application/json\r\nContent-Length: 99999\r\n\r\n", 413, id="too large"),
        pytest.param(_POST + b"Expect: marker\r\n\r\n", 417, id="expectation"),
        pytest.param(b"GET /.consent/%2e%2e/etc HTTP/1.1\r\nHost: x\r\n\r\n", 404, id="path"),
        pytest.param(b"DELETE /.consent/state HTTP/1.1\r\nHost: x\r\n\r\n", 405, id="method"),
        pytest.param(
            b"POST /.consent/report HTTP/1.1\r\nHost: x\r\nContent-Type: application/csp-report\r\n"
            b"Content-Length: 6\r\n\r\nmarker",
            400,
            id="report",
        ),
    ],
)
def test_what_is_refused_writes_no_line(
    shop: Running, caplog: pytest.LogCaptureFixture, sent: bytes, status: int
) -> None:
    assert shop.send(sent).status == status
    assert [record.getMessage() for record in caplog.records if record.name.startswith("consentry")] == []


@pytest.mark.parametrize(
    "field",
    ["marker", "100-continue, marker", "100-continue\r\nExpect: marker", "200-ok"],
    ids=["text", "list", "twice", "other"],
)
def test_an_expectation_we_do_not_know_is_refused_in_the_one_shape(shop: Running, field: str) -> None:
    answer = shop.send(_POST + f"Content-Length: 2\r\nExpect: {field}\r\n\r\n{{}}".encode())
    assert (answer.status, answer.code) == (417, "expectation")
    assert (answer.value("Server"), answer.value("X-Content-Type-Options")) == ("consentry", "nosniff")
    assert b"marker" not in answer.body


@pytest.mark.parametrize("version, told", [("1.1", b"HTTP/1.1 100 Continue\r\n\r\n"), ("1.0", b"")])
def test_who_waits_to_be_told_to_go_on_is_told(shop: Running, version: str, told: bytes) -> None:
    head = f"POST /.consent/choice HTTP/{version}\r\nHost: x\r\nSec-Fetch-Site: same-origin\r\n"
    head += "Content-Type: application/json"
    with socket.create_connection(("127.0.0.1", shop.port), timeout=60) as connection:
        connection.sendall(f"{head}\r\nExpect: 100-Continue\r\nContent-Length: 19\r\n\r\n".encode())
        if told:
            assert connection.recv(len(told)) == told
        connection.sendall(b'{"choice":"refuse"}')
        assert connection.recv(4_096).startswith(f"HTTP/{version} 200 ".encode())


@pytest.mark.parametrize("line", ["CONNECT evil.test:443", "OPTIONS *"])
def test_a_target_that_is_no_path_is_nothing_in_the_one_shape(shop: Running, line: str) -> None:
    answer = shop.send(f"{line} HTTP/1.1\r\nHost: www.shop.test\r\n\r\n".encode())
    assert (answer.status, answer.code) == (404, "not-found")


# ------------------------------------------------------------------------------------------------------ bodies


@pytest.mark.parametrize("name", ["choice", "withdraw", "do-not-sell", "record", "receipt", "export", "erase"])
def test_no_endpoint_takes_more_than_it_needs(shop: Running, name: str) -> None:
    answer = shop.post(name, b'{"token":"' + b"a" * 17_000 + b'"}', "application/json")
    assert (answer.status, answer.code) == (413, "too-large")


def test_who_sends_a_body_drop_by_drop_is_cut_off(shop: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "PATIENCE", 0.3)
    head = (
        "POST /.consent/erase HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\n"
    )
    with socket.create_connection(("127.0.0.1", shop.port), timeout=60) as connection:
        connection.sendall(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
        answer = connection.recv(4_096)
    assert answer.startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    "body",
    [b"[" * 8_000, b'{"a":' * 3_000, b'{"granted":["\\ud800"]}', b'{"choice":"refuse","choice":"accept"}', b"1e999999"],
    ids=["deep-lists", "deep-objects", "half-a-character", "twice", "number"],
)
@pytest.mark.parametrize("name", ["choice", "receipt", "erase"])
def test_json_that_breaks_readers_is_refused(shop: Running, name: str, body: bytes) -> None:
    assert shop.post(name, body, "application/json").status == 400


# ------------------------------------------------------------------------------------------------------ chance

SEED = 20261122
SAMPLE, ALL = 2_000, 100_000
METHODS = ("GET",) * 6 + ("POST",) * 8 + ("HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "FOO", "PROPFIND")
NAMES = (
    *("", "state", "choice", "withdraw", "do-not-sell", "tell-me", "record", "receipt", "export", "erase", "keys.json"),
    *("openapi.json", "health", "report", "guard.js", "banner.js", "banner.css", "embed/chat", "embed/x", "rights"),
    *("request/x", "opt-out", "opt-out/x", "opt-in/x", "notices", "well-known/gpc.json", "well-known/dnt/", "nothing"),
)
JSON = "application/json"
TYPES = (FORM, JSON, "application/csp-report", "application/reports+json", "text/plain", "multipart/form-data")
TEXTS = (
    *(
        "",
        "accept",
        "refuse",
        "save",
        "analytics",
        "vendor:chat",
        "chat",
        "en",
        "de",
        "/",
        "//evil.test",
        "\x00",
        "\u202e",
    ),
    *(
        "a" * 3_000,
        "{}",
        "[]",
        "null",
        "on",
        "off",
        "27560",
        "kantara",
        "0" * 32,
        "%",
        "%00",
        "frame",
        "\U0001f36a",
        "-1",
    ),
)
MEMBERS = (
    "choice",
    "granted",
    "vendors",
    "category",
    "vendor",
    "surface",
    "language",
    "lang",
    "token",
    "back",
    "record",
)
VALUES: tuple[Any, ...] = (
    *TEXTS,
    None,
    True,
    0,
    -1,
    1.5,
    10**40,
    [],
    {},
    ["analytics"],
    [None],
    {"granted": ["chat"]},
    {"granted": [1]},
)


def strange_request(chance: random.Random, cookie: str) -> tuple[str, str, list[tuple[str, str]], bytes | None]:
    method, name = chance.choice(METHODS), chance.choice(NAMES)
    query = "".join(f"&{key}={quote(chance.choice(TEXTS))}" for key in chance.sample(MEMBERS, chance.randrange(3)))
    prefix = chance.choice(
        ("/.consent/",) * 8 + ("/%2econsent/", "/a/../.consent/", "/.consent/./", "//.consent/", "/")
    )
    fields = [("Sec-Fetch-Site", chance.choice(("same-origin",) * 6 + ("none", "cross-site", "x")))]
    pool = [
        ("Cookie", cookie),
        ("Cookie", f"{cookie[:-3]}AAA"),
        ("Cookie", chance.choice(("=", ";;;", "a", "a=\x01", "\xff=\xff", "sid=1; _st=2"))),
        ("Accept", chance.choice(("text/html", "application/json", "*/*", "\xff"))),
        ("Accept-Language", chance.choice(("de", "x" * 500, "en;q=zz", "*", ";;,,", "de;q=1e9"))),
        ("Sec-GPC", chance.choice(("1", "0", "1, 1", "x"))),
        ("DNT", chance.choice(("1", "0", "1x", "\xff"))),
        ("Referer", chance.choice(("https://www.shop.test/a", "x", "https://[::1", "https://\xff/"))),
        ("Origin", chance.choice(("null", "https://www.shop.test", "https://[", ""))),
        ("X-Forwarded-For", chance.choice(("203.0.113.9", "x, y", "::1", ",,,"))),
        ("Content-Encoding", chance.choice(("gzip", "identity", "x"))),
        ("If-None-Match", chance.choice(('"x"', "*", 'W/"', '"'))),
        ("Range", "bytes=0-1"),
        ("Expect", chance.choice(("100-continue", "x"))),
    ]
    fields += chance.sample(pool, chance.randrange(5))
    body = None
    if method not in ("GET", "HEAD") or chance.random() < 0.05:
        fields.append(("Content-Type", chance.choice(TYPES[:2] * 4 + TYPES)))
        chosen = {key: chance.choice(VALUES) for key in chance.sample(MEMBERS, chance.randrange(4))}
        if chance.random() < 0.1:
            body = chance.randbytes(chance.randrange(200))
        elif "json" in fields[-1][1] or "report" in fields[-1][1]:
            body = json.dumps(chosen).encode()
        else:
            body = urlencode({key: str(value) for key, value in chosen.items()}).encode()
    return method, f"{prefix}{name}?{query[1:]}", fields, body


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(SAMPLE, id="sample"),
        pytest.param(ALL, id="all", marks=[pytest.mark.soak, pytest.mark.timeout(3600)]),
    ],
)
def test_no_request_makes_the_server_fail(shop: Running, count: int) -> None:
    chance, cookie, seen = random.Random(SEED), consented(shop), set()
    for _ in range(count):
        method, target, fields, body = strange_request(chance, cookie)
        answer = shop.ask(method, target, fields, body)
        assert answer.status < 500, (method, target, fields, body, answer.text)
        seen.add(answer.status)
    assert {200, 204, 303, 400, 403, 404, 405, 413, 415} - seen <= {204, 413}
    # What was stored meanwhile is whole.
    assert verify(shop.ledger) == []
