"""`consentry explain`: one decision with its reasons, or a file of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from cmp.cli import main
from tests.core.examples import NOW, shop

Capture = pytest.CaptureFixture[str]
PAGE = "https://www.shop.test/"


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "shop.json"
    path.write_text(json.dumps(shop()), "utf-8")
    return str(path)


def explain(policy: str, capsys: Capture, *arguments: str) -> str:
    assert main(["explain", "--policy", policy, *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def form(policy: str, capsys: Capture, *arguments: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(explain(policy, capsys, "--format", "json", *arguments))
    return answer


def test_text(policy: str, capsys: Capture) -> None:
    assert explain(policy, capsys, "--url", "https://stats.test/p", "--page", PAGE, "--choice", "refuse") == (
        "block: the request is stopped: the visitor refused it\n"
        "  rule vendor:stats · Stats (Stats, ZZ) · category analytics\n"
    )


def test_text_names_each_edit(policy: str, capsys: Capture) -> None:
    out = explain(
        policy, capsys, "--url", PAGE, "--type", "document", "--cookie", "sid=1; _st=2", "--set-cookie", "x=1"
    )
    assert out == (
        "edit: the request passes, edited: a page the visitor goes to\n"
        "  rule navigation · category necessary\n"
        "  cookie _st is not sent: the visitor has not agreed to it\n"
        "    rule cookie:stats/_st · Stats (Stats, ZZ) · category analytics\n"
        "  cookie x is not set: no rule knows it, and the policy denies what is unknown\n"
        "    rule unknown.cookie\n"
    )


def test_json(policy: str, capsys: Capture) -> None:
    answer = form(policy, capsys, "--url", PAGE, "--type", "document", "--set-cookie", "_st=1; Max-Age=60")
    assert answer.pop("considered")
    assert answer == {
        "url": PAGE,
        "action": "edit",
        "category": "necessary",
        "vendor": None,
        "rule": "navigation",
        "reason": "navigation",
        "edits": [
            {
                "edit": "strip-set-cookie",
                "name": "_st",
                "category": "analytics",
                "vendor": "stats",
                "rule": "cookie:stats/_st",
                "reason": "default-denied",
                "index": 0,
            }
        ],
        "reported": [],
    }


@pytest.mark.parametrize(
    "arguments, action, reason",
    [
        pytest.param(["--url", "https://stats.test/", "--page", PAGE], "block", "default-denied", id="no choice"),
        pytest.param(
            ["--url", "https://stats.test/", "--page", PAGE, "--choice", "analytics"],
            "allow",
            "granted",
            id="a category",
        ),
        pytest.param(
            ["--url", "https://ads.test/", "--page", PAGE, "--gpc", "--choice", "none"], "block", "gpc", id="with GPC"
        ),
        pytest.param(["--url", "https://stats.test/", "--page", PAGE, "--dnt", "1"], "block", "dnt", id="with DNT: 1"),
        pytest.param(
            ["--url", "https://stats.test/", "--page", PAGE, "--dnt", "0"], "block", "default-denied", id="with DNT: 0"
        ),
        pytest.param(["--url", "https://www.shop.test/a.js"], "block", "unknown-denied", id="for no page"),
        pytest.param(["--url", "https://stats.test/", "--type", "main_frame"], "allow", "navigation", id="a page"),
        pytest.param(["--url", "https://cdn.shop.test/", "--page", PAGE], "allow", "first-party", id="the site's own"),
    ],
)
def test_what_is_asked_decides(policy: str, capsys: Capture, arguments: list[str], action: str, reason: str) -> None:
    answer = form(policy, capsys, *arguments)
    assert (answer["action"], answer["reason"]) == (action, reason)


def test_a_date_is_held_against_the_time_given(policy: str, capsys: Capture) -> None:
    # Declared: a year. The date is eleven months after the time given, and far longer ago than now.
    line = "_st=1; Expires=Wed, 01 Dec 2010 00:00:00 GMT"
    asked = ("--url", PAGE, "--page", PAGE, "--choice", "accept", "--set-cookie", line)
    assert form(policy, capsys, *asked, "--time", "1262304000")["edits"] == []
    assert form(policy, capsys, *asked, "--time", "1200000000")["edits"][0]["edit"] == "cap-set-cookie"
    refused = ("--url", PAGE, "--page", PAGE, "--choice", "refuse", "--set-cookie", line)
    assert form(policy, capsys, *refused)["edits"] == [], "by now it takes the cookie away"


def test_in_reverse_mode_it_is_said_who_stops_a_third_party(policy: str, capsys: Capture) -> None:
    out = explain(policy, capsys, "--url", "https://stats.test/", "--page", PAGE, "--as", "reverse")
    assert "in reverse mode the browser asks third parties itself" in out


def test_why_tells_every_rule_considered(policy: str, capsys: Capture) -> None:
    asked = ("--url", "https://stats.test/p", "--page", PAGE, "--choice", "refuse")
    out = explain(policy, capsys, *asked, "--why")
    assert out.startswith(explain(policy, capsys, *asked) + "asked of shop for the request\n")
    assert out.endswith(
        "  page the visitor goes to: nothing to say\n"
        "  declared vendor: stopped: the visitor refused it"
        " (rule vendor:stats · Stats (Stats, ZZ) · category analytics)\n"
        "      rule vendor:stats: fits\n"
        "      never, whatever is chosen: nothing to say\n"
        "      strictly necessary: nothing to say\n"
        "      explicit refusal: stopped: the visitor refused it\n"
    )


def test_json_always_tells_it(policy: str, capsys: Capture) -> None:
    found = form(policy, capsys, "--url", "https://stats.test/p", "--page", PAGE)["considered"]
    assert {(one["name"], one["outcome"]) for one in found} >= {
        ("our own endpoint", "silent"),
        ("vendor:stats", "fits"),
        ("policy default", "answers"),
    }


FULL = shop(
    categories={**shop()["categories"], "chat": {"basis": "consent", "after": "message", "title": {"en": "Chat"}}},
    vendors=[
        *shop()["vendors"],
        {"id": "talk", "name": "Talk", "category": "chat", "hosts": ["talk.test"]},
        {"id": "counter", "name": "Counter", "category": "counting", "hosts": ["counter.test"]},
    ],
    events={"message": {"path": "/api/messages*", "method": "POST"}},
    regions={
        "source": {"header": "cf-ipcountry"},
        "defined": [{"id": "ca", "places": ["US-CA"], "defaults": {"analytics": "allow"}}],
    },
    sensitive=[{"data": "card-number", "to": ["vendor:pay"]}],
    outgoing={"drop": ["x-client-data"], "referrer": "none", "pings": "advertising"},
    sites=["shop.test"],
)
FULL["categories"]["counting"] = {"basis": "consent", "treatment": "reduce", "title": {"en": "Counting"}}


@pytest.fixture
def full(tmp_path: Path) -> str:
    path = tmp_path / "full.json"
    path.write_text(json.dumps(FULL), "utf-8")
    return str(path)


STATS = ("--url", "https://stats.test/", "--page", PAGE)
COUNTER = ("--url", "https://counter.test/?uid=1", "--page", PAGE, "--method", "POST")
CARD = "https://stats.test/?card=4111111111111111"


@pytest.mark.parametrize(
    "arguments, action, reason",
    [
        pytest.param([*STATS], "block", "region-denied", id="no place"),
        pytest.param([*STATS, "--place", "us-ca"], "allow", "region-allowed", id="a place"),
        pytest.param([*STATS, "--header", "CF-IPCountry: US-CA"], "allow", "region-allowed", id="a place by header"),
        pytest.param(
            [*STATS, "--place", "DE", "--header", "CF-IPCountry: US-CA"],
            "block",
            "default-denied",
            id="the place asked for",
        ),
        pytest.param(["--url", "https://talk.test/", "--page", PAGE], "block", "default-denied", id="no event"),
        pytest.param(
            ["--url", "https://talk.test/", "--page", PAGE, "--events", "message"], "allow", "asked-for", id="an event"
        ),
        pytest.param([*STATS, "--carries", "card-number"], "block", "sensitive-data", id="what it carries"),
        pytest.param([*STATS, "--carries", "cookie:sid"], "block", "confined-cookie", id="a cookie's value"),
        pytest.param(["--url", CARD, "--page", PAGE], "block", "sensitive-data", id="what is found in the URL"),
        pytest.param(["--url", CARD, "--page", PAGE, "--carries", ""], "block", "region-denied", id="carrying nothing"),
        pytest.param([*COUNTER], "edit", "reduced", id="without a body"),
        pytest.param(
            [*COUNTER, "--body-type", "application/json; charset=utf-8"], "edit", "reduced", id="a body to reduce"
        ),
        pytest.param([*COUNTER, "--body-type", "image/png"], "block", "default-denied", id="one that cannot be"),
        pytest.param(
            ["--url", "https://pay.test/", "--page", PAGE, "--body-type", "text/ping"],
            "block",
            "default-denied",
            id="hyperlink auditing",
        ),
    ],
)
def test_what_else_can_be_asked(full: str, capsys: Capture, arguments: list[str], action: str, reason: str) -> None:
    answer = form(full, capsys, *arguments)
    assert (answer["action"], answer["reason"]) == (action, reason)


def test_headers_are_those_of_the_request(full: str, capsys: Capture) -> None:
    headers = ("--header", "X-Client-Data: abc", "--header", "Referer: https://www.shop.test/a")
    edits = form(full, capsys, "--url", "https://pay.test/", *headers)["edits"]
    assert [(edit["edit"], edit["name"]) for edit in edits] == [
        ("trim-referrer", "none"),
        ("strip-header", "x-client-data"),
    ]


def test_an_event_that_the_request_is_shows_in_the_answer(full: str, capsys: Capture) -> None:
    answer = form(full, capsys, "--url", f"{PAGE}api/messages/1", "--page", PAGE, "--method", "POST")
    assert answer["events"] == ["message"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        pytest.param(["--place", "Ireland"], "--place: 'Ireland' is no ISO 3166 code such as DE or US-CA", id="place"),
        pytest.param(
            ["--events", "greeting"], "--events: 'greeting' is no event of this policy, which has message", id="event"
        ),
        pytest.param(["--carries", "shoe-size"], "--carries: 'shoe-size' is none of card-number,", id="data"),
        pytest.param(["--header", "nonsense"], "--header: 'nonsense' is no header: write 'Name: value'", id="header"),
        pytest.param(["--header", "a b: c"], "--header: 'a b: c' is no header", id="a name with a space"),
        pytest.param(["--body-type", "json"], "--body-type: 'json' is no media type such as", id="media type"),
    ],
)
def test_what_cannot_be_asked_is_one_line(full: str, capsys: Capture, arguments: list[str], message: str) -> None:
    assert main(["explain", "--policy", full, *STATS, *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"consentry: {message}")
    assert err.count("\n") == 1


def test_a_policy_without_events_knows_none(policy: str, capsys: Capture) -> None:
    assert main(["explain", "--policy", policy, *STATS, "--events", "message"]) == 2
    assert "--events: 'message' is no event of this policy, which has none" in capsys.readouterr().err


def test_what_comes_from_traffic_cannot_move_the_cursor(policy: str, capsys: Capture) -> None:
    out = explain(policy, capsys, "--url", PAGE, "--page", PAGE, "--cookie", "\x1b[2J\nfake=1")
    assert "cookie \\x1b[2J\\x0afake is not sent" in out


@pytest.mark.parametrize(
    "arguments, message",
    [
        pytest.param([], "explain needs either --url or --batch", id="nothing asked"),
        pytest.param(["--url", PAGE, "--batch", "x"], "explain needs either --url or --batch", id="both asked"),
        pytest.param(["--url", "no url"], '--url: relative URL without a base: "no url"', id="no URL"),
        pytest.param(
            ["--url", "ftp://a.test/"], "--url: 'ftp://a.test/' is no http, https, ws or wss address", id="FTP"
        ),
        pytest.param(["--url", PAGE, "--page", "https://"], "--page: empty host", id="no page"),
        pytest.param(["--url", PAGE, "--type", "gadget"], "--type: 'gadget' is none of document, frame,", id="no type"),
        pytest.param(
            ["--url", PAGE, "--choice", "adverts"], "--choice: adverts: no category to choose;", id="no choice"
        ),
        pytest.param(
            ["--batch", "/none/at/all"], "/none/at/all: cannot be read: No such file or directory", id="no file"
        ),
        pytest.param(["--url", PAGE, "--time", "-5"], "--time: is no time in Unix seconds", id="before 1970"),
        pytest.param(["--url", PAGE, "--time", "nan"], "--time: is no time in Unix seconds", id="no number"),
    ],
)
def test_unusable_arguments_are_one_line(policy: str, capsys: Capture, arguments: list[str], message: str) -> None:
    assert main(["explain", "--policy", policy, *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"consentry: {message}")
    assert err.count("\n") == 1


@pytest.mark.parametrize("document, message", [("{}", '/: "consentry" is missing;'), ("{", "is not JSON: line 1")])
def test_a_policy_that_is_none(tmp_path: Path, capsys: Capture, document: str, message: str) -> None:
    file = tmp_path / "p.json"
    file.write_text(document, "utf-8")
    assert main(["explain", "--policy", str(file), "--url", PAGE]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"consentry: {file}: {message}")
    assert err.count("\n") == 1


# -- batch


def batch(policy: str, tmp_path: Path, data: bytes, *arguments: str) -> int:
    (tmp_path / "in.jsonl").write_bytes(data)
    return main(["explain", "--policy", policy, "--batch", str(tmp_path / "in.jsonl"), *arguments])


def jsonl(*questions: Any) -> bytes:
    return b"".join(json.dumps(question).encode() + b"\n" for question in questions)


def test_a_line_out_for_each_line_in_in_the_same_order(policy: str, tmp_path: Path, capsys: Capture) -> None:
    questions = [
        {"url": f"https://{host}.test/", "page": PAGE, "type": "script", "choice": "refuse"}
        for host in ("stats", "pay", "who", "cdn.shop", "stats")
    ]
    assert batch(policy, tmp_path, jsonl(*questions)) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["rule"] for answer in answers] == [
        *("vendor:stats", "vendor:pay", "unknown.host", "first-party", "vendor:stats")
    ]
    assert [answer["category"] for answer in answers] == ["analytics", "payment", None, "necessary", "analytics"]


def test_the_fields_of_a_line_out(policy: str, tmp_path: Path, capsys: Capture) -> None:
    question = {"url": PAGE, "page": PAGE, "cookie": "_st=1", "set_cookie": ["sid=1; Max-Age=5"], "time": NOW}
    assert batch(policy, tmp_path, jsonl(question)) == 0
    answer = json.loads(capsys.readouterr().out)
    assert list(answer) == ["action", "category", "vendor", "rule", "reason", "edits", "reported"]
    assert [(edit["edit"], edit["name"]) for edit in answer["edits"]] == [
        ("strip-cookie", "_st"),
        ("session-set-cookie", "sid"),
    ]


@pytest.mark.parametrize(
    "fields, reason",
    [
        pytest.param({"gpc": True}, "gpc", id="gpc true"),
        pytest.param({"gpc": 1}, "gpc", id="gpc 1"),
        pytest.param({"gpc": "1"}, "gpc", id="gpc as text"),
        pytest.param({"gpc": "0"}, "default-denied", id="gpc 0 as text"),
        pytest.param({"gpc": False}, "default-denied", id="gpc false"),
        pytest.param({"gpc": None}, "default-denied", id="gpc null"),
        pytest.param({"dnt": 1}, "dnt", id="dnt 1"),
        pytest.param({"dnt": "1"}, "dnt", id="dnt as text"),
        pytest.param({"dnt": True}, "dnt", id="dnt true"),
        pytest.param({"dnt": 0}, "default-denied", id="dnt 0"),
        pytest.param({"choice": "accept"}, "granted", id="accepted"),
        pytest.param({"choice": "refuse", "gpc": True}, "refused", id="refused"),
        pytest.param({"choice": "accept", "gpc": True}, "granted-over-signal", id="accepted while GPC was shown"),
        pytest.param({"choice": None, "type": None, "cookie": None, "method": None}, "default-denied", id="all null"),
    ],
)
def test_fields_of_a_line_in(policy: str, tmp_path: Path, capsys: Capture, fields: dict[str, Any], reason: str) -> None:
    assert batch(policy, tmp_path, jsonl({"url": "https://ads.test/", "page": PAGE, **fields})) == 0
    assert json.loads(capsys.readouterr().out)["reason"] == reason


@pytest.mark.parametrize(
    "line, why",
    [
        pytest.param(b"nonsense", "is not JSON: ", id="no JSON"),
        pytest.param(b"[1]", "is no JSON object", id="no object"),
        pytest.param(b"\xff\xfe", "is not UTF-8 at byte 0", id="no UTF-8"),
        pytest.param(b"[" * 50_000, "is not JSON: ", id="nested without end"),
        pytest.param(b"{}", "url: is missing", id="no url"),
        pytest.param(b'{"url": null}', "url: is missing", id="null for a url"),
        pytest.param(b'{"url": 7}', "url: is no text", id="a number for a url"),
        pytest.param(
            b'{"url": {"a": ' + b"[" * 800 + b"]" * 800 + b"}}", "url: is no text", id="a deep list for a url"
        ),
        pytest.param(b'{"url": "//a.test"}', "url: relative URL without a base", id="a relative url"),
        pytest.param(b'{"url": "data:,x"}', "url: 'data:,x' is no http", id="a data url"),
        pytest.param(b'{"url": "https://a.test/", "page": "x"}', "page: relative URL", id="no page"),
        pytest.param(b'{"url": "https://a.test/", "type": "gadget"}', "type: 'gadget' is none of", id="no type"),
        pytest.param(
            b'{"url": "https://a.test/", "choice": "adverts"}', "choice: adverts: no category", id="no choice"
        ),
        pytest.param(b'{"url": "https://a.test/", "choice": ["a"]}', "choice: is no text", id="a list of choices"),
        pytest.param(b'{"url": "https://a.test/", "set_cookie": [1]}', "set_cookie: is no list", id="no set_cookie"),
        pytest.param(b'{"url": "https://a.test/", "gpc": "yes"}', "gpc: is none of true, false, 0 and 1", id="gpc yes"),
        pytest.param(b'{"url": "https://a.test/", "dnt": []}', "dnt: is none of true, false, 0 and 1", id="dnt list"),
        pytest.param(b'{"url": "https://a.test/", "time": "now"}', "time: is no time", id="time now"),
        pytest.param(b'{"url": "https://a.test/", "time": NaN}', "time: is no time", id="time NaN"),
    ],
)
def test_a_line_that_cannot_be_read_is_answered_and_the_rest_goes_on(
    policy: str, tmp_path: Path, capsys: Capture, line: bytes, why: str
) -> None:
    good = jsonl({"url": "https://stats.test/", "page": PAGE})
    assert batch(policy, tmp_path, good + line + b"\n" + good) == 2
    out, err = capsys.readouterr()
    first, error, last = (json.loads(answer) for answer in out.splitlines())
    assert first == last
    assert error["line"] == 2
    assert error["error"].startswith(why)
    assert err.startswith(f"consentry: {tmp_path}/in.jsonl: line 2: {why}")
    assert err.count("\n") == 1


def test_blank_lines_and_a_byte_order_mark_are_no_questions(policy: str, tmp_path: Path, capsys: Capture) -> None:
    question = jsonl({"url": "https://stats.test/", "page": PAGE})
    assert batch(policy, tmp_path, b"\xef\xbb\xbf" + question + b"\n \r\n" + question.rstrip(b"\n")) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize(
    "fields, reason",
    [
        pytest.param({"place": "US-CA"}, "region-allowed", id="place"),
        pytest.param({"header": ["CF-IPCountry: US-CA"]}, "region-allowed", id="header"),
        pytest.param({"carries": "card-number"}, "sensitive-data", id="carries"),
        pytest.param({"carries": ["email-address", "card-number"]}, "sensitive-data", id="carries, as a list"),
        pytest.param({"url": "https://talk.test/", "events": ["message"]}, "asked-for", id="events"),
        pytest.param({"url": "https://counter.test/", "body_type": "image/png"}, "default-denied", id="body type"),
        pytest.param({"place": None, "events": None, "carries": None, "header": None}, "region-denied", id="all null"),
    ],
)
def test_a_line_may_ask_the_rest_as_well(
    full: str, tmp_path: Path, capsys: Capture, fields: dict[str, Any], reason: str
) -> None:
    assert batch(full, tmp_path, jsonl({"url": "https://stats.test/", "page": PAGE, **fields})) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["reason"] == reason
    assert "considered" not in answer


@pytest.mark.parametrize("key", ["place", "events", "carries", "header", "body_type"])
def test_a_line_with_a_number_for_one_is_answered_with_an_error(
    full: str, tmp_path: Path, capsys: Capture, key: str
) -> None:
    assert batch(full, tmp_path, jsonl({"url": "https://stats.test/", "page": PAGE, key: 7})) == 2
    assert json.loads(capsys.readouterr().out)["error"].startswith(f"{key}: is no ")


def test_options_count_for_what_a_line_leaves_open(policy: str, tmp_path: Path, capsys: Capture) -> None:
    questions = [{"url": "https://ads.test/"}, {"url": "https://ads.test/", "choice": "accept", "gpc": False}]
    assert batch(policy, tmp_path, jsonl(*questions), "--page", PAGE, "--choice", "refuse", "--gpc") == 0
    answers = [json.loads(line)["reason"] for line in capsys.readouterr().out.splitlines()]
    assert answers == ["refused", "granted"]


def test_an_empty_file_has_no_answers(policy: str, tmp_path: Path, capsys: Capture) -> None:
    assert batch(policy, tmp_path, b"") == 0
    assert capsys.readouterr().out == ""
