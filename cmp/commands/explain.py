"""`consentry explain`: one decision with its reasons, or a file of them."""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cmp.capture.observe import observe_request, with_answer
from cmp.commands.arguments import OK, UNUSABLE, UsageError, add_choice, add_format, add_policy, printable
from cmp.core.consent import supposed_visitor
from cmp.core.decide import decide
from cmp.core.exchange import Exchange, Kind
from cmp.core.forms import decision_form
from cmp.core.kinds import BY_WORD
from cmp.core.policy import Policy
from cmp.core.urls import Url, UrlError, parse_url
from cmp.policy.explain import lines
from cmp.policy.load import load_policy


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
    parser.add_argument("--batch", type=Path, metavar="FILE.jsonl", help="one JSON object a line in, one a line out")
    parser.add_argument("--page", help="the page it is asked for; without it the URL is a page itself, or nobody knows")
    parser.add_argument("--type", help="kind of resource: document, frame, script, style, image, fetch, beacon, ...")
    parser.add_argument("--method", default="GET", help="request method (default: GET)")
    parser.add_argument("--cookie", default="", metavar="'a=1; b=2'", help="the Cookie header")
    parser.add_argument("--set-cookie", action="append", default=[], metavar="TEXT", help="a Set-Cookie of the answer")
    add_choice(parser)
    parser.add_argument("--gpc", action="store_true", help="the browser sends Sec-GPC: 1")
    parser.add_argument("--dnt", choices=("0", "1"), help="the browser sends DNT")
    parser.add_argument("--as", dest="mode", choices=("reverse", "regular"), default="regular", help="the proxy's mode")
    add_format(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    policy = load_policy(arguments.policy)
    if (arguments.url is None) == (arguments.batch is None):
        raise UsageError("explain needs either --url or --batch")
    if arguments.batch is not None:
        return _batch(policy, arguments.batch)
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
    }
    try:
        form, text = _answer(policy, question)
    except _QuestionError as error:
        raise UsageError(f"--{error.key.replace('_', '-')}: {error.why}") from error
    if arguments.format == "json":
        print(json.dumps({"url": arguments.url, **form}, indent=2, ensure_ascii=False))
        return OK
    for line in text:
        print(printable(line))
    if arguments.mode == "reverse" and form["action"] == "block":
        print("  in reverse mode the browser asks third parties itself: stopped by the page's CSP and neutralised tags")
    return OK


def _batch(policy: Policy, path: Path) -> int:
    """One line out for each line in. A line that cannot be read is answered with an error object and exit status 2."""
    status = OK
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    form, _ = _answer(policy, _question(line))
                except _QuestionError as error:
                    print(f"{path}: line {number}: {printable(str(error))}", file=sys.stderr)
                    form, status = {"error": str(error), "line": number}, UNUSABLE
                print(json.dumps(form, ensure_ascii=True))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error
    return status


class _QuestionError(Exception):
    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"{key}: {why}" if key else why)
        self.key, self.why = key, why


def _question(line: str) -> dict[str, Any]:
    try:
        question = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _QuestionError("", f"is not JSON: {error}") from error
    if not isinstance(question, dict):
        raise _QuestionError("", "is no JSON object")
    return question


def _answer(policy: Policy, question: Mapping[str, Any]) -> tuple[dict[str, Any], Iterator[str]]:
    exchange = exchange_of(question)
    try:
        visitor = supposed_visitor(policy, _text(question, "choice") or "none", exchange.signals)
    except ValueError as error:
        raise _QuestionError("choice", str(error)) from error
    decision = decide(policy, visitor, exchange)
    return decision_form(decision), lines(policy, decision)


def exchange_of(question: Mapping[str, Any]) -> Exchange:
    """The exchange a line of a batch asks about."""
    url = _url(question, "url")
    if url is None:
        raise _QuestionError("url", "is missing")
    word = _text(question, "type").lower()
    if word and word not in BY_WORD:
        raise _QuestionError("type", f"{word!r} is none of {', '.join(kind.value for kind in Kind)}")
    headers = [("cookie", _text(question, "cookie"))]
    if question.get("gpc"):
        headers.append(("sec-gpc", "1"))
    if question.get("dnt") is not None:
        dnt = question["dnt"]
        headers.append(("dnt", str(int(dnt)) if isinstance(dnt, bool) else str(dnt)))
    page = _url(question, "page")
    if word:
        top_level: bool | None = BY_WORD[word] is Kind.DOCUMENT
    else:
        top_level = None if page is None else False
    exchange = observe_request(
        _text(question, "method") or "GET", url, headers, time=0.0, word=word, top_level=top_level, page=page
    )
    lines_ = question.get("set_cookie") or []
    if isinstance(lines_, str):
        lines_ = [lines_]
    if not isinstance(lines_, list) or not all(isinstance(line, str) for line in lines_):
        raise _QuestionError("set_cookie", "is no list of texts")
    return with_answer(exchange, [("set-cookie", line) for line in lines_]) if lines_ else exchange


def _text(question: Mapping[str, Any], key: str) -> str:
    value = question.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _QuestionError(key, f"{value!r} is no text")
    return value


def _url(question: Mapping[str, Any], key: str) -> Url | None:
    text = _text(question, key)
    if not text:
        return None
    try:
        url = parse_url(text)
    except UrlError as error:
        raise _QuestionError(key, str(error)) from error
    if not url.is_network:
        raise _QuestionError(key, f"{text!r} is no http, https, ws or wss address")
    return url
