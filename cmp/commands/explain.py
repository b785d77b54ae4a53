"""`consentry explain`: one decision with its reasons, or a file of them."""

import argparse
import json
import re
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cmp.capture.observe import content_type, observe_request, with_answer
from cmp.commands.arguments import OK, UNUSABLE, UsageError, add_choice, add_format, add_policy
from cmp.core.consent import Visitor, supposed_visitor
from cmp.core.considered import considered, considered_form
from cmp.core.decide import decide
from cmp.core.exchange import Exchange, Kind
from cmp.core.forms import decision_form
from cmp.core.kinds import BY_WORD
from cmp.core.policy import Policy
from cmp.core.regions import read_place
from cmp.core.sensitive import KINDS, find_in_url
from cmp.core.urls import Url, UrlError, parse_url
from cmp.policy.explain import considered_lines, lines
from cmp.policy.load import load_policy
from cmp.terminal import one_line


def add_to(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "explain",
        help="one decision with its reasons",
        description="What happens to a request under a policy, and why.",
        epilog="example: consentry explain --policy policies/strict.json --page https://shop.example/ "
        "--url https://www.google-analytics.com/g/collect --type image --choice refuse",
    )
    add_policy(parser, required=True)
    parser.add_argument("--url", help="the URL asked for")
    parser.add_argument(
        "--batch",
        type=Path,
        metavar="FILE.jsonl",
        help="one JSON object a line in, one a line out; the other options count for what a line leaves open",
    )
    parser.add_argument("--page", help="the page it is asked for; without it the URL is a page itself, or nobody knows")
    parser.add_argument("--type", help="kind of resource: document, frame, script, style, image, fetch, beacon, ...")
    parser.add_argument("--method", default="GET", help="request method (default: GET)")
    parser.add_argument("--cookie", default="", metavar="'a=1; b=2'", help="the Cookie header")
    parser.add_argument("--set-cookie", action="append", default=[], metavar="TEXT", help="a Set-Cookie of the answer")
    parser.add_argument(
        "--header", action="append", default=[], metavar="'NAME: VALUE'", help="a further header of the request"
    )
    parser.add_argument("--body-type", metavar="TYPE", help="media type of the request's body")
    parser.add_argument(
        "--carries",
        metavar="DATA",
        help=f"what URL or body hold, joined with commas: {', '.join(sorted(KINDS))}, cookie:NAME "
        "(default: what is found in the URL)",
    )
    add_choice(parser)
    parser.add_argument(
        "--place",
        metavar="PLACE",
        help="where the visitor is, such as DE or US-CA (default: as the policy says, or not known)",
    )
    parser.add_argument("--events", metavar="EVENTS", help="events observed before, joined with commas")
    parser.add_argument("--gpc", action="store_true", help="the browser sends Sec-GPC: 1")
    parser.add_argument("--dnt", choices=("0", "1"), help="the browser sends DNT")
    parser.add_argument("--as", dest="mode", choices=("reverse", "regular"), default="regular", help="the proxy's mode")
    parser.add_argument("--time", type=float, metavar="SECONDS", help="when, in Unix seconds (default: now)")
    parser.add_argument("--why", action="store_true", help="tell every rule considered, and why it did not fit")
    add_format(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    policy = load_policy(arguments.policy)
    if (arguments.url is None) == (arguments.batch is None):
        raise UsageError("explain needs either --url or --batch")
    question = {
        "url": arguments.url,
        "page": arguments.page,
        "type": arguments.type,
        "method": arguments.method,
        "cookie": arguments.cookie,
        "set_cookie": arguments.set_cookie,
        "choice": arguments.choice,
        "gpc": arguments.gpc,
        "dnt": arguments.dnt,
        "time": arguments.time,
        "header": arguments.header,
        "body_type": arguments.body_type,
        "carries": arguments.carries,
        "place": arguments.place,
        "events": arguments.events,
    }
    if arguments.batch is not None:
        return _batch(policy, arguments.batch, question)
    try:
        asked = _read(policy, question)
    except _QuestionError as error:
        raise UsageError(f"--{error.key.replace('_', '-')}: {error.why}") from error
    decision = decide(policy, asked.visitor, asked.exchange)
    every = considered(policy, asked.visitor, asked.exchange)
    if arguments.format == "json":
        form = {"url": arguments.url, **decision_form(decision), "considered": considered_form(every)}
        print(json.dumps(form, indent=2))
        return OK
    for line in lines(policy, decision):
        print(one_line(line))
    if arguments.mode == "reverse" and decision.blocked:
        print("  in reverse mode the browser asks third parties itself: stopped by the page's CSP and neutralised tags")
    if arguments.why:
        for line in considered_lines(policy, every):
            print(one_line(line))
    return OK


def _batch(policy: Policy, path: Path, defaults: Mapping[str, Any]) -> int:
    """One line out for each line in. A line that cannot be read is answered with an error object and exit status 2."""
    status = OK
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        try:
            asked = _read(policy, {**defaults, **_question(line)})
            form = decision_form(decide(policy, asked.visitor, asked.exchange))
        except _QuestionError as error:
            print(one_line(f"consentry: {path}: line {number}: {error}"), file=sys.stderr)
            form, status = {"error": str(error), "line": number}, UNUSABLE
        print(json.dumps(form))
    return status


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from file
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error


class _QuestionError(Exception):
    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"{key}: {why}" if key else why)
        self.key, self.why = key, why


def _question(line: bytes) -> dict[str, Any]:
    try:
        question = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise _QuestionError("", f"is not UTF-8 at byte {error.start}") from error
    except (ValueError, RecursionError) as error:
        raise _QuestionError("", f"is not JSON: {error}") from error
    if not isinstance(question, dict):
        raise _QuestionError("", "is no JSON object")
    return question


@dataclass(frozen=True, slots=True)
class _Asked:
    visitor: Visitor
    exchange: Exchange


def _read(policy: Policy, question: Mapping[str, Any]) -> _Asked:
    exchange = exchange_of(question)
    try:
        visitor = supposed_visitor(policy, _text(question, "choice") or "none", exchange.signals)
    except ValueError as error:
        raise _QuestionError("choice", str(error)) from error
    events = _words(question, "events")
    known = {event.id for event in policy.events}
    for event in events:
        if event not in known:
            names = ", ".join(sorted(known)) or "none"
            raise _QuestionError("events", f"{_clip(event)} is no event of this policy, which has {names}")
    return _Asked(replace(visitor, place=_place(policy, question), events=frozenset(events)), exchange)


def _place(policy: Policy, question: Mapping[str, Any]) -> str:
    """Where the visitor is: as asked, else as the policy finds out."""
    if text := _text(question, "place"):
        if place := read_place(text):
            return place
        raise _QuestionError("place", f"{_clip(text)} is no ISO 3166 code such as DE or US-CA")
    stated = (value for name, value in _headers(question) if name.lower() == policy.regions.header)
    return read_place(policy.regions.fixed or next(stated, ""))


def exchange_of(question: Mapping[str, Any]) -> Exchange:
    """The exchange a line of a batch asks about."""
    url = _url(question, "url")
    if url is None:
        raise _QuestionError("url", "is missing")
    word = _text(question, "type").lower()
    if word and word not in BY_WORD:
        raise _QuestionError("type", f"{_clip(word)} is none of {', '.join(kind.value for kind in Kind)}")
    headers = [*_headers(question), ("cookie", _text(question, "cookie"))]
    if (body_type := _text(question, "body_type")) and not content_type([("content-type", body_type)]):
        raise _QuestionError("body_type", f"{_clip(body_type)} is no media type such as application/json")
    if body_type:
        headers.append(("content-type", body_type))
    if _switch(question, "gpc"):
        headers.append(("sec-gpc", "1"))
    if (dnt := _switch(question, "dnt")) is not None:
        headers.append(("dnt", "1" if dnt else "0"))
    page = _url(question, "page")
    if word:
        top_level: bool | None = BY_WORD[word] is Kind.DOCUMENT
    else:
        top_level = None if page is None else False
    exchange = observe_request(
        _text(question, "method") or "GET",
        url,
        headers,
        time=_time(question),
        word=word,
        top_level=top_level,
        page=page,
    )
    exchange = replace(exchange, carries=_carries(question, url))
    answers = _texts(question, "set_cookie")
    return with_answer(exchange, [("set-cookie", line) for line in answers]) if answers else exchange


def _carries(question: Mapping[str, Any], url: Url) -> frozenset[str]:
    if question.get("carries") is None:
        return find_in_url(url)
    found = frozenset(_words(question, "carries"))
    for data in sorted(found):
        if data not in KINDS and not data.startswith(("cookie:", "body:")):
            raise _QuestionError("carries", f"{_clip(data)} is none of {', '.join(sorted(KINDS))}, cookie:NAME")
    return found


def _headers(question: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    for line in _texts(question, "header"):
        name, colon, value = line.partition(":")
        if not colon or not _FIELD_NAME.fullmatch(name):
            raise _QuestionError("header", f"{_clip(line)} is no header: write 'Name: value'")
        found.append((name, value.strip()))
    return found


# RFC 9110, section 5.6.2.
_FIELD_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def _texts(question: Mapping[str, Any], key: str) -> list[str]:
    value = question.get(key) or []
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise _QuestionError(key, "is no list of texts")
    return value


def _words(question: Mapping[str, Any], key: str) -> list[str]:
    """Words joined with commas, or a list of them."""
    value = question.get(key)
    words = value.split(",") if isinstance(value, str) else _texts(question, key)
    return [word.strip() for word in words if word.strip()]


def _text(question: Mapping[str, Any], key: str) -> str:
    value = question.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _QuestionError(key, "is no text")
    return value


def _switch(question: Mapping[str, Any], key: str) -> bool | None:
    value = question.get(key)
    if value is None or isinstance(value, bool):
        return value
    if value in (0, 1, "0", "1"):
        return value in (1, "1")
    raise _QuestionError(key, "is none of true, false, 0 and 1")


def _time(question: Mapping[str, Any]) -> float:
    value = question.get("time")
    if value is None:
        return time.time()
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise _QuestionError("time", "is no time in Unix seconds")
    return float(value)


def _clip(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def _url(question: Mapping[str, Any], key: str) -> Url | None:
    text = _text(question, key)
    if not text:
        return None
    try:
        url = parse_url(text)
    except UrlError as error:
        raise _QuestionError(key, str(error)) from error
    if not url.is_network:
        raise _QuestionError(key, f"{_clip(text)} is no http, https, ws or wss address")
    return url
